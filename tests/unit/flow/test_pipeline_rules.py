"""The pipeline, one rule at a time: closing by a deadline, and back-pressure as a value."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import connector.flow.pipeline
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, TopicPartition
from connector.core.sink import Verdict, VerdictKind
from connector.flow.pipeline import Pipeline
from connector.flow.target import Target, TargetDependencies
from tests.support.builders import item, record, seeded
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.fake_source import CHUNKS_UNDER_WAY
from tests.support.flow_harness import PARTITIONS, TARGETS, FlowHarness
from tests.support.flow_oracle import EVENTS, TAGS
from tests.support.storm_sink import StormSink, Trouble
from tests.support.target_harness import SETTINGS, TargetHarness

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def test_closing_awaits_what_is_on_the_wire_and_commits_it() -> None:
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
    async def main() -> TopicCounts:
        flow = FlowHarness(CALM)
        await flow.source.assign(FIRST)
        lease = flow.source.leases[FIRST]
        await flow.pass_time(1.0)
        await flow.source.revoke([FIRST], 15.0)
        await flow.source.hand_over(lease, [record(0, value=b"e")])
        await flow.pass_time(1.0)
        assert lease not in flow.pipeline.leases
        return flow.source.topic_counts["orders"]

    assert run_virtual(main()) == TopicCounts()


# -- back-pressure ----------------------------------------------------------------------------------------------


def test_memory_is_flat_however_long_a_storm_of_429_lasts() -> None:
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


def test_one_record_that_is_stuck_lets_the_others_run_ahead_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_lease_that_goes_with_its_queue_lets_the_others_resume_at_once() -> None:
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


class _Steered:
    """A source that only remembers who is paused."""

    def __init__(self) -> None:
        self.paused: set[Lease] = set()

    def pause(self, leases: Iterable[Lease]) -> None:
        self.paused.update(leases)

    def resume(self, leases: Iterable[Lease]) -> None:
        self.paused.difference_update(leases)


def test_a_full_target_pauses_only_what_feeds_it() -> None:
    async def main() -> list[str]:
        harness = TargetHarness(FakeSink())
        hanging = StormSink(HANGING, seeded(1))
        deps = TargetDependencies(
            emit=lambda _: None,
            dead_letter=lambda *_: None,
            on_progress=lambda: None,
            spawn=harness.tasks.spawn,
            pacer=Pacer(None),
            random=seeded(1),
        )
        names = {"orders": "full", "members": "free"}
        targets = {
            name: Target(replace(SETTINGS, name=name, max_queued=5), hanging, deps)
            for name in ("full", "free", DEAD_LETTERS)
        }
        pipeline = Pipeline(targets, lambda topic: [names[topic]])
        leases = [Lease(TopicPartition(topic, 0), 0, TopicCounts()) for topic in names]
        source = _Steered()
        pipeline._source = source  # type: ignore[assignment] # all of a source that is needed here
        for lease in leases:
            name = names[lease.partition.topic]
            for offset in range(10 if name == "full" else 2):
                entry = lease.track(offset, 0.0)
                entry.expect(1)
                targets[name].put(item(record(offset), target=name), entry)
            pipeline.leases[lease] = None
        pipeline.apply_back_pressure()
        return [lease.partition.topic for lease in source.paused]

    assert run_virtual(main()) == ["orders"]
