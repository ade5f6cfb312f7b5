"""Back-pressure: which partitions are paused, and when they are resumed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import connector.flow.pipeline
from connector.core.sink import Verdict, VerdictKind
from tests.support.builders import item, record
from tests.support.clock import run_virtual
from tests.support.fake_source import CHUNKS_UNDER_WAY
from tests.support.flow_harness import CALM, HANGING, PARTITIONS, TARGETS, FlowHarness, running_flow
from tests.support.flow_oracle import EVENTS, TAGS
from tests.unit.flow.steered_flow import SteeredFlow, lease_of

if TYPE_CHECKING:
    from connector.core.ledger import Lease

FIRST, SECOND, _ = PARTITIONS


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
        flow = await running_flow(HANGING, ["e"] * 200)
        flow.produce(SECOND, ["e"] * 5)
        await flow.source.assign(SECOND)
        await flow.pass_time(1.0)
        before = set(flow.source.paused)
        other = flow.source.leases[SECOND]
        await flow.source.revoke([FIRST], 0.0)
        return before - {other}, flow.source.paused

    others, after = run_virtual(main())
    assert (len(others), after) == (1, set())


BOUNDS = {"items": (10, 100_000, 100_000), "bytes": (1_000, 80, 100_000), "span": (1_000, 100_000, 10)}


@pytest.mark.parametrize(("items", "size", "span"), BOUNDS.values(), ids=BOUNDS)
def test_a_partition_is_paused_at_each_bound_and_resumed_below_half_of_it(
    items: int, size: int, span: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten records of eight bytes (three of the item, five of the record) are the bound in each case."""
    monkeypatch.setattr(connector.flow.pipeline, "MAX_OPEN_OFFSETS", span)

    async def main() -> tuple[bool, list[bool]]:
        flow, lease = SteeredFlow(items, size), lease_of()
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
        flow, orders, members = SteeredFlow(), lease_of("orders"), lease_of("members")
        await flow.run((members, 2), (orders, 10))
        return flow.source.paused, orders

    paused, orders = run_virtual(main())
    assert paused == {orders}


def test_full_dead_letters_pause_every_partition_that_has_something_in_flight() -> None:
    async def main() -> tuple[set[Lease], set[Lease]]:
        flow, busy, idle = SteeredFlow(), [lease_of("orders"), lease_of("members")], lease_of("orders", 1)
        await flow.run((busy[0], 2), (busy[1], 2), (idle, 0))
        for offset in range(2, 12):
            busy[0].track(offset, 0.0, 1)
            flow.pipeline.dead_letter(item(record(offset)), busy[0])
        flow.pipeline.apply_back_pressure()
        return flow.source.paused, set(busy)

    paused, busy = run_virtual(main())
    assert paused == busy


def test_a_partition_with_nothing_in_flight_is_resumed_though_its_target_is_full() -> None:
    """So a record that is larger than the queue passes alone."""

    async def main() -> tuple[bool, bool, bool]:
        flow, small, large = SteeredFlow(), lease_of("orders", 0), lease_of("orders", 1)
        await flow.run((small, 1), (large, 12))
        before = small in flow.source.paused
        await flow.sinks["events"].deliver()
        return before, small in flow.source.paused, large in flow.source.paused

    assert run_virtual(main()) == (True, False, True)
