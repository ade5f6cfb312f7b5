"""Targets while a lease closes or after it has ended: one try, nothing is sent twice, nothing overtakes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector.core.batching import BatchLimits
from connector.core.evidence import MIN_REFUSALS
from connector.core.ledger import Lease
from connector.core.record import TopicPartition
from connector.core.sink import TargetState, Verdict, VerdictKind
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item

ORDERED = replace(SETTINGS, ordered=True)
ONE_SLOT = replace(ORDERED, max_in_flight=1)


def _close(harness: TargetHarness) -> asyncio.Event:
    """Close the lease as the pipeline does; the event is set when it is drained."""
    drained = asyncio.Event()
    harness.lease.close(drained.set)
    harness.target.flush()
    return drained


def _end(harness: TargetHarness) -> None:
    """End the lease as the pipeline does."""
    harness.lease.end()
    harness.target.flush()


def _other_lease(harness: TargetHarness) -> Lease:
    return Lease(TopicPartition("orders", 1), 0, harness.counts)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _offsets(requests: Sequence[Sequence[Item]]) -> list[list[int]]:
    return [[one.record.offset for one in items] for items in requests]


def test_queued_items_get_their_one_try_at_once() -> None:
    async def main() -> tuple[TargetHarness, float]:
        harness = TargetHarness(FakeSink())
        harness.put(3)
        began = _now()
        await _close(harness).wait()
        return harness, _now() - began

    harness, waited = run_virtual(main())
    assert (harness.counts.delivered, waited) == (3, 0.0)


def test_an_item_whose_one_try_fails_is_abandoned() -> None:
    async def main() -> tuple[TargetHarness, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN))
        harness = TargetHarness(sink)
        harness.put(3)
        await _close(harness).wait()
        await asyncio.sleep(100)
        return harness, len(sink.requests)

    harness, requests = run_virtual(main())
    assert (requests, harness.lease.unsettled, harness.target.queued) == (1, 3, 0)


def test_an_item_that_waits_for_a_retry_is_abandoned_at_once() -> None:
    async def main() -> tuple[float, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.AGAIN, retry_after_s=300))
        harness = TargetHarness(sink)
        harness.put(10)
        await asyncio.sleep(1)
        began = _now()
        await _close(harness).wait()
        return _now() - began, len(sink.requests)

    assert run_virtual(main()) == (0.0, 1)


@pytest.mark.parametrize("count", [1, 4])
def test_no_split_and_no_second_try_of_a_refused_item_starts(count: int) -> None:
    async def main() -> tuple[TargetHarness, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.REFUSED))
        harness = TargetHarness(sink)
        harness.put(count)
        await _close(harness).wait()
        return harness, len(sink.requests)

    harness, requests = run_virtual(main())
    assert (requests, harness.dead_letters, harness.target.queued) == (1, [], 0)


def test_an_item_whose_last_refusal_comes_while_its_lease_closes_is_dead_lettered() -> None:
    """The verdict on that item is known: if it were released, its next owner would only get the same one."""

    async def main() -> TargetHarness:
        async def script(items: Sequence[Item]) -> Verdict:
            if items[0].record.partition == 1:
                return Verdict(VerdictKind.DELIVERED)
            await asyncio.sleep(1)
            return Verdict(VerdictKind.REFUSED)

        sink = FakeSink(script)
        harness = TargetHarness(sink)
        harness.put(params=b"a batch of its own")
        while len([items for items in sink.requests if items[0].record.partition == 0]) < MIN_REFUSALS:
            harness.put(10, lease=_other_lease(harness))
            await asyncio.sleep(0.1)
        await _close(harness).wait()
        return harness

    harness = run_virtual(main())
    assert (len(harness.dead_letters), harness.lease.unsettled) == (1, 0)


def test_a_refused_item_that_comes_again_with_each_lease_is_no_outage() -> None:
    async def main() -> TargetHarness:
        settings = replace(SETTINGS, refused_in_a_row=3, refused_alone_for_s=60.0)
        harness = TargetHarness(FakeSink(lambda _: Verdict(VerdictKind.REFUSED)), settings)
        for _ in range(5):
            harness.put(1)
            await asyncio.sleep(30)
            await _close(harness).wait()
            _end(harness)
            harness.lease = _other_lease(harness)
        harness.put(1)
        await asyncio.sleep(100)
        return harness

    harness = run_virtual(main())
    assert (len(harness.dead_letters), harness.target.sending.state) == (1, TargetState.UP)


def test_nothing_of_an_ended_lease_is_dead_lettered() -> None:
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


def test_a_request_on_the_wire_is_awaited() -> None:
    async def main() -> tuple[TargetHarness, float]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(7)
            return Verdict(VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script))
        harness.put(10)
        await asyncio.sleep(1)
        await _close(harness).wait()
        return harness, _now()

    harness, now = run_virtual(main())
    assert (harness.counts.delivered, now) == (10, 1007.0)


def test_ordered_items_do_not_overtake_an_abandoned_one() -> None:
    """The one try of the first item fails; those behind it, in other requests, must not be sent before it."""

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
        other = _other_lease(harness)
        harness.put(5)
        harness.put(5, lease=other)
        await _close(harness).wait()
        _end(harness)
        await harness.done()
        return harness

    harness = run_virtual(main())
    assert (harness.counts.delivered, harness.counts.released) == (5, 5)


def test_items_that_wait_for_their_key_leave_the_queue_when_their_lease_ends_though_no_slot_is_free() -> None:
    """Another lease keeps the only slot. The items of this one differ in params, so each waits for the one before."""

    async def main() -> tuple[int, int]:
        harness = TargetHarness(FakeSink(lambda _: Verdict(VerdictKind.AGAIN)), ONE_SLOT)
        other = _other_lease(harness)
        harness.put(10, lease=other)
        for params in (b"add", b"delete", b"add", b"delete"):
            harness.put(keys=["anna"], params=params)
        _end(harness)
        return harness.target.queued, harness.target.queued_bytes

    assert run_virtual(main()) == (10, 50)


def test_items_that_wait_for_their_key_are_abandoned_at_once_with_the_item_they_wait_for() -> None:
    async def main() -> tuple[bool, int]:
        harness = TargetHarness(FakeSink(lambda _: Verdict(VerdictKind.AGAIN, retry_after_s=600)), ONE_SLOT)
        for params in (b"add", b"delete", b"add", b"delete"):
            harness.put(keys=["anna"], params=params)
        await asyncio.sleep(1)
        drained = _close(harness)
        return drained.is_set(), harness.target.queued

    assert run_virtual(main()) == (True, 0)


def test_an_item_that_is_readmitted_while_its_lease_closes_does_not_wait_for_a_full_batch() -> None:
    async def main() -> tuple[float, int]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(0.5)
            return Verdict(VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script), replace(ORDERED, limits=BatchLimits(10, 1_000, 5.0)))
        for params in (b"add", b"delete", b"add", b"delete"):
            harness.put(keys=["anna"], params=params)
        began = _now()
        await _close(harness).wait()
        return _now() - began, harness.counts.delivered

    assert run_virtual(main()) == (2.0, 4)


def test_items_of_a_closing_lease_are_abandoned_at_once_when_their_target_is_held() -> None:
    async def main() -> tuple[float, int]:
        sink = FakeSink(lambda _: Verdict(VerdictKind.HELD))
        harness = TargetHarness(sink, replace(SETTINGS, max_in_flight=1))
        other = _other_lease(harness)
        harness.put(10, lease=other)
        harness.put(5)
        began = _now()
        drained = _close(harness)  # before the verdict is known
        await asyncio.wait_for(drained.wait(), 15)
        return _now() - began, harness.lease.unsettled

    assert run_virtual(main()) == (0.0, 5)


def test_items_of_a_closing_lease_are_abandoned_at_once_if_the_target_asks_to_wait_past_the_deadline() -> None:
    async def main() -> tuple[float, int]:
        verdicts = iter([Verdict(VerdictKind.AGAIN, retry_after_s=60.0), Verdict(VerdictKind.AGAIN)])
        harness = TargetHarness(FakeSink(lambda _: next(verdicts)), replace(SETTINGS, max_in_flight=1))
        harness.put(10, lease=_other_lease(harness))
        await asyncio.sleep(0.01)
        harness.put(5)
        began = _now()
        harness.lease.deadline = began + 25.0
        await asyncio.wait_for(_close(harness).wait(), 20)
        return _now() - began, harness.lease.unsettled

    assert run_virtual(main()) == (0.0, 5)


def test_a_batch_that_waits_for_another_split_is_abandoned_when_its_lease_closes() -> None:
    """One batch is split at a time; the requests of the first one's parts hang."""

    async def main() -> tuple[bool, int, int]:
        async def script(items: Sequence[Item]) -> Verdict:
            if len(items) < 10:
                await asyncio.sleep(10_000)
            return Verdict(VerdictKind.REFUSED)

        harness = TargetHarness(FakeSink(script))
        harness.put(10, lease=_other_lease(harness))
        harness.put(10)
        await asyncio.sleep(1)
        drained = _close(harness)
        return drained.is_set(), harness.lease.unsettled, harness.target.queued

    assert run_virtual(main()) == (True, 10, 10)


def test_an_item_that_waits_behind_a_discarded_one_is_sent_at_once() -> None:
    """`first` is on the wire. Of its lease, `second` waits for it. The other lease's item waits for `second` only."""

    async def main() -> list[list[int]]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(10_000)
            return Verdict(VerdictKind.DELIVERED)

        sink = FakeSink(script)
        harness = TargetHarness(sink, ORDERED)
        harness.put(keys=["anna"], params=b"add")  # first
        await asyncio.sleep(1)
        harness.put(keys=["anna", "bert"], params=b"delete")  # second
        harness.put(keys=["bert"], params=b"add", lease=_other_lease(harness))
        await asyncio.sleep(1)
        assert len(sink.requests) == 1
        _end(harness)
        await asyncio.sleep(1)
        return [[one.record.partition for one in items] for items in sink.requests]

    assert run_virtual(main()) == [[0], [1]]


@pytest.mark.parametrize("ordered", [False, True])
def test_an_abandoned_item_breaks_the_order_of_its_lease_only_where_items_are_ordered(*, ordered: bool) -> None:
    async def main() -> bool:
        harness = TargetHarness(FakeSink(lambda _: Verdict(VerdictKind.AGAIN)), replace(SETTINGS, ordered=ordered))
        harness.put(keys=["anna"])
        await _close(harness).wait()
        return harness.lease.order_broken

    assert run_virtual(main()) is ordered


def test_it_is_told_when_the_last_item_has_ended_or_left() -> None:
    async def main() -> list[int]:
        verdicts = iter([VerdictKind.DELIVERED])
        harness = TargetHarness(FakeSink(lambda _: Verdict(next(verdicts, VerdictKind.AGAIN))))
        emptied = [harness.emptied]
        harness.put(2)
        await harness.done()
        emptied.append(harness.emptied)
        harness.put(2)
        await asyncio.sleep(3)
        emptied.append(harness.emptied)
        _end(harness)
        await harness.done()
        return [*emptied, harness.emptied]

    assert run_virtual(main()) == [0, 1, 1, 2]
