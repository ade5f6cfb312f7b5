"""How much is passed on before the event loop gets to do something else: replies, probes and heartbeats have to wait.

A turn ends when the loop runs, and at the latest after ITEMS_PER_TURN records, or items, of whatever leases, or after
TURN_S: the loop must not stand still for hundreds of records that are large, or slow to map.
"""

from __future__ import annotations

import asyncio
from typing import Final

ITEMS_PER_TURN: Final = 500
"""How many records, or items, one turn passes on: a few milliseconds' worth, if they are small."""
TURN_S: Final = 0.02
RECORDS_PER_LOOK: Final = 8
"""How many records are mapped between two looks at the clock, each of which takes a hundredth of such a record."""


class Turn:
    """Lives as long as the pipeline; used on the event loop only."""

    def __init__(self) -> None:
        self.left = ITEMS_PER_TURN
        """How many records or items may still be passed on in this turn; some, after `begin`."""
        self.is_over = False
        """Whether nothing more may be passed on in this turn."""
        self._unlooked = 0
        """How many were passed on since the last look at the clock."""
        self._ends_at = 0.0
        self._has_begun = False
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Called before something is passed on: begins a turn if the last one is over, or the loop has run since."""
        if not self._has_begun:
            self._has_begun, self.is_over = True, False
            self.left, self._unlooked = ITEMS_PER_TURN, 0
            self._ends_at = self._loop.time() + TURN_S
            self._loop.call_soon(self._on_end)

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return self._loop.time() >= self._ends_at

    def spend(self, count: int) -> None:
        """Called when that many records, or items, were passed on."""
        self.left -= count
        self._unlooked += count
        if self._unlooked >= RECORDS_PER_LOOK or self.left <= 0:
            self._unlooked = 0
            self.is_over = self.left <= 0 or self.is_late

    async def end(self) -> None:
        """End the turn: let the loop run."""
        self._on_end()
        await asyncio.sleep(0)

    def _on_end(self) -> None:
        self._has_begun = False
