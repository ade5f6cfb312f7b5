"""How fast requests may be sent. Pure: `now` is an argument."""

from __future__ import annotations

import math


class Pacer:
    """Spaces requests evenly, at most `rate` per second; None means no limit.

    Even spacing rather than bursts: the platform does not document the window over which it counts.
    """

    def __init__(self, rate: float | None) -> None:
        self._next = -math.inf
        self.set_rate(rate)

    def set_rate(self, rate: float | None) -> None:
        """Space the next requests by another rate; moments that are reserved already stay."""
        self._interval = 0.0 if rate is None else 1.0 / rate

    def reserve(self, now: float) -> float:
        """Reserve the next free moment; return how many seconds from `now` it is (0: at once)."""
        if not self._interval:
            return 0.0
        moment = max(now, self._next)
        self._next = moment + self._interval
        return moment - now
