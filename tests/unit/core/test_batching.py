"""Batches: exact bytes, count, order and age; publicParams are not mixed, nothing is lost, nothing is starved."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector.core.batching import Batcher, BatchLimits, OpenBatch

PARAMS = st.sampled_from([b"", b"add", b"delete"])
SIZES = st.integers(1, 70)
LIMITS = st.builds(BatchLimits, st.integers(1, 5), st.integers(20, 60), st.sampled_from([0.2, 1.0]))


@dataclass(frozen=True)
class _Item:
    number: int
    size: int
    added_at: float
    batch_id: int
    """What `batch_id_for` promised."""


def _overhead(params: bytes) -> int:
    return 10 + len(params)


def _size(item: _Item) -> int:
    return item.size


class BatcherMachine(RuleBasedStateMachine):
    """The model: one queue of items per publicParams. Each batch must be the head of one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.added = 0
        self.queues: dict[bytes, list[_Item]] = {b"": [], b"add": [], b"delete": []}
        self.opened_at: dict[int, float] = {}
        self.taken: set[int] = set()

    @initialize(limits=LIMITS)
    def create(self, limits: BatchLimits) -> None:
        self.limits = limits
        self.batcher: Batcher[_Item] = Batcher(limits, _overhead)

    @rule(params=PARAMS, size=SIZES)
    def add(self, params: bytes, size: int) -> None:
        item = _Item(self.added, size, self.now, self.batcher.batch_id_for(params, size))
        self.added += 1
        self.queues[params].append(item)
        self.opened_at.setdefault(item.batch_id, self.now)
        self.batcher.add(params, item, size, self.now)

    @rule(params=PARAMS, sizes=st.lists(SIZES, max_size=12))
    def add_several(self, params: bytes, sizes: list[int]) -> None:
        """Joins the same batches as if they were added one by one."""
        one_by_one = deepcopy(self.batcher)
        items, sealed = [], False
        for number, size in enumerate(sizes, self.added):
            items.append(_Item(number, size, self.now, one_by_one.batch_id_for(params, size)))
            sealed |= one_by_one.add(params, items[-1], size, self.now)
            self.opened_at.setdefault(items[-1].batch_id, self.now)
        self.added += len(items)
        self.queues[params] += items
        assert self.batcher.add_all(params, items, sizes, self.now) == sealed

    @rule(params=PARAMS, size=SIZES)
    def ask_only(self, params: bytes, size: int) -> None:
        self.batcher.batch_id_for(params, size)

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        due_at = self.batcher.due_at()
        batch = self.batcher.take(self.now)
        if batch is not None:
            self.check(batch)
        else:
            assert due_at > self.now

    def check(self, batch: OpenBatch[_Item]) -> None:
        queue = self.queues[batch.params]
        count = len(batch.items)
        assert queue[:count] == batch.items, "lost, or out of order"
        del queue[:count]
        assert 1 <= count <= self.limits.max_records
        assert batch.bytes == _overhead(batch.params) + sum(item.size for item in batch.items)
        assert batch.bytes <= self.limits.max_bytes or count == 1
        assert {item.batch_id for item in batch.items} == {batch.batch_id}
        assert batch.batch_id not in self.taken
        self.taken.add(batch.batch_id)

    @precondition(lambda self: any(self.queues.values()))
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        waiting = [item for queue in self.queues.values() for item in queue]
        chosen = data.draw(st.lists(st.sampled_from(waiting), max_size=4, unique=True))
        discarded = self.batcher.discard(lambda item: item in chosen, _size)
        assert sorted(discarded, key=_number) == sorted(chosen, key=_number)
        self.queues = {params: [item for item in queue if item not in chosen] for params, queue in self.queues.items()}

    @rule()
    def flush(self) -> None:
        self.batcher.flush()
        assert self.batcher.due_at() == (-math.inf if any(self.queues.values()) else math.inf)

    @invariant()
    def the_next_due_time_counts_from_the_opening_of_a_waiting_batch(self) -> None:
        waiting = {item.batch_id for queue in self.queues.values() for item in queue}
        due_at = self.batcher.due_at()
        opened_at = [self.opened_at[batch_id] for batch_id in waiting]
        assert due_at in {-math.inf, math.inf, *(opened + self.limits.max_wait_s for opened in opened_at)}

    def teardown(self) -> None:
        if self.added:
            self.now += 10.0
            while (batch := self.batcher.take(self.now)) is not None:
                self.check(batch)
            assert not any(self.queues.values()), "something never leaves"


def _number(item: _Item) -> int:
    return item.number


TestBatcher = BatcherMachine.TestCase
TestBatcher.settings = settings(max_examples=100, stateful_step_count=30)


def _batcher(records: int = 3, size: int = 100, wait_s: float = 0.2) -> Batcher[str]:
    return Batcher(BatchLimits(records, size, wait_s), _overhead)


def _taken(batcher: Batcher[str], now: float) -> list[list[str]]:
    """Take every batch that can be taken at `now`."""
    batches = []
    while (batch := batcher.take(now)) is not None:
        batches.append(batch.items)
    return batches


def test_the_worked_example_of_the_module() -> None:
    batcher = _batcher()
    assert not batcher.add(b"B", "b1", 1, 0.00)
    assert [batcher.add(b"A", item, 1, 0.01) for item in ("a1", "a2", "a3")] == [False, False, True]
    assert _taken(batcher, 0.01) == [["a1", "a2", "a3"]]
    assert [batcher.add(b"A", item, 1, 0.02) for item in ("a4", "a5", "a6")] == [False, False, True]
    assert _taken(batcher, 0.20) == [["b1"], ["a4", "a5", "a6"]]


def test_a_batch_is_due_when_its_first_item_has_waited_long_enough_and_not_before() -> None:
    batcher = _batcher()
    batcher.add(b"", "a", 10, 5.0)
    batcher.add(b"", "b", 10, 5.1)
    assert batcher.due_at() == pytest.approx(5.2)
    assert _taken(batcher, 5.19) == []
    assert _taken(batcher, 5.2) == [["a", "b"]]


def test_a_sealed_batch_goes_before_a_due_one_that_is_not_older() -> None:
    batcher = _batcher(records=2)
    batcher.add(b"B", "b1", 1, 0.0)
    batcher.add(b"A", "a1", 1, 0.0)
    batcher.add(b"A", "a2", 1, 0.0)
    assert _taken(batcher, 9.0) == [["a1", "a2"], ["b1"]]


def test_an_item_that_fills_the_last_byte_fits_and_one_more_byte_does_not() -> None:
    batcher = _batcher(records=10)
    batcher.add(b"", "a", 45, 5.0)
    assert batcher.batch_id_for(b"", 45) == 1
    assert batcher.add(b"", "b", 45, 5.0)
    assert _taken(batcher, 5.0) == [["a", "b"]]
    batcher.add(b"", "c", 45, 5.0)
    assert batcher.batch_id_for(b"", 46) != batcher.batch_id_for(b"", 45)
    assert batcher.add(b"", "d", 46, 5.0), "c's batch is sealed, though the new one is not"
    assert _taken(batcher, 5.0) == [["c"]]


def test_an_item_that_is_too_large_for_any_batch_goes_alone() -> None:
    batcher = _batcher()
    batcher.add(b"", "small", 10, 5.0)
    assert batcher.add(b"", "large", 5000, 5.0)
    assert _taken(batcher, 5.0) == [["small"], ["large"]]


def test_a_discarded_item_makes_room_for_as_many_bytes() -> None:
    batcher = _batcher(records=10)
    batcher.add(b"", "a", 40, 5.0)
    batcher.add(b"", "b", 40, 5.0)
    assert batcher.discard(lambda item: item == "a", lambda _: 40) == ["a"]
    batcher.add(b"", "c", 40, 5.0)
    batch = batcher.take(6.0)
    assert batch is not None
    assert (batch.items, batch.bytes) == (["b", "c"], 90)


@given(rounds=st.integers(5, 40))
def test_frequent_publicparams_do_not_starve_rare_ones(rounds: int) -> None:
    """Full batches of one kind come as fast as they leave; the other kind has one item only."""
    batcher = _batcher(records=2)
    now, sent = 0.0, []
    for _ in range(4):
        batcher.add(b"frequent", "a", 1, now)
    batcher.add(b"rare", "b", 1, now)
    for _ in range(rounds):
        now += 0.1
        batcher.add(b"frequent", "a", 1, now)
        batcher.add(b"frequent", "a", 1, now)
        batch = batcher.take(now)
        assert batch is not None
        sent.append(batch.params)
    assert b"rare" in sent
