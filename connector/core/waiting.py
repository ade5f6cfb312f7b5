"""A queue whose entries may have to wait. Pure: `now` is an argument."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitingQueue(Generic[T]):
    """First in, first out; an entry that must wait joins the others when its time has come. O(log n)."""

    def __init__(self) -> None:
        self._due: deque[T] = deque()
        self._later: list[tuple[float, int, T]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """Return the number of entries, due or not."""
        return len(self._due) + len(self._later)

    def put(self, entry: T, not_before: float = -math.inf) -> None:
        """Add an entry that is due at `not_before`; at once, unless it is given."""
        if not_before == -math.inf:
            self._due.append(entry)
        else:
            heapq.heappush(self._later, (not_before, next(self._numbers), entry))

    def put_first(self, entry: T) -> None:
        """Add an entry before all others; it is due at once."""
        self._due.appendleft(entry)

    def due_at(self) -> float:
        """Return when the next entry is due: -inf, at once; inf, there is none."""
        if self._due:
            return -math.inf
        return self._later[0][0] if self._later else math.inf

    def take(self, now: float) -> T | None:
        """Remove and return the next entry that is due; None if none is."""
        while self._later and self._later[0][0] <= now:
            self._due.append(heapq.heappop(self._later)[2])
        return self._due.popleft() if self._due else None

    def drain(self) -> list[tuple[T, float]]:
        """Remove and return all entries in order, each with the time at which it is due, as in `put`."""
        entries = [(entry, -math.inf) for entry in self._due]
        entries += [(entry, not_before) for not_before, _, entry in sorted(self._later)]
        self._due.clear()
        self._later.clear()
        return entries
