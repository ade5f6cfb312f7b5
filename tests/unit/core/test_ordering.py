"""Lanes against a model that looks through the list of all items, each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.core.ordering import KeyQueues

PARAMS = st.sampled_from(["add", "delete"])


@dataclass(eq=False)
class _Item:
    number: int
    keys: tuple[str, ...]
    params: str
    lot: int | None = None
    state: Literal["waits", "holds", "ended"] = "waits"

    def shares_with(self, other: _Item) -> bool:
        return not set(self.keys).isdisjoint(other.keys)


class LanesMachine(RuleBasedStateMachine):
    """One open lot per params, as in a target; lots are sealed, items of any lot end in any order or are discarded."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: KeyQueues[_Item] = KeyQueues(lambda item: item.keys)
        self.items: list[_Item] = []
        self.lots = 2
        self.open = {"add": 1, "delete": 2}

    # -- what a target does -------------------------------------------------------------------------------------

    def joined(self, item: _Item) -> None:
        lot = self.open[item.params]
        assert self.may_join(item, lot), f"{item} overtakes, or meets itself in another request"
        item.lot, item.state = lot, "holds"

    def readmit(self, candidates: list[_Item]) -> None:
        while candidates:
            item = candidates.pop()
            if self.lanes.readmit(item, self.open[item.params]):
                self.joined(item)
                candidates += self.lanes.next_waiting(item)

    def may_join(self, item: _Item, lot: int) -> bool:
        """The rule, by looking: nothing earlier that shares a key is unfinished outside of the lot."""
        return all(
            other.state == "ended" or other.lot == lot for other in self.items[: item.number] if other.shares_with(item)
        )

    def pick(self, data: st.DataObject, state: str) -> _Item:
        return data.draw(st.sampled_from([item for item in self.items if item.state == state]))

    def any_in(self, state: str) -> bool:
        return any(item.state == state for item in self.items)

    # -- what happens -------------------------------------------------------------------------------------------

    @rule(keys=st.lists(st.sampled_from("abcd"), min_size=1, max_size=3), params=PARAMS)
    def arrive(self, keys: list[str], params: str) -> None:
        item = _Item(len(self.items), tuple(keys), params)
        self.items.append(item)
        if self.lanes.admit(item, self.open[params]):
            self.joined(item)

    @rule(params=PARAMS)
    def seal(self, params: str) -> None:
        self.lots += 1
        self.open[params] = self.lots

    @precondition(lambda self: self.any_in("holds"))
    @rule(data=st.data())
    def end_one(self, data: st.DataObject) -> None:
        item = self.pick(data, "holds")
        item.state = "ended"
        self.readmit(self.lanes.release(item))

    @precondition(lambda self: self.any_in("holds"))
    @rule(data=st.data())
    def end_a_whole_lot(self, data: st.DataObject) -> None:
        lot = self.pick(data, "holds").lot
        candidates: list[_Item] = []
        for item in [item for item in self.items if item.lot == lot and item.state == "holds"]:
            item.state = "ended"
            candidates += self.lanes.release(item)
        self.readmit(candidates)

    @precondition(lambda self: self.any_in("waits"))
    @rule(numbers=st.sets(st.integers(0, 20), max_size=8))
    def discard(self, numbers: set[int]) -> None:
        unwanted = [item for item in self.items if item.state == "waits" and item.number in numbers]
        gone, free = self.lanes.discard(lambda item: item in unwanted)
        assert sorted(item.number for item in gone) == [item.number for item in unwanted]
        for item in unwanted:
            item.state = "ended"
        self.readmit(free)

    # -- what is always true ------------------------------------------------------------------------------------

    @invariant()
    def nobody_waits_who_may_go(self) -> None:
        for item in self.items:
            if item.state == "waits":
                assert not self.may_join(item, self.open[item.params]), f"{item} starves"

    @invariant()
    def no_key_is_in_two_lots_at_once(self) -> None:
        holders: dict[str, int | None] = {}
        for item in self.items:
            if item.state == "holds":
                for key in item.keys:
                    assert holders.setdefault(key, item.lot) == item.lot

    @invariant()
    def no_key_is_remembered_that_nobody_has(self) -> None:
        unfinished = [item for item in self.items if item.state != "ended"]
        assert self.lanes.key_count == len({key for item in unfinished for key in item.keys})

    def teardown(self) -> None:
        """In the end everybody has had a turn, and nothing is left behind."""
        while holding := [item for item in self.items if item.state == "holds"]:
            for params in self.open:
                self.seal(params)
            holding[0].state = "ended"
            self.readmit(self.lanes.release(holding[0]))
        assert not self.any_in("waits")
        assert self.lanes.key_count == 0


TestLanes = LanesMachine.TestCase
TestLanes.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def test_what_shares_a_key_may_share_a_request_in_order() -> None:
    lanes: KeyQueues[str] = KeyQueues(lambda _: ["anna"])
    assert [lanes.admit(item, 1) for item in ("first", "second")] == [True, True]


def test_what_shares_a_key_with_another_request_waits_until_that_has_ended() -> None:
    lanes: KeyQueues[str] = KeyQueues(lambda _: ["anna"])
    lanes.admit("first", 1)
    assert not lanes.admit("second", 2)
    assert not lanes.readmit("second", 2)
    assert lanes.release("first") == ["second"]
    assert lanes.readmit("second", 2)


def test_an_item_of_two_identities_waits_for_both() -> None:
    keys = {"phone": ["phone"], "openid": ["openid"], "both": ["phone", "openid"]}
    lanes: KeyQueues[str] = KeyQueues(lambda item: keys[item])
    lanes.admit("phone", 1)
    lanes.admit("openid", 2)
    assert not lanes.admit("both", 3)
    assert lanes.release("phone") == ["both"]
    assert not lanes.readmit("both", 3)
    assert lanes.release("openid") == ["both"]
    assert lanes.readmit("both", 3)
