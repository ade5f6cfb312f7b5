"""What this process knows to be settled of partitions that it has lost, for when it gets them again. Pure.

Example: the lease has settled everything below 200, and 100 is known to be committed when the broker dies.

    the broker is back, 100 is committed    the new lease starts at 200: nothing is sent a second time
    120 is committed                        the same: the answer to that commit was lost
    250 is committed                        at 250: another member went on meanwhile
    80 is committed                         at 80: an operator has moved it back
    not by a connector, or nothing          at what is committed, if anything: an operator has set or deleted it
    the partition ends at 150               at what is committed: its topic was re-created, or its log cut off
    250 or 120, of another first sight      at what is committed: another member has noticed that, and started over
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.core.commit_metadata import FirstSight
    from connector.core.progress import Progress
    from connector.core.record import TopicPartition

MAX_PARTITIONS: Final = 10_000
MAX_RANGES: Final = 100_000


class RememberedProgress:
    """The last progress of partitions, and what was known to be committed. The oldest are forgotten first."""

    def __init__(self) -> None:
        self._last: dict[TopicPartition, tuple[Progress, int, FirstSight]] = {}
        self._ranges = 0

    def remember(self, partition: TopicPartition, progress: Progress, committed: int, first_sight: FirstSight) -> None:
        """Remember the progress of a lease that has ended, the offset that the broker had confirmed, and its sight."""
        self.forget(partition)
        self._last[partition] = progress, committed, first_sight
        self._ranges += len(progress.ahead)
        while len(self._last) > MAX_PARTITIONS or self._ranges > MAX_RANGES:
            self.forget(next(iter(self._last)))

    def forget(self, partition: TopicPartition) -> None:
        """Forget a partition."""
        last = self._last.pop(partition, None)
        if last is not None:
            self._ranges -= len(last[0].ahead)

    def knows(self, partition: TopicPartition) -> bool:
        """Return whether anything is remembered of a partition."""
        return partition in self._last

    def recall(self, partition: TopicPartition, committed: Progress, first_sight: FirstSight, end: int) -> Progress:
        """Return what is settled of a partition: what a connector has committed, and what is remembered if that holds.

        `first_sight` is what the commit carries, `end` the partition's end offset.
        """
        if partition not in self._last:
            return committed
        progress, known, known_sight = self._last[partition]
        reached = progress.ahead[-1].stop if progress.ahead else progress.offset
        if committed.offset < known or reached > end or first_sight != known_sight:
            self.forget(partition)
            return committed
        return committed.united_with(progress)
