"""How fast requests may leave. Pure: `now` is an argument."""

from __future__ import annotations


class Pacer:
    """Spaces requests evenly at no more than `rate` per second; None: no limit.

    Even spacing rather than bursts: a limit on the other side is counted over a window that nobody documents.
    """

    def __init__(self, rate: float | None) -> None:
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._next = float("-inf")

    def reserve(self, now: float) -> float:
        """Take the next free moment; returns how many seconds from `now` it is (0: go)."""
        if not self._interval:
            return 0.0
        moment = max(now, self._next)
        self._next = moment + self._interval
        return moment - now
