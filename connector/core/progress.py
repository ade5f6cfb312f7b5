"""How far a partition is settled: a watermark and what is settled above it, as one value."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything below `offset` is settled, and so are the offsets in `ahead`.

    Made by `progress_of`, which keeps `ahead` in its normal form: ranges in rising order, none empty, none that touches
    `offset` or another range.
    """

    offset: int
    ahead: tuple[range, ...] = ()

    def advanced_to(self, offset: int) -> Progress:
        """Return this progress with everything below `offset` settled too."""
        return self if offset <= self.offset else progress_of(offset, self.ahead)

    def united_with(self, other: Progress) -> Progress:
        """Return what is settled by either."""
        return progress_of(max(self.offset, other.offset), (*self.ahead, *other.ahead))

    def below(self, end: int) -> Progress:
        """Return this progress without the settled offsets from `end` on."""
        return progress_of(self.offset, (range(one.start, min(one.stop, end)) for one in self.ahead))

    def unsettled(self, first: int, end: int) -> int:
        """Return how many offsets from `first` on, up to `end`, are not settled."""
        settled = (range(max(one.start, first), min(one.stop, end)) for one in (range(self.offset), *self.ahead))
        return max(0, end - first) - sum(map(len, settled))


class SettledBefore:
    """The ranges of offsets that were settled before a lease began, from its start on."""

    def __init__(self, start: int, ahead: Iterable[range]) -> None:
        self.ranges = list(progress_of(-1, (range(max(one.start, start), one.stop) for one in ahead)).ahead)
        """Those that end above the lease's watermark."""
        self._next = 0
        """The first range that may still be met."""

    @property
    def exhausted(self) -> bool:
        """Whether none of the offsets to come is among them."""
        return self._next == len(self.ranges)

    def meets(self, offset: int) -> bool:
        """Return whether an offset is among them. Offsets are asked for in rising order."""
        ranges = self.ranges
        while self._next < len(ranges) and ranges[self._next].stop <= offset:
            self._next += 1
        return self._next < len(ranges) and ranges[self._next].start <= offset

    def drop_below(self, offset: int) -> None:
        """Forget the ranges that end at or below `offset`, which were met or lie in a gap."""
        dropped = bisect_right(self.ranges, offset, key=_stop)
        del self.ranges[:dropped]
        self._next = max(0, self._next - dropped)


def progress_of(offset: int, ahead: Iterable[range]) -> Progress:
    """Return the progress for these settled ranges, which may overlap, touch or lie below `offset`."""
    merged: list[range] = []
    for one in sorted(ahead, key=_start):
        if one.start <= offset:
            offset = max(offset, one.stop)
        elif merged and one.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, one.stop))
        elif one.start < one.stop:
            merged.append(one)
    return Progress(offset, tuple(merged))


def _start(one: range) -> int:
    return one.start


def _stop(one: range) -> int:
    return one.stop
