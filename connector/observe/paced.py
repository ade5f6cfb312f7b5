"""Answers that take some milliseconds of the event loop each: in turn, and never more than a share of its time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

from connector.core.time_budget import TimeBudget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")

SHARE: Final = 0.1
BURST_S: Final = 0.2
MOST_WAITING: Final = 16


class BusyError(Exception):
    """So many wait already that this one is not made."""


class AbandonedError(Exception):
    """Nobody waits for the answer any more."""


class Paced:
    """Lives as long as the admin port; used on the event loop only."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._budget = TimeBudget(SHARE, BURST_S)
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def make(
        self, answer: Callable[[], Answer], is_abandoned: Callable[[], Awaitable[bool]] | None = None
    ) -> Answer:
        """Return the answer when its turn has come. Raises BusyError, and AbandonedError if nobody waits for it then.

        Answers for clients that gave up would hold up the next one until it gives up too: a scraper that asks more
        often than its share allows would never get one.
        """
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.sleep(self._budget.wait_s(self._now()))
                if is_abandoned is not None and await is_abandoned():
                    raise AbandonedError
                began = self._now()
                made = answer()
                ended = self._now()
                self._budget.spend(ended, ended - began)
                return made
        finally:
            self._waiting -= 1
