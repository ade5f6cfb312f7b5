"""Which partitions this member owns: rebalance callbacks, leases, and fetching on after deleted records.

librdkafka calls the `on_*` callbacks inside `consume` and `close`, in the consumer's thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.events import ReasonRaised, Rebalanced, RetentionGap
from connector.core.record import Record, TopicPartition
from connector.kafka.errors import cause_of
from connector.kafka.pausing import Pausing
from connector.kafka.properties import is_incremental
from connector.kafka.start_offsets import StartOffset, earliest_offset, resolve_start_offsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.events import RebalanceKind
    from connector.core.ledger import Lease
    from connector.kafka.bridge import Bridge, Chunk
    from connector.kafka.commits import Commits
    from connector.kafka.readiness import Readiness
    from connector.settings.models import Kafka

MISSING_TOPIC_GRACE_S: Final = 10.0
"""How long an assigned topic that the broker does not know may take to appear."""
REVOKE_DEADLINE_S: Final = 15.0
"""Well below max.poll.interval (5 min by default): a member that waits longer is removed from the group."""


@dataclass(slots=True)
class OwnedPartition:
    """A lease and how far it was handed over."""

    lease: Lease
    next_offset: int
    """The offset after the last record handed over."""
    first_offset: int | None = None
    """The offset of the first record handed over."""

    def drop_duplicates(self, records: list[Record]) -> list[Record]:
        """Return the records that were not handed over yet, and count them as handed over.

        Raises RuntimeError if a record precedes the first one of the lease: it would be lost.
        """
        if records[0].offset < self.next_offset:
            if self.first_offset is None or records[0].offset < self.first_offset:
                started = f"the lease had started at {self.next_offset}"
                raise RuntimeError(f"{self.lease.partition}: received offset {records[0].offset} after {started}")
            records = [record for record in records if record.offset >= self.next_offset]
        if records:
            if self.first_offset is None:
                self.first_offset = records[0].offset
            self.next_offset = records[-1].offset + 1
        return records


class Assignment:
    """The partitions that this member owns. Used by the consumer's thread only.

    `excluded_topic`, which is the dead-letter topic, is never consumed, even if a pattern matches it.
    """

    def __init__(
        self, kafka: Kafka, excluded_topic: str, bridge: Bridge, commits: Commits, readiness: Readiness
    ) -> None:
        self._start_from = kafka.start_from
        self._incremental = is_incremental(kafka)
        self._excluded_topic = excluded_topic
        self._bridge = bridge
        self._commits = commits
        self._readiness = readiness
        self._owned: dict[TopicPartition, OwnedPartition] = {}
        self._pausing = Pausing()
        self._new_leases: Chunk = []

    # -- what is owned ------------------------------------------------------------------------------------------

    def find(self, partition: TopicPartition) -> OwnedPartition | None:
        """Return the partition if it is owned."""
        return self._owned.get(partition)

    def owns(self, lease: Lease) -> bool:
        """Return whether this very lease holds its partition."""
        owned = self._owned.get(lease.partition)
        return owned is not None and owned.lease is lease

    def received(self) -> dict[TopicPartition, int]:
        """Return the offset after the last record handed over, for each owned partition."""
        return {partition: owned.next_offset for partition, owned in self._owned.items()}

    def take_new_leases(self) -> Chunk:
        """Return the leases that began since the last call, each without records."""
        new_leases, self._new_leases = self._new_leases, []
        return new_leases

    def pause(self, leases: Iterable[Lease]) -> None:
        """Request that these leases are not fetched."""
        self._pausing.pause(filter(self.owns, leases), time.monotonic())

    def resume(self, leases: Iterable[Lease]) -> None:
        """Request that these leases are fetched again."""
        self._pausing.resume(leases)

    def apply_pauses(self, consumer: Consumer) -> float:
        """Pause and resume what was requested; return for how many seconds to wait instead of fetching."""
        return self._pausing.apply(consumer, len(self._owned), time.monotonic())

    # -- rebalance callbacks ------------------------------------------------------------------------------------

    def on_assign(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        """Called with the partitions that are assigned: starts a lease for each."""
        wanted = [TopicPartition(one.topic, one.partition) for one in partitions if one.topic != self._excluded_topic]
        missing_until = time.monotonic() + MISSING_TOPIC_GRACE_S

        def resolve() -> list[StartOffset]:
            # Waiting any longer for a topic that never appears would hold up all the others.
            late = time.monotonic() > missing_until
            return resolve_start_offsets(consumer, wanted, self._start_from, missing_is_deleted=late)

        starts: list[StartOffset] = self._readiness.call_until_answered(resolve, default=[])
        for start in starts:
            self._start_lease(start)
        positions = [KafkaTopicPartition(*start.partition, start.offset) for start in starts]
        (consumer.incremental_assign if self._incremental else consumer.assign)(positions)
        consumer.resume(positions)  # librdkafka remembers that a partition was paused when it was revoked
        self._readiness.clear("starting", "kafka_not_authorized", "topic_missing")
        for topic in {start.partition.topic for start in starts}:
            self._readiness.clear("topic_missing", "kafka_not_authorized", about=topic)
        self._bridge.emit_from_thread(Rebalanced("assigned", [str(partition) for partition in wanted]))

    def on_revoke(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        """Called before partitions are taken away in a planned rebalance: closes their leases and commits."""
        leases = self._remove(TopicPartition(one.topic, one.partition) for one in partitions)
        ended = self._bridge.close_leases_from_thread(leases, time.monotonic() + REVOKE_DEADLINE_S)
        self._commits.commit_sync(consumer, ended)
        self._unassign(consumer, leases)
        self._emit_ended("revoked", leases)

    def on_lost(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        """Called when another member may own the partitions already: ends their leases without a commit."""
        leases = self._remove(TopicPartition(one.topic, one.partition) for one in partitions)
        self._bridge.close_leases_from_thread(leases, None)
        self._unassign(consumer, leases)
        self._emit_ended("lost", leases)

    def close_all(self, consumer: Consumer, deadline: float) -> None:
        """Close all leases by `deadline` (monotonic seconds), and commit if a broker answers."""
        leases = self._remove(list(self._owned))
        ended = self._bridge.close_leases_from_thread(leases, deadline)
        if ended and self._readiness.broker_answers(consumer):
            self._commits.commit_sync(consumer, ended)
        self._emit_ended("revoked", leases)

    def _start_lease(self, start: StartOffset) -> None:
        lease = self._bridge.new_lease_from_thread(start.partition, start.offset, start.committed)
        self._owned[start.partition] = OwnedPartition(lease, start.offset)
        self._commits.track(lease, start.committed)
        self._new_leases.append((lease, ()))

    def _remove(self, partitions: Iterable[TopicPartition]) -> list[Lease]:
        """Disown the partitions and return their leases, from which nothing more is handed over."""
        leases = [self._owned.pop(partition).lease for partition in partitions if partition in self._owned]
        for lease in leases:
            self._commits.untrack(lease)
            self._pausing.forget(lease)
        self._new_leases = [(lease, records) for lease, records in self._new_leases if lease not in leases]
        return leases

    def _unassign(self, consumer: Consumer, leases: Sequence[Lease]) -> None:
        try:
            if self._incremental:
                consumer.incremental_unassign([KafkaTopicPartition(*lease.partition) for lease in leases])
            else:
                consumer.unassign()
        except KafkaException as error:
            self._readiness.warn(f"unassigning partitions failed: {cause_of(error).str()}")

    def _emit_ended(self, kind: RebalanceKind, leases: Sequence[Lease]) -> None:
        if leases:
            released = sum(lease.released for lease in leases)
            self._bridge.emit_from_thread(Rebalanced(kind, [str(lease.partition) for lease in leases], released))

    # -- deleted records ----------------------------------------------------------------------------------------

    def skip_deleted(self, consumer: Consumer, partition: TopicPartition) -> None:
        """Called when the next offset was deleted: continues at the earliest one that exists, and reports the gap.

        If the earliest offset lies before what was received, the topic was re-created: the lease ends, a new one
        starts there.
        """
        owned = self._owned.get(partition)
        if owned is None:
            return
        expected = owned.next_offset
        first = self._readiness.call_until_answered(lambda: earliest_offset(consumer, partition), default=expected)
        if first < expected:
            self._bridge.close_leases_from_thread([owned.lease], None)
            self._pausing.forget(owned.lease)
            self._start_lease(StartOffset(partition, first, None))
            consumer.resume([KafkaTopicPartition(*partition)])  # as in on_assign
        self._owned[partition].next_offset = first
        self._assign_again(consumer, partition)
        self._bridge.emit_from_thread(RetentionGap(*partition, records=max(first - expected, 0)))
        remedy = f"records of {partition.topic} were deleted before they were read; restart to acknowledge"
        self._bridge.emit_from_thread(ReasonRaised("records_lost", partition.topic, remedy))

    def _assign_again(self, consumer: Consumer, partition: TopicPartition) -> None:
        """Fetch from `next_offset` on. A seek would be refused, because the partition has no valid offset."""
        if self._incremental:
            consumer.incremental_unassign([KafkaTopicPartition(*partition)])
            consumer.incremental_assign([KafkaTopicPartition(*partition, self._owned[partition].next_offset)])
        else:
            consumer.assign([KafkaTopicPartition(*each, one.next_offset) for each, one in self._owned.items()])
        self._pausing.on_assigned(self._owned[partition].lease)
