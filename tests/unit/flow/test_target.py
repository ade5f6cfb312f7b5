"""Targets on virtual time: retries, Retry-After, tokens, holds, back-pressure, ages, one rule at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from connector.core.batching import Limits
from connector.core.events import ItemsSettled, ReasonCleared, ReasonRaised, RequestDone
from connector.core.sink import Verdict, VerdictKind
from tests.support.clock import run_virtual
from tests.support.fakes import FakeSink
from tests.support.fakes_flow import seeded
from tests.support.fakes_target import SETTINGS, Stage, StormSink, Trouble

if TYPE_CHECKING:
    from connector.core.record import Item


def _tries(verdict: Verdict, tries: int, *, rate: float | None = None) -> list[float]:
    """When one item was sent, so many times the same verdict and then success."""

    async def main() -> list[float]:
        times: list[float] = []

        def script(_: object) -> Verdict:
            times.append(asyncio.get_running_loop().time())
            return verdict if len(times) < tries else Verdict(VerdictKind.DELIVERED)

        stage = Stage(FakeSink(script), rate=rate)
        stage.put()
        await stage.done()
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

        stage = Stage(FakeSink(script))
        stage.put(10)
        await asyncio.sleep(1)
        stage.put(10)
        await stage.done()
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
    async def main() -> tuple[Stage, int]:
        sink = StormSink(Trouble(1, latency_s=0.01), seeded(1))
        sink.outage = Verdict(VerdictKind.HELD, "forbidden", http_status=403, remedy="grant it")
        stage = Stage(sink)
        stage.put(60)
        await asyncio.sleep(600)
        probes = len(sink.log)
        hold = stage.target.gate.hold
        assert hold is not None
        assert hold.reason == "forbidden"
        sink.outage = None
        await stage.done()
        return stage, probes

    stage, probes = run_virtual(main())
    raised = [event for event in stage.events if isinstance(event, ReasonRaised | ReasonCleared)]
    assert raised == [ReasonRaised("target_held", "sink", "grant it"), ReasonCleared("target_held", "sink")]
    assert 20 < probes < 100, "600 s of a backoff of 30 s at most"
    assert stage.target.gate.hold is None
    assert (stage.counts.delivered, stage.buried) == (60, [])


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
            held.append(stage.target.gate.hold is not None)
            return verdicts.pop(0)

        stage = Stage(FakeSink(script))
        stage.put()
        await stage.done()
        return [*held, stage.target.gate.hold is not None]

    assert run_virtual(main()) == [False, True, True, True, False]


def test_a_target_that_is_held_again_has_one_probe_again() -> None:
    async def main() -> tuple[int, int]:
        sink = StormSink(Trouble(1, latency_s=0.01), seeded(1))
        stage = Stage(sink)
        counts = []
        for _ in range(2):
            sink.outage = Verdict(VerdictKind.HELD)
            before = len(sink.log)
            stage.put(30)
            await asyncio.sleep(300)
            counts.append(len(sink.log) - before)
            sink.outage = None
            await stage.done()
        return counts[0], counts[1]

    first, second = run_virtual(main())
    assert 0 < second < 2 * first


def test_items_that_were_done_are_settled_although_the_rest_must_be_tried_again() -> None:
    verdicts = [Verdict(VerdictKind.AGAIN, done=frozenset({0, 2})), Verdict(VerdictKind.DELIVERED)]

    async def main() -> tuple[Stage, list[list[Item]]]:
        sink = FakeSink(lambda _: verdicts.pop(0))
        stage = Stage(sink)
        stage.put(4)
        await stage.done()
        return stage, sink.requests

    stage, requests = run_virtual(main())
    assert [[one.record.offset for one in items] for items in requests] == [[0, 1, 2, 3], [1, 3]]
    assert (stage.counts.delivered, stage.target.queued_bytes) == (4, 0)


def test_full_and_relaxed_are_values_with_room_between_them() -> None:
    async def main() -> list[tuple[bool, bool]]:
        stage = Stage(FakeSink(), replace(SETTINGS, max_queued=10, limits=Limits(1, 1_000, 0.2), max_in_flight=1))
        seen = []
        for count in (4, 1, 4, 1):
            stage.put(count)
            seen.append((stage.target.full, stage.target.relaxed))
        await stage.done()
        return [*seen, (stage.target.full, stage.target.relaxed)]

    assert run_virtual(main()) == [(False, True), (False, False), (False, False), (True, False), (False, True)]


def test_the_bytes_of_items_and_their_records_fill_a_target_too() -> None:
    async def main() -> tuple[bool, bool]:
        stage = Stage(FakeSink(), replace(SETTINGS, max_queued_bytes=100))
        stage.put(body=b"x" * 97)
        before = stage.target.full
        stage.put(body=b"x")
        return before, stage.target.full

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
        stage = Stage(sink)
        began = asyncio.get_running_loop().time()
        stage.put(count)
        await stage.done()
        return times[0] - began, len(sink.requests)

    waited, requests = run_virtual(main())
    assert (round(waited, 6), requests) == (0.2, 1)


def test_each_request_and_each_ending_is_told_with_its_exact_bytes() -> None:
    async def main() -> Stage:
        stage = Stage(FakeSink())
        stage.put(3, body=b"12345")
        await stage.done()
        return stage

    stage = run_virtual(main())
    request, ended = stage.events
    assert isinstance(request, RequestDone)
    assert (request.verdict, len(request.records), request.body_bytes) == (VerdictKind.DELIVERED, 3, 27 + 2 + 3 * 6)
    assert isinstance(ended, ItemsSettled)
    assert dict(ended.by_route) == {"route": 3}
    assert stage.progress == 1
