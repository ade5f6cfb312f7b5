"""A partition's log in memory."""

from __future__ import annotations

from bisect import bisect_left

from connector.core.record import Record, TopicPartition


class Log:
    """One partition's log. Offsets may have gaps: compaction, transaction markers."""

    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.records: list[Record] = []
        self.produced_at: dict[int, float] = {}
        """By offset."""
        self.start = 0
        """The first offset that retention has not deleted."""
        self.end = 0
        self._offsets: list[int] = []

    def append(self, value: bytes, now: float, gap: int = 0) -> None:
        """Append a record after `gap` offsets without one."""
        offset = self.end + gap
        topic, partition = self.partition
        self.records.append(Record(topic, partition, offset, int(now * 1000), b"key", value, ()))
        self._offsets.append(offset)
        self.produced_at[offset] = now
        self.end = offset + 1

    def after(self, offset: int, count: int) -> list[Record]:
        """Return at most `count` records from `offset` on, as objects of their own."""
        first = bisect_left(self._offsets, max(offset, self.start))
        return [record.replace() for record in self.records[first : first + count]]

    def at_time(self, now: float) -> int:
        """Return the first offset that was produced at or after a moment; the end if there is none."""
        return next((one for one in self._offsets if self.produced_at[one] >= now), self.end)
