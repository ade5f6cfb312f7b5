"""The thread that owns the Kafka consumer, and its loop. The rules stand at the top of `bridge.py`."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.errors import KafkaClientError
from connector.core.events import Notice
from connector.core.record import TopicPartition
from connector.kafka.assignment import Assignment
from connector.kafka.bridge import Commit, Pause, Resume, Stop, Subscribe
from connector.kafka.broker_diagnosis import BrokerDiagnosis
from connector.kafka.callbacks import Callbacks
from connector.kafka.commit_alarm import CommitAlarm
from connector.kafka.commits import Commits
from connector.kafka.deadlines import REVOKE_DEADLINE_S, replace_client_s
from connector.kafka.end_offsets import EndOffsets
from connector.kafka.errors import OFFSET_DELETED, cause_of
from connector.kafka.ownership_check import OwnershipCheck
from connector.kafka.properties import CLIENT_LOG, consumer_properties, exclusion_properties, is_kip848, is_static
from connector.kafka.readiness import PROBE_TIMEOUT_S, Readiness
from connector.kafka.records import group_by_lease
from connector.kafka.seen_topics import SeenTopics
from connector.kafka.topic_rights import TopicRights

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.ledger import Lease
    from connector.core.membership_guard import MembershipGuard
    from connector.kafka.bridge import Bridge, Command
    from connector.kafka.chunks import Chunk
    from connector.settings.models import Kafka

POLL_TIMEOUT_S: Final = 0.05


class ConsumerThread:
    """Consumes `topics` from `start` until a Stop command, or until it fails; the bridge learns of either.

    `excluded_topic`, which is the dead-letter topic, is never consumed, even if a pattern matches it.
    """

    def __init__(
        self, kafka: Kafka, topics: Sequence[str], excluded_topic: str, bridge: Bridge, guard: MembershipGuard
    ) -> None:
        self._kafka = kafka
        self._excluded_topic = excluded_topic
        self._set_topics(topics)
        self._properties = {**consumer_properties(kafka), **exclusion_properties(kafka, excluded_topic)}
        self._bridge = bridge
        bridge.heartbeat = self._heartbeat
        self._readiness = Readiness(
            bridge.emit_from_thread, self._heartbeat, TopicRights(kafka), BrokerDiagnosis(kafka)
        )
        self._readiness.is_named = lambda topic: topic in self._topics
        self._commits = Commits(bridge)
        self._end_offsets = EndOffsets()
        self._commit_alarm = CommitAlarm(bridge.emit_from_thread)
        self._assignment = Assignment(kafka, excluded_topic, bridge, self._commits, self._readiness)
        self._ownership = OwnershipCheck(guard, self._commits, bridge)
        self._replace_client_s = replace_client_s(kafka, kip848=is_kip848(kafka))
        self._last_beat = time.monotonic()
        self._stop: Stop | None = None
        self._thread = threading.Thread(target=self._run, name="kafka-consumer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def last_beat(self) -> float:
        """Return when the thread last showed that it is alive, in monotonic seconds."""
        return self._last_beat

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._open()
            self._await_broker(self._consumer)
            while self._stop is None:
                self._consume(self._consumer)
                if self._stop is None:
                    self._replace_client()
            self._leave(self._consumer, self._stop.deadline)
        except KafkaException as error:
            failure = KafkaClientError(cause_of(error).str())
        except BaseException as error:  # noqa: BLE001 - any failure of the thread must end the process
            failure = error
        self._bridge.on_ended_from_thread(failure)

    def _open(self) -> None:
        self._callbacks = Callbacks(self._bridge.emit_from_thread)
        guarded = self._callbacks.guarded
        callbacks = {"error_cb": guarded(self._on_error), "on_commit": guarded(self._commits.on_commit)}
        # Kept by this object: freeing a consumer that was not closed may wait for a broker, which must not delay the
        # report of a failure.
        self._consumer = Consumer({**self._properties, **callbacks}, logger=CLIENT_LOG)

    def _replace_client(self) -> None:
        """Join the group again with a new client, because this one does not find the coordinator any more."""
        message = "the group's coordinator does not answer this client: another client joins the group in its place"
        self._bridge.emit_from_thread(Notice("warning", message, {}))
        self._callbacks.ignored = True
        threading.Thread(target=partial(_close, self._consumer), name="kafka-consumer-closing", daemon=True).start()
        self._assignment.on_new_client()
        self._commits.on_new_client()
        self._ownership.on_new_client()
        self._open()

    def _consume(self, consumer: Consumer) -> None:
        """Consume until a stop, or until the coordinator has not answered for so long that a new client is needed."""
        assignment = self._assignment
        self._subscribe(consumer)
        while self._stop is None and self._ownership.silent_s(time.monotonic()) < self._replace_client_s:
            self._heartbeat()
            if not self._apply_commands(consumer) or self._wait_for_room(consumer):
                continue
            self._ownership.step(consumer, assignment.leases, time.monotonic())
            assignment.resolve(consumer)
            self._hand_over(assignment.take_new_leases())
            self._update_readiness(consumer)
            messages = consumer.consume(self._bridge.chunk_records, POLL_TIMEOUT_S)
            self._callbacks.raise_failure()
            self._hand_over(group_by_lease(messages, assignment, self._on_message_error, self._bridge.emit_from_thread))

    def _subscribe(self, consumer: Consumer) -> None:
        assignment, guarded = self._assignment, self._callbacks.guarded
        consumer.subscribe(
            self._topics,
            on_assign=guarded(assignment.on_assign),
            on_revoke=guarded(self._on_revoke),
            on_lost=guarded(assignment.on_lost),
        )

    def _set_topics(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)
        self._probe_topic = next((topic for topic in topics if not topic.startswith("^")), None)
        self._seen_topics = SeenTopics(topics, self._excluded_topic)

    def _on_revoke(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        began = time.monotonic()
        self._ownership.begin_drain(began, began + REVOKE_DEADLINE_S, revoked=True)
        self._assignment.on_revoke(consumer, partitions, self._ownership.end_drain)

    def _hand_over(self, chunk: Chunk) -> None:
        if chunk:
            if any(records for _, records in chunk):
                self._ownership.step(self._consumer, self._assignment.leases, time.monotonic(), records=True)
            self._readiness.on_records({lease.partition.topic for lease, records in chunk if records})
            self._bridge.put_chunk_from_thread(chunk, self._heartbeat)

    def _update_readiness(self, consumer: Consumer) -> None:
        membership, waiting = self._assignment.membership, self._assignment.waiting
        membership.look(consumer, time.monotonic())
        if membership.dealt and not waiting:
            self._seen_topics.update(consumer)
        self._readiness.update_starting(dealt=membership.dealt, waiting=waiting, all_seen=self._seen_topics.all_seen)
        self._readiness.probe(consumer, self._probe_topic)
        if not self._readiness.brokers_answer:
            self._ownership.ignore_silence(time.monotonic())

    def _heartbeat(self) -> bool:
        """Heartbeat for blocking loops; returns False once a stop was requested."""
        self._last_beat = time.monotonic()
        return not self._bridge.stop_requested

    def _await_broker(self, consumer: Consumer) -> None:
        """Wait for the first answer of a broker without a time limit; meanwhile readiness says why."""

        def cluster_id() -> str:
            consumer.poll(0)  # serves error_cb, which reports a wrong password, for example
            self._callbacks.raise_failure()
            return consumer.list_topics(timeout=PROBE_TIMEOUT_S).cluster_id or ""

        found = self._readiness.call_until_answered(cluster_id, default=None)
        self._apply_commands(consumer)
        if found is not None:
            self._readiness.clear("kafka_not_authorized")
            self._bridge.on_connected_from_thread(found)

    # -- commands -----------------------------------------------------------------------------------------------

    def _apply_commands(self, consumer: Consumer) -> bool:
        """Apply the posted commands; return False after a Stop."""
        commands = self._bridge.commands
        while commands:
            command = commands.popleft()
            try:
                self._apply(consumer, command)
            except KafkaException as error:  # around a rebalance; commits and pauses are requested again
                self._readiness.warn(f"{type(command).__name__.lower()} failed: {cause_of(error).str()}")
        return self._stop is None

    def _apply(self, consumer: Consumer, command: Command) -> None:
        match command:
            case Stop() as stop:
                self._stop = stop
            case Commit(requests):
                self._commit_alarm.observe(requests, time.monotonic())
                owned = [request for request in requests if self._assignment.owns(request.lease)]
                self._commits.commit_async(consumer, owned, self._assignment.received())
                self._report_end_offsets(consumer, (request.lease for request in owned))
            case Pause(leases):
                self._assignment.pause(leases)
            case Resume(leases):
                self._assignment.resume(leases)
            case Subscribe(topics):
                self._set_topics(topics)
                self._readiness.forget_topics(self._seen_topics.covers)
                self._subscribe(consumer)

    def _wait_for_room(self, consumer: Consumer) -> bool:
        """Wait instead of fetching while all leases are about to be paused; return whether it waited."""
        wait_s = self._assignment.apply_pauses(consumer)
        if wait_s > 0:
            self._bridge.wait_for_command_from_thread(wait_s)
        return wait_s > 0

    def _report_end_offsets(self, consumer: Consumer, leases: Iterable[Lease]) -> None:
        ends = self._end_offsets.read(consumer, leases, self._assignment.paused)
        self._bridge.on_end_offsets_from_thread(ends)

    # -- records ------------------------------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        """Called by librdkafka with errors that concern no single record."""
        if error.fatal():
            raise KafkaException(error)
        self._readiness.on_client_error(error)

    def _on_message_error(self, message: Message) -> None:
        error = message.error()
        if error is None:
            return
        if error.fatal():
            raise KafkaException(error)
        if error.code() in OFFSET_DELETED:
            self._assignment.on_invalid_position(TopicPartition(str(message.topic()), int(message.partition() or 0)))
        else:
            self._readiness.on_error(error, str(message.topic() or ""))

    def _leave(self, consumer: Consumer, deadline: float) -> None:
        """Close all leases, commit, leave the group."""
        self._ownership.begin_drain(time.monotonic(), deadline)
        self._assignment.close_all(consumer, deadline)
        if is_static(self._kafka):
            waits = "its partitions wait for it until the session timeout"
            self._bridge.emit_from_thread(Notice("info", f"a static member does not leave its group: {waits}", {}))
        consumer.close()
        self._callbacks.raise_failure()


def _close(consumer: Consumer) -> None:
    """Close a client that nothing else uses any more: that may wait for its coordinator without a time limit."""
    with contextlib.suppress(KafkaException, RuntimeError):
        consumer.close()
