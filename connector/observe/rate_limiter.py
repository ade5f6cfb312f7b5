"""Rate limit for identical log lines: the first, then one a minute with the number suppressed in between."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

WINDOW_S = 60.0
MAX_KEYS = 1000
_NUMBER = re.compile(r"[0-9]+(,[0-9]{3})*")


class RateLimiter:
    """Admits each key once per WINDOW_S. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._admitted: dict[Hashable, tuple[float, int]] = {}
        """By key: when it was last admitted, and how many were suppressed since."""

    def __len__(self) -> int:
        """Return the number of keys in memory, at most MAX_KEYS."""
        return len(self._admitted)

    def admit(self, key: Hashable, now: float) -> int | None:
        """Return how many were suppressed since the last one was admitted; None: suppress this one too."""
        admitted_at, suppressed = self._admitted.get(key, (None, 0))
        if admitted_at is not None and now - admitted_at < WINDOW_S:
            self._admitted[key] = (admitted_at, suppressed + 1)
            return None
        if len(self._admitted) >= MAX_KEYS:
            # Bounded memory at the price of a few lines too many.
            self._admitted.clear()
        self._admitted[key] = (now, 0)
        return suppressed


def without_numbers(text: str) -> str:
    """Return `text` with `#` for each number: the key of messages that differ in their numbers only."""
    return _NUMBER.sub("#", text)
