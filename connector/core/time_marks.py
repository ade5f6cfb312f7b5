"""When offsets were tracked, in few numbers: at most MAX_MARKS marks, not a time per offset. Pure.

A mark holds for its offset and those after it, up to the next mark. Marks are TIME_RESOLUTION_S apart; when there are
too many, every second one is dropped and the others are made twice as far apart. So hundreds of partitions with a stuck
record cost nothing, however long it is stuck, and the age of a record is wrong by a small part of it at most.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import Final

TIME_RESOLUTION_S: Final = 0.1
MAX_MARKS: Final = 128


class TimeMarks:
    """The times of rising offsets. `now` never falls from one call to the next; timestamps may."""

    def __init__(self) -> None:
        self.next_at = -math.inf
        """From when on `note` is to be called again; before, the last mark stands for the offset too."""
        self._marks: deque[tuple[int, float, int | None]] = deque()
        """An offset, the time of it and of those after it, and its record's own timestamp."""
        self._apart_s = TIME_RESOLUTION_S

    def note(self, offset: int, now: float, first_needed: int, timestamp_ms: int | None = None) -> None:
        """Note that `offset` was tracked now. Marks that only concern offsets below `first_needed` are dropped."""
        self._marks.append((offset, now, timestamp_ms))
        self._drop(first_needed)
        if len(self._marks) > MAX_MARKS:
            self._marks = deque(islice(self._marks, 0, None, 2))
            self._apart_s = max(2 * self._apart_s, 2 * (now - self._marks[0][1]) / MAX_MARKS)
        elif len(self._marks) < MAX_MARKS // 4:
            self._apart_s = max(TIME_RESOLUTION_S, self._apart_s / 2)
        self.next_at = now + self._apart_s

    def time_of(self, offset: int) -> float:
        """Return when an offset was tracked: up to TIME_RESOLUTION_S too early.

        Or up to a 32nd of how long the oldest one is or was unsettled. Marks before it are dropped.
        """
        self._drop(offset)
        return self._marks[0][1]

    def timestamp_of(self, offset: int) -> int | None:
        """Return the record timestamp of the last mark up to an offset: see `time_of`."""
        self._drop(offset)
        return self._marks[0][2]

    def _drop(self, first_needed: int) -> None:
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= first_needed:
            marks.popleft()
