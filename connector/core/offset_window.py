"""Which of the tracked offsets are settled, in one byte each. Pure.

The window begins at the first unsettled offset and ends after the last tracked one. It keeps one byte for each offset,
and finds the next unsettled one by `bytearray.find`, which looks at some gigabytes per second.

Offsets that were never received (compaction, transaction markers) count as settled. Up to MAX_FILLED of them in a row
are kept like the others. A longer gap costs nothing: the offsets after it are a new *run*, whose first offset and
whose place among the bytes are noted.

Example: 10, 11 and 13 were tracked, and 5,000,000; then 11 settled.

    bytes     open settled gap open | open
    runs      10 at place 0, 5,000,000 at place 4
    ranges()  [range(11, 13)]
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_FILLED: Final = 8
"""As many bytes as the two numbers of a run take."""
_TRIM: Final = 4096
"""The number of settled bytes at the front at which they are removed."""
_SETTLED: Final = 0
_OPEN: Final = 1
_GAP: Final = 2
SETTLED: Final = bytes([_SETTLED])
OPEN: Final = bytes([_OPEN])
_FILLED: Final = [bytes([_GAP]) * length for length in range(MAX_FILLED + 1)]


def are_consecutive(offsets: list[int]) -> bool:
    """Return whether each offset is the one after that before it."""
    first, length = offsets[0], len(offsets)
    return length == 1 or (offsets[-1] - first == length - 1 and offsets == [*range(first, first + length)])


def stretches(offsets: list[int]) -> Iterator[tuple[int, int]]:
    """Yield where each stretch of consecutive offsets begins and ends in a list."""
    begin = 0
    for index in range(1, len(offsets)):
        if offsets[index] != offsets[index - 1] + 1:
            yield begin, index
            begin = index
    yield begin, len(offsets)


class OffsetWindow:
    """The offsets from the first unsettled one on. `end` is the offset after the last one added."""

    __slots__ = ("_base", "_first", "_places", "_run", "_starts", "_states", "_trimmed", "end")

    def __init__(self, start: int) -> None:
        self.end = start
        self._states = bytearray()
        self._first = 0
        """The index of the first unsettled byte; behind the last byte if none is."""
        self._base: int | None = start
        """The offset of the first byte, while there is only one run."""
        self._trimmed = 0
        """How many bytes were removed from the front: index = place - trimmed."""
        self._starts = array("q")
        """The first offset of each run, while there are several."""
        self._places = array("q")
        """The place of that offset, counted from the first byte that ever was."""
        self._run = 0
        """The run of the first unsettled offset."""

    def __len__(self) -> int:
        """Return how many bytes are kept from the first unsettled offset on."""
        return len(self._states) - self._first

    def add(self, offset: int, states: bytes = OPEN) -> None:
        """Add consecutive offsets, the first of which is not below `end`; `states` has OPEN or SETTLED for each."""
        kept, end = self._states, offset + len(states)
        if self._first == len(kept):  # what is settled before all that is unsettled is not kept
            settled = states.find(_OPEN)
            if settled:
                self._restart(end if settled < 0 else offset + settled)
                states = b"" if settled < 0 else states[settled:]
            elif offset != self.end:
                self._restart(offset)
        elif offset - self.end > MAX_FILLED:
            self._begin_run(offset)
        elif offset != self.end:
            kept += _FILLED[offset - self.end]
        kept += states
        self.end = end

    def settle(self, offset: int, count: int = 1) -> None:
        """Settle `count` consecutive offsets. Raise KeyError, and change nothing, if one of them is not unsettled."""
        index = self._index_of(offset) if self._base is None else offset - self._base
        after, states = index + count, self._states
        if index < 0 or states.count(_OPEN, index, after) != count:
            raise KeyError(offset)
        if count > 1 and self._base is None and self._index_of(offset + count - 1) != after - 1:
            raise KeyError(offset)
        states[index:after] = bytes(count)
        if index == self._first:
            self._advance(after)

    def settle_each(self, offsets: Sequence[int]) -> None:
        """Settle offsets in any order. Raise KeyError at the first that is not unsettled."""
        base, states = self._base, self._states
        if base is None:
            for offset in offsets:
                self.settle(offset)
            return
        for offset in offsets:
            index = offset - base
            if index < 0 or index >= len(states) or states[index] != _OPEN:
                raise KeyError(offset)
            states[index] = _SETTLED
        self._advance(self._first)

    def _advance(self, index: int) -> None:
        """Find the first unsettled byte from `index` on; none is before it."""
        first = self._states.find(_OPEN, index)
        self._first = len(self._states) if first < 0 else first
        if self._first >= _TRIM:
            self._trim()

    def is_open(self, offset: int) -> bool:
        """Return whether an offset was added and is not settled."""
        index = self._index_of(offset) if self._base is None else offset - self._base
        return 0 <= index < len(self._states) and self._states[index] == _OPEN

    def first_unsettled(self) -> int:
        """Return the first unsettled offset, or `end`."""
        if self._first == len(self._states):
            return self.end
        if self._base is not None:
            return self._base + self._first
        places, run = self._places, self._run
        place = self._first + self._trimmed
        while run + 1 < len(places) and places[run + 1] <= place:
            run += 1
        self._run = run
        return self._starts[run] + place - places[run]

    def settled_ranges(self, limit: int) -> list[range]:
        """Return the settled ranges above the first unsettled offset, at most `limit`; each ends at an unsettled one.

        A gap belongs to the settled offset before it, and is none by itself.
        """
        states, found = self._states, list[range]()
        begin = states.find(_SETTLED, self._first)
        while begin >= 0 and len(found) < limit:
            after = states.find(_OPEN, begin)
            if after < 0:
                found.append(range(self._offset_at(begin), self.end))
                break
            found.append(range(self._offset_at(begin), self._offset_at(after)))
            begin = states.find(_SETTLED, after)
        return found

    def clear(self) -> None:
        """Forget all offsets."""
        self._restart(self.end)

    # -- runs ---------------------------------------------------------------------------------------------------

    def _restart(self, offset: int) -> None:
        """Begin at `offset`: nothing before it is unsettled."""
        self._states.clear()
        self._first = self._trimmed = self._run = 0
        self._base = offset
        del self._starts[:], self._places[:]

    def _begin_run(self, offset: int) -> None:
        if self._base is not None:
            self._starts.append(self._base)
            self._places.append(self._trimmed)
            self._base = None
        self._starts.append(offset)
        self._places.append(self._trimmed + len(self._states))

    def _index_of(self, offset: int) -> int:
        """Return the index of an offset, or -1 if it lies in a gap between runs. Called while there are several."""
        run = bisect_right(self._starts, offset) - 1
        if run < 0:
            return -1
        place = self._places[run] + offset - self._starts[run]
        if run + 1 < len(self._places) and place >= self._places[run + 1]:
            return -1
        return place - self._trimmed

    def _offset_at(self, index: int) -> int:
        if self._base is not None:
            return self._base + index
        place = index + self._trimmed
        run = bisect_right(self._places, place) - 1
        return self._starts[run] + place - self._places[run]

    def _trim(self) -> None:
        """Remove the settled bytes at the front, and the runs that ended there."""
        del self._states[: self._first]
        self._trimmed += self._first
        if self._base is not None:
            self._base += self._first
        else:
            self._drop_runs()
        self._first = 0

    def _drop_runs(self) -> None:
        run = bisect_right(self._places, self._trimmed) - 1
        del self._starts[:run], self._places[:run]
        self._run = 0
        if len(self._starts) == 1:
            self._base = self._starts[0] + self._trimmed - self._places[0]
            del self._starts[:], self._places[:]
