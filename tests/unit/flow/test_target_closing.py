"""What a target does with a lease that is closing or has ended: one try, nothing twice, nothing overtakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.batching import BatchLimits
from connector.core.ledger import Lease
from connector.core.record import TopicPartition
from connector.core.sink import Verdict, VerdictKind
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item

ORDERED = replace(SETTINGS, ordered=True)
ONE_PLACE = replace(ORDERED, max_in_flight=1)


def _close(harness: TargetHarness, lease: Lease | None = None) -> asyncio.Event:
    """What the pipeline does when a lease goes; the event is set when it is quiet."""
    quiet = asyncio.Event()
    (lease or harness.lease).close(quiet.set)
    harness.target.flush()
    return quiet


def _end(harness: TargetHarness, lease: Lease | None = None) -> None:
    (lease or harness.lease).end()
    harness.target.flush()


def _offsets(requests: Sequence[Sequence[Item]]) -> list[list[int]]:
    return [[one.record.offset for one in items] for items in requests]


def test_what_is_buffered_gets_its_one_try_at_once() -> None:
    async def main() -> tuple[TargetHarness, float]:
        harness = TargetHarness(FakeSink())
        harness.put(3)
        began = asyncio.get_running_loop().time()
        await _close(harness).wait()
        return harness, asyncio.get_running_loop().time() - began

    harness, waited = run_virtual(main())
    assert (harness.counts.delivered, waited) == (3, 0.0)


def test_what_fails_at_its_one_try_is_given_up_and_not_tried_again() -> None:
    async def main() -> tuple[TargetHarness, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN))
        harness = TargetHarness(sink)
        harness.put(3)
        await _close(harness).wait()
        await asyncio.sleep(100)
        return harness, len(sink.requests)

    harness, requests = run_virtual(main())
    assert (requests, harness.lease.unsettled, harness.target.queued) == (1, 3, 0)


def test_what_waits_for_a_retry_is_given_up_at_once() -> None:
    async def main() -> tuple[float, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN, retry_after_s=300))
        harness = TargetHarness(sink)
        harness.put(10)
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await _close(harness).wait()
        return asyncio.get_running_loop().time() - began, len(sink.requests)

    assert run_virtual(main()) == (0.0, 1)


def test_no_split_starts_but_what_is_alone_and_refused_is_buried() -> None:
    """Its verdict is known: to release it would only have it sent once more."""

    async def main(count: int) -> tuple[TargetHarness, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.REFUSED))
        harness = TargetHarness(sink)
        harness.put(count)
        await _close(harness).wait()
        return harness, len(sink.requests)

    harness, requests = run_virtual(main(4))
    assert (requests, harness.dead_letters, harness.target.queued) == (1, [], 0)
    harness, requests = run_virtual(main(1))
    assert (requests, len(harness.dead_letters), harness.target.queued) == (1, 1, 0)


def test_nothing_of_an_ended_lease_is_buried() -> None:
    async def main() -> TargetHarness:
        answer = asyncio.Event()

        async def script(_: object) -> Verdict:
            await answer.wait()
            return Verdict(VerdictKind.REFUSED)

        harness = TargetHarness(FakeSink(script))
        harness.put(1)
        await asyncio.sleep(1)
        _end(harness)
        answer.set()
        await harness.done()
        return harness

    harness = run_virtual(main())
    assert (harness.dead_letters, harness.counts.released, harness.counts.dead_lettered) == ([], 1, 0)


def test_what_is_on_the_wire_is_awaited() -> None:
    async def main() -> tuple[TargetHarness, float]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(7)
            return Verdict(VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script))
        harness.put(10)
        await asyncio.sleep(1)
        await _close(harness).wait()
        return harness, asyncio.get_running_loop().time()

    harness, now = run_virtual(main())
    assert (harness.counts.delivered, now) == (10, 1007.0)


def test_what_is_ordered_does_not_overtake_what_was_given_up() -> None:
    """The first item fails at its one try; those behind it, in other requests, must not be sent before it."""

    async def main() -> list[list[int]]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN))
        harness = TargetHarness(sink, replace(ORDERED, limits=BatchLimits(1, 1_000, 0.2)))
        harness.put(5, keys=["anna"])
        await asyncio.sleep(0)
        await _close(harness).wait()
        await asyncio.sleep(100)
        assert harness.target.queued == 0
        return _offsets(sink.requests)

    assert run_virtual(main()) == [[0]]


def test_other_leases_go_on_while_one_closes() -> None:
    async def main() -> TargetHarness:
        verdicts = [Verdict(VerdictKind.AGAIN), Verdict(VerdictKind.DELIVERED)]
        harness = TargetHarness(FakeSink(lambda _: verdicts.pop(0)))
        other = Lease(TopicPartition("orders", 1), 0, harness.counts)
        harness.put(5)
        harness.put(5, lease=other)
        await _close(harness).wait()
        _end(harness)
        await harness.done()
        return harness

    harness = run_virtual(main())
    assert (harness.counts.delivered, harness.counts.released) == (5, 5)


def test_what_waits_in_a_lane_leaves_the_queue_when_its_lease_ends_although_no_place_is_free() -> None:
    """Another lease has the only place, for ever; items of this one differ in params, so each waits for another."""

    async def main() -> tuple[int, int]:
        harness = TargetHarness(FakeSink(lambda _: Verdict(VerdictKind.AGAIN)), ONE_PLACE)
        other = Lease(TopicPartition("orders", 1), 0, harness.counts)
        harness.put(10, lease=other)
        for params in (b"add", b"delete", b"add", b"delete"):
            harness.put(keys=["anna"], params=params)
        _end(harness)
        return harness.target.queued, harness.target.queued_bytes

    assert run_virtual(main()) == (10, 50)


def test_what_waits_in_a_lane_is_given_up_at_once_with_what_it_waits_for() -> None:
    async def main() -> tuple[bool, int]:
        harness = TargetHarness(FakeSink(lambda _: Verdict(VerdictKind.AGAIN, retry_after_s=600)), ONE_PLACE)
        for params in (b"add", b"delete", b"add", b"delete"):
            harness.put(keys=["anna"], params=params)
        await asyncio.sleep(1)
        quiet = _close(harness)
        return quiet.is_set(), harness.target.queued

    assert run_virtual(main()) == (True, 0)


def test_what_moves_up_in_a_lane_while_its_lease_closes_does_not_wait_for_more() -> None:
    async def main() -> tuple[float, int]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(0.5)
            return Verdict(VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script), replace(ORDERED, limits=BatchLimits(10, 1_000, 5.0)))
        for params in (b"add", b"delete", b"add", b"delete"):
            harness.put(keys=["anna"], params=params)
        began = asyncio.get_running_loop().time()
        await _close(harness).wait()
        return asyncio.get_running_loop().time() - began, harness.counts.delivered

    assert run_virtual(main()) == (2.0, 4)


def test_while_a_target_is_held_there_is_no_try_to_wait_for() -> None:
    async def main() -> tuple[float, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.HELD))
        harness = TargetHarness(sink, replace(SETTINGS, max_in_flight=1))
        other = Lease(TopicPartition("orders", 1), 0, harness.counts)
        harness.put(10, lease=other)
        quiet = asyncio.Event()
        harness.put(5)
        began = asyncio.get_running_loop().time()
        harness.lease.close(quiet.set)
        harness.target.flush()  # before the verdict is known
        await asyncio.wait_for(quiet.wait(), 15)
        return asyncio.get_running_loop().time() - began, harness.lease.unsettled

    assert run_virtual(main()) == (0.0, 5)
