"""Back-pressure: which records wait, which partitions are paused, and when they go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connector.flow.back_pressure
from connector.core.errors import BackgroundTaskError
from connector.core.ledger import Lease, TopicCounts
from connector.core.progress import Progress
from connector.core.record import DEAD_LETTERS, TopicPartition
from connector.core.sink import Verdict, VerdictKind
from connector.flow.turn import ITEMS_PER_TURN
from tests.support.builders import TOPIC, item, record
from tests.support.clock import run_virtual
from tests.support.fake_source import CHUNKS_UNDER_WAY
from tests.support.flow_harness import CALM, HANGING, PARTITIONS, TARGETS, FlowHarness, running_flow
from tests.support.flow_oracle import EVENTS, TAGS
from tests.unit.flow.steered_flow import SteeredFlow, lease_of, records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.record import Item, Record

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

    assert run_virtual(main()) == (TARGETS[EVENTS].max_queued, len(PARTITIONS))


@pytest.mark.parametrize("max_bytes", [100_000, 150], ids=["items", "bytes"])
def test_with_400_partitions_that_fan_out_a_bound_is_exceeded_by_one_record_at_most(max_bytes: int) -> None:
    """`BoundedMapper` asserts the same before each record."""
    partitions = [TopicPartition(TOPIC, number) for number in range(400)]

    async def main() -> tuple[int, int, int]:
        bounded = {name: replace(one, max_queued_bytes=max_bytes) for name, one in TARGETS.items()}
        flow = FlowHarness(CALM, bounded, partitions=partitions, commit_every_s=3600.0)
        flow.sinks[EVENTS].outage = Verdict(VerdictKind.AGAIN, http_status=429)
        for partition in partitions:
            flow.produce(partition, ["e", "e" * flow.random.randint(1, 30), "et", "t"])
            await flow.source.assign(partition)
        await flow.pass_time(20.0)
        consumed = flow.source.topic_counts[TOPIC].consumed
        flow.sinks[EVENTS].outage = None
        await flow.until(lambda: flow.source.topic_counts[TOPIC].delivered >= 300)
        return flow.most_queued, consumed, flow.longest_backlog

    most, consumed, backlog = run_virtual(main())
    assert most < TARGETS[EVENTS].max_queued + 30
    assert consumed < TARGETS[EVENTS].max_queued + 30
    assert backlog <= 4 * (CHUNKS_UNDER_WAY + 2)


def test_what_is_paused_is_resumed() -> None:
    async def main() -> tuple[list[Lease], list[Lease]]:
        flow = FlowHarness(CALM)
        paused: list[Lease] = []
        resumed: list[Lease] = []
        flow.source.on_pause, flow.source.on_resume = paused.append, resumed.append
        for partition in PARTITIONS:
            flow.produce(partition, ["e"] * 150)
        await flow.finish()
        return paused, resumed

    paused, resumed = run_virtual(main())
    assert len(paused) > 3 * len(PARTITIONS)
    assert sorted(map(id, paused)) == sorted(map(id, resumed))


def test_a_record_larger_than_the_queue_passes_alone() -> None:
    async def main() -> None:
        small = {name: replace(one, max_queued_bytes=5) for name, one in TARGETS.items()}
        flow = FlowHarness(CALM, small)
        flow.produce(FIRST, ["eeee", "tttt", "d"] * 10)
        await flow.finish()

    run_virtual(main())


def test_records_run_ahead_of_a_stuck_one_only_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector.flow.back_pressure, "MAX_OPEN_OFFSETS", 100)

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
    assert 90 <= span <= 100
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
        await asyncio.sleep(0.01)
        return before - {other}, flow.source.paused

    others, after = run_virtual(main())
    assert (len(others), after) == (1, set())


BOUNDS = {"items": (10, 100_000), "bytes": (1_000, 80)}


@pytest.mark.parametrize(("items", "size"), BOUNDS.values(), ids=BOUNDS)
def test_a_partition_is_paused_at_each_bound_and_resumed_below_half_of_it(items: int, size: int) -> None:
    """Ten records of eight bytes (three of the item, five of the record) are the bound in each case."""

    async def main() -> tuple[bool, list[bool]]:
        flow, lease = SteeredFlow(items, size), lease_of()
        await flow.receive((lease, 9))
        before = bool(flow.source.paused)
        await flow.receive((lease, 1))
        paused = []
        for _ in range(7):
            paused.append(lease in flow.source.paused)
            assert flow.source.paused == flow.pipeline.paused
            await flow.sinks["events"].deliver()
        return before, paused

    before, paused = run_virtual(main())
    assert not before
    assert paused == [True, True, True, True, True, True, False], "resumed when four of ten are left"


def test_a_partition_with_many_open_records_is_paused_at_nine_tenths_and_resumed_below_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was fetched before the pause still fits."""
    monkeypatch.setattr(connector.flow.back_pressure, "MAX_OPEN_OFFSETS", 10)

    async def main() -> tuple[bool, list[bool], int, int]:
        flow, lease = SteeredFlow(1_000), lease_of()
        await flow.receive((lease, 8))
        before = bool(flow.source.paused)
        await flow.receive((lease, 1))
        after = lease in flow.source.paused
        await flow.receive((lease, 4))
        most = lease.span
        paused = [after]
        for _ in range(9):
            await flow.sinks["events"].deliver()
            paused.append(lease in flow.source.paused)
        return before, paused, most, lease.span

    before, paused, most, left = run_virtual(main())
    assert not before
    assert most == 10, "three of the last four waited"
    assert paused == [True] * 9 + [False], "resumed when 13 have come and 9 have gone"
    assert left == 4


def test_a_chunk_is_stopped_at_the_record_that_fills_the_queue_and_goes_on_in_order_before_new_records() -> None:
    async def main() -> tuple[list[int], list[int]]:
        flow, lease = SteeredFlow(10), lease_of()
        await flow.receive((lease, 23), (lease, 4))
        tracked = []
        while lease.unsettled:
            tracked.append(lease.next_offset)
            assert (lease in flow.source.paused) == (lease.next_offset < 27)
            await flow.sinks["events"].deliver()
        sent = [request[0].record.offset for request in flow.sinks["events"].requests]
        return list(dict.fromkeys(tracked)), sent

    tracked, sent = run_virtual(main())
    assert tracked == [10, 16, 22, 27], "ten, then six each time that four of ten are left"
    assert sent == list(range(27))


class Plan(NamedTuple):
    """A record: how many items it becomes, of how many bytes each, and the bytes of its value."""

    items: int
    body: int
    value: int


PLANS = st.builds(Plan, st.sampled_from([0, 1, 1, 1, 2, 3]), st.integers(1, 9), st.integers(0, 20))


@settings(max_examples=200)
@given(
    chunks=st.lists(st.lists(PLANS, max_size=12), min_size=1, max_size=5),
    most=st.integers(1, 30),
    most_bytes=st.integers(1, 300),
)
def test_stretches_pass_up_to_the_record_that_fills_a_bound_as_if_they_passed_one_by_one(
    chunks: list[list[Plan]], most: int, most_bytes: int
) -> None:
    plans = [plan for chunk in chunks for plan in chunk]
    passed = queued = queued_bytes = 0
    while passed < len(plans) and queued < most and queued_bytes < most_bytes:
        plan = plans[passed]
        passed, queued = passed + 1, queued + plan.items
        queued_bytes += plan.items * plan.body + (plan.value if plan.items else 0)

    def items_of(record: Record) -> list[Item]:
        plan = plans[record.offset]
        return [item(record, target="events", body=b"x" * plan.body) for _ in range(plan.items)]

    async def main() -> tuple[int, int, int]:
        flow, lease = SteeredFlow(most, most_bytes), lease_of()
        flow.mapper.of_topic = lambda _: items_of  # type: ignore[method-assign]
        records = [record(offset, value=b"v" * plan.value) for offset, plan in enumerate(plans)]
        for chunk in chunks:
            flow.source.chunks.put_nowait((lease, records[: len(chunk)]))
            del records[: len(chunk)]
        await flow.receive()
        events = flow.targets["events"]
        return lease.next_offset, events.queued, events.queued_bytes

    assert run_virtual(main()) == (passed, queued, queued_bytes)


def test_a_record_of_many_items_exceeds_the_bound_alone() -> None:
    async def main() -> list[int]:
        flow, lease = SteeredFlow(10), lease_of()
        flow.mapper.fan_out = 100
        await flow.receive((lease, 50))
        queued = [flow.targets["events"].queued]
        for _ in range(200):
            await flow.sinks["events"].deliver()
            queued.append(flow.targets["events"].queued)
        return queued

    queued = run_virtual(main())
    assert max(queued) == 104, "four were left when the second record came"


def test_a_full_target_pauses_all_the_partitions_that_feed_it_and_no_other() -> None:
    async def main() -> tuple[set[Lease], set[Lease]]:
        flow, members, orders = SteeredFlow(), lease_of("members"), [lease_of("orders", each) for each in range(3)]
        await flow.receive((members, 2), (orders[1], 0), (orders[2], 1), (orders[0], 12))
        return flow.source.paused, set(orders)

    paused, orders = run_virtual(main())
    assert paused == orders


def test_a_lease_that_comes_while_its_target_is_full_is_paused_before_it_has_records() -> None:
    async def main() -> tuple[set[Lease], set[Lease]]:
        flow, first, late, other = SteeredFlow(), lease_of("orders"), lease_of("orders", 1), lease_of("members")
        await flow.receive((first, 10))
        await flow.receive((late, 0), (other, 0))
        return flow.source.paused, {first, late}

    paused, expected = run_virtual(main())
    assert paused == expected


def test_a_full_target_does_not_delay_a_record_for_another() -> None:
    async def main() -> int:
        flow, orders, members = SteeredFlow(), lease_of("orders"), lease_of("members")
        await flow.receive((orders, 500), (members, 3))
        return members.unsettled

    assert run_virtual(main()) == 3


def test_full_dead_letters_pause_every_partition() -> None:
    async def main() -> tuple[set[Lease], set[Lease], int]:
        flow, leases = SteeredFlow(), [lease_of("orders"), lease_of("members"), lease_of("orders", 1)]
        await flow.receive((leases[0], 2), (leases[1], 2), (leases[2], 0))
        for offset in range(2, 12):
            leases[0].track(offset, 0.0, 1)
            flow.pipeline.dead_letter(item(record(offset)), leases[0])
        paused = set(flow.source.paused)
        await flow.receive((leases[1], 1))
        mapped = flow.mapper.mapped
        for _ in range(6):
            await flow.sinks[DEAD_LETTERS].deliver()
        assert flow.mapper.mapped == mapped + 1
        return paused, set(leases), len(flow.source.paused)

    paused, leases, still_paused = run_virtual(main())
    assert paused == leases
    assert still_paused == 0


def test_no_partition_gets_new_records_while_the_backlog_of_another_fills_the_queue() -> None:
    async def main() -> tuple[list[set[Lease]], Lease, Lease]:
        flow, behind, other = SteeredFlow(10), lease_of("orders"), lease_of("orders", 1)
        await flow.receive((other, 0), (behind, 25))
        paused = [set(flow.source.paused)]
        for _ in range(18):
            await flow.sinks["events"].deliver()
            paused.append(set(flow.source.paused))
        return paused, behind, other

    paused, behind, other = run_virtual(main())
    assert paused == [{behind, other}] * 18 + [set()], "resumed together when the last 3 of 25 have passed"


def test_between_full_and_half_full_nothing_is_passed_on() -> None:
    async def main() -> list[int]:
        flow, lease = SteeredFlow(10), lease_of()
        await flow.receive((lease, 12))
        mapped = []
        for _ in range(6):
            await flow.sinks["events"].deliver()
            await flow.receive((lease, 1))
            mapped.append(flow.mapper.mapped)
        return mapped

    assert run_virtual(main()) == [10, 10, 10, 10, 10, 16]


def test_a_lease_that_closes_while_its_target_becomes_full_is_not_paused() -> None:
    async def main() -> tuple[set[Lease], set[Lease], Lease]:
        flow, closing, other = SteeredFlow(10), lease_of("orders"), lease_of("orders", 1)
        await flow.receive((closing, 2), (other, 0))
        ended = asyncio.create_task(flow.pipeline.close([closing], asyncio.get_running_loop().time() + 1.0))
        await flow.receive((other, 20))
        during = set(flow.source.paused)
        await ended
        for _ in range(20):
            await flow.sinks["events"].deliver()
        return during, flow.source.paused, other

    during, after, other = run_virtual(main())
    assert (during, after) == ({other}, set())


@pytest.mark.parametrize("at", [3, 15], ids=["a new chunk", "a backlog"])
def test_a_mapper_that_fails_ends_the_run_and_nothing_more_is_taken(at: int) -> None:
    async def main() -> tuple[str, int]:
        flow, lease = SteeredFlow(10), lease_of()
        failing = partial(_fail_at, at, flow.mapper.items)
        flow.mapper.items = failing  # type: ignore[method-assign]
        flow.source.chunks.put_nowait((lease, records_of(lease, 0, 20)))
        for _ in range(6):
            await flow.sinks["events"].deliver()
        with pytest.raises(BackgroundTaskError) as raised:
            await flow.tasks.failure
        flow.source.chunks.put_nowait((lease, ()))
        await asyncio.sleep(1.0)
        return str(raised.value.cause), flow.source.chunks.qsize()

    assert run_virtual(main()) == ("a bug", 1)


def _fail_at(offset: int, items: Callable[[Record], Sequence[Item]], source: Record) -> Sequence[Item]:
    if source.offset == offset:
        raise ValueError("a bug")
    return items(source)


def test_a_backlog_is_dropped_when_its_lease_closes_and_was_never_consumed() -> None:
    async def main() -> tuple[int, int, Progress, int]:
        flow, lease = SteeredFlow(10), lease_of()
        await flow.receive((lease, 25))
        before = lease.next_offset
        closing = asyncio.create_task(flow.pipeline.close([lease], asyncio.get_running_loop().time() + 100.0))
        for _ in range(30):
            await flow.sinks["events"].deliver()
        [progress] = (await closing).values()
        return before, lease.next_offset, progress, flow.mapper.mapped

    assert run_virtual(main()) == (10, 10, Progress(10), 10)


def test_what_was_settled_before_is_not_passed_over_while_it_is_in_a_backlog() -> None:
    """Otherwise an idle lease would commit a position that is past records which were never tracked."""

    async def main() -> list[int]:
        flow, lease = SteeredFlow(10), Lease(FIRST, 0, TopicCounts(), [range(15, 20)])
        await flow.receive((lease, 20))
        next_offsets = []
        for _ in range(7):
            next_offsets.append(lease.next_offset)
            await flow.sinks["events"].deliver()
        return next_offsets

    assert run_virtual(main()) == [10, 10, 10, 10, 10, 10, 20]


def test_a_closing_lease_gives_its_room_to_the_others_before_its_deadline() -> None:
    """Its items are abandoned at once when its target is held."""

    async def main() -> tuple[bool, bool]:
        flow = FlowHarness(CALM)
        flow.sinks[TAGS].outage = Verdict(VerdictKind.HELD)
        flow.produce(FIRST, ["t"] * 60)
        flow.produce(SECOND, ["e"] * 60)
        for partition in (FIRST, SECOND):
            await flow.source.assign(partition)
        await flow.pass_time(5.0)
        second = flow.source.leases[SECOND]
        before = second in flow.source.paused
        closing = asyncio.create_task(
            flow.pipeline.close([flow.source.leases[FIRST]], asyncio.get_running_loop().time() + 15.0)
        )
        await flow.pass_time(0.01)
        after = second in flow.source.paused
        await closing
        return before, after

    assert run_virtual(main()) == (True, False)


def test_the_loop_runs_while_a_chunk_that_fans_out_is_passed_on() -> None:
    """Passed on are ITEMS_PER_TURN items at a time, whatever the number of records or chunks."""

    async def main() -> list[int]:
        flow, lease = SteeredFlow(100_000, 100_000_000), lease_of()
        flow.mapper.fan_out = 50
        turns = []

        async def watch() -> None:
            while flow.mapper.mapped < 200:
                turns.append(flow.mapper.mapped)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        await flow.receive(*[(lease, 10)] * 20)
        await watching
        return turns

    turns = run_virtual(main())
    assert max(after - before for before, after in pairwise(turns)) == ITEMS_PER_TURN // 50
