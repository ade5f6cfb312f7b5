from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.controls import change_switches
from connector.sandbox.documents import EVENT_V1, EVENT_V2, TAG_V1
from connector.sandbox.platform import Tokens
from connector.sandbox.store import ItemQuery, Store
from connector.sandbox.switches import Switches


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


MEMORY = """
from connector.sandbox.documents import EVENT_V2
from connector.sandbox.store import Store

def used():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

store, before = Store(), used()
for number in range(20_000):
    store.add(EVENT_V2, {}, [{"uuid": str(number), "identities": [], "eventargs": {"a": "b" * 200}}], 0)
print((used() - before) * 1024 // 20_000)
"""


def test_a_stored_item_takes_the_memory_that_it_needs_and_no_page_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2000


def test_items_without_a_uuid_cannot_repeat() -> None:
    store = Store()
    store.add(TAG_V1, {}, [{"phone": "1", "tags": "a"}] * 2, 0)
    assert store.report()["repeated"] == 0


def test_order_is_checked_per_identity() -> None:
    store = Store()
    store.add(EVENT_V2, {}, [_item("a", "1", 5), _item("b", "2", 1), _item("c", "1", 5), _item("d", "1", 4)], 0)
    assert store.report()["out_of_order"] == 1


def test_the_worked_example_of_out_of_order_items() -> None:
    store = Store()
    store.add(EVENT_V2, {}, [_item(str(seq), seq=seq) for seq in (1, 3, 2, 4)], 0)
    assert store.report()["out_of_order"] == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9))))
def test_out_of_order_counts_each_seq_below_its_predecessor(sent: list[tuple[str, int]]) -> None:
    store = Store()
    store.add(EVENT_V2, {}, [_item(str(index), phone, seq) for index, (phone, seq) in enumerate(sent)], 0)
    expected = 0
    for phone in "ab":
        seqs = [seq for other, seq in sent if other == phone]
        expected += sum(later < earlier for earlier, later in itertools.pairwise(seqs))
    assert store.report()["out_of_order"] == expected


def test_the_latest_matching_items_are_returned_in_stored_order() -> None:
    store = Store()
    store.add(EVENT_V2, {"matchingType": 1}, [_item(str(n), str(n % 2)) for n in range(10)], 7)
    assert [found["item"]["uuid"] for found in store.find(ItemQuery(limit=3))] == ["7", "8", "9"]
    assert [found["item"]["uuid"] for found in store.find(ItemQuery(identity="1", limit=2))] == ["7", "9"]
    (found,) = store.find(ItemQuery(endpoint="event/v2/batchAdd", uuid="4"))
    assert (found["publicParams"], found["at_ms"]) == ({"matchingType": 1}, 7)
    assert store.find(ItemQuery(endpoint="event/batchAdd")) == []


def test_a_token_is_valid_until_its_life_ends() -> None:
    tokens = Tokens("app", "secret")
    token = tokens.issue(10, 100, kill_old=False)
    assert tokens.is_valid(token, 109.9)
    assert not tokens.is_valid(token, 110)
    assert not tokens.is_valid("", 100)


def test_a_new_token_invalidates_the_old_ones_only_if_switched() -> None:
    tokens = Tokens("app", "secret")
    first = tokens.issue(10, 0, kill_old=False)
    second = tokens.issue(10, 0, kill_old=False)
    assert tokens.is_valid(first, 1)
    third = tokens.issue(10, 0, kill_old=True)
    assert [tokens.is_valid(token, 1) for token in (first, second, third)] == [False, False, True]


@pytest.mark.parametrize("given_pair", [("app", "Secret"), ("App", "secret"), ("", ""), ("应用", "秘密")])
def test_only_the_credentials_of_the_app_are_accepted(given_pair: tuple[str, str]) -> None:
    tokens = Tokens("app", "secret")
    assert tokens.authenticate("app", "secret")
    assert not tokens.authenticate(*given_pair)


def test_switches_that_are_not_named_keep_their_values() -> None:
    switches = change_switches(Switches(), b'{"token_ttl_s": 2}')
    switches = change_switches(switches, b'{"seconds": "ignore"}')
    assert (switches.token_ttl_s, switches.seconds) == (2, "ignore")


@pytest.mark.parametrize("text", [b'{"no_such": true}', b'{"token_ttl_s": "2"}', b'{"token_ttl_s": 0}', b"[]"])
def test_an_invalid_switch_changes_nothing(text: bytes) -> None:
    with pytest.raises(ValueError, match=": "):
        change_switches(Switches(), text)
