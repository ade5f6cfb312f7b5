"""Which offsets are settled, per lease, and so what may be committed. Pure: no I/O, no clock.

The rules
1. An offset is tracked before any of its items can settle. Only what was received is tracked: a gap (compaction,
   transaction markers) counts as done.
2. A record is settled when all of its items are; one without items is settled at once, as skipped.
3. The watermark is the offset after the last one below which everything is settled. It never moves back.
4. A lease is born with an assignment and dies with it. `OPEN` admits records; `CLOSING` only finishes what it has;
   `ENDED` is dead: a late outcome has nowhere to go, and what was unsettled is released to the next owner.
5. Per topic, always: consumed = delivered + skipped + dead-lettered + released + in flight.
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
    """How the records of one topic ended, in records, since the process began."""

    consumed: int = 0
    delivered: int = 0
    skipped: int = 0
    dead_lettered: int = 0
    released: int = 0


class LeaseState(enum.Enum):
    """The life of a lease."""

    OPEN = "open"
    CLOSING = "closing"
    ENDED = "ended"


class Entry:
    """One tracked record: counts its items down. Lives until its record is settled or its lease ends."""

    __slots__ = ("_abandoned", "_left", "_outcome", "lease", "offset", "settled", "since")

    def __init__(self, lease: Lease, offset: int, since: float) -> None:
        self.lease = lease
        self.offset = offset
        self.since = since
        self.settled = False
        """Whether every item of the record has its outcome."""
        self._left = -1
        self._outcome = Outcome.SKIPPED
        self._abandoned = False

    def expect(self, items: int) -> None:
        """Say, once, how many items the record became; none settles it, as skipped."""
        self._left = items
        if items == 0:
            self._close()

    def settle(self, outcome: Outcome) -> None:
        """Give one item its outcome. Of an ended lease: nothing happens, the record was released."""
        left = self._left - 1
        if left < 0:
            raise self._surplus()
        self._left = left
        if self._outcome is Outcome.SKIPPED or outcome is Outcome.DEAD_LETTERED:
            self._outcome = outcome
        if left == 0:
            self._close()

    def abandon(self) -> None:
        """Give one item up without an outcome, because its lease is closing: the record will be released."""
        if self._left <= 0:
            raise self._surplus()
        self._left -= 1
        self._abandoned = True
        if self._left == 0:
            self._close()

    def _surplus(self) -> ValueError:
        return ValueError(f"offset {self.offset} of {self.lease.partition} has more outcomes than items")

    def _close(self) -> None:
        if self._abandoned:
            self.lease._on_abandoned()  # noqa: SLF001 - an entry is a part of its lease
        else:
            self.settled = True
            self.lease._on_settled(self, self._outcome)  # noqa: SLF001 - the same


class Lease:
    """One uninterrupted ownership of a partition, with its ledger. Used on the event loop only.

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
        """What the broker has confirmed, as far as this lease knows."""
        self.end_offset: int | None = None
        """The partition's end, as far as it is known."""
        self.broken = False
        """An item was given up while closing: what is ordered behind it must not overtake it."""
        self.released = 0
        """Records that were unsettled when the lease ended."""
        self._counts = counts
        self._abandoned = 0
        self._open: deque[Entry] = deque()
        self._on_quiet: Callable[[], None] | None = None

    def track(self, offset: int, now: float) -> Entry:
        """Open an entry for a received offset. Raises ValueError if it is not above all tracked ones."""
        if offset < self.next_offset or self.state is not LeaseState.OPEN:
            raise ValueError(f"{self.partition}: offset {offset} came after {self.next_offset - 1} ({self.state})")
        self.next_offset = offset + 1
        entry = Entry(self, offset, now)
        self._open.append(entry)
        self.unsettled += 1
        self._counts.consumed += 1
        return entry

    @property
    def span(self) -> int:
        """Tracked records at or above the oldest unsettled one: what is held in memory for the watermark."""
        return len(self._open)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight: the watermark is all that was received."""
        return not self.unsettled

    @property
    def ended(self) -> bool:
        """Whether nothing of this lease may be sent, split, buried or committed any more."""
        return self.state is LeaseState.ENDED

    def oldest_since(self) -> float | None:
        """When the oldest unsettled record was tracked (the clock given to `track`), or None."""
        return self._open[0].since if self._open else None

    def close(self, on_quiet: Callable[[], None]) -> None:
        """Admit nothing more; `on_quiet` is called, maybe at once, when every item has ended or was given up."""
        if self.state is LeaseState.ENDED:
            on_quiet()
            return
        self.state = LeaseState.CLOSING
        self._on_quiet = on_quiet
        self._tell_if_quiet()

    def end(self) -> int:
        """Die: what is unsettled is released. Returns the last watermark; calling it again changes nothing."""
        if self.state is not LeaseState.ENDED:
            self.state = LeaseState.ENDED
            self.released = self.unsettled
            self._counts.released += self.released
            self.unsettled = 0
            self._open.clear()
            self._on_quiet = None
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
        opened = self._open
        if opened[0] is entry:
            while opened and opened[0].settled:
                self.watermark = opened.popleft().offset + 1
        if self._on_quiet is not None:
            self._tell_if_quiet()

    def _on_abandoned(self) -> None:
        self._abandoned += 1
        self._tell_if_quiet()

    def _tell_if_quiet(self) -> None:
        if self._on_quiet is not None and self.unsettled == self._abandoned:
            on_quiet, self._on_quiet = self._on_quiet, None
            on_quiet()
