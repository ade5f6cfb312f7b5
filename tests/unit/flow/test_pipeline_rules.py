"""The pipeline, one rule at a time: closing by a deadline, back-pressure, commits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import connector.flow.pipeline
from connector.core.batching import BatchLimits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, TopicPartition
from connector.core.sink import Verdict, VerdictKind
from connector.flow.pipeline import Pipeline
from connector.flow.target import Target, TargetDependencies
from connector.runtime.tasks import Tasks
from tests.support.builders import item, record, seeded
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.fake_source import CHUNKS_UNDER_WAY
from tests.support.flow_harness import PARTITIONS, TARGETS, FlowHarness
from tests.support.flow_oracle import EVENTS, TAGS
from tests.support.storm_sink import Trouble
from tests.support.target_harness import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from connector.core.record import Item, Record

CALM = Trouble(1, latency_s=0.1)
HANGING = Trouble(1, latency_s=10_000.0)
FIRST, SECOND, _ = PARTITIONS


async def _running(trouble: Trouble, plans: list[str]) -> FlowHarness:
    """A flow that owns the first partition and has had one second to get under way."""
    flow = FlowHarness(trouble)
    flow.produce(FIRST, plans)
    await flow.source.assign(FIRST)
    await flow.pass_time(1.0)
    return flow


@pytest.mark.parametrize(("deadline_s", "waited_s"), [(15.0, 15.0), (0.0, 0.0)])
def test_closing_takes_no_longer_than_its_deadline_and_a_lost_lease_no_time(deadline_s: float, waited_s: float) -> None:
    async def main() -> tuple[float, int, int | None]:
        flow = await _running(HANGING, ["e"] * 10)
        lease = flow.source.leases[FIRST]
        began = asyncio.get_running_loop().time()
        await flow.source.revoke([FIRST], deadline_s)
        return asyncio.get_running_loop().time() - began, lease.released, flow.source.logs[FIRST].committed

    waited, released, committed = run_virtual(main())
    assert waited == pytest.approx(waited_s, abs=1e-3)
    assert released == 10
    assert committed in {None, 0}


def test_closing_awaits_requests_on_the_wire_and_commits_their_records() -> None:
    async def main() -> tuple[int | None, int]:
        flow = FlowHarness(replace(CALM, latency_s=8.0))
        flow.produce(FIRST, ["e"] * 30)
        await flow.source.assign(FIRST)
        await flow.pass_time(0.3)
        lease = flow.source.leases[FIRST]
        await flow.source.revoke([FIRST], 60.0)
        return flow.source.logs[FIRST].committed, lease.next_offset

    committed, received = run_virtual(main())
    assert committed == received > 0


def test_a_late_ack_of_a_lost_partition_commits_nothing_and_counts_nothing() -> None:
    async def main() -> tuple[TopicCounts, int | None]:
        flow = await _running(replace(CALM, latency_s=5.0), ["e"] * 6)
        await flow.source.revoke([FIRST], 0.0)
        await flow.until(lambda: len(flow.sinks[EVENTS].settled) == 6)
        await flow.pass_time(5.0)
        return flow.source.topic_counts["orders"], flow.source.logs[FIRST].committed

    assert run_virtual(main()) == (TopicCounts(consumed=6, released=6), None)


def test_a_chunk_that_comes_after_its_lease_has_ended_is_not_tracked() -> None:
    async def main() -> tuple[int, dict[Lease, None]]:
        flow, lease = SteeredFlow(), _lease()
        lease.end()
        await flow.run((lease, 3))
        return lease.next_offset, flow.pipeline.leases

    assert run_virtual(main()) == (0, {})


# -- back-pressure ----------------------------------------------------------------------------------------------


def test_a_storm_of_429_does_not_grow_the_queue_however_long_it_lasts() -> None:
    async def main() -> tuple[int, int]:
        flow = FlowHarness(CALM)
        flow.sinks[EVENTS].outage = Verdict(VerdictKind.AGAIN, http_status=429, retry_after_s=5.0)
        for partition in PARTITIONS:
            flow.produce(partition, ["e"] * 150)
            await flow.source.assign(partition)
        await flow.pass_time(300.0)
        most, paused = flow.most_queued, len(flow.pipeline.paused)
        assert flow.source.paused == flow.pipeline.paused
        flow.sinks[EVENTS].outage = None
        await flow.finish()
        return most, paused

    most, paused = run_virtual(main())
    under_way = (CHUNKS_UNDER_WAY + 2) * 20
    assert most <= TARGETS[EVENTS].max_queued + under_way
    assert paused == len(PARTITIONS)


def test_a_partition_is_paused_while_full_resumed_below_half_and_never_paused_when_idle() -> None:
    async def main() -> tuple[int, int]:
        flow = FlowHarness(CALM)
        target = flow.targets[EVENTS]
        paused = resumed = 0

        def on_pause(lease: Lease) -> None:
            nonlocal paused
            paused += 1
            assert target.full
            assert not lease.idle

        def on_resume(lease: Lease) -> None:
            nonlocal resumed
            resumed += 1
            assert target.has_room or lease.idle

        flow.source.on_pause = on_pause
        flow.source.on_resume = on_resume
        for partition in PARTITIONS:
            flow.produce(partition, ["e"] * 150)
        await flow.finish()
        return paused, resumed

    paused, resumed = run_virtual(main())
    assert paused == resumed > 3


def test_a_record_larger_than_the_queue_passes_alone() -> None:
    async def main() -> None:
        small = {name: replace(one, max_queued_bytes=5) for name, one in TARGETS.items()}
        flow = FlowHarness(CALM, small)
        flow.produce(FIRST, ["eeee", "tttt", "d"] * 10)
        await flow.finish()

    run_virtual(main())


def test_records_run_ahead_of_a_stuck_one_only_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector.flow.pipeline, "MAX_OPEN_OFFSETS", 100)

    async def main() -> tuple[int, int | None]:
        flow = FlowHarness(CALM)
        flow.sinks[TAGS].outage = Verdict(VerdictKind.AGAIN)
        flow.produce(FIRST, ["t", *["e"] * 500])
        await flow.source.assign(FIRST)
        await flow.pass_time(60.0)
        span = flow.source.leases[FIRST].span
        committed = flow.source.logs[FIRST].committed
        flow.sinks[TAGS].outage = None
        await flow.finish()
        return span, committed

    span, committed = run_virtual(main())
    assert 100 <= span < 100 + (CHUNKS_UNDER_WAY + 2) * 20
    assert committed in {None, 0}


def test_when_a_lease_ends_with_its_queue_the_other_partitions_resume_at_once() -> None:
    async def main() -> tuple[set[Lease], set[Lease]]:
        flow = await _running(HANGING, ["e"] * 200)
        flow.produce(SECOND, ["e"] * 5)
        await flow.source.assign(SECOND)
        await flow.pass_time(1.0)
        before = set(flow.source.paused)
        other = flow.source.leases[SECOND]
        await flow.source.revoke([FIRST], 0.0)
        return before - {other}, flow.source.paused

    others, after = run_virtual(main())
    assert (len(others), after) == (1, set())


class SteeredSink(FakeSink):
    """Every request waits until the test releases it."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._released = asyncio.Semaphore(0)

    async def _answer(self, _items: Sequence[Item]) -> Verdict:
        await self._released.acquire()
        return Verdict(VerdictKind.DELIVERED)

    async def deliver(self, requests: int = 1) -> None:
        for _ in range(requests):
            self._released.release()
        await asyncio.sleep(1)


class ListedSource:
    """Yields the chunks that it was made with, and remembers which leases are paused and what is committed."""

    def __init__(self, chunks: Iterable[tuple[Lease, Sequence[Record]]]) -> None:
        self._chunks = chunks
        self.paused: set[Lease] = set()
        self.commits: list[list[Lease]] = []

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        for chunk in self._chunks:
            yield chunk

    def pause(self, leases: Iterable[Lease]) -> None:
        self.paused.update(leases)

    def resume(self, leases: Iterable[Lease]) -> None:
        self.paused.difference_update(leases)

    def commit(self, leases: Iterable[Lease]) -> None:
        self.commits.append(list(leases))


class OneItemMapper:
    """Makes one item of each record, for the target that its topic feeds."""

    def items(self, record: Record) -> Sequence[Item]:
        return [item(record, target=FED_BY[record.topic])]


FED_BY = {"orders": "events", "members": "tags"}


class SteeredFlow:
    """A pipeline with two targets, one request of one item at a time each. Made on the event loop."""

    def __init__(self, max_queued: int = 10, max_queued_bytes: int = 100_000) -> None:
        self.tasks = Tasks()
        self.sinks = {name: SteeredSink() for name in ("events", "tags", DEAD_LETTERS)}
        settings = replace(
            SETTINGS,
            limits=BatchLimits(1, 1_000, 0.2),
            max_in_flight=1,
            max_queued=max_queued,
            max_queued_bytes=max_queued_bytes,
        )
        self.pipeline = Pipeline(lambda topic: [FED_BY[topic]])
        deps = TargetDependencies(
            emit=lambda _: None,
            dead_letter=self.pipeline.dead_letter,
            on_progress=self.pipeline.on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(None),
            random=seeded(1),
        )
        self.targets = {name: Target(replace(settings, name=name), sink, deps) for name, sink in self.sinks.items()}
        self.pipeline.attach(self.targets)
        self.source = ListedSource([])

    async def run(self, *chunks: tuple[Lease, int]) -> None:
        """Process chunks, each of so many records of a lease."""
        self.source = ListedSource([(lease, _records(lease, count)) for lease, count in chunks])
        await self.pipeline.run(self.source, OneItemMapper())


def _records(lease: Lease, count: int) -> list[Record]:
    topic, partition = lease.partition
    offsets = range(lease.next_offset, lease.next_offset + count)
    return [record(offset, partition=partition, value=b"12345")._replace(topic=topic) for offset in offsets]


def _lease(topic: str = "orders", partition: int = 0) -> Lease:
    return Lease(TopicPartition(topic, partition), 0, TopicCounts())


BOUNDS = {"items": (10, 100_000, 100_000), "bytes": (1_000, 80, 100_000), "span": (1_000, 100_000, 10)}


@pytest.mark.parametrize(("items", "size", "span"), BOUNDS.values(), ids=BOUNDS)
def test_a_partition_is_paused_at_each_bound_and_resumed_below_half_of_it(
    items: int, size: int, span: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten records of eight bytes (three of the item, five of the record) are the bound in each case."""
    monkeypatch.setattr(connector.flow.pipeline, "MAX_OPEN_OFFSETS", span)

    async def main() -> tuple[bool, list[bool]]:
        flow, lease = SteeredFlow(items, size), _lease()
        await flow.run((lease, 9))
        before = bool(flow.source.paused)
        await flow.run((lease, 1))
        paused = []
        for _ in range(7):
            paused.append(lease in flow.source.paused)
            assert flow.source.paused == flow.pipeline.paused
            await flow.sinks["events"].deliver()
        return before, paused

    before, paused = run_virtual(main())
    assert not before
    assert paused == [True, True, True, True, True, True, False], "resumed when four of ten are left"


def test_a_full_target_pauses_only_the_partitions_that_feed_it() -> None:
    async def main() -> tuple[set[Lease], Lease]:
        flow, orders, members = SteeredFlow(), _lease("orders"), _lease("members")
        await flow.run((members, 2), (orders, 10))
        return flow.source.paused, orders

    paused, orders = run_virtual(main())
    assert paused == {orders}


def test_full_dead_letters_pause_every_partition_that_has_something_in_flight() -> None:
    async def main() -> tuple[set[Lease], set[Lease]]:
        flow, busy, idle = SteeredFlow(), [_lease("orders"), _lease("members")], _lease("orders", 1)
        await flow.run((busy[0], 2), (busy[1], 2), (idle, 0))
        for entry in [busy[0].track(offset, 0.0) for offset in range(2, 12)]:
            entry.expect(1)
            flow.pipeline.dead_letter(item(record(entry.offset)), entry)
        flow.pipeline.apply_back_pressure()
        return flow.source.paused, set(busy)

    paused, busy = run_virtual(main())
    assert paused == busy


def test_a_partition_with_nothing_in_flight_is_resumed_though_its_target_is_full() -> None:
    """So a record that is larger than the queue passes alone."""

    async def main() -> tuple[bool, bool, bool]:
        flow, small, large = SteeredFlow(), _lease("orders", 0), _lease("orders", 1)
        await flow.run((small, 1), (large, 12))
        before = small in flow.source.paused
        await flow.sinks["events"].deliver()
        return before, small in flow.source.paused, large in flow.source.paused

    assert run_virtual(main()) == (True, False, True)


def test_the_watermarks_of_the_leases_in_hand_are_committed_at_each_interval() -> None:
    async def main() -> tuple[list[list[Lease]], list[Lease]]:
        flow, leases = SteeredFlow(), [_lease("orders"), _lease("members")]
        flow.tasks.spawn_service(flow.pipeline.commit_periodically(5.0), name="commits")
        await asyncio.sleep(6)  # nothing to commit yet, and no source
        await flow.run((leases[0], 1), (leases[1], 1))
        await asyncio.sleep(8)
        leases[0].end()
        await flow.pipeline.close(leases[:1], 0.0)
        await asyncio.sleep(4)
        return flow.source.commits, leases

    commits, leases = run_virtual(main())
    assert commits == [leases, leases[1:]]


def test_closing_no_lease_waits_for_nothing() -> None:
    async def main() -> dict[Lease, int]:
        return await SteeredFlow().pipeline.close([], 15.0)

    assert run_virtual(main()) == {}


def test_closing_waits_for_the_last_of_several_leases() -> None:
    async def main() -> tuple[dict[Lease, int], dict[Lease, int]]:
        flow, leases = SteeredFlow(), [_lease("orders"), _lease("members")]
        await flow.run((leases[0], 1), (leases[1], 1))
        closing = asyncio.create_task(flow.pipeline.close(leases, 15.0))
        await flow.sinks["events"].deliver()
        assert not closing.done()
        await flow.sinks["tags"].deliver()
        return await closing, dict.fromkeys(leases, 1)

    watermarks, expected = run_virtual(main())
    assert watermarks == expected
