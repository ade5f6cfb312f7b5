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
import math
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


class _Entry:
    """One tracked record: how many of its items have not ended, and the worst outcome of those that have."""

    __slots__ = ("abandoned", "outcome", "remaining", "tracked_at")

    def __init__(self, items: int, tracked_at: float) -> None:
        self.remaining = items
        self.tracked_at = tracked_at
        self.outcome = Outcome.SKIPPED
        self.abandoned = False


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
        self.deadline = math.inf
        """By when its items must have ended, on the clock of the event loop, once it is closing."""
        self.order_broken = False
        """An ordered item was abandoned: those that are ordered behind it must not be sent any more."""
        self.released = 0
        """Records that were unsettled when the lease ended."""
        self._counts = counts
        self._abandoned = 0
        self._offsets: deque[int] = deque()
        """The tracked offsets from the watermark on."""
        self._unsettled: dict[int, _Entry] = {}
        self._on_drained: Callable[[], None] | None = None

    def track(self, offset: int, now: float, items: int) -> None:
        """Track a received record, which became `items` items; without any it is settled, as skipped.

        Called before any of the items is put into a target. Raise ValueError if the offset is not above all tracked
        ones, or if the lease is not open.
        """
        if offset < self.next_offset or self.state is not LeaseState.OPEN:
            raise ValueError(
                f"{self.partition}: offset {offset} can't be tracked: the lease is {self.state.value}, "
                f"and the next offset is at least {self.next_offset}"
            )
        self.next_offset = offset + 1
        self._offsets.append(offset)
        self.unsettled += 1
        self._counts.consumed += 1
        entry = self._unsettled[offset] = _Entry(items, now)
        if not items:
            self._on_settled(offset, entry)

    def settle(self, offset: int, outcome: Outcome) -> None:
        """Count an item of a tracked record with its outcome. Ignored if the lease has ended: the record was released.

        Raise ValueError if there are more outcomes than items.
        """
        if self.state is LeaseState.ENDED:
            return
        entry = self._count_down(offset)
        if entry.outcome is Outcome.SKIPPED or outcome is Outcome.DEAD_LETTERED:
            entry.outcome = outcome
        if not entry.remaining:
            self._on_complete(offset, entry)

    def abandon(self, offset: int) -> None:
        """Count an item that gets no outcome because its lease is closing: the record will be released.

        Ignored if the lease has ended. Raise ValueError if there are more outcomes than items.
        """
        if self.state is LeaseState.ENDED:
            return
        entry = self._count_down(offset)
        entry.abandoned = True
        if not entry.remaining:
            self._on_complete(offset, entry)

    @property
    def span(self) -> int:
        """Tracked records at or above the watermark: what is held in memory for it."""
        return len(self._offsets)

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
        return self._unsettled[self._offsets[0]].tracked_at if self._offsets else None

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
            self._offsets.clear()
            self._unsettled.clear()
            self._on_drained = None
        return self.watermark

    def _count_down(self, offset: int) -> _Entry:
        entry = self._unsettled.get(offset)
        if entry is None or not entry.remaining:
            raise ValueError(f"offset {offset} of {self.partition} has more outcomes than items")
        entry.remaining -= 1
        return entry

    def _on_complete(self, offset: int, entry: _Entry) -> None:
        if not entry.abandoned:
            self._on_settled(offset, entry)
            return
        self._abandoned += 1
        self._notify_if_drained()

    def _on_settled(self, offset: int, entry: _Entry) -> None:
        del self._unsettled[offset]
        self.unsettled -= 1
        counts = self._counts
        if entry.outcome is Outcome.DELIVERED:
            counts.delivered += 1
        elif entry.outcome is Outcome.SKIPPED:
            counts.skipped += 1
        else:
            counts.dead_lettered += 1
        offsets = self._offsets
        while offsets and offsets[0] not in self._unsettled:
            self.watermark = offsets.popleft() + 1
        if self._on_drained is not None:
            self._notify_if_drained()

    def _notify_if_drained(self) -> None:
        if self._on_drained is not None and self.unsettled == self._abandoned:
            on_drained, self._on_drained = self._on_drained, None
            on_drained()
