"""The thread that owns the Kafka consumer. The rules of the bridge stand at the top of `source.py`."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Position

from connector.kafka.client import consumer_properties, is_incremental, reason_of, remedy_for
from connector.kafka.source import Commit, Pause, Resume, Stop
from connector.kafka.starting import Start, earliest, resolve
from connector.observe.events import CommitAnswered, Noted, ReasonCleared, ReasonRaised, Rebalanced, RetentionGap
from connector.record import Record, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import Message

    from connector.config.models import Kafka
    from connector.kafka.source import Bridge, Chunk, Command, Mark
    from connector.ledger import Lease
    from connector.observe.events import ReasonCode

T = TypeVar("T")

_LOG = logging.getLogger("connector.kafka")

CHUNK_RECORDS: Final = 1000
POLL_S: Final = 0.05
REVOKE_DEADLINE_S: Final = 15.0
"""Well below max.poll.interval (5 min unless set): who waits longer is thrown out of the group."""
PROBE_EVERY_S: Final = 2.0
REQUEST_TIMEOUT_S: Final = 5.0

_REFUSED_AROUND_A_REBALANCE: Final = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError._WAIT_COORD,  # noqa: SLF001 - librdkafka's local errors are named so
    KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001 - the same
}


class ConsumerThread:
    """Runs from `start` until a Stop command, or until it dies; then the bridge hears of it."""

    def __init__(self, kafka: Kafka, topics: Sequence[str], never: str, bridge: Bridge) -> None:
        self.beat = time.monotonic()
        """When the thread was last alive (monotonic seconds)."""
        self._kafka = kafka
        self._topics = list(topics)
        self._never = never
        self._bridge = bridge
        self._incremental = is_incremental(kafka)
        self._leases: dict[TopicPartition, Lease] = {}
        self._next: dict[TopicPartition, int] = {}
        """Per lease: the offset after the last record that was handed over."""
        self._first: dict[TopicPartition, int] = {}
        self._sent: dict[TopicPartition, int] = {}
        """Per lease: the last offset whose commit was asked for and not refused."""
        self._acknowledged: dict[TopicPartition, int] = {}
        """Per lease: the last offset that the broker has confirmed."""
        self._born: Chunk = []
        self._reasons: set[tuple[ReasonCode, str]] = {("starting", "")}
        self._probe_at = 0.0
        self._commit_at = 0.0
        self._stop: Stop | None = None
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -- the loop of the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._consume(Consumer(self._properties(), logger=_LOG))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the process must hear of it
            failure = error
        self._bridge.ended_from_thread(failure)

    def _properties(self) -> dict[str, object]:
        return {**consumer_properties(self._kafka), "error_cb": self._on_error, "on_commit": self._on_commit}

    def _consume(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._await_broker()
        if self._stop is None:
            consumer.subscribe(
                self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        while self._stop is None:
            self.beat = time.monotonic()
            self._obey()
            messages = consumer.consume(CHUNK_RECORDS, POLL_S)
            chunk, self._born = self._born, []
            chunk += self._group(messages)
            if chunk:
                self._bridge.hand_over_from_thread(chunk, self._alive)
            if self._reasons:
                self._probe()
        self._leave(self._stop.deadline_s)

    def _alive(self) -> bool:
        return not any(isinstance(command, Stop) for command in self._bridge.commands)

    def _await_broker(self) -> None:
        """Wait for the first answer of a broker, for ever, and say so."""
        while self._stop is None:
            self.beat = time.monotonic()
            self._obey()
            try:
                metadata = self._consumer.list_topics(timeout=REQUEST_TIMEOUT_S)
            except KafkaException as error:
                self._raise(error.args[0], "", otherwise="kafka_unreachable")
                self._consumer.poll(0)  # the callbacks tell more, such as a wrong password
                continue
            self._clear("kafka_unreachable", "kafka_not_authorized")
            self._bridge.connected_from_thread(metadata.cluster_id or "")
            return

    def _obey(self) -> None:
        commands = self._bridge.commands
        while commands:
            command = commands.popleft()
            try:
                self._carry_out(command)
            except KafkaException as error:  # around a rebalance; a commit is repeated, an unpaused partition re-paused
                self._note(f"{type(command).__name__} failed: {error.args[0]}")

    def _carry_out(self, command: Command) -> None:
        match command:
            case Stop() as stop:
                self._stop = stop
            case Commit(marks):
                self._commit(marks)
            case Pause(leases):
                self._steer(leases, pause=True)
            case Resume(leases):
                self._steer(leases, pause=False)

    def _steer(self, leases: Sequence[Lease], *, pause: bool) -> None:
        positions = [Position(*lease.partition) for lease in leases if self._owns(lease)]
        if positions:
            (self._consumer.pause if pause else self._consumer.resume)(positions)

    def _owns(self, lease: Lease) -> bool:
        return self._leases.get(lease.partition) is lease

    # -- records ------------------------------------------------------------------------------------------------

    def _group(self, messages: list[Message]) -> Chunk:
        """Records by lease, in order. What belongs to no lease was revoked inside the same call: the next owner's."""
        groups: dict[tuple[str | None, int | None], list[Record]] = {}
        for message in messages:
            if message.error() is not None:
                self._on_message_error(message)
                continue
            partition = (message.topic(), message.partition())
            group = groups.get(partition)
            if group is None:
                group = groups[partition] = []
            group.append(_record(message))
        chunk: Chunk = []
        for partition, records in groups.items():
            lease = self._leases.get(TopicPartition(*partition))  # type: ignore[arg-type] # a record has both
            if lease is not None and (fresh := self._fresh(lease.partition, records)):
                chunk.append((lease, fresh))
        return chunk

    def _fresh(self, partition: TopicPartition, records: list[Record]) -> list[Record]:
        """Drop what this lease already has. Raises if records come from before its first one: they would be lost."""
        expected = self._next[partition]
        if records[0].offset < expected:
            if records[0].offset < self._first.get(partition, expected):
                raise RuntimeError(f"{partition}: offset {records[0].offset} came after the lease had begun above it")
            records = [record for record in records if record.offset >= expected]
        if records:
            self._first.setdefault(partition, records[0].offset)
            self._next[partition] = records[-1].offset + 1
        return records

    def _on_message_error(self, message: Message) -> None:
        error = message.error()
        if error is None:
            return
        if error.fatal():
            raise KafkaException(error)
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 - see above
            partition = TopicPartition(str(message.topic()), int(message.partition() or 0))
            self._jump_over_gap(partition)
            return
        self._raise(error, str(message.topic() or ""))

    def _jump_over_gap(self, partition: TopicPartition) -> None:
        """Go on at the earliest record that exists; say how many are lost. The lease goes on unless it must go back."""
        lease = self._leases.get(partition)
        if lease is None:
            return
        first = self._ask(lambda: earliest(self._consumer, partition), default=self._next[partition])
        gap = first - self._next[partition]
        if gap < 0:  # the topic was made anew: offsets begin again, and so must the lease
            self._bridge.close_from_thread([lease], 0.0)
            self._adopt(Start(partition, first, None))
        self._next[partition] = first
        self._consumer.seek(Position(*partition, first))
        self._bridge.tell_from_thread(RetentionGap(*partition, records=max(gap, 0)))
        remedy = f"records of {partition.topic} were deleted before they were read; restart to acknowledge"
        self._bridge.tell_from_thread(ReasonRaised("records_lost", partition.topic, remedy))

    # -- leases -------------------------------------------------------------------------------------------------

    def _adopt(self, start: Start) -> None:
        lease = self._bridge.new_lease(start.partition, start.offset, start.committed)
        self._leases[start.partition] = lease
        self._next[start.partition] = start.offset
        self._first.pop(start.partition, None)
        for known in (self._sent, self._acknowledged):
            known.pop(start.partition, None)
            if start.committed is not None:
                known[start.partition] = start.committed
        self._born.append((lease, ()))

    def _on_assign(self, consumer: Consumer, partitions: list[Position]) -> None:
        wanted = [TopicPartition(p.topic, p.partition) for p in partitions if p.topic != self._never]
        starts: list[Start] = self._ask(lambda: resolve(consumer, wanted, self._kafka.start_from), default=[])
        for start in starts:
            self._adopt(start)
        positions = [Position(*start.partition, start.offset) for start in starts]
        (consumer.incremental_assign if self._incremental else consumer.assign)(positions)
        self._clear("starting", "kafka_unreachable", "kafka_not_authorized")
        for start in starts:
            self._clear("topic_missing", about=start.partition.topic)
        self._bridge.tell_from_thread(Rebalanced("assigned", [str(partition) for partition in wanted]))

    def _ask(self, question: Callable[[], T], default: T) -> T:
        """Ask the broker until it answers; `default` if the process is told to stop before."""
        while self._alive():
            self.beat = time.monotonic()
            try:
                return question()
            except KafkaException as error:
                self._raise(error.args[0], "", otherwise="kafka_unreachable")
                time.sleep(POLL_S)
        return default

    def _on_revoke(self, consumer: Consumer, partitions: list[Position]) -> None:
        gone = self._release(partitions)
        self._commit_now(self._bridge.close_from_thread(gone, REVOKE_DEADLINE_S))
        self._tell_gone("revoked", gone)
        self._let_go(consumer, gone)

    def _on_lost(self, consumer: Consumer, partitions: list[Position]) -> None:
        gone = self._release(partitions)
        self._bridge.close_from_thread(gone, 0.0)
        self._tell_gone("lost", gone)
        self._let_go(consumer, gone)

    def _release(self, partitions: list[Position]) -> list[Lease]:
        keys = [TopicPartition(partition.topic, partition.partition) for partition in partitions]
        gone = [self._leases.pop(key) for key in keys if key in self._leases]
        self._born = [(lease, records) for lease, records in self._born if lease not in gone]
        return gone

    def _tell_gone(self, kind: Literal["revoked", "lost"], gone: list[Lease]) -> None:
        names = [str(lease.partition) for lease in gone]
        released = sum(lease.released for lease in gone)
        self._bridge.tell_from_thread(Rebalanced(kind, names, released))

    def _let_go(self, consumer: Consumer, gone: list[Lease]) -> None:
        try:
            if self._incremental:
                consumer.incremental_unassign([Position(*lease.partition) for lease in gone])
            else:
                consumer.unassign()
        except KafkaException as error:
            self._note(f"letting partitions go failed: {error.args[0]}")

    # -- commits ------------------------------------------------------------------------------------------------

    def _commit(self, marks: Sequence[Mark]) -> None:
        owned = [mark for mark in marks if self._owns(mark.lease)]
        if not owned:
            return
        positions = self._positions([mark.lease.partition for mark in owned])
        offsets = []
        for mark in owned:
            partition = mark.lease.partition
            offset = mark.watermark
            if mark.idle_at is not None and mark.idle_at == self._next[partition]:
                offset = max(offset, self._next[partition], positions.get(partition, 0))
            if offset != self._sent.get(partition):
                offsets.append(Position(*partition, offset))
                self._sent[partition] = offset
        self._tell_ends([mark.lease for mark in owned])
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def _positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        positions = self._consumer.position([Position(*partition) for partition in partitions])
        return {TopicPartition(p.topic, p.partition): p.offset for p in positions if p.offset >= 0}

    def _tell_ends(self, leases: list[Lease]) -> None:
        ends = {}
        for lease in leases:
            _, end = self._consumer.get_watermark_offsets(Position(*lease.partition), cached=True)
            if end >= 0:
                ends[lease] = end
        self._bridge.lag_from_thread(ends)

    def _on_commit(self, error: KafkaError | None, partitions: list[Position]) -> None:
        """Hear the broker's answer. Called between polls, in this thread."""
        done: dict[Lease, int] = {}
        refused = error
        for position in partitions:
            partition = TopicPartition(position.topic, position.partition)
            refused = refused or position.error
            if error is not None or position.error is not None:
                self._sent.pop(partition, None)  # the next commit repeats it
            elif partition in self._leases:
                done[self._leases[partition]] = position.offset
                self._acknowledged[partition] = position.offset
        self._bridge.committed_from_thread(done, _answer(refused))

    def _commit_now(self, marks: Mapping[Lease, int]) -> None:
        """Commit synchronously, while the partitions are still ours."""
        offsets = [
            Position(*lease.partition, offset)
            for lease, offset in marks.items()
            if offset != self._acknowledged.get(lease.partition)
        ]
        if not offsets:
            return
        refused: KafkaError | None = None
        try:
            for answer in self._consumer.commit(offsets=offsets, asynchronous=False) or []:
                refused = refused or answer.error
        except KafkaException as error:
            refused = error.args[0]
        self._bridge.committed_from_thread({}, _answer(refused))

    # -- readiness ----------------------------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        """Hear librdkafka's own troubles. Called between polls, in this thread."""
        self._raise(error, "")

    def _raise(self, error: KafkaError, about: str, otherwise: ReasonCode | None = None) -> None:
        reason = reason_of(error) or otherwise
        if reason is None:
            self._note(f"Kafka: {error.str()}")
            return
        if (reason, about) not in self._reasons:
            self._probe_at = time.monotonic() + PROBE_EVERY_S
        self._reasons.add((reason, about))
        self._bridge.tell_from_thread(ReasonRaised(reason, about, remedy_for(reason, error)))

    def _clear(self, *reasons: ReasonCode, about: str = "") -> None:
        for reason in reasons:
            if (reason, about) in self._reasons:
                self._reasons.discard((reason, about))
                self._bridge.tell_from_thread(ReasonCleared(reason, about))

    def _probe(self) -> None:
        """While something is wrong, look now and then whether it still is."""
        now = time.monotonic()
        if now < self._probe_at:
            return
        self._probe_at = now + PROBE_EVERY_S
        try:
            metadata = self._consumer.list_topics(timeout=REQUEST_TIMEOUT_S)
        except KafkaException as error:
            self._raise(error.args[0], "", otherwise="kafka_unreachable")
            return
        self._clear("kafka_unreachable")
        for reason, about in list(self._reasons):
            if reason == "topic_missing" and about in metadata.topics:
                self._clear(reason, about=about)
        if self._consumer.memberid():
            self._clear("starting")

    def _note(self, message: str) -> None:
        self._bridge.tell_from_thread(Noted("warning", message, {}))

    # -- the end ------------------------------------------------------------------------------------------------

    def _leave(self, deadline_s: float) -> None:
        """Close all leases, commit, leave the group. Static members stay in it until the session timeout, by design."""
        gone = list(self._leases.values())
        marks = self._bridge.close_from_thread(gone, deadline_s)
        self._leases.clear()
        if not {"kafka_unreachable", "kafka_not_authorized"} & {reason for reason, _ in self._reasons}:
            self._commit_now(marks)
        if gone:
            self._tell_gone("revoked", gone)
        self._consumer.close()


def _record(message: Message) -> Record:
    kind, timestamp_ms = message.timestamp()
    headers = message.headers()
    return Record(
        message.topic(),  # type: ignore[arg-type] # a record has all of these
        message.partition(),  # type: ignore[arg-type]
        message.offset(),  # type: ignore[arg-type]
        timestamp_ms if kind else None,
        message.key(),
        message.value(),
        tuple(headers) if headers else (),  # type: ignore[arg-type]
    )


def _answer(error: KafkaError | None) -> CommitAnswered:
    if error is None:
        return CommitAnswered("ok")
    refused = error.code() in _REFUSED_AROUND_A_REBALANCE
    return CommitAnswered("refused" if refused else "failed", error.str())
