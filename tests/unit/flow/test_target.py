"""Targets on virtual time, one rule at a time: retries, Retry-After, tokens, bounds of the queue, age of a batch."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from connector.core.batching import BatchLimits
from connector.core.errors import BackgroundTaskError
from connector.core.events import ItemsSettled, RequestDone
from connector.core.record import Outcome, TopicPartition
from connector.core.sink import Verdict, VerdictKind
from connector.flow.sender import MAX_PROBE_WAIT_S
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness

if TYPE_CHECKING:
    from connector.core.record import Item


def _tries(verdict: Verdict, tries: int, *, rate: float | None = None) -> list[float]:
    """When one item was sent: `tries` times in all, the last time with success."""

    async def main() -> list[float]:
        times: list[float] = []

        def script(_: object) -> Verdict:
            times.append(asyncio.get_running_loop().time())
            return verdict if len(times) < tries else Verdict(VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script), rate=rate)
        harness.put()
        await harness.done()
        return times

    return run_virtual(main())


def test_a_failed_request_is_sent_again_within_the_bounds_of_the_backoff() -> None:
    times = _tries(Verdict(VerdictKind.AGAIN), 40)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert all(wait <= SETTINGS.backoff.bound(number) + 1e-6 for number, wait in enumerate(waits, start=1))
    assert MAX_PROBE_WAIT_S / 2 < max(waits) <= MAX_PROBE_WAIT_S, "the backoff of a target that is down"
    assert len(set(waits)) == len(waits), "no jitter"


def test_retry_after_is_obeyed_even_where_the_backoff_is_shorter() -> None:
    times = _tries(Verdict(VerdictKind.AGAIN, retry_after_s=45.0), 6)
    assert all(later - earlier >= 45 for earlier, later in pairwise(times))


def test_retry_after_holds_for_the_whole_target() -> None:
    async def main() -> list[float]:
        began: list[float] = []

        def script(_: object) -> Verdict:
            began.append(asyncio.get_running_loop().time())
            return Verdict(VerdictKind.AGAIN, retry_after_s=60.0) if len(began) == 1 else Verdict(VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script))
        harness.put(10)
        await asyncio.sleep(1)
        harness.put(10)
        await harness.done()
        return began

    began = run_virtual(main())
    assert len(began) == 3
    assert min(began[1:]) - began[0] >= 60


def test_a_refused_token_costs_one_try_at_once_and_then_backs_off() -> None:
    times = _tries(Verdict(VerdictKind.TOKEN), 4)
    assert times[1] == times[0]
    assert times[2] > times[1]


def test_no_more_requests_than_the_rate_allows_retries_included() -> None:
    times = _tries(Verdict(VerdictKind.AGAIN, retry_after_s=None), 12, rate=0.1)
    assert all(later - earlier >= 10 - 1e-6 for earlier, later in pairwise(times))


def test_done_items_are_settled_although_the_rest_must_be_sent_again() -> None:
    verdicts = [Verdict(VerdictKind.AGAIN, done=frozenset({0, 2})), Verdict(VerdictKind.DELIVERED)]

    async def main() -> tuple[TargetHarness, list[list[Item]]]:
        sink = FakeSink(lambda _: verdicts.pop(0))
        harness = TargetHarness(sink)
        harness.put(4)
        await harness.done()
        return harness, sink.requests

    harness, requests = run_virtual(main())
    assert [[one.record.offset for one in items] for items in requests] == [[0, 1, 2, 3], [1, 3]]
    assert (harness.counts.delivered, harness.target.queued_bytes) == (4, 0)


def test_a_target_is_full_at_its_bound_and_has_room_below_half_of_it() -> None:
    async def main() -> list[tuple[bool, bool]]:
        harness = TargetHarness(
            FakeSink(), replace(SETTINGS, max_queued=10, limits=BatchLimits(1, 1_000, 0.2), max_in_flight=1)
        )
        seen = []
        for count in (4, 1, 4, 1):
            harness.put(count)
            seen.append((harness.target.full, harness.target.has_room))
        await harness.done()
        return [*seen, (harness.target.full, harness.target.has_room)]

    assert run_virtual(main()) == [(False, True), (False, False), (False, False), (True, False), (False, True)]


def test_the_bytes_of_items_and_of_their_records_fill_a_target_too() -> None:
    async def main() -> tuple[bool, bool]:
        harness = TargetHarness(FakeSink(), replace(SETTINGS, max_queued_bytes=100))
        harness.put(body=b"x" * 97)
        before = harness.target.full
        harness.put(body=b"x")
        return before, harness.target.full

    assert run_virtual(main()) == (False, True)


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_that_does_not_fill_is_sent_when_it_is_old_enough(count: int) -> None:
    async def main() -> tuple[float, int]:
        times: list[float] = []

        def script(items: object) -> Verdict:
            assert isinstance(items, list)
            times.append(asyncio.get_running_loop().time())
            return Verdict(VerdictKind.DELIVERED)

        sink = FakeSink(script)
        harness = TargetHarness(sink)
        began = asyncio.get_running_loop().time()
        harness.put(count)
        await harness.done()
        return times[0] - began, len(sink.requests)

    waited, requests = run_virtual(main())
    assert (round(waited, 6), requests) == (0.2, 1)


def test_each_request_and_each_settlement_is_reported() -> None:
    async def main() -> tuple[TargetHarness, list[Item]]:
        async def script(_: object) -> Verdict:
            await asyncio.sleep(2.5)
            return Verdict(VerdictKind.DELIVERED, "accepted", http_status=200, code="0200", import_batch="b1")

        harness = TargetHarness(FakeSink(script))
        items = harness.put(3, body=b"12345")
        await harness.done()
        return harness, items

    harness, items = run_virtual(main())
    request = RequestDone(
        target="sink",
        verdict=VerdictKind.DELIVERED,
        items=items,
        offsets=[(TopicPartition("orders", 0), [0, 1, 2])],
        body_bytes=27 + 2 + 3 * 6,
        seconds=2.5,
        http_status=200,
        code="0200",
        detail="accepted",
        import_batch="b1",
    )
    assert harness.events == [request, ItemsSettled("sink", Outcome.DELIVERED, {"route": 3})]
    assert harness.progress == 1


def test_the_keys_of_queued_items_are_counted_where_items_are_ordered() -> None:
    async def main(*, ordered: bool) -> list[int]:
        harness = TargetHarness(FakeSink(), replace(SETTINGS, ordered=ordered))
        harness.put(keys=["anna", "bert"])
        harness.put(keys=["bert", "carl"])
        before = harness.target.key_count
        await harness.done()
        return [before, harness.target.key_count]

    assert run_virtual(main(ordered=True)) == [3, 0]
    assert run_virtual(main(ordered=False)) == [0, 0]


def test_a_batch_that_is_open_when_another_one_ends_goes_on_filling() -> None:
    async def main() -> list[list[int]]:
        sink = FakeSink()
        harness = TargetHarness(sink, replace(SETTINGS, ordered=True))
        harness.put(10, keys=["anna"])
        harness.put(keys=["bert"])
        await asyncio.sleep(0.1)
        harness.put(keys=["carl"])
        await harness.done()
        return [[one.record.offset for one in items] for items in sink.requests]

    assert run_virtual(main()) == [list(range(10)), [10, 11]]


def _tries_of_two(*verdicts: VerdictKind) -> list[float]:
    """When the two items of one batch were sent; after these verdicts everything is delivered."""

    async def main() -> list[float]:
        times: list[float] = []
        left = list(verdicts)

        def script(_: object) -> Verdict:
            times.append(asyncio.get_running_loop().time())
            return Verdict(left.pop(0) if left else VerdictKind.DELIVERED)

        harness = TargetHarness(FakeSink(script), replace(SETTINGS, limits=BatchLimits(2, 1_000, 0.2)))
        harness.put(2)
        await harness.done()
        return times

    return run_virtual(main())


AGAIN, TOKEN, REFUSED = VerdictKind.AGAIN, VerdictKind.TOKEN, VerdictKind.REFUSED


ENDS_OF_A_PART = pytest.mark.parametrize("ends", [(REFUSED,), (REFUSED, REFUSED)], ids=["split", "dead-lettered"])


@ENDS_OF_A_PART
def test_the_parts_of_a_batch_start_with_a_backoff_of_their_own(ends: tuple[VerdictKind, ...]) -> None:
    """After ten failures in a row the bound is 30 s; after the first one of the next part it is 0.25 s."""
    verdicts = [verdict for end in ends for verdict in (*[AGAIN] * 10, end)]
    times = _tries_of_two(*verdicts, AGAIN)
    assert max(later - earlier for earlier, later in pairwise(times[:10])) > 1
    assert times[len(verdicts) + 1] - times[len(verdicts)] <= 0.25


@ENDS_OF_A_PART
def test_each_part_of_a_batch_has_one_try_at_once_with_another_token(ends: tuple[VerdictKind, ...]) -> None:
    times = _tries_of_two(TOKEN, *ends, TOKEN)
    assert len(set(times)) == 1


def test_a_delivery_that_fails_is_named_by_its_target() -> None:
    async def main() -> None:
        def script(_: object) -> Verdict:
            raise ZeroDivisionError

        harness = TargetHarness(FakeSink(script))
        harness.put(10)
        await harness.done()

    with pytest.raises(BackgroundTaskError, match="'sink: request 1' died"):
        run_virtual(main())
