"""Targets on virtual time: retries, Retry-After, tokens, holds, back-pressure, ages, one rule at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from connector.core.batching import BatchLimits
from connector.core.events import ItemsSettled, ReasonCleared, ReasonRaised, RequestDone
from connector.core.sink import TargetState, Verdict, VerdictKind
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.storm_sink import StormSink, Trouble
from tests.support.target_harness import SETTINGS, TargetHarness

if TYPE_CHECKING:
    from connector.core.record import Item


def _tries(verdict: Verdict, tries: int, *, rate: float | None = None) -> list[float]:
    """When one item was sent, so many times the same verdict and then success."""

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


def test_a_failure_that_passes_is_tried_again_within_the_bounds_of_the_backoff() -> None:
    times = _tries(Verdict(VerdictKind.AGAIN), 40)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert all(wait <= SETTINGS.backoff.bound(number) + 1e-6 for number, wait in enumerate(waits, start=1))
    assert max(waits) > 10, "the backoff never grew"
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


def test_a_held_target_says_so_sends_one_probe_at_a_time_and_says_when_it_is_over() -> None:
    async def main() -> tuple[TargetHarness, int]:
        sink = StormSink(Trouble(1, latency_s=0.01), seeded(1))
        sink.outage = Verdict(VerdictKind.HELD, "forbidden", http_status=403, remedy="grant it")
        harness = TargetHarness(sink)
        harness.put(60)
        await asyncio.sleep(600)
        probes = len(sink.log)
        assert (harness.target.sending.state, harness.target.sending.reason) == (TargetState.HELD, "forbidden")
        sink.outage = None
        await harness.done()
        return harness, probes

    harness, probes = run_virtual(main())
    raised = [event for event in harness.events if isinstance(event, ReasonRaised | ReasonCleared)]
    assert raised == [ReasonRaised("target_held", "sink", "grant it"), ReasonCleared("target_held", "sink")]
    assert 20 < probes < 100, "600 s of a backoff of 30 s at most"
    assert (harness.target.sending.state, harness.target.sending.reason) == (TargetState.UP, "")
    assert (harness.counts.delivered, harness.dead_letters) == (60, [])


def test_a_held_target_stays_held_while_its_probe_fails_by_transport() -> None:
    verdicts = [
        Verdict(VerdictKind.HELD),
        Verdict(VerdictKind.AGAIN, "no connection"),
        Verdict(VerdictKind.TOKEN),
        Verdict(VerdictKind.DELIVERED),
    ]

    async def main() -> list[bool]:
        held: list[bool] = []

        def script(_: object) -> Verdict:
            held.append(harness.target.sending.state is TargetState.HELD)
            return verdicts.pop(0)

        harness = TargetHarness(FakeSink(script))
        harness.put()
        await harness.done()
        return [*held, harness.target.sending.state is TargetState.HELD]

    assert run_virtual(main()) == [False, True, True, True, False]


def test_a_target_that_is_held_again_has_one_probe_again() -> None:
    async def main() -> tuple[int, int]:
        sink = StormSink(Trouble(1, latency_s=0.01), seeded(1))
        harness = TargetHarness(sink)
        counts = []
        for _ in range(2):
            sink.outage = Verdict(VerdictKind.HELD)
            before = len(sink.log)
            harness.put(30)
            await asyncio.sleep(300)
            counts.append(len(sink.log) - before)
            sink.outage = None
            await harness.done()
        return counts[0], counts[1]

    first, second = run_virtual(main())
    assert 0 < second < 2 * first


def test_items_that_were_done_are_settled_although_the_rest_must_be_tried_again() -> None:
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


def test_full_and_has_room_are_values_with_room_between_them() -> None:
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


def test_the_bytes_of_items_and_their_records_fill_a_target_too() -> None:
    async def main() -> tuple[bool, bool]:
        harness = TargetHarness(FakeSink(), replace(SETTINGS, max_queued_bytes=100))
        harness.put(body=b"x" * 97)
        before = harness.target.full
        harness.put(body=b"x")
        return before, harness.target.full

    assert run_virtual(main()) == (False, True)


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_that_does_not_fill_leaves_when_it_is_old_enough(count: int) -> None:
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


def test_each_request_and_each_ending_is_told_with_its_exact_bytes() -> None:
    async def main() -> TargetHarness:
        harness = TargetHarness(FakeSink())
        harness.put(3, body=b"12345")
        await harness.done()
        return harness

    harness = run_virtual(main())
    request, ended = harness.events
    assert isinstance(request, RequestDone)
    assert (request.verdict, len(request.records), request.body_bytes) == (VerdictKind.DELIVERED, 3, 27 + 2 + 3 * 6)
    assert isinstance(ended, ItemsSettled)
    assert dict(ended.by_route) == {"route": 3}
    assert harness.progress == 1
