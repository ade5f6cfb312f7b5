"""Real targets, sinks and provider on a platform in memory, on virtual time: what one target's token costs others."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connector.core.events import Event, RequestDone
from connector.core.retry import Backoff
from connector.core.sink import TargetState, VerdictKind
from connector.tuzhan.http_sink import HttpSink
from connector.tuzhan.renewal import RenewalSchedule
from connector.tuzhan.token_providers import FetchedToken
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.support.token_platform import TokenPlatform
from tests.unit.tuzhan.token_harness import reasons, running

GOOD, OTHER = "event/v2/batchAdd", "event/batchAdd"
LIMITS = replace(SETTINGS.limits, max_records=1)


class TwoTargets:
    """Two targets that share the token; `good` has always something to send. Made on the event loop."""

    def __init__(self, **trouble: object) -> None:
        self.events: list[Event] = []
        self.platform = TokenPlatform(seeded(3))
        for name, value in trouble.items():
            setattr(self.platform, name, value)
        schedule = RenewalSchedule(Backoff(0.25, 30.0), seeded(4))
        self.tokens = FetchedToken(("app", "secret"), self.platform, self.events.append, schedule)
        self.good, self.other = self._target(GOOD), self._target(OTHER)

    def _target(self, path: str) -> TargetHarness:
        settings = replace(SETTINGS, name=path, endpoint=path, limits=LIMITS, max_in_flight=8)
        return TargetHarness(HttpSink(path, self.platform, self.tokens), settings)

    async def feed(self, seconds: int, *, good: int = 16, other: int = 1) -> None:
        """Keep so many records queued at each target."""
        for _ in range(seconds * 10):
            self.good.put(max(0, good - self.good.target.queued))
            self.other.put(max(0, other - self.other.target.queued))
            await asyncio.sleep(0.1)

    async def drain(self) -> None:
        """Wait until all is delivered; nothing may have been dead-lettered."""
        await self.good.done()
        await self.other.done()
        assert self.good.dead_letters == self.other.dead_letters == []


def verdicts(harness: TargetHarness) -> list[VerdictKind]:
    return [event.verdict for event in harness.events if isinstance(event, RequestDone)]


def run_feed(**trouble: object) -> TwoTargets:
    async def main() -> TwoTargets:
        two = TwoTargets(**trouble)
        async with running(two.tokens):
            await two.feed(60)
        return two

    return run_virtual(main())


def test_a_target_whose_token_is_always_refused_costs_the_others_nothing() -> None:
    healthy, forbidden = run_feed(), run_feed(forbidden={OTHER})
    assert forbidden.other.target.sending.state is TargetState.HELD
    assert forbidden.good.target.sending.state is TargetState.UP
    assert set(verdicts(forbidden.good)) == {VerdictKind.DELIVERED}
    assert len(verdicts(forbidden.good)) > 0.95 * len(verdicts(healthy.good))
    assert len(forbidden.platform.fetches) <= 2
    assert "token_contested" not in str(reasons(forbidden.events))
    assert len(verdicts(forbidden.other)) < 60, "probes only"


def test_a_permission_that_comes_back_and_a_token_that_dies_meanwhile_lose_nothing() -> None:
    async def main() -> TwoTargets:
        two = TwoTargets(forbidden={OTHER})
        async with running(two.tokens):
            await two.feed(10, other=50)
            two.platform.kill()
            await two.feed(10, other=50)
            two.platform.forbidden = set()
            await two.drain()
        return two

    two = run_virtual(main())
    assert len(two.platform.fetches) <= 3
    assert two.other.target.sending.state is TargetState.UP
    for harness in (two.good, two.other):
        assert harness.counts.delivered == harness.counts.consumed


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_refusals_by_mistake_cause_neither_a_storm_of_tokens_nor_a_standstill(share: float) -> None:
    two = run_feed(mistakes=share)
    assert len(two.platform.issued) <= 6
    assert verdicts(two.good).count(VerdictKind.DELIVERED) > 50
    assert verdicts(two.other).count(VerdictKind.DELIVERED) > 3


def test_in_a_contest_records_wait_and_are_delivered_in_the_end() -> None:
    async def main() -> TwoTargets:
        two = TwoTargets()
        async with running(two.tokens):
            for _ in range(60):
                await two.feed(5, good=2)
                two.platform.kill()
            await two.drain()
        return two

    two = run_virtual(main())
    assert ("raised", "token_contested") in reasons(two.events)
    assert len(two.platform.issued) <= 300 / 30 + 3
    # A target that was refused two tokens in a row may be blamed for a moment: its next request with a third tells.
    assert len([code for _, code in reasons(two.good.events) + reasons(two.other.events) if code == "target_held"]) <= 4
    for harness in (two.good, two.other):
        assert harness.counts.delivered == harness.counts.consumed


def test_a_token_that_died_while_the_other_target_has_nothing_to_send_holds_no_target_for_long() -> None:
    """As after a freeze: `other` has never sent, and `good`, which used the token seconds ago, gets no more records."""

    async def main() -> float:
        two = TwoTargets()
        async with running(two.tokens):
            await two.feed(6, other=0)
            await two.good.done()
            two.platform.kill()
            await asyncio.sleep(12)
            resumed = asyncio.get_running_loop().time()
            two.other.put(1)
            await two.drain()
            return asyncio.get_running_loop().time() - resumed

    assert run_virtual(main()) < 10
