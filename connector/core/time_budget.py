"""A share of the event loop's time, for work that must not hold up deliveries. Pure: `now` is an argument."""

from __future__ import annotations

import math


class TimeBudget:
    """Allows work that takes `share` of the time (0 < share ≤ 1), and `burst_s` seconds of it at once.

    What was spent is paid back while time passes; the last piece of work may exceed what was left.
    """

    def __init__(self, share: float, burst_s: float) -> None:
        self._share = share
        self._ahead_s = burst_s / share
        self._paid_at = -math.inf
        """When all that was spent is paid back."""

    def wait_s(self, now: float) -> float:
        """Return in how many seconds work may begin; 0: now."""
        return max(0.0, self._paid_at - self._ahead_s - now)

    def spend(self, now: float, seconds: float) -> None:
        """Count work that has ended at `now`."""
        self._paid_at = max(self._paid_at, now) + seconds / self._share
