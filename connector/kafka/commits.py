"""Offset commits: explicit, repeated until the broker has confirmed them, and never for a lease that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.events import CommitAnswered
from connector.core.record import TopicPartition
from connector.kafka.errors import COMMIT_REFUSED, cause_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.kafka.bridge import Bridge, CommitRequest


class Commits:
    """What was requested and what was confirmed, per tracked lease. Used by the consumer's thread only.

    Within a lease the committed offset never moves back, although the watermark may lie below it:

        0 to 11 settled, a transaction marker at 12   idle: the position, 13, is committed
        nothing received                              the watermark is 12: nothing is committed
        13 received and settled                       the watermark, 14, is committed
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._leases: dict[TopicPartition, Lease] = {}
        self._requested: dict[TopicPartition, int] = {}
        """The last offset that was requested and not refused."""
        self._confirmed: dict[TopicPartition, int] = {}

    def track(self, lease: Lease, committed: int | None) -> None:
        """Start to track a lease; `committed` is what the group has committed for its partition."""
        self._leases[lease.partition] = lease
        for offsets in (self._requested, self._confirmed):
            offsets.pop(lease.partition, None)
            if committed is not None:
                offsets[lease.partition] = committed

    def untrack(self, lease: Lease) -> None:
        """Stop tracking a lease; late commit replies for it are ignored."""
        self._leases.pop(lease.partition, None)

    def commit_async(
        self, consumer: Consumer, requests: Sequence[CommitRequest], received: Mapping[TopicPartition, int]
    ) -> None:
        """Commit what has moved, without waiting. Raises KafkaException if librdkafka refuses the call.

        `received` is the offset after the last record handed over. A lease is idle if nothing is in flight and
        nothing was handed over since the request was made; then its position counts, which is past markers and gaps.
        """
        idle = [one.lease.partition for one in requests if one.idle_at == received[one.lease.partition]]
        positions = consumer.position([KafkaTopicPartition(*partition) for partition in idle]) if idle else []
        position_of = {(one.topic, one.partition): one.offset for one in positions}
        offsets = []
        for request in requests:
            partition = request.lease.partition
            offset = request.progress.offset
            if partition in position_of:
                offset = max(offset, received[partition], position_of[partition])
            if offset > self._highest_requested(partition):
                offsets.append(KafkaTopicPartition(*partition, offset))
        if offsets:
            consumer.commit(offsets=offsets, asynchronous=True)
            self._requested.update((TopicPartition(one.topic, one.partition), one.offset) for one in offsets)

    def commit_sync(self, consumer: Consumer, ended: Mapping[Lease, Progress]) -> None:
        """Commit and wait for the reply, while the partitions are still owned. Never raises KafkaException."""
        offsets = []
        for lease, progress in ended.items():
            offset = max(progress.offset, self._highest_requested(lease.partition))
            if offset != self._confirmed.get(lease.partition):
                offsets.append(KafkaTopicPartition(*lease.partition, offset))
        if not offsets:
            return
        refused: KafkaError | None = None
        try:
            for reply in consumer.commit(offsets=offsets, asynchronous=False) or []:
                refused = refused or reply.error
        except KafkaException as error:
            refused = cause_of(error)
        self._bridge.on_committed_from_thread({}, _answer(refused))

    def on_commit(self, error: KafkaError | None, partitions: list[KafkaTopicPartition]) -> None:
        """Called by librdkafka, between polls, with the broker's reply to `commit_async`."""
        confirmed: dict[Lease, int] = {}
        refused = error
        for reply in partitions:
            partition = TopicPartition(reply.topic, reply.partition)
            refused = refused or reply.error
            if error is not None or reply.error is not None:
                self._requested.pop(partition, None)  # the next commit repeats it
            elif self._was_requested(partition, reply.offset):
                confirmed[self._leases[partition]] = reply.offset
                self._confirmed[partition] = reply.offset
        self._bridge.on_committed_from_thread(confirmed, _answer(refused))

    def _was_requested(self, partition: TopicPartition, offset: int) -> bool:
        """Whether the tracked lease requested it; otherwise an earlier lease of the partition did."""
        confirmed, requested = self._confirmed.get(partition, -1), self._requested.get(partition, -1)
        return partition in self._leases and confirmed < offset <= requested

    def _highest_requested(self, partition: TopicPartition) -> int:
        """Return the highest offset that may be committed by now."""
        return max(self._requested.get(partition, -1), self._confirmed.get(partition, -1))


def _answer(error: KafkaError | None) -> CommitAnswered:
    if error is None:
        return CommitAnswered("ok")
    return CommitAnswered("refused" if error.code() in COMMIT_REFUSED else "failed", error.str())
