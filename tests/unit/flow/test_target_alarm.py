"""What `/readyz` says of a target that is not up is true at the moment at which it is read."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector.core.events import ReasonRaised
from connector.core.sink import Verdict, VerdictKind
from connector.observe.health import Health
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.support.virtual_platform import FORBIDDEN, UNAVAILABLE, VirtualPlatform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item

NEXT_TRY = re.compile(r"next try in (\d+) s")
AGAIN = Verdict(VerdictKind.AGAIN, "HTTP 429", http_status=429, retry_after_s=40.0)


def remedies(harness: TargetHarness) -> list[str]:
    """Return the remedies that a request to `/readyz` would show now."""
    health = Health()
    for event in harness.events:
        health.on(event)
    return [reason.remedy for reason in health.reasons if reason.code != "starting"]


def test_the_next_try_counts_down_with_that_of_the_target_itself_and_what_waits_is_counted_anew() -> None:
    async def main() -> tuple[list[tuple[float, float]], list[str]]:
        harness = TargetHarness(FakeSink(lambda _: AGAIN), replace(SETTINGS, max_in_flight=1))
        sending = harness.target.sending
        harness.put(2)
        await asyncio.sleep(81)  # the third try was a moment ago
        seen, told = [], []
        for _ in range(30):
            await asyncio.sleep(1)
            harness.put()
            [remedy] = remedies(harness)
            found = NEXT_TRY.search(remedy)
            assert found
            assert sending.next_try_s is not None
            seen.append((float(found[1]), sending.next_try_s))
            told.append(remedy)
        return seen, told

    seen, told = run_virtual(main())
    assert all(abs(said - expected) <= 0.5 for said, expected in seen), "they agree, to the second"
    assert seen[0][0] - seen[-1][0] == 29
    assert "; 3 items wait;" in told[0]
    assert "; 32 items wait;" in told[-1]


def test_while_the_next_try_is_under_way_the_remedy_says_so() -> None:
    async def main() -> list[str]:
        async def script(_: Sequence[Item]) -> Verdict:
            await asyncio.sleep(9.0)
            return UNAVAILABLE

        harness = TargetHarness(FakeSink(script), replace(SETTINGS, max_in_flight=1))
        harness.put(5)
        await asyncio.sleep(60)
        told = []
        for _ in range(60):
            await asyncio.sleep(1.0)
            if harness.target.sending.requests_in_flight:
                told += remedies(harness)
        return told

    told = run_virtual(main())
    assert told
    assert all(remedy.endswith("; 5 items wait; next try under way)") for remedy in told)


@pytest.mark.parametrize("outage", [UNAVAILABLE, FORBIDDEN])
def test_what_is_read_right_after_it_was_raised_is_what_was_raised(outage: Verdict) -> None:
    async def main() -> list[tuple[str, str]]:
        platform = VirtualPlatform()
        platform.outage = outage
        harness = TargetHarness(platform)
        harness.put(10)
        compared: list[tuple[str, str]] = []
        for _ in range(200):
            before = len(harness.events)
            await asyncio.sleep(0.1)
            raised = [event for event in harness.events[before:] if isinstance(event, ReasonRaised)]
            if raised and raised[-1].present_remedy is not None:
                compared.append((NEXT_TRY.sub("", raised[-1].remedy), NEXT_TRY.sub("", raised[-1].present_remedy())))
        return compared

    compared = run_virtual(main())
    assert compared
    assert all(was == present for was, present in compared)
