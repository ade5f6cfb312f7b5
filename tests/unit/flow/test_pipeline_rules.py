"""The pipeline, one rule at a time: closing by a deadline, dead letters, commits."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connector.core.ledger import Lease, TopicCounts
from connector.core.progress import Progress
from connector.core.record import DEAD_LETTERS
from tests.support.builders import item, record
from tests.support.clock import run_virtual
from tests.support.flow_harness import CALM, HANGING, PARTITIONS, FlowHarness, running_flow
from tests.support.flow_oracle import EVENTS
from tests.unit.flow.steered_flow import SteeredFlow, lease_of

FIRST, SECOND, _ = PARTITIONS


@pytest.mark.parametrize(("deadline_s", "waited_s"), [(15.0, 15.0), (0.0, 0.0)])
def test_closing_takes_no_longer_than_its_deadline_and_a_lost_lease_no_time(deadline_s: float, waited_s: float) -> None:
    async def main() -> tuple[float, int, int | None]:
        flow = await running_flow(HANGING, ["e"] * 10)
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
        flow = await running_flow(replace(CALM, latency_s=5.0), ["e"] * 6)
        await flow.source.revoke([FIRST], 0.0)
        await flow.until(lambda: len(flow.sinks[EVENTS].settled) == 6)
        await flow.pass_time(5.0)
        return flow.source.topic_counts["orders"], flow.source.logs[FIRST].committed

    assert run_virtual(main()) == (TopicCounts(consumed=6, released=6), None)


def test_a_chunk_that_comes_after_its_lease_has_ended_is_not_tracked() -> None:
    async def main() -> tuple[int, int]:
        flow, lease = SteeredFlow(), lease_of()
        lease.end()
        await flow.receive((lease, 3))
        return lease.next_offset, len(flow.pipeline.leases)

    assert run_virtual(main()) == (0, 0)


def test_the_watermarks_of_the_leases_in_hand_are_committed_at_each_interval() -> None:
    async def main() -> tuple[list[list[Lease]], list[Lease]]:
        flow, leases = SteeredFlow(), [lease_of("orders"), lease_of("members")]
        flow.tasks.spawn_service(flow.pipeline.commit_periodically(5.0), name="commits")
        await asyncio.sleep(6)  # nothing to commit yet
        await flow.receive((leases[0], 1), (leases[1], 1))
        await asyncio.sleep(8)
        leases[0].end()
        await flow.pipeline.close(leases[:1], None)
        await asyncio.sleep(4)
        return flow.source.commits, leases

    commits, leases = run_virtual(main())
    assert commits == [[], leases, leases[1:]]


async def _timed_close(
    flow: SteeredFlow, *leases: Lease, deadline_s: float = 15.0
) -> tuple[dict[Lease, Progress], float]:
    """The progress of each lease, and how long closing took."""
    began = asyncio.get_running_loop().time()
    watermarks = await flow.pipeline.close(leases, began + deadline_s if deadline_s else None)
    return watermarks, asyncio.get_running_loop().time() - began


def test_closing_no_lease_waits_for_nothing() -> None:
    async def main() -> tuple[dict[Lease, Progress], float]:
        return await _timed_close(SteeredFlow())

    assert run_virtual(main()) == ({}, 0.0)


def test_closing_waits_for_the_last_of_several_leases_and_no_longer() -> None:
    async def main() -> tuple[dict[Lease, Progress], list[Lease], float]:
        flow, leases = SteeredFlow(), [lease_of("orders"), lease_of("members")]
        await flow.receive((leases[0], 1), (leases[1], 1))
        closing = asyncio.create_task(_timed_close(flow, *leases))
        await flow.sinks["events"].deliver()
        assert not closing.done()
        await flow.sinks["tags"].deliver()
        watermarks, seconds = await closing
        return watermarks, leases, seconds

    watermarks, leases, seconds = run_virtual(main())
    assert (watermarks, seconds) == (dict.fromkeys(leases, Progress(1)), 1.0)


@pytest.mark.parametrize(("later_s", "waited_s"), [(5.0, 5.0), (30.0, 15.0), (0.0, 0.0)])
def test_a_lease_that_is_closed_twice_ends_by_the_earlier_deadline_and_has_one_watermark(
    later_s: float, waited_s: float
) -> None:
    """Such as a stop during a revoke that took too long, or a loss (0) during either."""

    async def main() -> tuple[list[dict[Lease, Progress]], list[float], Lease]:
        flow, lease = SteeredFlow(), lease_of()
        await flow.receive((lease, 3))
        closings = [asyncio.create_task(_timed_close(flow, lease, deadline_s=each)) for each in (15.0, later_s)]
        ended = await asyncio.gather(*closings)
        return [watermarks for watermarks, _ in ended], [seconds for _, seconds in ended], lease

    watermarks, seconds, lease = run_virtual(main())
    assert seconds == [waited_s, waited_s]
    assert sorted(watermarks, key=len) == [{}, {lease: Progress(0)}]
    assert lease.released == 3


def test_closing_after_the_deadline_waits_for_nothing_and_still_returns_the_watermark() -> None:
    """So a loop that was blocked for longer than the deadline doesn't make the thread wait once more."""

    async def main() -> tuple[dict[Lease, Progress], float, Lease]:
        flow, lease = SteeredFlow(), lease_of()
        await flow.receive((lease, 3))
        return *await _timed_close(flow, lease, deadline_s=-3.0), lease

    watermarks, seconds, lease = run_virtual(main())
    assert (watermarks, seconds) == ({lease: Progress(0)}, 0.0)


def test_nothing_that_is_queued_of_a_lost_lease_is_sent() -> None:
    async def main() -> tuple[float, int, int]:
        flow, lease = SteeredFlow(), lease_of()
        for _ in range(3):
            await flow.receive((lease, 1))
        _, seconds = await _timed_close(flow, lease, deadline_s=0.0)
        await asyncio.sleep(100)
        return seconds, len(flow.sinks["events"].requests), lease.released

    assert run_virtual(main()) == (0.0, 1, 3), "one was on the wire"


def test_a_paused_lease_that_ends_is_not_resumed() -> None:
    async def main() -> tuple[set[Lease], list[Lease], Lease]:
        flow, lease = SteeredFlow(), lease_of()
        await flow.receive((lease, 20))
        assert flow.source.paused == {lease}
        await _timed_close(flow, lease, deadline_s=0.0)
        return flow.pipeline.paused, flow.source.resumed, lease

    paused, resumed, _ = run_virtual(main())
    assert (paused, resumed) == (set(), [])


def test_a_dead_letter_is_addressed_to_the_dead_letters_whatever_its_item_was_meant_for() -> None:
    async def main() -> list[str]:
        flow, lease = SteeredFlow(), lease_of()
        lease.track(0, 0.0, 1)
        await asyncio.sleep(0)
        flow.pipeline.dead_letter(item(record(0), target="events"), lease)
        await asyncio.sleep(1)
        return [one.target for one in flow.sinks[DEAD_LETTERS].requests[0]]

    assert run_virtual(main()) == [DEAD_LETTERS]


def test_records_that_were_settled_before_the_lease_are_passed_over() -> None:
    async def main() -> tuple[Lease, int]:
        flow = SteeredFlow()
        lease = Lease(FIRST, 0, TopicCounts(), [range(1, 3)])
        await flow.receive((lease, 4))
        return lease, flow.targets["events"].queued

    lease, queued = run_virtual(main())
    assert queued == 2
    assert (lease.unsettled, lease.next_offset, lease.progress()) == (2, 4, Progress(0, (range(1, 3),)))
