"""Which of many identical failures are worth a warning: the first, then one a minute with the number in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

WINDOW_S = 60.0
MAX_KEYS = 1000


class Repeats:
    """Remembers when each kind of failure was last told. Times are monotonic seconds."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._told: dict[Hashable, tuple[float, int]] = {}

    def tell(self, key: Hashable, now: float) -> int | None:
        """Give how many were held back since the last one told, or None: hold this one back too."""
        told_at, held_back = self._told.get(key, (None, 0))
        if told_at is not None and now - told_at < self._window_s:
            self._told[key] = (told_at, held_back + 1)
            return None
        if len(self._told) >= MAX_KEYS:
            # More kinds than anybody reads: forget, at the price of a line too many.
            self._told.clear()
        self._told[key] = (now, 0)
        return held_back

    def forget(self, key: Hashable) -> None:
        """Let the next one be told at once."""
        self._told.pop(key, None)
