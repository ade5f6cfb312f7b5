"""How long to wait before the next try. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MAX_RETRY_AFTER_S = 600.0
"""The longest wait that a server's Retry-After can ask for."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: uniform between zero and a bound that doubles from `first_s` to `max_s`."""

    first_s: float
    max_s: float

    def bound(self, failures: int) -> float:
        """Return the longest wait, in seconds, after `failures` failures in a row (1 or more)."""
        doublings = min(failures - 1, 60)  # past 60 the bound has long been reached; 2.0**1024 overflows
        return min(self.max_s, self.first_s * 2.0**doublings)

    def delay(self, failures: int, random: Random, retry_after_s: float | None = None) -> float:
        """Return how long to wait, in seconds: at least what the server asked for, up to MAX_RETRY_AFTER_S."""
        jittered = random.uniform(0.0, self.bound(failures))
        return max(jittered, min(retry_after_s or 0.0, MAX_RETRY_AFTER_S))
