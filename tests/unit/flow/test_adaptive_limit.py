from __future__ import annotations

from dataclasses import replace

from connector.core.batching import BatchLimits
from connector.core.events import RequestDone
from connector.core.sink import TargetState
from tests.support.clock import run_virtual
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.support.virtual_platform import FORBIDDEN, TOO_MANY, UNAVAILABLE, VirtualPlatform

AUTO = replace(SETTINGS, max_in_flight="auto", limits=BatchLimits(1, 1_000, 0.2), max_queued=10_000)


def test_a_target_with_auto_sends_as_many_requests_at_once_as_bring_more_throughput() -> None:
    async def main() -> tuple[int, int, int]:
        harness = TargetHarness(VirtualPlatform(latency_s=0.2), AUTO)
        first = harness.target.sending.concurrency.limit
        put = len(harness.put(4_000))
        most = 0
        while harness.target.queued:
            most = max(most, harness.target.sending.requests_in_flight)
            await harness.tick()
        return first, most, len(harness.sink.stored) - put  # type: ignore[attr-defined]

    first, most, difference = run_virtual(main())
    assert first <= 8
    assert most >= 64
    assert difference == 0


def test_too_many_requests_lower_the_limit_and_a_target_that_is_held_does_not() -> None:
    async def main() -> tuple[int, int, int]:
        platform = VirtualPlatform(latency_s=0.2)
        harness = TargetHarness(platform, AUTO)
        harness.put(4_000)
        await harness.tick(12)
        before = harness.target.sending.concurrency.limit
        platform.outage = FORBIDDEN
        await harness.tick(60)
        while_held = harness.target.sending.concurrency.limit
        platform.outage = None
        while harness.target.sending.state is not TargetState.UP:
            await harness.tick()
        platform.outage = TOO_MANY
        await harness.tick(60)
        after = harness.target.sending.concurrency.limit
        platform.outage = None
        await harness.done()
        return before, while_held, after

    before, while_held, after = run_virtual(main())
    assert before > 16
    assert while_held == before
    assert after < before


def test_after_an_outage_all_is_delivered_and_no_more_were_on_the_wire_than_the_limit() -> None:
    async def main() -> list[int]:
        platform = VirtualPlatform(latency_s=0.2)
        harness = TargetHarness(platform, AUTO)
        put = harness.put(2_000)
        await harness.tick(5)
        platform.outage = UNAVAILABLE
        await harness.tick(120)
        platform.outage = None
        await harness.done()
        assert len(platform.stored) == len(put)
        return [event.http_status or 0 for event in harness.events if isinstance(event, RequestDone)]

    statuses = run_virtual(main())
    assert statuses.count(503) < 200
