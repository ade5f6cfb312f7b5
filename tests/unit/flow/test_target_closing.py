"""What a target does with a lease that is closing or has ended: one try, nothing twice, nothing overtakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.batching import Limits
from connector.core.ledger import Lease
from connector.core.record import TopicPartition
from connector.core.sink import Verdict, VerdictKind
from tests.support.clock import run_virtual
from tests.support.fakes import FakeSink
from tests.support.fakes_target import SETTINGS, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item

ORDERED = replace(SETTINGS, ordered=True)
ONE_PLACE = replace(ORDERED, max_in_flight=1)


def _close(stage: Stage, lease: Lease | None = None) -> asyncio.Event:
    """What the pipeline does when a lease goes; the event is set when it is quiet."""
    quiet = asyncio.Event()
    (lease or stage.lease).close(quiet.set)
    stage.target.flush()
    return quiet


def _end(stage: Stage, lease: Lease | None = None) -> None:
    (lease or stage.lease).end()
    stage.target.flush()


def _offsets(requests: Sequence[Sequence[Item]]) -> list[list[int]]:
    return [[one.record.offset for one in items] for items in requests]


def test_what_is_buffered_gets_its_one_try_at_once() -> None:
    async def main() -> tuple[Stage, float]:
        stage = Stage(FakeSink())
        stage.put(3)
        began = asyncio.get_running_loop().time()
        await _close(stage).wait()
        return stage, asyncio.get_running_loop().time() - began

    stage, waited = run_virtual(main())
    assert (stage.counts.delivered, waited) == (3, 0.0)


def test_what_fails_at_its_one_try_is_given_up_and_not_tried_again() -> None:
    async def main() -> tuple[Stage, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN))
        stage = Stage(sink)
        stage.put(3)
        await _close(stage).wait()
        await asyncio.sleep(100)
        return stage, len(sink.requests)

    stage, requests = run_virtual(main())
    assert (requests, stage.lease.unsettled, stage.target.queued) == (1, 3, 0)


def test_what_waits_for_a_retry_is_given_up_at_once() -> None:
    async def main() -> tuple[float, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN, retry_after_s=300))
        stage = Stage(sink)
        stage.put(10)
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await _close(stage).wait()
        return asyncio.get_running_loop().time() - began, len(sink.requests)

    assert run_virtual(main()) == (0.0, 1)


def test_no_split_starts_but_what_is_alone_and_refused_is_buried() -> None:
    """Its verdict is known: to release it would only have it sent once more."""

    async def main(count: int) -> tuple[Stage, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.REFUSED))
        stage = Stage(sink)
        stage.put(count)
        await _close(stage).wait()
        return stage, len(sink.requests)

    stage, requests = run_virtual(main(4))
    assert (requests, stage.buried, stage.target.queued) == (1, [], 0)
    stage, requests = run_virtual(main(1))
    assert (requests, len(stage.buried), stage.target.queued) == (1, 1, 0)


def test_nothing_of_an_ended_lease_is_buried() -> None:
    async def main() -> Stage:
        answer = asyncio.Event()

        async def script(_: object) -> Verdict:
            await answer.wait()
            return Verdict(VerdictKind.REFUSED)

        stage = Stage(FakeSink(script))
        stage.put(1)
        await asyncio.sleep(1)
        _end(stage)
        answer.set()
        await stage.done()
        return stage

    stage = run_virtual(main())
    assert (stage.buried, stage.counts.released, stage.counts.dead_lettered) == ([], 1, 0)


def test_what_is_on_the_wire_is_awaited() -> None:
    async def main() -> tuple[Stage, float]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(7)
            return Verdict(VerdictKind.DELIVERED)

        stage = Stage(FakeSink(script))
        stage.put(10)
        await asyncio.sleep(1)
        await _close(stage).wait()
        return stage, asyncio.get_running_loop().time()

    stage, now = run_virtual(main())
    assert (stage.counts.delivered, now) == (10, 1007.0)


def test_what_is_ordered_does_not_overtake_what_was_given_up() -> None:
    """The first item fails at its one try; those behind it, in other requests, must not be sent before it."""

    async def main() -> list[list[int]]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN))
        stage = Stage(sink, replace(ORDERED, limits=Limits(1, 1_000, 0.2)))
        stage.put(5, keys=["anna"])
        await asyncio.sleep(0)
        await _close(stage).wait()
        await asyncio.sleep(100)
        assert stage.target.queued == 0
        return _offsets(sink.requests)

    assert run_virtual(main()) == [[0]]


def test_other_leases_go_on_while_one_closes() -> None:
    async def main() -> Stage:
        verdicts = [Verdict(VerdictKind.AGAIN), Verdict(VerdictKind.DELIVERED)]
        stage = Stage(FakeSink(lambda _: verdicts.pop(0)))
        other = Lease(TopicPartition("orders", 1), 0, stage.counts)
        stage.put(5)
        stage.put(5, lease=other)
        await _close(stage).wait()
        _end(stage)
        await stage.done()
        return stage

    stage = run_virtual(main())
    assert (stage.counts.delivered, stage.counts.released) == (5, 5)


def test_what_waits_in_a_lane_leaves_the_queue_when_its_lease_ends_although_no_place_is_free() -> None:
    """Another lease has the only place, for ever; items of this one differ in params, so each waits for another."""

    async def main() -> tuple[int, int]:
        stage = Stage(FakeSink(lambda _: Verdict(VerdictKind.AGAIN)), ONE_PLACE)
        other = Lease(TopicPartition("orders", 1), 0, stage.counts)
        stage.put(10, lease=other)
        for params in (b"add", b"delete", b"add", b"delete"):
            stage.put(keys=["anna"], params=params)
        _end(stage)
        return stage.target.queued, stage.target.queued_bytes

    assert run_virtual(main()) == (10, 50)


def test_what_waits_in_a_lane_is_given_up_at_once_with_what_it_waits_for() -> None:
    async def main() -> tuple[bool, int]:
        stage = Stage(FakeSink(lambda _: Verdict(VerdictKind.AGAIN, retry_after_s=600)), ONE_PLACE)
        for params in (b"add", b"delete", b"add", b"delete"):
            stage.put(keys=["anna"], params=params)
        await asyncio.sleep(1)
        quiet = _close(stage)
        return quiet.is_set(), stage.target.queued

    assert run_virtual(main()) == (True, 0)


def test_what_moves_up_in_a_lane_while_its_lease_closes_does_not_wait_for_more() -> None:
    async def main() -> tuple[float, int]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(0.5)
            return Verdict(VerdictKind.DELIVERED)

        stage = Stage(FakeSink(script), replace(ORDERED, limits=Limits(10, 1_000, 5.0)))
        for params in (b"add", b"delete", b"add", b"delete"):
            stage.put(keys=["anna"], params=params)
        began = asyncio.get_running_loop().time()
        await _close(stage).wait()
        return asyncio.get_running_loop().time() - began, stage.counts.delivered

    assert run_virtual(main()) == (2.0, 4)


def test_while_a_target_is_held_there_is_no_try_to_wait_for() -> None:
    async def main() -> tuple[float, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.HELD))
        stage = Stage(sink, replace(SETTINGS, max_in_flight=1))
        other = Lease(TopicPartition("orders", 1), 0, stage.counts)
        stage.put(10, lease=other)
        quiet = asyncio.Event()
        stage.put(5)
        began = asyncio.get_running_loop().time()
        stage.lease.close(quiet.set)
        stage.target.flush()  # before the verdict is known
        await asyncio.wait_for(quiet.wait(), 15)
        return asyncio.get_running_loop().time() - began, stage.lease.unsettled

    assert run_virtual(main()) == (0.0, 5)
