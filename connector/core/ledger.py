"""Which offsets of a lease are settled, and so which offset may be committed. Pure: no I/O, no clock.

The rules
1. An offset is tracked before any of its items can settle. Only what was received is tracked: an offset that never
   comes (compaction, transaction markers) counts as settled.
2. A record is settled when all of its items are; one without items is settled at once, as skipped.
3. The watermark is the first offset that is not settled; at the start, `start`. It never moves back. What is settled
   above it is known too: both together are the lease's `progress`, which is committed as one value.
4. A lease begins with an assignment and ends with it. `OPEN` accepts records; `CLOSING` only finishes those it has;
   in `ENDED` late outcomes are ignored, and the unsettled records have been released to the partition's next owner.
5. Per topic, always: consumed = delivered + skipped + dead-lettered + released + in flight.
6. A lease may begin with offsets that were settled by an earlier one (`ahead`). Their records are passed over: they are
   not consumed, and not counted in rule 5.

Settling, for the offsets 5, 6 (two items) and 7:

    7 settles               watermark 5, and 7 is settled ahead
    an item of 6 settles    watermark 5, and 7 is settled ahead
    5 settles               watermark 6, and 7 is settled ahead
    6 settles               watermark 8

Closing a lease, with 5, 6 and 7 unsettled:

    close(on_drained)    no record is accepted any more
    5 and 7 settle       watermark 6
    6 is abandoned       its request failed, and a closing lease has no second try: on_drained() is called
    end()                returns 6 with 7 ahead, which is committed; 6 is released. The next owner sends 6 alone
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.offset_window import OPEN, OffsetWindow, are_consecutive, stretches
from connector.core.partial_records import PartialRecords
from connector.core.progress import Progress, SettledBefore, progress_of
from connector.core.record import Outcome
from connector.core.time_marks import TimeMarks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.record import Record, TopicPartition

MAX_OPEN_OFFSETS = 100_000
"""How far a partition may run ahead of its oldest unsettled record, in records."""
MAX_AHEAD_RANGES = 12_000
"""How many ranges of settled offsets a lease's progress holds, the first ones: more do not fit into a commit."""

_DELIVERED, _SKIPPED = Outcome.DELIVERED, Outcome.SKIPPED


@dataclass(slots=True)
class TopicCounts:
    """How many records of one topic were consumed, and how they ended, since the process started."""

    consumed: int = 0
    delivered: int = 0
    skipped: int = 0
    dead_lettered: int = 0
    released: int = 0
    passed_over: int = 0
    """Records that were settled ahead before a lease began: they are not consumed."""


class LeaseState(enum.Enum):
    """The states of a lease, in their order."""

    OPEN = "open"
    CLOSING = "closing"
    ENDED = "ended"


_OPEN = LeaseState.OPEN


class Lease:
    """One uninterrupted ownership of a partition, with its ledger. Changed on the event loop only, once it was made.

    `start` is the offset at which consuming began: the first watermark. `ahead` holds the offsets above it that were
    settled before.
    """

    def __init__(self, partition: TopicPartition, start: int, counts: TopicCounts, ahead: Sequence[range] = ()) -> None:
        self.partition = partition
        self.start = start
        self.state = LeaseState.OPEN
        self.unsettled = 0
        """Records in flight."""
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
        self._window = OffsetWindow(start)
        self._partial = PartialRecords()
        self._before = SettledBefore(start, ahead)
        self.settled_before = not self._before.exhausted
        """Whether records may come that were settled before this lease: if not, `pass_over` changes nothing."""
        self._passed_end = start
        """The offset after the last received one, as of the last look at what was settled before."""
        self._times = TimeMarks()
        self.last_tracked: tuple[float, int | None] = (-math.inf, None)
        """When records were tracked last, and the timestamp of the first of them in milliseconds since 1970."""
        self._progress = Progress(start)
        self._progress_at = (-1, -1)
        self._on_drained: Callable[[], None] | None = None

    # -- records and their items --------------------------------------------------------------------------------

    def pass_over(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return the received records without those that were settled before this lease, which are counted."""
        before = self._before
        if before.exhausted or not records:
            return records
        found = [record for record in records if not before.meets(record.offset)]
        self._counts.passed_over += len(records) - len(found)
        self._passed_end = records[-1].offset + 1
        self.settled_before = not before.exhausted
        return found

    def track(self, offset: int, now: float, items: int) -> None:
        """Track one record: see `track_all`."""
        self.track_all([offset], now, [items])

    def track_all(self, offsets: list[int], now: float, items: list[int], timestamp_ms: int | None = None) -> None:
        """Track received records in order; `items` says how many items each became: without any it is skipped.

        `timestamp_ms` is the first record's own.

        Called before any of the items is put into a target. Raise ValueError if an offset is not above all tracked
        ones, or if the lease is not open.
        """
        if are_consecutive(offsets):
            self._track(offsets[0], now, items, timestamp_ms)
            return
        for begin, end in stretches(offsets):
            self._track(offsets[begin], now, items[begin:end], timestamp_ms)

    def _track(self, first: int, now: float, items: list[int], timestamp_ms: int | None) -> None:
        """Track a stretch of consecutive offsets."""
        window, counts = self._window, self._counts
        if first < window.end or self.state is not _OPEN:
            raise ValueError(
                f"{self.partition}: offset {first} can't be tracked: the lease is {self.state.value}, "
                f"and the next offset is at least {window.end}"
            )
        skipped = items.count(0)
        unsettled = len(items) - skipped
        counts.consumed += len(items)
        counts.skipped += skipped
        window.add(first, bytes(map(bool, items)) if skipped else OPEN * unsettled)
        self.unsettled += unsettled
        if unsettled != sum(items):
            self._partial.expect(first, items)
        if unsettled and now >= self._times.next_at:
            first_open = first + next(index for index, count in enumerate(items) if count)
            self._times.note(first_open, now, window.first_unsettled(), timestamp_ms)
        self.last_tracked = (now, timestamp_ms)

    def settle(self, offset: int, outcome: Outcome) -> None:
        """Count one item: see `settle_all`."""
        self.settle_all([offset], outcome)

    def settle_all(self, offsets: list[int], outcome: Outcome) -> None:
        """Count items of tracked records with their outcome; `offsets` has the offset of each item's record.

        Ignored if the lease has ended: the records were released. Raise ValueError if there are more outcomes than
        items.
        """
        if self.state is LeaseState.ENDED:
            return
        try:
            if self._partial:
                for settled, of_records in self._partial.settle_all(offsets, outcome).items():
                    self._settle(of_records, settled)
            else:
                self._settle(offsets, outcome)
        except KeyError as error:
            raise self._surplus(error.args[0]) from None
        if self._on_drained is not None:
            self._notify_if_drained()

    def _settle(self, offsets: list[int], outcome: Outcome) -> None:
        """Settle records, each once."""
        length, counts = len(offsets), self._counts
        if length > 1 and are_consecutive(offsets):
            self._window.settle(offsets[0], length)
        else:
            self._window.settle_each(offsets)
        self.unsettled -= length
        if outcome is _DELIVERED:
            counts.delivered += length
        elif outcome is _SKIPPED:
            counts.skipped += length
        else:
            counts.dead_lettered += length

    def abandon(self, offset: int) -> None:
        """Count an item that gets no outcome because its lease is closing: the record will be released.

        Ignored if the lease has ended. Raise ValueError if there are more outcomes than items.
        """
        if self.state is LeaseState.ENDED:
            return
        if not self._window.is_open(offset):
            raise self._surplus(offset)
        try:
            self._partial.abandon(offset)
        except KeyError:
            raise self._surplus(offset) from None
        self._notify_if_drained()

    def _surplus(self, offset: int) -> ValueError:
        return ValueError(f"offset {offset} of {self.partition} has more outcomes than items")

    # -- what is settled ----------------------------------------------------------------------------------------

    @property
    def watermark(self) -> int:
        """The first offset that is not settled."""
        if self.state is LeaseState.ENDED:
            return self._progress.offset
        offset = self._window.first_unsettled()
        self._before.drop_below(offset)
        return progress_of(offset, self._before.ranges[:1]).offset

    def progress(self) -> Progress:
        """Return the watermark with what is settled above it; the same object until something changes."""
        window = self._window
        at = (window.end, self.unsettled)  # one of the two moves whenever a record is tracked, passed over or settled
        if at != self._progress_at and self.state is not LeaseState.ENDED:
            settled = window.settled_ranges(MAX_AHEAD_RANGES)
            self._progress = progress_of(window.first_unsettled(), (*settled, *self._before.ranges))
            self._progress_at = at
        return self._progress

    @property
    def next_offset(self) -> int:
        """The offset after the last one that was tracked or passed over."""
        return max(self._window.end, self._passed_end)

    @property
    def span(self) -> int:
        """Tracked records at or above the watermark: what is held in memory for it."""
        return len(self._window)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self.unsettled

    @property
    def oldest_tracked_at(self) -> float | None:
        """When the oldest unsettled record was tracked (the `now` given to `track`); None if nothing is in flight.

        A little too early: see `TimeMarks.time_of`.
        """
        return self._times.time_of(self._window.first_unsettled()) if self.unsettled else None

    @property
    def oldest_timestamp_ms(self) -> int | None:
        """The timestamp of the oldest unsettled record, or of one shortly before it; None if there is none."""
        return self._times.timestamp_of(self._window.first_unsettled()) if self.unsettled else None

    # -- the end ------------------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether nothing of this lease may be sent, dead-lettered or committed any more."""
        return self.state is LeaseState.ENDED

    def close(self, on_drained: Callable[[], None]) -> None:
        """Accept no more records; call `on_drained`, maybe at once, when every item was settled or abandoned."""
        if self.state is LeaseState.ENDED:
            on_drained()
            return
        self.state = LeaseState.CLOSING
        self._on_drained = on_drained
        self._notify_if_drained()

    def end(self) -> Progress:
        """End the lease and release its unsettled records. Idempotent; returns the last progress."""
        progress = self.progress()
        if self.state is not LeaseState.ENDED:
            self.state = LeaseState.ENDED
            self.released = self.unsettled
            self._counts.released += self.released
            self.unsettled = 0
            self._window.clear()
            self._partial.clear()
            self._on_drained = None
        return progress

    def _notify_if_drained(self) -> None:
        if self._on_drained is not None and self.unsettled == self._partial.abandoned:
            on_drained, self._on_drained = self._on_drained, None
            on_drained()
