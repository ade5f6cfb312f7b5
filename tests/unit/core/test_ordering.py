"""Key queues against a model that looks through the list of all items each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.core.ordering import KeyQueues

PARAMS = st.sampled_from(["add", "delete"])
KEYS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3)
State = Literal["waiting", "admitted", "ended"]


@dataclass(eq=False)
class _Item:
    number: int
    keys: tuple[str, ...]
    params: str
    queues: KeyQueues[_Item]
    batch_id: int | None = None
    state: State = "waiting"

    def shares_a_key_with(self, other: _Item) -> bool:
        return not set(self.keys).isdisjoint(other.keys)


def _is_connected(item: _Item, before: list[_Item], after: list[_Item]) -> bool:
    """Whether `item` shares a key with one of `before`, or with an earlier item of `after` that does."""
    earlier = [other for other in after if other.number < item.number and other.shares_a_key_with(item)]
    return any(other.shares_a_key_with(item) for other in before) or any(
        _is_connected(other, before, after) for other in earlier
    )


class KeyQueuesMachine(RuleBasedStateMachine):
    """Items of two publicParams, each with one open batch at a time, as in a target that may have a successor."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[_Item] = []
        self.last_batch_id = 0
        self.open: dict[tuple[KeyQueues[_Item], str], int] = {}
        self.generations: list[KeyQueues[_Item]] = []
        self.queues = self.new_queues()

    def new_queues(self) -> KeyQueues[_Item]:
        queues: KeyQueues[_Item] = KeyQueues(lambda item: item.keys)
        self.generations.append(queues)
        for params in ("add", "delete"):
            self.seal_in(queues, params)
        return queues

    def seal_in(self, queues: KeyQueues[_Item], params: str) -> None:
        self.last_batch_id += 1
        self.open[queues, params] = self.last_batch_id

    def open_for(self, item: _Item) -> int:
        return self.open[item.queues, item.params]

    # -- the model ----------------------------------------------------------------------------------------------

    def may_join(self, item: _Item, batch_id: int) -> bool:
        """The rule: every earlier item that shares a key has ended or is in the same batch."""
        earlier = [other for other in self.items[: item.number] if other.shares_a_key_with(item)]
        return all(other.state == "ended" or other.batch_id == batch_id for other in earlier)

    def items_in(self, state: State) -> list[_Item]:
        return [item for item in self.items if item.state == state]

    def on_admitted(self, item: _Item) -> None:
        batch_id = self.open_for(item)
        assert self.may_join(item, batch_id), f"{item} overtakes, or shares a key with another request"
        item.batch_id, item.state = batch_id, "admitted"

    # -- what a target does -------------------------------------------------------------------------------------

    def readmit(self, candidates: list[_Item]) -> None:
        while candidates:
            item = candidates.pop()
            if item.queues.readmit(item, self.open_for(item)):
                self.on_admitted(item)
                candidates += item.queues.next_waiting(item)

    def release(self, items: list[_Item]) -> None:
        candidates: list[_Item] = []
        for item in items:
            item.state = "ended"
            candidates += item.queues.release(item)
        self.readmit(candidates)

    # -- what happens -------------------------------------------------------------------------------------------

    @rule(keys=KEYS, params=PARAMS)
    def put(self, keys: list[str], params: str) -> None:
        item = _Item(len(self.items), tuple(keys), params, self.queues)
        self.items.append(item)
        if self.queues.admit(item, self.open_for(item)):
            self.on_admitted(item)

    @rule(params=PARAMS)
    def seal(self, params: str) -> None:
        self.seal_in(self.queues, params)

    @precondition(lambda self: self.items_in("admitted"))
    @rule()
    def exchange(self) -> None:
        """Another target takes over; what the earlier ones have ends there."""
        earlier, self.queues = self.queues, self.new_queues()
        self.queues.succeed(earlier, self.readmit)

    @precondition(lambda self: self.items_in("admitted"))
    @rule(data=st.data())
    def end_one_item(self, data: st.DataObject) -> None:
        self.release([data.draw(st.sampled_from(self.items_in("admitted")))])

    @precondition(lambda self: self.items_in("admitted"))
    @rule(data=st.data())
    def end_a_whole_batch(self, data: st.DataObject) -> None:
        batch_id = data.draw(st.sampled_from(self.items_in("admitted"))).batch_id
        self.release([item for item in self.items_in("admitted") if item.batch_id == batch_id])

    @precondition(lambda self: self.items_in("admitted"))
    @rule(data=st.data())
    def take_a_batch_apart(self, data: st.DataObject) -> None:
        """Some of its items go first. What stays in the batch gets a number of its own, as it is another request."""
        batch_id = data.draw(st.sampled_from(self.items_in("admitted"))).batch_id
        batch = [item for item in self.items_in("admitted") if item.batch_id == batch_id]
        queues = batch[0].queues
        self.seal_in(queues, "add")
        self.seal_in(queues, "delete")
        first = data.draw(st.integers(1, len(batch)))
        before, after = batch[:first], batch[first:]
        kept = queues.hold_back(before, after)
        self.last_batch_id += 1
        for item in after:
            assert (item in kept) is not _is_connected(item, before, after)
            item.state = "admitted" if item in kept else "waiting"
            item.batch_id = self.last_batch_id if item in kept else None

    @precondition(lambda self: self.items_in("waiting"))
    @rule(numbers=st.sets(st.integers(0, 20), max_size=8))
    def discard(self, numbers: set[int]) -> None:
        chosen = [item for item in self.items_in("waiting") if item.number in numbers]
        for queues in reversed(self.generations):
            mine = [item for item in chosen if item.queues is queues]
            for item in mine:
                item.state = "ended"
            discarded, candidates = queues.discard(lambda item, mine=mine: item in mine)  # type: ignore[misc]
            assert sorted(item.number for item in discarded) == [item.number for item in mine]
            self.readmit(candidates)

    # -- what is always true ------------------------------------------------------------------------------------

    @invariant()
    def the_queues_are_right(self) -> None:
        """One invariant, so that a failing example prints one line per step."""
        self.every_item_that_may_be_admitted_is()
        self.no_key_is_in_two_batches_at_once()
        self.only_keys_of_unfinished_items_are_kept()

    def every_item_that_may_be_admitted_is(self) -> None:
        for item in self.items_in("waiting"):
            assert not self.may_join(item, self.open_for(item)), f"{item} starves"

    def no_key_is_in_two_batches_at_once(self) -> None:
        batch_ids: dict[str, int | None] = {}
        for item in self.items_in("admitted"):
            for key in item.keys:
                assert batch_ids.setdefault(key, item.batch_id) == item.batch_id

    def only_keys_of_unfinished_items_are_kept(self) -> None:
        keys: set[str] = set()
        for queues in self.generations:  # those of the earlier ones are reserved in the later ones
            keys |= {key for item in self.items if item.state != "ended" and item.queues is queues for key in item.keys}
            assert queues.key_count == len(keys)

    def teardown(self) -> None:
        """One after the other, every item is admitted, and nothing is left behind."""
        while admitted := self.items_in("admitted"):
            for queues, params in self.open:
                self.seal_in(queues, params)
            self.release(admitted[:1])
        assert not self.items_in("waiting")
        assert [queues.key_count for queues in self.generations] == [0] * len(self.generations)


TestKeyQueues = KeyQueuesMachine.TestCase
TestKeyQueues.settings = settings(max_examples=80, stateful_step_count=40)


def test_items_that_share_a_key_may_share_a_request_in_order() -> None:
    queues: KeyQueues[str] = KeyQueues(lambda _: ["anna"])
    assert [queues.admit(item, 1) for item in ("first", "second")] == [True, True]


def test_an_item_that_shares_a_key_with_another_request_waits_until_that_one_has_ended() -> None:
    queues: KeyQueues[str] = KeyQueues(lambda _: ["anna"])
    queues.admit("first", 1)
    assert not queues.admit("second", 2)
    assert not queues.readmit("second", 2)
    assert queues.release("first") == ["second"]
    assert queues.readmit("second", 2)


def test_the_worked_example_of_the_module() -> None:
    keys = {1: ["anna"], 2: ["bert"], 3: ["anna", "bert"]}
    queues: KeyQueues[int] = KeyQueues(lambda item: keys[item])
    assert queues.admit(1, 1)
    assert queues.admit(2, 2)
    assert not queues.admit(3, 3)
    assert queues.release(1) == [3]
    assert not queues.readmit(3, 3)
    assert queues.release(2) == [3]
    assert queues.readmit(3, 3)


def test_items_wait_for_those_of_the_queues_that_theirs_succeed() -> None:
    earlier: KeyQueues[str] = KeyQueues(lambda item: [item[0]])
    later: KeyQueues[str] = KeyQueues(lambda item: [item[0]])
    earlier.admit("a1", 1)
    earlier.admit("a2", 2)
    may_go: list[list[str]] = []
    later.succeed(earlier, may_go.append)
    assert [later.admit(item, 1) for item in ("a3", "b1")] == [False, True]
    assert earlier.release("a1") == ["a2"]
    assert earlier.readmit("a2", 3)
    assert may_go == []
    earlier.release("a2")
    assert may_go == [["a3"]]
    assert later.readmit("a3", 2)


def test_an_item_that_names_a_key_twice_holds_it_once() -> None:
    queues: KeyQueues[str] = KeyQueues(lambda _: ["anna", "anna"])
    queues.admit("first", 1)
    assert queues.release("first") == []
    assert queues.key_count == 0


def _discard(*discarded: str) -> list[str]:
    """The items that may be readmitted after some were discarded; all wait behind `first`, directly or not."""
    keys = {"first": ["k"], "x": ["k", "a", "b"], "y": ["a", "c"], "behind x": ["b"], "behind y": ["c"]}
    queues: KeyQueues[str] = KeyQueues(lambda item: keys[item])
    assert [queues.admit(item, batch_id) for batch_id, item in enumerate(keys)] == [True, False, False, False, False]
    gone, candidates = queues.discard(lambda item: item in discarded)
    assert gone == list(discarded)
    return candidates


def test_discarding_an_item_returns_the_first_waiting_item_of_each_of_its_keys() -> None:
    assert _discard("x") == ["y", "behind x"]


def test_discarding_items_with_a_common_key_returns_what_waits_for_their_other_keys() -> None:
    assert _discard("x", "y") == ["behind x", "behind y"]


def test_what_would_overtake_an_item_that_is_sent_on_its_own_waits_and_no_other() -> None:
    keys = {
        "culprit": ["anna"],
        "anna too": ["anna", "bert"],
        "bert": ["bert", "carl"],
        "dora": ["dora"],
        "carl": ["carl"],
    }
    queues: KeyQueues[str] = KeyQueues(lambda item: keys[item])
    assert all(queues.admit(item, 1) for item in keys)
    assert queues.hold_back(["culprit"], list(keys)[1:]) == ("dora",)
    assert queues.release("dora") == []
    assert queues.release("culprit") == ["anna too"]
    assert queues.readmit("anna too", 2)
    assert queues.next_waiting("anna too") == ["bert"]
