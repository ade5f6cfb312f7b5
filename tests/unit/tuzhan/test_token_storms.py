"""Hours of everything that can happen to a token: seeded, on virtual time, with the real sinks and the real provider.

Whatever happens: one request for a token at a time, never a storm of them, and once the platform is well every target
delivers within minutes.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from connector.core.record import Item, Record
from connector.core.retry import Backoff
from connector.core.sink import VerdictKind
from connector.tuzhan.http_sink import HttpSink
from connector.tuzhan.renewal import RenewalSchedule
from connector.tuzhan.token_providers import FetchedToken
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.token_platform import TokenPlatform
from tests.unit.tuzhan.token_harness import reasons, running

if TYPE_CHECKING:
    from random import Random

    from connector.core.events import Event

PATHS = ("event/v2/batchAdd", "event/batchAdd", "audience/info/batchAdd", "audience/tag/batchAdd")
BACKOFF = Backoff(0.25, 30.0)
ITEM = Item("target", "route", b"{}", b"{}", (), Record("topic", 0, 0, None, None, None, ()))
LONGEST_PAUSE_S = 900.0
RECOVERY_S = 1_800.0
"""At most the longest pause, the patience with a target that was blamed for long, its backoff, and a few tokens."""


class Sender:
    """Sends to one endpoint as a target does: `width` requests at once, one probe while it is held, backoff."""

    def __init__(self, path: str, platform: TokenPlatform, tokens: FetchedToken, width: int, random: Random) -> None:
        self.path = path
        self.sink = HttpSink(path, platform, tokens)
        self.pause_s = 1.0
        """Between two batches."""
        self._width = width
        self._random = random
        self._held = False
        self._probe = asyncio.Lock()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._width):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._deliver_one()
            await asyncio.sleep(min(self._random.expovariate(1 / self.pause_s), LONGEST_PAUSE_S))

    async def _deliver_one(self) -> None:
        for failures in itertools.count():
            if failures > 1 or self._held:
                await asyncio.sleep(BACKOFF.delay(max(1, failures), self._random))
            if self._held:
                async with self._probe:
                    verdict = await self._send()
            else:
                verdict = await self._send()
            if verdict is VerdictKind.DELIVERED:
                self._held = False
                return
            if verdict is VerdictKind.HELD:
                self._held = True

    async def _send(self) -> VerdictKind:
        await self.sink.ready()
        assert self.sink.is_ready
        return (await self.sink.send([ITEM])).kind


class Storm:
    """One run: some targets, and a platform whose troubles change at random."""

    def __init__(self, seed: int) -> None:
        self.random = seeded(seed)
        one_in_five = [self.random.random() < 0.2 for _ in range(2)]
        self.platform = TokenPlatform(self.random, kills_old=one_in_five[0], same_token=one_in_five[1])
        self.events: list[Event] = []
        schedule = RenewalSchedule(BACKOFF, self.random)
        self.tokens = FetchedToken(("app", "secret"), self.platform, self.events.append, schedule)
        paths = PATHS[: self.random.randint(1, 4)]
        widths = (1, 2, 4)
        self.senders = [
            Sender(path, self.platform, self.tokens, self.random.choice(widths), self.random) for path in paths
        ]

    async def run(self, hours: int) -> None:
        async with running(self.tokens):
            senders = [asyncio.create_task(sender.run()) for sender in self.senders]
            end_s = asyncio.get_running_loop().time() + 3600 * hours
            while asyncio.get_running_loop().time() < end_s:
                self._change()
                await asyncio.sleep(self.random.expovariate(1 / self.random.choice((5, 60, 600))))
            await self._calm()
            for sender in senders:
                assert not sender.done()
                sender.cancel()
            await asyncio.wait(senders)

    def _change(self) -> None:
        random, platform = self.random, self.platform
        match random.randrange(8):
            case 0 | 1:
                platform.kill()
            case 2:
                platform.down = not platform.down
            case 3:
                platform.mistakes = random.choice((0.0, 0.0, 0.01, 0.3, 1.0))
            case 4:
                platform.forbidden ^= {random.choice(self.senders).path}
            case 5:
                random.choice(self.senders).pause_s = random.choice((1, 5, 60, 600))
            case 6:
                platform.life_s = random.choice((0.5, 20.0, 300.0, 7200.0))
                platform.stated_life_s = random.choice((0, -1, 1, platform.life_s, 1e12))
            case _:
                self._heal()

    def _heal(self) -> None:
        self.platform.down = False
        self.platform.mistakes = 0.0
        self.platform.forbidden = set()
        self.platform.life_s = self.platform.stated_life_s = 7200.0

    async def _calm(self) -> None:
        """The platform is well: everything is delivered soon, and then no token is fetched but at its time."""
        self._heal()
        self.platform.kill()
        for sender in self.senders:
            sender.pause_s = 10.0
        await asyncio.sleep(RECOVERY_S)
        assert all(sender.sink.is_ready for sender in self.senders)
        self.platform.refused.clear()
        self.platform.delivered.clear()
        issued = len(self.platform.issued)
        await asyncio.sleep(7200)
        renewal_refuses = self.platform.kills_old or self.platform.same_token
        assert sum(self.platform.refused.values()) <= (2 * 16 if renewal_refuses else 0)
        assert self.platform.delivered.keys() == {sender.path for sender in self.senders}
        assert len(self.platform.issued) - issued <= (4 if renewal_refuses else 2)
        assert reasons(self.events)[-1][0] == "cleared"


def assert_no_storm(platform: TokenPlatform) -> None:
    """Half a second apart; and while tokens live long, in five minutes no more than a contest and chance allow."""
    assert all(later[0] - earlier[0] >= 0.499 for earlier, later in itertools.pairwise(platform.issued))
    for first in range(len(platform.issued) - 20):
        tokens = platform.issued[first : first + 21]
        if not any(0 < life_s < 300 for _, life_s in tokens):
            assert tokens[-1][0] - tokens[0][0] > 300


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_tokens_there_is_no_storm_and_all_is_well_in_the_end(seed: int) -> None:
    storm = Storm(seed)
    run_virtual(storm.run(hours=1))
    assert_no_storm(storm.platform)
