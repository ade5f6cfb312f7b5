"""How long work of a known size still takes, by how fast it went lately: pure, `now` is an argument, in seconds."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 30.0
"""Over how long the speed is measured."""
STALLED_S: Final = 10.0
"""Work of which nothing is done for so long stands still: how fast it was before says nothing any more."""
_SURE_S: Final = 1.0
"""What was done in less time than this says nothing about the rest."""


class TimeLeft:
    """Fed by `add` with how much is done; times and numbers never fall."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        """When how much was done; the first is as old as the window."""
        self._moved_at = 0.0

    def add(self, now: float, done: int) -> None:
        """Take how much is done now."""
        if not self._seen or done != self._seen[-1][1]:
            self._moved_at = now
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()

    def per_second(self) -> float | None:
        """Return how much is done in a second; None if that is not known yet, 0 if it stands still."""
        if not self._seen:
            return None
        (begin, before), (now, done) = self._seen[0], self._seen[-1]
        if now - self._moved_at >= STALLED_S:
            return 0.0
        return (done - before) / (now - begin) if now - begin >= _SURE_S else None

    def seconds(self, total: int) -> float | None:
        """Return how long the rest of `total` takes if it goes on like this; None if nobody can know."""
        speed = self.per_second()
        return max(total - self._seen[-1][1], 0) / speed if speed else None

    def stalled_s(self) -> float:
        """Return for how long it stands still; 0 if it does not."""
        still = self._seen[-1][0] - self._moved_at if self._seen else 0.0
        return still if still >= STALLED_S else 0.0
