from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.sandbox.documents import EVENT_V1, EVENT_V2, TAG_V1
from connector.sandbox.store import Store, Wanted
from connector.sandbox.switches import Switches, change
from connector.sandbox.tokens import Tokens


def _item(uuid: str, phone: str = "13800000000", seq: int | None = None) -> dict[str, Any]:
    item: dict[str, Any] = {"uuid": uuid, "identities": [{"identityType": "phone", "identityValue": phone}]}
    return item if seq is None else {**item, "eventargs": {"seq": seq}}


def test_an_item_is_repeated_if_uuid_endpoint_and_identity_are_the_same() -> None:
    store = Store()
    store.add(EVENT_V2, {}, [_item("a"), _item("a"), _item("b"), _item("a", "13900000000")], 0)
    store.add(EVENT_V1, {}, [{"uuid": "a", "phone": "13800000000"}], 0)
    report = store.report()
    assert (report["stored"], report["repeated"]) == (5, 1)
    assert report["by_endpoint"]["event/v2/batchAdd"]["repeated"] == 1
    assert report["by_endpoint"]["event/batchAdd"]["repeated"] == 0


def test_items_without_a_uuid_cannot_repeat() -> None:
    store = Store()
    store.add(TAG_V1, {}, [{"phone": "1", "tags": "a"}] * 2, 0)
    assert store.report()["repeated"] == 0


def test_order_is_watched_for_each_identity_on_its_own() -> None:
    store = Store()
    store.add(EVENT_V2, {}, [_item("a", "1", 5), _item("b", "2", 1), _item("c", "1", 5), _item("d", "1", 4)], 0)
    assert store.report()["out_of_order"] == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9))))
def test_out_of_order_is_the_number_of_falls(sent: list[tuple[str, int]]) -> None:
    store = Store()
    store.add(EVENT_V2, {}, [_item(str(index), phone, seq) for index, (phone, seq) in enumerate(sent)], 0)
    falls = 0
    for phone in "ab":
        seqs = [seq for other, seq in sent if other == phone]
        falls += sum(later < earlier for earlier, later in itertools.pairwise(seqs))
    assert store.report()["out_of_order"] == falls


def test_the_youngest_wanted_items_are_given_in_order() -> None:
    store = Store()
    store.add(EVENT_V2, {"matchingType": 1}, [_item(str(n), str(n % 2)) for n in range(10)], 7)
    assert [found["item"]["uuid"] for found in store.find(Wanted(limit=3))] == ["7", "8", "9"]
    assert [found["item"]["uuid"] for found in store.find(Wanted(identity="1", limit=2))] == ["7", "9"]
    (found,) = store.find(Wanted(endpoint="event/v2/batchAdd", uuid="4"))
    assert (found["publicParams"], found["at_ms"]) == ({"matchingType": 1}, 7)
    assert store.find(Wanted(endpoint="event/batchAdd")) == []


def test_a_token_lives_as_long_as_it_was_told() -> None:
    tokens = Tokens("app", "secret")
    token = tokens.issue(10, 100, kill_old=False)
    assert tokens.valid(token, 109.9)
    assert not tokens.valid(token, 110)
    assert not tokens.valid("", 100)


def test_a_new_token_kills_the_old_one_only_if_told() -> None:
    tokens = Tokens("app", "secret")
    first = tokens.issue(10, 0, kill_old=False)
    second = tokens.issue(10, 0, kill_old=False)
    assert tokens.valid(first, 1)
    third = tokens.issue(10, 0, kill_old=True)
    assert [tokens.valid(token, 1) for token in (first, second, third)] == [False, False, True]


@pytest.mark.parametrize("given_pair", [("app", "Secret"), ("App", "secret"), ("", ""), ("应用", "秘密")])
def test_only_the_apps_own_credentials_are_admitted(given_pair: tuple[str, str]) -> None:
    tokens = Tokens("app", "secret")
    assert tokens.admits("app", "secret")
    assert not tokens.admits(*given_pair)


def test_switches_that_are_not_named_stay() -> None:
    switches = change(Switches(), b'{"token_ttl_s": 2}')
    switches = change(switches, b'{"seconds": "ignore"}')
    assert (switches.token_ttl_s, switches.seconds) == (2, "ignore")


@pytest.mark.parametrize("text", [b'{"no_such": true}', b'{"token_ttl_s": "2"}', b'{"token_ttl_s": 0}', b"[]"])
def test_a_switch_that_is_none_changes_nothing(text: bytes) -> None:
    with pytest.raises(ValidationError):
        change(Switches(), text)
