"""The ledger against a model that keeps every record in a plain list and computes everything from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from connector.core.ledger import Lease, LeaseState, TopicCounts
from connector.core.offset_window import MAX_FILLED
from connector.core.progress import Progress
from connector.core.record import Outcome, TopicPartition
from tests.support.builders import record

OUTCOMES = st.sampled_from(list(Outcome))


@dataclass(repr=False)
class _Tracked:
    """A record in the model. `ends`: how its items ended so far; None means abandoned."""

    lease: Lease
    offset: int
    expected: int
    tracked_at: float = 0.0
    ends: list[Outcome | None] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.ends) == self.expected

    @property
    def settled(self) -> bool:
        return self.complete and None not in self.ends

    @property
    def abandoned(self) -> bool:
        return self.complete and None in self.ends

    def __repr__(self) -> str:
        return f"<record {self.offset}: {len(self.ends)} of {self.expected} items ended>"

    def outcome(self) -> Outcome:
        for worst in (Outcome.DEAD_LETTERED, Outcome.DELIVERED):
            if worst in self.ends:
                return worst
        return Outcome.SKIPPED


@dataclass(repr=False)
class _Owned:
    """A lease in the model."""

    lease: Lease
    ahead: frozenset[int] = frozenset()
    records: list[_Tracked] = field(default_factory=list)
    next_offset: int = 0
    """The offset after the last received one."""
    final: list[bool] | None = None
    """Which records were settled when the lease ended."""
    closed: bool = False
    drained_calls: int = 0

    def __repr__(self) -> str:
        return f"<lease of {self.lease.partition.partition}: {self.records}>"

    def settled(self) -> list[bool]:
        return [one.settled for one in self.records] if self.final is None else self.final

    def watermark(self) -> int:
        """The definition: the first offset that is not settled; gaps are, and what was settled before."""
        unsettled = {one.offset for one, settled in zip(self.records, self.settled(), strict=True) if not settled}
        tracked_end = self.records[-1].offset + 1 if self.records else self.lease.start
        mark = self.lease.start
        while mark in self.ahead or (mark < tracked_end and mark not in unsettled):
            mark += 1
        return mark

    def in_flight(self) -> int:
        return 0 if self.final is not None else self.settled().count(False)

    def on_drained(self) -> None:
        self.drained_calls += 1


class LedgerMachine(RuleBasedStateMachine):
    """Two partitions of one topic; leases start, close and end; outcomes come in any order, late ones too."""

    items: Bundle[_Tracked] = Bundle("items")
    leases: Bundle[_Owned] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.counts = TopicCounts()
        self.owned: list[_Owned] = []
        self.passed_over = 0
        self.watermarks: dict[Lease, int] = {}

    @rule(
        target=leases,
        partition=st.integers(0, 1),
        start=st.integers(0, 5),
        ahead=st.lists(st.builds(lambda at, length: range(at, at + length), st.integers(0, 30), st.integers(0, 9))),
    )
    def assign(self, partition: int, start: int, ahead: list[range]) -> _Owned:
        lease = Lease(TopicPartition("orders", partition), start, self.counts, ahead)
        owned = _Owned(lease, frozenset(offset for one in ahead for offset in one), next_offset=start)
        self.owned.append(owned)
        return owned

    @initialize(target=leases)
    def begin(self) -> MultipleResults[_Owned]:
        self.owned.append(_Owned(Lease(TopicPartition("orders", 0), 3, self.counts), next_offset=3))
        return multiple(self.owned[0])

    @rule(
        target=items,
        owned=leases,
        gap=st.sampled_from([0, 0, 1, 2, 8, 9, 1000]),
        counts=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    )
    def receive(self, owned: _Owned, gap: int, counts: list[int]) -> MultipleResults[_Tracked]:
        """A chunk of records, as the pipeline processes it."""
        lease = owned.lease
        chunk = [record(offset) for offset in range(owned.next_offset + gap, owned.next_offset + gap + len(counts))]
        if lease.state is not LeaseState.OPEN:
            with pytest.raises(ValueError, match="can't be tracked"):
                lease.track_all([one.offset for one in chunk], 0.0, counts)
            return multiple()
        owned.next_offset = chunk[-1].offset + 1
        found: list[_Tracked] = []
        kept = lease.pass_over(chunk) if lease.settled_before else chunk
        assert lease.settled_before == any(offset >= chunk[-1].offset for offset in owned.ahead)
        assert [one.offset for one in kept] == [one.offset for one in chunk if one.offset not in owned.ahead]
        self.passed_over += len(chunk) - len(kept)
        if not kept:
            return multiple()
        now = float(kept[0].offset)
        lease.track_all([one.offset for one in kept], now, counts[: len(kept)])
        for one, count in zip(kept, counts, strict=False):
            owned.records.append(_Tracked(lease, one.offset, count, now))
            found += [owned.records[-1]] * count
        return multiple(*found)

    @rule(tracked=consumes(items), outcome=OUTCOMES)
    def settle(self, tracked: _Tracked, outcome: Outcome) -> None:
        tracked.ends.append(outcome)
        tracked.lease.settle(tracked.offset, outcome)

    @rule(several=st.lists(consumes(items), min_size=1, max_size=8), outcome=OUTCOMES)
    def settle_several(self, several: list[_Tracked], outcome: Outcome) -> None:
        """What a target does with the items of a request."""
        by_lease: dict[Lease, list[int]] = {}
        for tracked in several:
            tracked.ends.append(outcome)
            by_lease.setdefault(tracked.lease, []).append(tracked.offset)
        for lease, offsets in by_lease.items():
            lease.settle_all(offsets, outcome)

    @rule(tracked=consumes(items))
    def abandon(self, tracked: _Tracked) -> None:
        tracked.ends.append(None)
        tracked.lease.abandon(tracked.offset)

    @rule(owned=leases)
    def close(self, owned: _Owned) -> None:
        if owned.closed:
            return
        owned.closed = True
        owned.lease.close(owned.on_drained)

    @rule(owned=leases)
    def end(self, owned: _Owned) -> None:
        expected = owned.watermark()
        owned.final = owned.settled()
        expected_progress = owned.lease.progress()
        assert owned.lease.end() == expected_progress
        assert expected_progress.offset == expected
        assert owned.lease.released == owned.final.count(False)

    @rule(owned=leases, outcome=OUTCOMES)
    def nothing_settles_twice_or_untracked(self, owned: _Owned, outcome: Outcome) -> None:
        lease = owned.lease
        if lease.ended:
            return
        complete = [one.offset for one in owned.records if one.complete]
        gaps = {lease.start, owned.watermark(), owned.watermark() + 1} - {one.offset for one in owned.records}
        for offset in (lease.start - 1, lease.next_offset, *gaps, *complete):
            with pytest.raises(ValueError, match="more outcomes than items"):
                lease.settle(offset, outcome)
            with pytest.raises(ValueError, match="more outcomes than items"):
                lease.abandon(offset)

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        """One invariant, so that a failing example prints one line per step."""
        self.the_watermark_is_that_of_the_model_and_never_moves_back()
        self.what_is_settled_ahead_is_that_of_the_model()
        self.consumed_is_settled_and_released_and_in_flight()
        self.every_record_is_counted_by_its_worst_item()
        self.on_drained_is_called_once_when_every_item_was_settled_or_abandoned()
        self.only_records_from_the_watermark_on_are_kept()
        self.no_old_offset_is_tracked_again()

    def the_watermark_is_that_of_the_model_and_never_moves_back(self) -> None:
        for owned in self.owned:
            mark = owned.lease.watermark
            assert mark == owned.watermark()
            assert mark >= self.watermarks.get(owned.lease, owned.lease.start)
            self.watermarks[owned.lease] = mark

    def what_is_settled_ahead_is_that_of_the_model(self) -> None:
        for owned in self.owned:
            progress = owned.lease.progress()
            assert progress.offset == owned.lease.watermark
            assert progress is owned.lease.progress()
            covered = {offset for one in progress.ahead for offset in one}
            records = list(zip(owned.records, owned.settled(), strict=True))
            assert not covered & {one.offset for one, settled in records if not settled}
            settled_before = owned.ahead | {one.offset for one, settled in records if settled}
            assert covered >= {offset for offset in settled_before if offset >= progress.offset}
            edges = [progress.offset, *(edge for one in progress.ahead for edge in (one.start, one.stop))]
            assert edges == sorted(set(edges)), "ranges touch, overlap or are empty"

    def consumed_is_settled_and_released_and_in_flight(self) -> None:
        counts = self.counts
        settled = counts.delivered + counts.skipped + counts.dead_lettered
        in_flight = sum(owned.lease.unsettled for owned in self.owned)
        assert counts.consumed == settled + counts.released + in_flight
        assert counts.consumed == sum(len(owned.records) for owned in self.owned)
        assert counts.passed_over == self.passed_over
        assert in_flight == sum(owned.in_flight() for owned in self.owned)

    def every_record_is_counted_by_its_worst_item(self) -> None:
        counted = {
            Outcome.DELIVERED: self.counts.delivered,
            Outcome.SKIPPED: self.counts.skipped,
            Outcome.DEAD_LETTERED: self.counts.dead_lettered,
        }
        expected = dict.fromkeys(Outcome, 0)
        for owned in self.owned:
            for one, settled in zip(owned.records, owned.settled(), strict=True):
                if settled:
                    expected[one.outcome()] += 1
        assert counted == expected

    def on_drained_is_called_once_when_every_item_was_settled_or_abandoned(self) -> None:
        for owned in self.owned:
            if not owned.closed or owned.final is not None:
                assert owned.drained_calls <= 1
                continue
            drained = all(record.settled or record.abandoned for record in owned.records)
            assert owned.drained_calls == drained

    def only_records_from_the_watermark_on_are_kept(self) -> None:
        for owned in self.owned:
            unsettled = [one for one, settled in zip(owned.records, owned.settled(), strict=True) if not settled]
            if owned.final is not None or not unsettled:
                assert (owned.lease.span, owned.lease.oldest_tracked_at) == (0, None)
                continue
            open_records = [one for one in owned.records if one.offset >= unsettled[0].offset]
            assert len(open_records) <= owned.lease.span <= (MAX_FILLED + 1) * len(open_records)
            assert owned.lease.oldest_tracked_at == unsettled[0].tracked_at
            assert not owned.lease.idle

    def no_old_offset_is_tracked_again(self) -> None:
        for owned in self.owned:
            with pytest.raises(ValueError, match="can't be tracked"):
                owned.lease.track(owned.records[-1].offset if owned.records else owned.lease.start - 1, 0.0, 1)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=80, stateful_step_count=40)


def _lease() -> Lease:
    return Lease(TopicPartition("orders", 0), 10, TopicCounts())


@given(counts=st.lists(st.integers(0, 2), max_size=8), data=st.data())
def test_no_order_of_outcomes_lets_the_watermark_pass_an_unsettled_record(
    counts: list[int], data: st.DataObject
) -> None:
    owned = _Owned(_lease())
    for count in counts:
        owned.records.append(_Tracked(owned.lease, owned.lease.next_offset, count))
        owned.lease.track(owned.lease.next_offset, 0.0, count)
    items = [number for number, count in enumerate(counts) for _ in range(count)]
    order = data.draw(st.permutations(items), label="records in the order in which their items end")
    ends = st.lists(st.sampled_from([*Outcome, None]), min_size=len(items), max_size=len(items))
    for number, end in zip(order, data.draw(ends, label="outcomes"), strict=True):
        record = owned.records[number]
        record.ends.append(end)
        if end is None:
            owned.lease.abandon(record.offset)
        else:
            owned.lease.settle(record.offset, end)
        assert owned.lease.watermark == owned.watermark()


def test_an_item_has_one_outcome_and_a_second_is_an_error() -> None:
    lease = _lease()
    lease.track(10, 0.0, 1)
    lease.settle(10, Outcome.DELIVERED)
    with pytest.raises(ValueError, match=r"offset 10 of orders\[0\] has more outcomes than items"):
        lease.settle(10, Outcome.DELIVERED)


@pytest.mark.parametrize("items", [[1, 1, 1], [1, 2, 1], [1, 0, 1]])
def test_more_outcomes_than_items_are_an_error_whatever_else_is_settled_with_them(items: list[int]) -> None:
    lease = _lease()
    lease.track_all([10, 11, 12], 0.0, items)
    with pytest.raises(ValueError, match="more outcomes than items"):
        lease.settle_all([10, 12, 12], Outcome.DELIVERED)


def test_records_are_tracked_in_the_order_of_their_offsets_only() -> None:
    lease = _lease()
    with pytest.raises(ValueError, match="offset 11 can't be tracked"):
        lease.track_all([12, 11, 13], 0.0, [1, 1, 1])


def test_a_lease_that_has_ended_is_drained_at_once_when_it_is_closed() -> None:
    lease = _lease()
    lease.track(10, 0.0, 1)
    lease.end()
    lease.abandon(10)
    calls: list[str] = []
    lease.close(lambda: calls.append("drained"))
    assert (calls, lease.state) == (["drained"], LeaseState.ENDED)


def test_a_late_outcome_of_an_ended_lease_changes_nothing() -> None:
    counts = TopicCounts()
    lease = Lease(TopicPartition("orders", 0), 10, counts)
    lease.track(10, 0.0, 1)
    assert lease.end() == Progress(10)
    lease.settle(10, Outcome.DELIVERED)
    assert (lease.watermark, lease.released, counts) == (10, 1, TopicCounts(consumed=1, released=1))


@pytest.mark.parametrize("outcomes", [*permutations(Outcome, 3), *permutations([Outcome.DELIVERED, Outcome.SKIPPED])])
def test_a_record_is_dead_lettered_if_one_item_was_else_delivered_if_one_was(outcomes: tuple[Outcome, ...]) -> None:
    counts = TopicCounts()
    lease = Lease(TopicPartition("orders", 0), 10, counts)
    lease.track(10, 0.0, len(outcomes))
    for outcome in outcomes:
        lease.settle(10, outcome)
    dead_lettered = int(Outcome.DEAD_LETTERED in outcomes)
    assert counts == TopicCounts(consumed=1, delivered=1 - dead_lettered, dead_lettered=dead_lettered)


def test_the_released_records_of_a_topic_are_those_of_all_its_leases() -> None:
    counts = TopicCounts()
    for partition in (0, 1):
        lease = Lease(TopicPartition("orders", partition), 10, counts)
        lease.track(10, 0.0, 1)
        lease.end()
    assert counts == TopicCounts(consumed=2, released=2)


def test_the_worked_example_of_settling() -> None:
    lease = Lease(TopicPartition("orders", 0), 5, TopicCounts())
    for offset, items in ((5, 1), (6, 2), (7, 1)):
        lease.track(offset, 0.0, items)
    seen = []
    for offset in (7, 6, 5, 6):
        lease.settle(offset, Outcome.DELIVERED)
        seen.append(lease.progress())
    ahead = (range(7, 8),)
    assert seen == [Progress(5, ahead), Progress(5, ahead), Progress(6, ahead), Progress(8)]


def test_the_worked_example_of_closing() -> None:
    counts = TopicCounts()
    lease = Lease(TopicPartition("orders", 0), 5, counts)
    for offset in (5, 6, 7):
        lease.track(offset, 0.0, 1)
    calls: list[str] = []
    lease.close(lambda: calls.append("drained"))
    with pytest.raises(ValueError, match="can't be tracked"):
        lease.track(8, 0.0, 1)
    lease.settle(5, Outcome.DELIVERED)
    lease.settle(7, Outcome.DELIVERED)
    assert (lease.watermark, calls) == (6, [])
    lease.abandon(6)
    assert calls == ["drained"]
    assert lease.end() == Progress(6, (range(7, 8),))
    assert (lease.released, counts) == (1, TopicCounts(consumed=3, delivered=2, released=1))


def test_a_record_with_an_abandoned_item_is_never_settled() -> None:
    lease = _lease()
    lease.track(10, 0.0, 2)
    lease.abandon(10)
    lease.settle(10, Outcome.DELIVERED)
    assert (lease.watermark, lease.unsettled) == (10, 1)
    with pytest.raises(ValueError, match="more outcomes than items"):
        lease.abandon(10)


def test_a_new_lease_has_released_nothing_and_knows_neither_a_commit_nor_the_end_of_its_partition() -> None:
    lease = _lease()
    assert (lease.released, lease.committed, lease.end_offset) == (0, None, None)


def test_an_offset_that_is_not_tracked_is_named_with_the_state_of_its_lease() -> None:
    lease = _lease()
    expected = r"orders\[0\]: offset 9 can't be tracked: the lease is open, and the next offset is at least 10"
    with pytest.raises(ValueError, match=expected):
        lease.track(9, 0.0, 1)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((Outcome.SKIPPED, Outcome.DELIVERED), TopicCounts(consumed=1, delivered=1)),
        ((Outcome.DELIVERED, Outcome.DEAD_LETTERED), TopicCounts(consumed=1, dead_lettered=1)),
        ((Outcome.DEAD_LETTERED, Outcome.DELIVERED), TopicCounts(consumed=1, dead_lettered=1)),
        ((Outcome.DEAD_LETTERED, Outcome.SKIPPED), TopicCounts(consumed=1, dead_lettered=1)),
        ((Outcome.DELIVERED, Outcome.SKIPPED), TopicCounts(consumed=1, delivered=1)),
        ((Outcome.SKIPPED, Outcome.SKIPPED), TopicCounts(consumed=1, skipped=1)),
    ],
)
def test_a_record_ends_as_the_worst_of_its_items(outcomes: tuple[Outcome, ...], expected: TopicCounts) -> None:
    counts = TopicCounts()
    lease = Lease(TopicPartition("orders", 0), 0, counts)
    lease.track(0, 0.0, len(outcomes))
    for outcome in outcomes:
        lease.settle(0, outcome)
    assert counts == expected


def test_the_timestamp_of_the_oldest_unsettled_record_is_known_and_when_records_came_last() -> None:
    lease = _lease()
    lease.track_all([10, 11, 14], 1.0, [0, 1, 1], 5_000)
    lease.track_all([15], 2.0, [1], 3_000)  # timestamps may fall
    seen = [lease.oldest_timestamp_ms]
    lease.settle_all([11, 14], Outcome.DELIVERED)
    seen.append(lease.oldest_timestamp_ms)
    lease.settle(15, Outcome.DELIVERED)
    seen.append(lease.oldest_timestamp_ms)
    assert seen == [5_000, 3_000, None]
    last = [lease.last_tracked]
    lease.track_all([16], 3.0, [0])
    last.append(lease.last_tracked)
    assert last == [(2.0, 3_000), (3.0, None)]
