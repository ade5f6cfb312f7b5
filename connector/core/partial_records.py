"""Records of which some items have ended and others have not. Pure: kept only while a record is unsettled."""

from __future__ import annotations

from typing import Final

from connector.core.record import Outcome

_SKIPPED: Final = Outcome.SKIPPED
_DEAD_LETTERED: Final = Outcome.DEAD_LETTERED


class _Partial:
    """How many items of a record have not ended, and how the others did."""

    __slots__ = ("abandoned", "outcome", "remaining")

    def __init__(self, items: int) -> None:
        self.remaining = items
        self.outcome = _SKIPPED
        self.abandoned = False


class PartialRecords:
    """The records of one lease that have several items, or an abandoned one, by offset.

    `abandoned` is how many of them have no item any more that could end, but will not be settled.
    """

    def __init__(self) -> None:
        self.abandoned = 0
        self._records: dict[int, _Partial] = {}

    def __bool__(self) -> bool:
        return bool(self._records)

    def __contains__(self, offset: int) -> bool:
        return offset in self._records

    def expect(self, offset: int, items: int) -> None:
        """Add a record with several items."""
        self._records[offset] = _Partial(items)

    def settle(self, offset: int, outcome: Outcome) -> Outcome | None:
        """Count an item with its outcome; return the record's if that settles it. Raise KeyError if none is left.

        A record is dead-lettered if one of its items was, else delivered if one was.
        """
        partial = self._records[offset]
        if partial.outcome is _SKIPPED or outcome is _DEAD_LETTERED:
            partial.outcome = outcome
        self._count_down(partial)
        if partial.remaining or partial.abandoned:
            return None
        del self._records[offset]
        return partial.outcome

    def abandon(self, offset: int) -> None:
        """Count an item that gets no outcome, maybe the only one of its record. Raise KeyError if none is left."""
        partial = self._records.setdefault(offset, _Partial(1))
        partial.abandoned = True
        self._count_down(partial)

    def clear(self) -> None:
        """Forget all records."""
        self._records.clear()

    def _count_down(self, partial: _Partial) -> None:
        if not partial.remaining:
            raise KeyError
        partial.remaining -= 1
        if not partial.remaining and partial.abandoned:
            self.abandoned += 1
