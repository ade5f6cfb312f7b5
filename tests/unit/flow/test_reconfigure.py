"""A target that goes on by other settings, and one that another succeeds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.batching import BatchLimits
from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.retry import Backoff
from connector.flow.target_alarm import RETIRED, RETIRED_REMEDY
from tests.support.builders import TARGET
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness, assert_empty
from tests.support.virtual_platform import FORBIDDEN, UNAVAILABLE, VirtualPlatform

if TYPE_CHECKING:
    from connector.core.events import Event
    from connector.core.sink import Verdict

ORDERED = replace(SETTINGS, ordered=True)


def test_what_is_queued_is_sent_by_the_new_settings() -> None:
    async def main() -> list[int]:
        sink = FakeSink()
        harness = TargetHarness(sink)
        harness.may_start = False
        harness.put(25)
        harness.target.reconfigure(replace(SETTINGS, limits=BatchLimits(3, 1_000, 0.2)))
        harness.put(7)
        harness.may_start = True
        harness.target.wake()
        await harness.done()
        return sorted(map(len, sink.requests))

    assert run_virtual(main()) == [1, 3, 3, 5, 10, 10], "what was gathered before leaves as it is"


def test_a_smaller_batch_than_the_open_one_has_items_is_no_trouble() -> None:
    async def main() -> list[list[int]]:
        sink = FakeSink()
        harness = TargetHarness(sink)
        harness.put(6)
        harness.target.reconfigure(replace(SETTINGS, limits=BatchLimits(2, 1_000, 0.2)))
        harness.put(3)
        await harness.done()
        return [[one.record.offset for one in request] for request in sink.requests]

    assert run_virtual(main()) == [[0, 1, 2, 3, 4, 5], [6, 7], [8]]


def test_more_and_fewer_requests_in_flight_count_at_once() -> None:
    async def main() -> list[int]:
        platform = VirtualPlatform(latency_s=10.0)
        harness = TargetHarness(platform)
        harness.put(90)
        await asyncio.sleep(1)
        counts = [harness.target.sending.requests_in_flight]
        harness.target.reconfigure(replace(SETTINGS, max_in_flight=5))
        await asyncio.sleep(1)
        counts.append(harness.target.sending.requests_in_flight)
        harness.target.reconfigure(replace(SETTINGS, max_in_flight=1))
        await asyncio.sleep(15)
        counts.append(harness.target.sending.requests_in_flight)
        await harness.done()
        assert_empty(harness.target)
        return counts

    assert run_virtual(main()) == [3, 5, 1]


def test_other_bounds_of_the_queue_count_at_once() -> None:
    async def main() -> list[bool]:
        harness = TargetHarness(FakeSink())
        harness.may_start = False
        harness.put(20)
        full = [harness.target.full]
        for bounds in ({"max_queued": 10}, {"max_queued_bytes": 30}, {"max_queued": 30}):
            harness.target.reconfigure(replace(SETTINGS, **bounds))  # type: ignore[arg-type]
            full.append(harness.target.full)
        return full

    assert run_virtual(main()) == [False, True, True, False]


def test_another_backoff_counts_from_the_next_failure_on_and_the_target_stays_down() -> None:
    async def main() -> tuple[int, int, str]:
        platform = VirtualPlatform(latency_s=0.1)
        platform.outage = UNAVAILABLE
        harness = TargetHarness(platform, replace(SETTINGS, backoff=Backoff(100.0, 100.0)))
        harness.put(10)
        await asyncio.sleep(1_000)
        before = len(platform.sent)
        harness.target.reconfigure(replace(SETTINGS, backoff=Backoff(0.1, 0.1)))
        await asyncio.sleep(200)
        return before, len(platform.sent) - before, harness.target.sending.state.value

    before, after, state = run_virtual(main())
    assert before / 1_000 < after / 200 / 10, "probes are 8 s apart at most"
    assert state == "down"


def _alarm(outage: Verdict) -> list[Event]:
    async def main() -> list[Event]:
        platform = VirtualPlatform(latency_s=0.1)
        platform.outage = outage
        harness = TargetHarness(platform)
        harness.put(10)
        await asyncio.sleep(100)
        harness.events.clear()
        harness.target.retire()
        assert harness.target.label == TARGET + RETIRED
        await asyncio.sleep(100)
        platform.outage = None
        await harness.done()
        assert_empty(harness.target)
        return [event for event in harness.events if isinstance(event, ReasonRaised | ReasonCleared)]

    return run_virtual(main())


def test_a_target_that_retires_while_it_is_not_up_says_what_it_is_and_what_to_do() -> None:
    for outage, code in ((UNAVAILABLE, "target_down"), (FORBIDDEN, "target_held")):
        first, *others, last = _alarm(outage)
        assert first == ReasonCleared(code, TARGET)  # type: ignore[arg-type]
        assert last == ReasonCleared(code, TARGET + RETIRED)  # type: ignore[arg-type]
        assert others
        for raised in others:
            assert isinstance(raised, ReasonRaised)
            assert (raised.code, raised.target) == (code, TARGET + RETIRED)
            assert raised.remedy.endswith(RETIRED_REMEDY)
            assert raised.remedy.count(RETIRED_REMEDY) == 1


def test_items_wait_in_a_successor_for_those_that_share_a_key_and_no_others() -> None:
    async def main() -> list[list[list[int]]]:
        earlier, later = VirtualPlatform(latency_s=0.1), VirtualPlatform(latency_s=0.1)
        earlier.outage = UNAVAILABLE
        first, second = TargetHarness(earlier, ORDERED), TargetHarness(later, ORDERED)
        first.put(keys=["anna"])
        first.put(keys=["bert"])
        await asyncio.sleep(100)
        second.target.succeed(first.target)
        second.put(keys=["carl"])
        second.put(keys=["anna"])
        second.put(keys=["carl", "bert"])
        second.put(keys=["carl"])
        await asyncio.sleep(100)
        stored = [_offsets(later)]
        earlier.outage = None
        await first.done()
        await second.done()
        assert_empty(first.target)
        assert_empty(second.target)
        return [*stored, _offsets(later)]

    before, after = run_virtual(main())
    assert before == [[0]]
    assert [offset for request in after for offset in request if offset != 1] == [0, 2, 3]
    assert sorted(offset for request in after for offset in request) == [0, 1, 2, 3]


def _offsets(platform: VirtualPlatform) -> list[list[int]]:
    return [list(request.offsets) for request in platform.sent]
