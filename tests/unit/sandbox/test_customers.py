"""Customers are unified by their identities, as items arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox import customers as customers_module
from connector.sandbox.customers import Customer, Customers
from connector.sandbox.documents import ENDPOINTS
from connector.sandbox.store import Store
from tests.unit.sandbox import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENT = "event/v2/batchAdd"


def taken(*requests: tuple[str, dict[str, Any], Sequence[dict[str, Any]]]) -> Customers:
    """Return the customers after requests: endpoint, publicParams, items."""
    store, customers = Store(), Customers()
    for at_ms, (endpoint, params, items) in enumerate(requests):
        store.add(ENDPOINTS[endpoint], params, list(items), at_ms)
    customers.take(store.take_unread(1_000_000))
    assert store.unread == 0
    return customers


def event(*identities: str) -> dict[str, Any]:
    pairs = [each.split(":") for each in identities]
    return {"eventKey": "c", "identities": [{"identityType": kind, "identityValue": value} for kind, value in pairs]}


def tagged(tags: str, opt: str = "add") -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    return "audience/tag/batchAdd", {"optType": opt}, [{"phone": "1", "tags": tags}]


def only(customers: Customers) -> Customer:
    [customer] = customers.search("", 10)
    return customer


def test_whoever_shares_an_identity_is_one_customer() -> None:
    customers = taken((EVENT, {}, [event("phone:1"), event("openid:x"), event("phone:2")]))
    assert len(customers) == 3
    customers = taken(
        (EVENT, {}, [event("phone:1"), event("openid:x"), event("phone:2"), event("openid:x", "phone:1")])
    )
    assert [
        (each.number, list(each.identities), each.events, each.unified_from) for each in customers.search("", 9)
    ] == [
        (1, ["phone:1", "openid:x"], 3, 2),
        (3, ["phone:2"], 1, 1),
    ]


LINKS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3), max_size=20)


@given(LINKS)
def test_customers_are_the_connected_parts_of_the_identities(links: list[list[int]]) -> None:
    customers = taken((EVENT, {}, [event(*(f"phone:{each}" for each in link)) for link in links]))
    parts: list[set[int]] = []
    for link in links:
        joined = [part for part in parts if part & set(link)]
        parts = [part for part in parts if part not in joined] + [set(link).union(*joined)]
    found = {frozenset(each.identities) for each in customers.search("", 100)}
    assert found == {frozenset(f"phone:{each}" for each in part) for part in parts}
    assert sum(each.events for each in customers.search("", 100)) == len(links)


def test_profiles_tags_and_groups_come_together_whatever_the_endpoint() -> None:
    requests = [(path, body["publicParams"], body["data"]) for path, body in examples.ACCEPTED.values()]
    customers = taken(*requests)
    [customer] = customers.search("18888888888", 10)
    assert (customer.profile, list(customer.tags), list(customer.groups)) == (
        {"realName": "张三", "sex": "男", "属性1": "p1-1"},
        ["标签1: 标签值1"],
        ["group1", "group2"],
    )


def test_tags_are_deleted_as_asked() -> None:
    assert list(only(taken(tagged("a,b, c"), tagged("b", "delete"), tagged("never", "delete"))).tags) == ["a", "c"]


def test_a_newer_profile_field_replaces_an_older_one_also_when_customers_become_one() -> None:
    info = "audience/info/batchAdd"
    customers = taken(
        (info, {}, [{"phone": "1", "realName": "old", "address": "here"}]),
        (info, {}, [{"openid": "x", "realName": "new"}]),
        (EVENT, {}, [event("phone:1", "openid:x")]),
    )
    assert only(customers).profile == {"realName": "new", "address": "here"}


def test_the_names_of_the_customer_id_are_one() -> None:
    customers = taken(
        ("event/batchAdd", {}, [{"thirdId": "7", "eventKey": "c"}]), (EVENT, {}, [event("uid:7"), event("id:7")])
    )
    assert only(customers).events == 3


def test_a_customer_is_found_by_identity_and_name_the_latest_first() -> None:
    items = [{"phone": "1391", "realName": "Li"}, {"phone": "1392", "realName": "Wang"}, {"openid": "li-1392"}]
    customers = taken(("audience/info/batchAdd", {}, items))
    assert [each.number for each in customers.search(" LI ", 9)] == [3, 1]
    assert [each.number for each in customers.search("1392", 1)] == [3]
    assert customers.search("nobody", 9) == []
    assert customers.get(2) is not None
    assert customers.get(9) is None


def test_items_without_an_identity_belong_to_nobody() -> None:
    assert len(taken(("event/batchAdd", {}, [{"eventKey": "c"}]))) == 0


def test_only_the_customers_that_changed_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customers_module, "KEPT_CUSTOMERS", 2)
    items = [event("phone:1"), event("phone:2"), event("phone:1"), event("phone:3"), event("phone:2")]
    customers = taken((EVENT, {}, items))
    assert (len(customers), customers.forgotten) == (2, 2)
    assert [(each.number, list(each.identities)) for each in customers.search("", 9)] == [
        (4, ["phone:2"]),
        (3, ["phone:3"]),
    ]


def test_a_mistake_that_makes_one_customer_of_all_is_shown_and_costs_no_more_than_others() -> None:
    chained = [event(f"phone:{number}", f"phone:{number + 1}") for number in range(3000, -1, -1)]
    customer = only(taken((EVENT, {}, [*(event(f"phone:{number}") for number in range(3000)), *chained])))
    assert (customer.number, customer.unified_from, len(customer.identities)) == (1, 3001, 3002)
    summary = customer.summary()
    assert (len(summary["identities"]), summary["more"]) == (30, {"identities": 2972, "tags": 0, "groups": 0})


def test_a_long_text_is_cut_where_it_is_shown() -> None:
    item = {"phone": "1" * 5000, "realName": "n" * 5000, "tags": "t" * 5000}
    summary = only(taken(("audience/info/batchAdd", {}, [item]))).summary()
    assert len(str(summary)) < 1200


def test_of_each_customer_the_latest_items_are_kept() -> None:
    customer = only(taken((EVENT, {}, [event("phone:1") | {"uuid": str(number)} for number in range(50)])))
    assert [each.uuid for each in customer.latest] == [str(number) for number in range(30, 50)]
    assert (customer.items, customer.events) == (50, 50)


@pytest.mark.parametrize(
    "tags", [None, "text", [1], [{}], [{"tagName": "a"}], [{"tagName": "a", "tagValueList": [1, {}]}]]
)
def test_tags_of_any_form_are_taken(tags: object) -> None:
    item = {**event("phone:1"), "operateTags": tags, "customFields": tags}
    assert only(taken(("audience/tag/v2/batchAdd", {"optType": "add"}, [item]))).items == 1
