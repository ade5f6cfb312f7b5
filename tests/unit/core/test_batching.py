"""Batches: exact bytes, count, order and age; publicParams never mixed; nothing lost, nothing starved."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connector.core.batching import Batch, Batcher, BatchLimits

PARAMS = st.sampled_from([b"", b"add", b"delete"])
LIMITS = st.builds(BatchLimits, st.integers(1, 5), st.integers(20, 60), st.sampled_from([0.2, 1.0]))


@dataclass(frozen=True)
class _Item:
    number: int
    params: bytes
    weight: int
    since: float


def _frame(params: bytes) -> int:
    return 10 + len(params)


def _weigh(item: _Item) -> int:
    return item.weight


@dataclass
class _Queue:
    """The items of one publicParams that have not left, in order of arrival."""

    items: list[_Item] = field(default_factory=list)


class BatcherMachine(RuleBasedStateMachine):
    """Items come, time goes by, somebody has room now and then, some items become unwanted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.count = 0
        self.queues: dict[bytes, _Queue] = {}
        self.lots: set[int] = set()
        self.thrown_out = False

    @initialize(limits=LIMITS)
    def begin(self, limits: BatchLimits) -> None:
        self.limits = limits
        self.batcher: Batcher[_Item] = Batcher(limits, _frame)

    def put(self, params: bytes, weight: int) -> bool:
        item = _Item(self.count, params, weight, self.now)
        self.count += 1
        self.queues.setdefault(params, _Queue()).items.append(item)
        return self.batcher.add(params, item, weight, self.now)

    @rule(params=PARAMS, weight=st.integers(1, 70))
    def add(self, params: bytes, weight: int) -> None:
        self.put(params, weight)

    @rule(params=PARAMS, weight=st.integers(1, 70))
    def add_to_the_lot_that_was_told(self, params: bytes, weight: int) -> None:
        lot = self.batcher.batch_id_for(params, weight)
        self.put(params, weight)
        found = [batch for batch in self.inside() if batch.batch_id == lot]
        assert found[0].items[-1].number == self.count - 1

    @rule(params=PARAMS, weight=st.integers(1, 70))
    def asking_changes_nothing(self, params: bytes, weight: int) -> None:
        before = repr(self.inside())
        self.batcher.batch_id_for(params, weight)
        assert repr(self.inside()) == before

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        due = self.batcher.due_at()
        batch = self.batcher.take(self.now)
        if batch is None:
            assert due is None or due > self.now
            return
        assert batch.batch_id not in self.lots, "a lot that has left was offered again"
        self.lots.add(batch.batch_id)
        self.sent(batch)

    def sent(self, batch: Batch[_Item]) -> None:
        assert batch.items
        assert {item.params for item in batch.items} == {batch.params}
        queue = self.queues[batch.params].items
        assert queue[: len(batch.items)] == batch.items, "lost, or out of order"
        del queue[: len(batch.items)]
        self.fits(batch)

    def fits(self, batch: Batch[_Item]) -> None:
        exact = _frame(batch.params) + sum(item.weight for item in batch.items)
        assert batch.bytes == exact
        assert exact <= self.limits.max_bytes or len(batch.items) == 1
        assert len(batch.items) <= self.limits.max_records

    @precondition(lambda self: any(queue.items for queue in self.queues.values()))
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        everything = [item for queue in self.queues.values() for item in queue.items]
        unwanted = set(data.draw(st.lists(st.sampled_from(everything), max_size=4)))
        gone = self.batcher.discard(lambda item: item in unwanted, _weigh)
        assert sorted(item.number for item in gone) == sorted(item.number for item in unwanted)
        for queue in self.queues.values():
            queue.items = [item for item in queue.items if item not in unwanted]

    @rule()
    def flush(self) -> None:
        self.batcher.flush()
        assert self.batcher.due_at() is None

    def inside(self) -> list[Batch[_Item]]:
        return [*self.batcher._sealed, *self.batcher._open.values()]

    @invariant()
    def what_is_inside_is_what_has_not_left_and_it_fits(self) -> None:
        if self.count:
            inside = [item.number for batch in self.inside() for item in batch.items]
            assert sorted(inside) == sorted(item.number for queue in self.queues.values() for item in queue.items)
            for batch in self.inside():
                self.fits(batch)

    @invariant()
    def what_is_open_is_due_when_its_oldest_item_has_waited_long_enough(self) -> None:
        due = self.batcher.due_at() if self.count else None
        waiting = [item for batch in self.inside() for item in batch.items] if self.count else []
        if due is not None:
            assert due >= min(item.since for item in waiting) + self.limits.max_wait_s
            assert due <= max(item.since for item in waiting) + self.limits.max_wait_s

    def teardown(self) -> None:
        """Everything leaves in the end."""
        if self.count:
            self.now += 10.0
            while (batch := self.batcher.take(self.now)) is not None:
                self.sent(batch)
            assert not any(queue.items for queue in self.queues.values())


TestBatcher = BatcherMachine.TestCase
TestBatcher.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def _batcher(records: int = 3, size: int = 100, wait_s: float = 0.2) -> Batcher[int]:
    return Batcher(BatchLimits(records, size, wait_s), _frame)


def test_a_batch_is_due_when_its_first_item_is_old_enough_and_not_before() -> None:
    batcher = _batcher()
    batcher.add(b"", 1, 10, 5.0)
    batcher.add(b"", 2, 10, 5.1)
    assert batcher.due_at() == pytest.approx(5.2)
    assert batcher.take(5.19) is None
    batch = batcher.take(5.2)
    assert batch is not None
    assert batch.items == [1, 2]


def test_a_full_batch_leaves_at_once() -> None:
    batcher = _batcher()
    assert [batcher.add(b"", number, 10, 5.0) for number in (1, 2, 3)] == [False, False, True]
    batch = batcher.take(5.0)
    assert batch is not None
    assert batch.items == [1, 2, 3]


def test_an_item_that_fills_the_last_byte_fits_and_one_more_byte_does_not() -> None:
    batcher = _batcher(records=10)
    batcher.add(b"", 1, 45, 5.0)
    assert batcher.add(b"", 2, 45, 5.0)
    first = batcher.take(5.0)
    batcher.add(b"", 3, 45, 5.0)
    batcher.add(b"", 4, 46, 5.0)
    second = batcher.take(5.0)
    assert [batch.items if batch else None for batch in (first, second)] == [[1, 2], [3]]


def test_an_item_that_is_too_large_for_any_batch_goes_alone() -> None:
    batcher = _batcher()
    batcher.add(b"", 1, 10, 5.0)
    assert batcher.add(b"", 2, 5000, 5.0)
    taken = [batcher.take(5.0), batcher.take(5.0)]
    assert [batch.items if batch else None for batch in taken] == [[1], [2]]


def test_what_is_taken_out_makes_room_for_as_many_bytes() -> None:
    batcher = _batcher(records=10)
    batcher.add(b"", 1, 40, 5.0)
    batcher.add(b"", 2, 40, 5.0)
    assert batcher.discard(lambda number: number == 1, lambda _: 40) == [1]
    batcher.add(b"", 3, 40, 5.0)
    batch = batcher.take(6.0)
    assert batch is not None
    assert (batch.items, batch.bytes) == ([2, 3], 90)


@given(rounds=st.integers(5, 40))
def test_a_busy_publicparams_does_not_starve_a_quiet_one(rounds: int) -> None:
    """Full batches of one kind come as fast as they leave; the other kind has one item only."""
    batcher = _batcher(records=2, wait_s=0.2)
    now, left = 0.0, []
    for number in range(4):
        batcher.add(b"busy", number, 1, now)
    batcher.add(b"quiet", 1000, 1, now)
    for number in range(rounds):
        now += 0.1
        batcher.add(b"busy", number, 1, now)
        batcher.add(b"busy", number, 1, now)
        batch = batcher.take(now)
        assert batch is not None
        left.append(batch.params)
    assert b"quiet" in left
