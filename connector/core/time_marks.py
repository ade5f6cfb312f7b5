"""When offsets were tracked, in few numbers: a mark per TIME_RESOLUTION_S at most, not one per offset. Pure."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

TIME_RESOLUTION_S: Final = 0.1


class TimeMarks:
    """The times of rising offsets. `now` never falls from one call to the next."""

    def __init__(self) -> None:
        self.next_at = -math.inf
        """From when on `note` is to be called again; before, the last mark stands for the offset too."""
        self._marks: deque[tuple[int, float]] = deque()
        """An offset, and the time of it and of those after it."""

    def note(self, offset: int, now: float, first_needed: int) -> None:
        """Note that `offset` was tracked now. Marks that only concern offsets below `first_needed` are dropped."""
        self._marks.append((offset, now))
        self.next_at = now + TIME_RESOLUTION_S
        self._drop(first_needed)

    def time_of(self, offset: int) -> float:
        """Return when an offset was tracked, up to TIME_RESOLUTION_S too early. Marks before it are dropped."""
        self._drop(offset)
        return self._marks[0][1]

    def _drop(self, first_needed: int) -> None:
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= first_needed:
            marks.popleft()
