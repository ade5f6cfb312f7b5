"""Records of which some items have ended and others have not. Pure: kept only while a record is unsettled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from connector.core.record import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

_SKIPPED: Final = Outcome.SKIPPED
_DEAD_LETTERED: Final = Outcome.DEAD_LETTERED


class PartialRecords:
    """The records of one lease that have several items, or an abandoned one, by offset.

    `abandoned` is how many of them have no item any more that could end, but will not be settled.
    """

    def __init__(self) -> None:
        self.abandoned = 0
        self._remaining: dict[int, int] = {}
        """How many items of each record have not ended."""
        self._outcomes: dict[int, Outcome] = {}
        """The worst outcome of the others, if there is one."""
        self._has_abandoned: set[int] = set()
        """The records with an abandoned item: they will not be settled."""

    def __bool__(self) -> bool:
        return bool(self._remaining)

    def __contains__(self, offset: int) -> bool:
        return offset in self._remaining

    def expect(self, first: int, items: Sequence[int]) -> None:
        """Add those that have several items, of the records from offset `first` on."""
        self._remaining.update([(offset, count) for offset, count in enumerate(items, first) if count > 1])

    def settle_all(self, offsets: Sequence[int], outcome: Outcome) -> dict[Outcome, list[int]]:
        """Count items with their outcome, of any records; return the records that this settles, by their outcome.

        Raise KeyError if a record has fewer items left.
        """
        settled: dict[Outcome, list[int]] = {}
        for offset, items in Counter(offsets).items():
            if offset in self._remaining:
                of_record = self.settle(offset, outcome, items)
            elif items > 1:
                raise KeyError(offset)
            else:
                of_record = outcome
            if of_record is not None:
                settled.setdefault(of_record, []).append(offset)
        return settled

    def settle(self, offset: int, outcome: Outcome, items: int = 1) -> Outcome | None:
        """Count items with their outcome; return the record's if that settles it. Raise KeyError if too few are left.

        A record is dead-lettered if one of its items was, else delivered if one was.
        """
        remaining = self._remaining[offset] - items
        if remaining < 0:
            raise KeyError(offset)
        before = self._outcomes.get(offset, _SKIPPED)
        if before is not _SKIPPED and outcome is not _DEAD_LETTERED:
            outcome = before
        if not remaining and offset not in self._has_abandoned:
            del self._remaining[offset]
            self._outcomes.pop(offset, None)
            return outcome
        self._remaining[offset] = remaining
        self._outcomes[offset] = outcome
        self.abandoned += not remaining
        return None

    def abandon(self, offset: int) -> None:
        """Count an item that gets no outcome, maybe the only one of its record. Raise KeyError if none is left."""
        remaining = self._remaining.get(offset, 1) - 1
        if remaining < 0:
            raise KeyError(offset)
        self._remaining[offset] = remaining
        self._has_abandoned.add(offset)
        self.abandoned += not remaining

    def clear(self) -> None:
        """Forget all records."""
        self._remaining.clear()
        self._outcomes.clear()
        self._has_abandoned.clear()
