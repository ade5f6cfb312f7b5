"""Which partitions are not to be fetched, and when librdkafka is told so.

Theory of operation
1. Pausing a partition is expensive in librdkafka: it throws away what it has prefetched of it and fetches that again
   after the resume. So what was requested is only noted; `apply` tells librdkafka the difference, once per poll: a
   partition that is paused and resumed in between costs nothing.
2. While any other partition is to be fetched, a pause is applied at once: the others must not wait.
3. When all owned partitions are to be paused, there is nothing to fetch: not calling `consume` does the same as a
   pause and costs nothing, for PAUSE_GRACE_S. Then the partitions are paused, because polling must go on.
4. Once all were paused, librdkafka may take a second to fetch again after a resume. A target that took longer than the
   grace to empty half of its queue takes as long for the other half, so it does not run dry meanwhile.

Example: a target takes 20,000 records/s, which is less than Kafka delivers; its topic has partitions 0 and 1.

    the target is full      pause 0 and 1    all are to be paused: `apply` returns 1.0, the thread waits
    0.5 s later, half full  resume 0 and 1   nothing was paused: the thread goes on with what was prefetched
    with a partition 2 of a topic that feeds another target: 0 and 1 are paused at once, 2 is fetched
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import TopicPartition as KafkaTopicPartition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from confluent_kafka import Consumer

    from connector.core.ledger import Lease

PAUSE_GRACE_S: Final = 1.0


class Pausing:
    """The partitions that should be paused and those that are, by their leases. Used by the consumer's thread only."""

    def __init__(self) -> None:
        self._requested: dict[Lease, float] = {}
        """The leases that should be paused, and since when (monotonic seconds)."""
        self._paused: set[Lease] = set()
        """The leases whose partitions librdkafka does not fetch."""

    def pause(self, leases: Iterable[Lease], now: float) -> None:
        """Request that these leases are not fetched."""
        for lease in leases:
            self._requested.setdefault(lease, now)

    def resume(self, leases: Iterable[Lease]) -> None:
        """Request that these leases are fetched again."""
        for lease in leases:
            self._requested.pop(lease, None)

    def forget(self, lease: Lease) -> None:
        """Called when a lease has lost its partition."""
        self._requested.pop(lease, None)
        self._paused.discard(lease)

    @property
    def paused(self) -> Collection[Lease]:
        """The leases whose partitions librdkafka does not fetch."""
        return self._paused

    def on_assigned(self, lease: Lease) -> None:
        """Called when the partition of a lease was assigned, maybe again: librdkafka fetches it."""
        self._paused.discard(lease)

    def apply(self, consumer: Consumer, owned: int, now: float) -> float:
        """Pause and resume at librdkafka what has changed; return for how many seconds to wait instead of fetching.

        `owned` is the number of partitions that the member owns. Raises KafkaException.
        """
        if self._paused.issubset(self._requested) and len(self._paused) == len(self._requested):
            return 0.0
        if to_resume := [lease for lease in self._paused if lease not in self._requested]:
            consumer.resume(_partitions(to_resume))
            self._paused.difference_update(to_resume)
        to_pause = [lease for lease in self._requested if lease not in self._paused]
        if to_pause and len(self._requested) == owned:
            wait_s = max(self._requested.values()) + PAUSE_GRACE_S - now
            if wait_s > 0:
                return wait_s
        if to_pause:
            consumer.pause(_partitions(to_pause))
            self._paused.update(to_pause)
        return 0.0


def _partitions(leases: Iterable[Lease]) -> list[KafkaTopicPartition]:
    return [KafkaTopicPartition(*lease.partition) for lease in leases]
