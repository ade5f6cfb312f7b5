"""Which offsets of a lease are settled, and so which offset may be committed. Pure: no I/O, no clock.

The rules
1. An offset is tracked before any of its items can settle. Only what was received is tracked: an offset that never
   comes (compaction, transaction markers) counts as settled.
2. A record is settled when all of its items are; one without items is settled at once, as skipped.
3. The watermark is the offset after the last record before the first unsettled one; at the start, `start`. It never
   moves back.
4. A lease begins with an assignment and ends with it. `OPEN` accepts records; `CLOSING` only finishes those it has;
   in `ENDED` late outcomes are ignored, and the unsettled records have been released to the partition's next owner.
5. Per topic, always: consumed = delivered + skipped + dead-lettered + released + in flight.

Settling, for the offsets 5, 6 (two items) and 7:

    7 settles               watermark 5: 5 and 6 are unsettled
    an item of 6 settles    watermark 5
    5 settles               watermark 6
    6 settles               watermark 8: 7 was settled before

Closing a lease, with 5, 6 and 7 unsettled:

    close(on_drained)    no record is accepted any more
    5 and 7 settle       watermark 6
    6 is abandoned       its request failed, and a closing lease has no second try: on_drained() is called
    end()                returns 6, which is committed; 6 is released. The next owner sends 6 and 7, 7 a second time
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import TopicPartition

MAX_OPEN_OFFSETS = 100_000
"""How far a partition may run ahead of its oldest unsettled record, in records."""


@dataclass(slots=True)
class TopicCounts:
    """How many records of one topic were consumed, and how they ended, since the process started."""

    consumed: int = 0
    delivered: int = 0
    skipped: int = 0
    dead_lettered: int = 0
    released: int = 0


class LeaseState(enum.Enum):
    """The states of a lease, in their order."""

    OPEN = "open"
    CLOSING = "closing"
    ENDED = "ended"


class Entry:
    """One tracked record: counts down its items. Lives until its record is settled or its lease ends."""

    __slots__ = ("_abandoned", "_outcome", "_remaining", "lease", "offset", "settled", "tracked_at")

    def __init__(self, lease: Lease, offset: int, tracked_at: float) -> None:
        self.lease = lease
        self.offset = offset
        self.tracked_at = tracked_at
        self.settled = False
        """Whether every item of the record has its outcome."""
        self._remaining = -1
        self._outcome = Outcome.SKIPPED
        self._abandoned = False

    def expect(self, items: int) -> None:
        """Set how many items the record became; none settles it, as skipped. Called once."""
        self._remaining = items
        if items == 0:
            self._finish()

    def settle(self, outcome: Outcome) -> None:
        """Count an item with its outcome. Raise ValueError if there are more outcomes than items.

        If the lease has ended, only the count of items changes: the record was released.
        """
        remaining = self._remaining - 1
        if remaining < 0:
            raise self._surplus()
        self._remaining = remaining
        if self._outcome is Outcome.SKIPPED or outcome is Outcome.DEAD_LETTERED:
            self._outcome = outcome
        if remaining == 0:
            self._finish()

    def abandon(self) -> None:
        """Count an item that gets no outcome because its lease is closing: the record will be released."""
        if self._remaining <= 0:
            raise self._surplus()
        self._remaining -= 1
        self._abandoned = True
        if self._remaining == 0:
            self._finish()

    def _surplus(self) -> ValueError:
        return ValueError(f"offset {self.offset} of {self.lease.partition} has more outcomes than items")

    def _finish(self) -> None:
        if self._abandoned:
            self.lease._on_abandoned()  # noqa: SLF001 - an entry is a part of its lease
        else:
            self.settled = True
            self.lease._on_settled(self, self._outcome)  # noqa: SLF001 - the same


class Lease:
    """One uninterrupted ownership of a partition, with its ledger. Changed on the event loop only, once it was made.

    `start` is the offset at which consuming began: the first watermark.
    """

    def __init__(self, partition: TopicPartition, start: int, counts: TopicCounts) -> None:
        self.partition = partition
        self.start = start
        self.state = LeaseState.OPEN
        self.watermark = start
        self.unsettled = 0
        """Records in flight."""
        self.next_offset = start
        """The offset after the last tracked one."""
        self.committed: int | None = None
        """The offset that the broker has confirmed; None if this lease has seen none."""
        self.end_offset: int | None = None
        """The partition's end offset; None until the broker has sent it."""
        self.order_broken = False
        """An ordered item was abandoned: those that are ordered behind it must not be sent any more."""
        self.released = 0
        """Records that were unsettled when the lease ended."""
        self._counts = counts
        self._abandoned = 0
        self._open: deque[Entry] = deque()
        self._on_drained: Callable[[], None] | None = None

    def track(self, offset: int, now: float) -> Entry:
        """Return a new entry for a received offset.

        Raise ValueError if the offset is not above all tracked ones, or if the lease is not open.
        """
        if offset < self.next_offset or self.state is not LeaseState.OPEN:
            raise ValueError(
                f"{self.partition}: offset {offset} can't be tracked: the lease is {self.state.value}, "
                f"and the next offset is at least {self.next_offset}"
            )
        self.next_offset = offset + 1
        entry = Entry(self, offset, now)
        self._open.append(entry)
        self.unsettled += 1
        self._counts.consumed += 1
        return entry

    @property
    def span(self) -> int:
        """Tracked records at or above the watermark: what is held in memory for it."""
        return len(self._open)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self.unsettled

    @property
    def ended(self) -> bool:
        """Whether nothing of this lease may be sent, dead-lettered or committed any more."""
        return self.state is LeaseState.ENDED

    @property
    def oldest_tracked_at(self) -> float | None:
        """When the oldest unsettled record was tracked (the `now` given to `track`); None if nothing is in flight."""
        return self._open[0].tracked_at if self._open else None

    def close(self, on_drained: Callable[[], None]) -> None:
        """Accept no more records; call `on_drained`, maybe at once, when every item was settled or abandoned."""
        if self.state is LeaseState.ENDED:
            on_drained()
            return
        self.state = LeaseState.CLOSING
        self._on_drained = on_drained
        self._notify_if_drained()

    def end(self) -> int:
        """End the lease and release its unsettled records. Idempotent; returns the last watermark."""
        if self.state is not LeaseState.ENDED:
            self.state = LeaseState.ENDED
            self.released = self.unsettled
            self._counts.released += self.released
            self.unsettled = 0
            self._open.clear()
            self._on_drained = None
        return self.watermark

    def _on_settled(self, entry: Entry, outcome: Outcome) -> None:
        if self.state is LeaseState.ENDED:
            return
        self.unsettled -= 1
        counts = self._counts
        if outcome is Outcome.DELIVERED:
            counts.delivered += 1
        elif outcome is Outcome.SKIPPED:
            counts.skipped += 1
        else:
            counts.dead_lettered += 1
        entries = self._open
        if entries[0] is entry:
            while entries and entries[0].settled:
                self.watermark = entries.popleft().offset + 1
        if self._on_drained is not None:
            self._notify_if_drained()

    def _on_abandoned(self) -> None:
        self._abandoned += 1
        self._notify_if_drained()

    def _notify_if_drained(self) -> None:
        if self._on_drained is not None and self.unsettled == self._abandoned:
            on_drained, self._on_drained = self._on_drained, None
            on_drained()
