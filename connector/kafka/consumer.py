"""The thread that owns the Kafka consumer. The rules of the bridge stand at the top of `source.py`."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Position

from connector.core.errors import KafkaClientError
from connector.core.events import ReasonRaised, Rebalanced, RetentionGap
from connector.core.record import Record, TopicPartition
from connector.kafka.bridge import Commit, Pause, Resume, Stop
from connector.kafka.commits import Commits
from connector.kafka.properties import consumer_properties, is_incremental, is_static
from connector.kafka.readiness import REQUEST_TIMEOUT_S, Readiness
from connector.kafka.start_offsets import Start, earliest, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.ledger import Lease
    from connector.kafka.bridge import Bridge, Chunk, Command
    from connector.settings.models import Kafka

_LOG = logging.getLogger("connector.kafka")

CHUNK_RECORDS: Final = 1000
POLL_S: Final = 0.05
PAUSE_GRACE_S: Final = 0.5
"""A full target that has room again so soon is not worth a pause: librdkafka throws away what it has prefetched of a
paused partition, and fetches it again. Until then the thread does not fetch, and does not poll either."""
MISSING_PATIENCE_S: Final = 10.0
"""How long a topic that was dealt out and that the broker does not know may take to appear."""
REVOKE_DEADLINE_S: Final = 15.0
"""Well below max.poll.interval (5 min unless set): who waits longer is thrown out of the group."""

_GONE: Final = {
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - librdkafka's local errors are named so
    KafkaError.OFFSET_OUT_OF_RANGE,
}


class ConsumerThread:
    """Runs from `start` until a Stop command, or until it dies; then the bridge hears of it.

    `never` is a topic that is not consumed, whatever patterns match it: the dead letters.
    """

    def __init__(self, kafka: Kafka, topics: Sequence[str], never: str, bridge: Bridge) -> None:
        self._kafka = kafka
        self._topics = list(topics)
        self._never = never
        self._bridge = bridge
        self._incremental = is_incremental(kafka)
        self._readiness = Readiness(bridge.tell_from_thread, self._beat_on)
        self._commits = Commits(bridge)
        self._beat = time.monotonic()
        self._leases: dict[TopicPartition, Lease] = {}
        self._received: dict[TopicPartition, int] = {}
        """Per lease: the offset after the last record that was handed over."""
        self._first: dict[TopicPartition, int] = {}
        """Per lease: the offset of the first record that was handed over."""
        self._pausing: dict[Lease, float] = {}
        """Leases that are to be paused, and until when that can wait (monotonic seconds)."""
        self._born: Chunk = []
        self._stop: Stop | None = None
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def last_beat(self) -> float:
        """When the thread was last alive, in monotonic seconds."""
        return self._beat

    # -- the loop of the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            callbacks = {"error_cb": self._readiness.on_error, "on_commit": self._commits.on_answer}
            self._consumer = Consumer({**consumer_properties(self._kafka), **callbacks}, logger=_LOG)
            self._consume(self._consumer)
        except KafkaException as error:
            failure = KafkaClientError(str(error.args[0]))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the process must hear of it
            failure = error
        self._bridge.ended_from_thread(failure)

    def _consume(self, consumer: Consumer) -> None:
        self._await_broker()
        if self._stop is None:
            consumer.subscribe(
                self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        while self._stop is None:
            self._beat_on()
            if not self._obey() or self._waits_for_room():
                continue
            messages = consumer.consume(CHUNK_RECORDS, POLL_S)
            chunk, self._born = self._born, []
            chunk += self._group(messages)
            if chunk:
                self._readiness.came({lease.partition.topic for lease, records in chunk if records})
                self._bridge.hand_over_from_thread(chunk, self._beat_on)
            self._readiness.look_again(consumer)
        self._leave(self._stop.deadline_s)

    def _beat_on(self) -> bool:
        """Show a sign of life; False once the process is told to stop. For whatever waits."""
        self._beat = time.monotonic()
        return self._stop is None and not any(isinstance(command, Stop) for command in list(self._bridge.commands))

    def _await_broker(self) -> None:
        """Wait for the first answer of a broker, for ever, and say so."""

        def cluster_id() -> str:
            self._consumer.poll(0)  # the callbacks tell more, such as a wrong password
            return self._consumer.list_topics(timeout=REQUEST_TIMEOUT_S).cluster_id or ""

        found = self._readiness.ask(cluster_id, default=None)
        self._obey()
        if found is not None:
            self._readiness.clear("kafka_not_authorized")
            self._bridge.connected_from_thread(found)

    def _obey(self) -> bool:
        """Carry out what was posted; False if that was to stop."""
        commands = self._bridge.commands
        while commands:
            command = commands.popleft()
            try:
                self._carry_out(command)
            except KafkaException as error:  # around a rebalance: a commit is repeated, a partition paused again
                self._readiness.note(f"{type(command).__name__.lower()} failed: {error.args[0]}")
        return self._stop is None

    def _carry_out(self, command: Command) -> None:
        match command:
            case Stop() as stop:
                self._stop = stop
            case Commit(marks):
                owned = [mark for mark in marks if self._owns(mark.lease)]
                self._commits.ask(self._consumer, owned, self._received)
                self._tell_ends([mark.lease for mark in owned])
            case Pause(leases):
                self._pausing.update(dict.fromkeys(leases, time.monotonic() + PAUSE_GRACE_S))
            case Resume(leases):
                self._consumer.resume(self._owned([lease for lease in leases if not self._pausing.pop(lease, None)]))

    def _waits_for_room(self) -> bool:
        """Wait a little for a full target; False if there is room, or if waiting has become pausing."""
        if not self._pausing or self._stop is not None:
            return False
        wait = max(self._pausing.values()) - time.monotonic()
        if wait > 0:
            self._bridge.wait_for_command(wait)
            return True
        leases, self._pausing = list(self._pausing), {}
        self._consumer.pause(self._owned(leases))
        return False

    def _owned(self, leases: Sequence[Lease]) -> list[Position]:
        return [Position(*lease.partition) for lease in leases if self._owns(lease)]

    def _owns(self, lease: Lease) -> bool:
        return self._leases.get(lease.partition) is lease

    def _tell_ends(self, leases: list[Lease]) -> None:
        ends = {}
        for lease in leases:
            end = self._consumer.get_watermark_offsets(Position(*lease.partition), cached=True)[1]
            if end >= 0:
                ends[lease] = end
        self._bridge.ends_from_thread(ends)

    # -- records ------------------------------------------------------------------------------------------------

    def _group(self, messages: list[Message]) -> Chunk:
        """Records by lease, in order. What belongs to no lease was revoked inside the same call: the next owner's.

        An error on the way may end a lease and begin another: what came before it is not the new one's.
        """
        groups: dict[tuple[str, int], list[Record]] = {}
        owners: dict[tuple[str, int], Lease | None] = {}
        for message in messages:
            if message.error() is not None:
                self._on_message_error(message)
                continue
            record = _record(message)
            group = groups.get(record[:2])
            if group is None:
                group = groups[record[:2]] = []
                owners[record[:2]] = self._leases.get(TopicPartition(record.topic, record.partition))
            group.append(record)
        chunk: Chunk = []
        for partition, records in groups.items():
            lease = owners[partition]
            if lease is not None and self._owns(lease) and (fresh := self._fresh(lease.partition, records)):
                chunk.append((lease, fresh))
        return chunk

    def _fresh(self, partition: TopicPartition, records: list[Record]) -> list[Record]:
        """Drop what this lease already has. Raises if records come from before its first one: they would be lost."""
        expected = self._received[partition]
        if records[0].offset < expected:
            if records[0].offset < self._first.get(partition, expected):
                raise RuntimeError(f"{partition}: offset {records[0].offset} came after the lease had begun above it")
            records = [record for record in records if record.offset >= expected]
        if records:
            self._first.setdefault(partition, records[0].offset)
            self._received[partition] = records[-1].offset + 1
        return records

    def _on_message_error(self, message: Message) -> None:
        error = message.error()
        if error is None:
            return
        if error.fatal():
            raise KafkaException(error)
        if error.code() in _GONE:
            self._jump_over_gap(TopicPartition(str(message.topic()), int(message.partition() or 0)))
        else:
            self._readiness.trouble(error, str(message.topic() or ""))

    def _jump_over_gap(self, partition: TopicPartition) -> None:
        """Go on at the earliest record that exists, and say how many are lost."""
        lease = self._leases.get(partition)
        if lease is None:
            return
        expected = self._received[partition]
        first = self._readiness.ask(lambda: earliest(self._consumer, partition), default=expected)
        if first < expected:  # the topic was made anew: its offsets begin again, and so must the lease
            self._bridge.close_from_thread([lease], 0.0)
            self._adopt(Start(partition, first, None))
            self._consumer.resume([Position(*partition)])  # as in _on_assign
        self._received[partition] = first
        self._fetch_anew(partition)
        self._bridge.tell_from_thread(RetentionGap(*partition, records=max(first - expected, 0)))
        remedy = f"records of {partition.topic} were deleted before they were read; restart to acknowledge"
        self._bridge.tell_from_thread(ReasonRaised("records_lost", partition.topic, remedy))

    def _fetch_anew(self, partition: TopicPartition) -> None:
        """Let librdkafka begin again where we are; a seek is refused while a partition has no valid offset."""
        if self._incremental:
            self._consumer.incremental_unassign([Position(*partition)])
            self._consumer.incremental_assign([Position(*partition, self._received[partition])])
        else:
            self._consumer.assign([Position(*each, self._received[each]) for each in self._leases])

    # -- leases: callbacks, called inside consume() and close() -------------------------------------------------

    def _adopt(self, start: Start) -> None:
        lease = self._bridge.new_lease(start.partition, start.offset, start.committed)
        self._leases[start.partition] = lease
        self._received[start.partition] = start.offset
        self._first.pop(start.partition, None)
        self._commits.begin(lease, start.committed)
        self._born.append((lease, ()))

    def _on_assign(self, consumer: Consumer, partitions: list[Position]) -> None:
        wanted = [TopicPartition(p.topic, p.partition) for p in partitions if p.topic != self._never]
        patient_until = time.monotonic() + MISSING_PATIENCE_S

        def where() -> list[Start]:
            # A callback that waited for a topic that never comes would hold up all the others.
            late = time.monotonic() > patient_until
            return resolve(consumer, wanted, self._kafka.start_from, without_missing=late)

        starts: list[Start] = self._readiness.ask(where, default=[])
        for start in starts:
            self._adopt(start)
        positions = [Position(*start.partition, start.offset) for start in starts]
        (consumer.incremental_assign if self._incremental else consumer.assign)(positions)
        consumer.resume(positions)  # librdkafka keeps a pause when a partition goes; a lease is born without
        self._readiness.clear("starting", "kafka_not_authorized", "topic_missing")
        for topic in {start.partition.topic for start in starts}:
            self._readiness.clear("topic_missing", "kafka_not_authorized", about=topic)
        self._bridge.tell_from_thread(Rebalanced("assigned", [str(partition) for partition in wanted]))

    def _on_revoke(self, consumer: Consumer, partitions: list[Position]) -> None:
        gone = self._release(partitions)
        watermarks = self._bridge.close_from_thread(gone, REVOKE_DEADLINE_S)
        self._commits.ask_and_wait(consumer, watermarks)
        self._let_go(consumer, gone, "revoked")

    def _on_lost(self, consumer: Consumer, partitions: list[Position]) -> None:
        gone = self._release(partitions)
        self._bridge.close_from_thread(gone, 0.0)
        self._let_go(consumer, gone, "lost")

    def _release(self, partitions: list[Position]) -> list[Lease]:
        keys = [TopicPartition(partition.topic, partition.partition) for partition in partitions]
        gone = [self._leases.pop(key) for key in keys if key in self._leases]
        for lease in gone:
            self._commits.forget(lease)
            self._pausing.pop(lease, None)
        self._born = [(lease, records) for lease, records in self._born if lease not in gone]
        return gone

    def _let_go(self, consumer: Consumer, gone: list[Lease], kind: Literal["revoked", "lost"]) -> None:
        try:
            if self._incremental:
                consumer.incremental_unassign([Position(*lease.partition) for lease in gone])
            else:
                consumer.unassign()
        except KafkaException as error:
            self._readiness.note(f"letting partitions go failed: {error.args[0]}")
        self._tell_gone(kind, gone)

    def _tell_gone(self, kind: Literal["revoked", "lost"], gone: list[Lease]) -> None:
        if not gone:
            return
        released = sum(lease.released for lease in gone)
        self._bridge.tell_from_thread(Rebalanced(kind, [str(lease.partition) for lease in gone], released))

    # -- the end ------------------------------------------------------------------------------------------------

    def _leave(self, deadline_s: float) -> None:
        """Close all leases, commit, leave the group."""
        gone = list(self._leases.values())
        watermarks = self._bridge.close_from_thread(gone, deadline_s)
        if watermarks and self._readiness.broker_answers(self._consumer):
            self._commits.ask_and_wait(self._consumer, watermarks)
        self._leases.clear()
        self._tell_gone("revoked", gone)
        if is_static(self._kafka):
            self._readiness.note("group.instance.id is set: this member stays in the group until session.timeout.ms")
        self._consumer.close()


def _record(message: Message) -> Record:
    kind, timestamp_ms = message.timestamp()
    headers = message.headers()
    fields = (
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp_ms if kind else None,
        message.key(),
        message.value(),
        tuple(headers) if headers else (),
    )
    return tuple.__new__(Record, fields)  # as Record(…), for a third less
