"""Which partitions this member owns: rebalance callbacks, leases, and fetching on after deleted records.

librdkafka calls the `on_*` callbacks inside `consume` and `close`, in the consumer's thread.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.events import Notice, ReasonRaised, Rebalanced, RetentionGap
from connector.core.progress import progress_of
from connector.core.record import TopicPartition
from connector.kafka.deadlines import REPLACE_DEADLINE_S, REVOKE_DEADLINE_S
from connector.kafka.errors import cause_of, reason_of
from connector.kafka.fetching import Fetching
from connector.kafka.invalid_position import Continuation, continuation_of
from connector.kafka.leader_offsets import LeaderOffsets
from connector.kafka.membership import Membership
from connector.kafka.owned_partition import OwnedPartition
from connector.kafka.pausing import Pausing
from connector.kafka.properties import is_incremental, is_kip848
from connector.kafka.readiness import RETRY_DELAY_S
from connector.kafka.start_offsets import StartOffset, StartOffsets
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from connector.core.events import RebalanceKind
    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.kafka.bridge import Bridge
    from connector.kafka.chunks import Chunk
    from connector.kafka.commits import Commits
    from connector.kafka.readiness import Readiness
    from connector.settings.models import Kafka

MISSING_TOPIC_GRACE_S: Final = 10.0
"""How long an assigned topic that the broker does not know may take to appear."""
GO_ON_S: Final = 2.0
"""After this time no other partition goes on in the same pass. Each waits for a commit: after a long stop, all
partitions may have lost their offsets, and the thread has to poll in between."""


class Assignment:
    """The partitions that this member owns. Used by the consumer's thread only.

    `excluded_topic`, which is the dead-letter topic, is never consumed, even if a pattern matches it.
    """

    def __init__(
        self, kafka: Kafka, excluded_topic: str, bridge: Bridge, commits: Commits, readiness: Readiness
    ) -> None:
        self.membership = Membership(kip848=is_kip848(kafka))
        self._starts = StartOffsets(kafka.start_from)
        self._incremental = is_incremental(kafka)
        self._fetching = Fetching(incremental=self._incremental)
        self._excluded_topic = excluded_topic
        self._bridge = bridge
        self._commits = commits
        self._readiness = readiness
        self._waiting: dict[TopicPartition, float] = {}
        """Partitions whose start is looked up, and since when (monotonic seconds)."""
        self._invalid: dict[TopicPartition, None] = {}
        """Owned partitions whose next offset does not exist, in the order in which they are looked up."""
        self._next_pass = 0.0
        """When to ask the brokers again (monotonic seconds)."""
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

    @property
    def leases(self) -> list[Lease]:
        """The leases of all owned partitions."""
        return [owned.lease for owned in self._owned.values()]

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

    @property
    def paused(self) -> Collection[Lease]:
        """The leases whose partitions are not fetched."""
        return self._pausing.paused

    def apply_pauses(self, consumer: Consumer) -> float:
        """Pause and resume what was requested; return for how many seconds to wait instead of fetching."""
        return self._pausing.apply(consumer, len(self._owned), time.monotonic())

    # -- rebalance callbacks ------------------------------------------------------------------------------------

    def on_assign(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        """Called with the partitions that are assigned, maybe none: they start in `resolve`."""
        wanted = [TopicPartition(one.topic, one.partition) for one in partitions if one.topic != self._excluded_topic]
        self._fetching.add(consumer, wanted)
        self._waiting.update(dict.fromkeys(wanted, time.monotonic()))
        self._next_pass = 0.0
        self.membership.on_assigned()
        self._readiness.clear("kafka_not_authorized", "topic_missing")
        self._bridge.emit_from_thread(Rebalanced("assigned", [str(partition) for partition in wanted]))

    def on_revoke(
        self,
        consumer: Consumer,
        partitions: list[KafkaTopicPartition],
        on_drained: Callable[[], None] = lambda: None,
    ) -> None:
        """Called before partitions are taken away in a planned rebalance: closes their leases and commits.

        `on_drained` is called once the leases are closed, before the commit, which may take its time.
        """
        revoked = [TopicPartition(one.topic, one.partition) for one in partitions]
        leases = self._remove(revoked)
        ended = self._bridge.close_leases_from_thread(leases, time.monotonic() + REVOKE_DEADLINE_S)
        on_drained()
        self._commits.commit_sync(consumer, ended)
        self._remember(ended)
        self._unassign(consumer, revoked)
        if not self._incremental:
            self.membership.on_lost()  # until all are dealt out again
        self._emit_ended("revoked", leases)

    def on_lost(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        """Called when another member may own the partitions already: ends their leases without a commit."""
        lost = [TopicPartition(one.topic, one.partition) for one in partitions]
        leases = self._remove(lost)
        self._remember(self._bridge.close_leases_from_thread(leases, None))
        self._unassign(consumer, lost)
        self.membership.on_lost()
        self._emit_ended("lost", leases)

    def on_new_client(self) -> None:
        """Called when another client takes the place of the one that the group has assigned partitions to."""
        leases = self._remove([*self._owned, *self._waiting])
        self._remember(self._bridge.close_leases_from_thread(leases, None))
        self._fetching = Fetching(incremental=self._incremental)
        self.membership.on_lost()
        self._emit_ended("lost", leases)

    def close_all(self, consumer: Consumer, deadline: float) -> None:
        """Close all leases by `deadline` (monotonic seconds), and commit if a broker answers."""
        leases = self._remove([*self._owned, *self._waiting])
        ended = self._bridge.close_leases_from_thread(leases, deadline)
        if ended and self._readiness.broker_answers(consumer):
            self._commits.commit_sync(consumer, ended)
        self._emit_ended("revoked", leases)

    def _remove(self, partitions: Sequence[TopicPartition]) -> list[Lease]:
        """Disown the partitions and return their leases, from which nothing more is handed over."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._invalid.pop(partition, None)
        leases = [self._owned.pop(partition).lease for partition in partitions if partition in self._owned]
        for lease in leases:
            self._forget(lease)
        return leases

    def _remember(self, ended: Mapping[Lease, Progress]) -> None:
        """Remember what is settled, for when a partition comes back to this process."""
        for lease, progress in ended.items():
            committed = self._commits.confirmed(lease)
            if committed is not None:
                first_sight = self._commits.first_sight(lease)
                self._starts.memory.remember(lease.partition, progress, committed, first_sight)

    def _forget(self, lease: Lease) -> None:
        self._commits.untrack(lease)
        self._pausing.forget(lease)
        self._new_leases = [(new, records) for new, records in self._new_leases if new is not lease]

    def _unassign(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        try:
            self._fetching.remove(consumer, partitions)
        except KafkaException as error:
            self._readiness.warn(f"unassigning partitions failed: {cause_of(error).str()}")

    def _emit_ended(self, kind: RebalanceKind, leases: Sequence[Lease]) -> None:
        if leases:
            released = sum(lease.released for lease in leases)
            self._bridge.emit_from_thread(Rebalanced(kind, [str(lease.partition) for lease in leases], released))

    # -- where partitions start, and go on ----------------------------------------------------------------------

    @property
    def waiting(self) -> list[TopicPartition]:
        """The assigned partitions of which it is not known yet where they start."""
        return list(self._waiting)

    def on_invalid_position(self, partition: TopicPartition) -> None:
        """Called when the next offset of a partition does not exist: `resolve` finds out where it goes on."""
        if partition in self._owned:
            self._invalid[partition] = None
            self._next_pass = 0.0

    def resolve(self, consumer: Consumer) -> None:
        """Look up where partitions start or go on, as far as brokers answer; the others are tried again later.

        Blocks the thread for a quarter of its time at most: the partitions that flow must go on flowing.
        """
        began = time.monotonic()
        if not (self._waiting or self._invalid) or began < self._next_pass:
            return
        offsets = LeaderOffsets(consumer)
        for partition in list(self._invalid):
            if time.monotonic() - began < GO_ON_S:
                self._go_on(consumer, partition, offsets)
        if self._waiting:
            self._start_waiting(consumer)
        ended = time.monotonic()
        self._next_pass = ended + max(RETRY_DELAY_S, 3 * (ended - began))

    def _start_waiting(self, consumer: Consumer) -> None:
        try:
            starts = self._starts.resolve(consumer, list(self._waiting))
            self._commits.commit_starts(consumer, starts.to_commit)
        except KafkaException as error:
            self._readiness.on_error(cause_of(error), otherwise="kafka_unreachable")
            return
        self._readiness.clear("kafka_unreachable")
        late = time.monotonic() - MISSING_TOPIC_GRACE_S
        for partition, refusal in starts.unanswered.items():
            if reason_of(refusal) == "topic_missing" and self._waiting[partition] < late:
                starts.found.append(StartOffset(partition, 0, None))
            else:
                self._readiness.on_unanswered(refusal, partition)
        for start in starts.found:
            del self._waiting[start.partition]
            self._start_lease(start)
        self._fetching.start(consumer, {one.partition: one.offset for one in starts.found}, self.received())
        for topic in {start.partition.topic for start in starts.found}:
            self._readiness.clear("topic_missing", "kafka_not_authorized", about=topic)

    def _start_lease(self, start: StartOffset) -> None:
        lease = self._bridge.new_lease_from_thread(start.partition, start.offset, start.committed, start.ahead)
        self._owned[start.partition] = OwnedPartition(lease, start.offset, progress_of(start.offset, start.ahead))
        self._commits.track(lease, start)
        self._new_leases.append((lease, ()))

    def _go_on(self, consumer: Consumer, partition: TopicPartition, offsets: LeaderOffsets) -> None:
        """Go on with a partition whose next offset does not exist, and report why."""
        owned = self._owned[partition]
        del self._invalid[partition]
        try:
            found = continuation_of(consumer, owned, offsets)
        except KafkaException as error:
            self._invalid[partition] = None  # behind the others
            self._readiness.on_unanswered(cause_of(error), partition)
            return
        gap = RetentionGap(*partition, records=owned.began_with.unsettled(owned.next_offset, found.offset))
        if found.cause != "deleted":
            self._report_replacement(owned, found)
            self._replace_lease(owned.lease, found.offset)
            consumer.resume([KafkaTopicPartition(*partition)])  # librdkafka remembers that it was paused
        owned = self._owned[partition]
        owned.next_offset = found.offset
        self._fetching.restart(consumer, {partition: found.offset}, self.received())
        self._pausing.on_assigned(owned.lease)
        # At once: a process that is started again must neither count a gap a second time nor find the old offset.
        self._commits.commit_gap(consumer, owned.lease, found.offset)
        if found.cause == "deleted" and gap.records:
            self._bridge.emit_from_thread(gap)
            remedy = message(
                "records of {topic} were deleted before they were read; restart to acknowledge", topic=partition.topic
            )
            self._bridge.emit_from_thread(ReasonRaised("records_lost", partition.topic, remedy))

    def _report_replacement(self, owned: OwnedPartition, found: Continuation) -> None:
        """Report that offsets mean other records now. A topic that was re-created is no loss of what was readable."""
        partition = str(owned.lease.partition)
        fields: dict[str, str | int] = {"partition": partition, "position": owned.next_offset, "next": found.offset}
        level: Literal["warning", "error"] = "error" if found.cause == "truncated" else "warning"
        self._bridge.emit_from_thread(Notice(level, f"partition {found.cause}", fields))

    def _replace_lease(self, lease: Lease, offset: int) -> None:
        """End a lease whose offsets mean other records now, once what it has was sent; start another at `offset`."""
        self._forget(lease)
        self._bridge.close_leases_from_thread([lease], time.monotonic() + REPLACE_DEADLINE_S)
        self._starts.memory.forget(lease.partition)
        self._start_lease(StartOffset(lease.partition, offset, None))
