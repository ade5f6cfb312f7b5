"""The consumer group of a replay: it remembers what was replayed, and keeps a second replay out.

One process is the group's only member and owns every partition of the topic, of which it fetches nothing: the broker
takes commits from members only, so no other process can change what is remembered.
1. A second replay sees the member and does not start. Should two start at the same moment, the group deals the
   partitions out between them, and each that was not given all of them stops.
2. A member that was lost (the broker was away, the process was frozen) joins again. If something else has committed
   meanwhile, another replay has run, and this one stops.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient

from connector.core.commit_metadata import UNKNOWN_SIGHT, decode, encode
from connector.core.errors import ReplayTakenError
from connector.core.progress import Progress
from connector.kafka.command_consumer import CommandConsumer
from connector.kafka.errors import TIMED_OUT, cause_of
from connector.kafka.properties import REQUEST_TIMEOUT_S, SILENT_LOG, producer_properties, replay_group

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from connector.settings.models import Kafka

_SESSION_TIMEOUT_MS: Final = 10_000
"""How long a replay that was killed keeps the next one out."""
_JOIN_TIMEOUT_S: Final = 20.0
"""Longer than a killed replay remains a member."""
_RETRY_S: Final = 0.5
_POLL_S: Final = 0.05


class ReplayGroup:
    """Lives from its construction to `close`. Blocking, and used by one thread.

    What goes wrong is a CommandError that says what to do.
    """

    def __init__(self, kafka: Kafka, topic: str, partitions: Collection[int]) -> None:
        self.name = replay_group(kafka)
        self._topic = topic
        self._partitions = frozenset(partitions)
        self._admin_properties = producer_properties(kafka)
        membership = {
            "session.timeout.ms": _SESSION_TIMEOUT_MS,
            "partition.assignment.strategy": "range",
            "on_commit": self._on_commit,
        }
        self._consumer = CommandConsumer(kafka, topic, membership)
        self._answers: list[tuple[KafkaError | None, list[KafkaTopicPartition]]] = []
        """What the broker has answered to commits lately."""
        self._owned: frozenset[int] = frozenset()
        self._shared = False
        """Whether the group has dealt partitions to another member."""
        self._rejoined = False
        self._remembered: dict[int, Progress] = {}
        """What this process has committed last, or found when it joined."""
        self._unanswered: list[Mapping[int, Progress]] = []
        """Commits since then whose answer did not come."""

    def committed(self) -> dict[int, Progress]:
        """Return what is remembered, by partition; one of which nothing is known is left out. Needs no membership."""
        asked = [KafkaTopicPartition(self._topic, partition) for partition in self._partitions]
        with self._consumer.failing_clearly():
            answers = self._consumer.client.committed(asked, timeout=REQUEST_TIMEOUT_S)
        for answer in answers:
            if answer.error is not None:
                raise self._consumer.failure(answer.error)
        return {
            one.partition: Progress(one.offset, decode(one.metadata, one.offset).ahead)
            for one in answers
            if one.offset >= 0
        }

    def join(self, wait: Callable[[], None]) -> None:
        """Become the only member. `wait` is called once if another replay has to end first."""
        deadline = time.monotonic() + _JOIN_TIMEOUT_S
        waited = False
        while self._has_members():
            if not waited:
                wait()
                waited = True
            if time.monotonic() > deadline:
                raise self._taken("is running")
            time.sleep(_RETRY_S)
        with self._consumer.failing_clearly():
            self._consumer.client.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoked, on_lost=self._on_revoked
            )
        deadline = time.monotonic() + _JOIN_TIMEOUT_S
        while not self._owns_all:
            self.poll(_RETRY_S)
            if time.monotonic() > deadline:
                raise self._consumer.failure(KafkaError(TIMED_OUT))
        self._rejoined = False
        self._remembered = self.committed()

    def poll(self, timeout_s: float = 0.0) -> None:
        """Stay a member: called every few seconds. Raises ReplayTakenError if another replay has started."""
        self._consumer.client.poll(timeout_s)
        if self._shared:
            raise self._taken("has started")

    def commit(self, progress: Mapping[int, Progress]) -> None:
        """Remember what is done, by partition, and wait until the broker has it.

        Raises ReplayTakenError; or CommandError if it is to be tried again.
        """
        self.poll(0.0 if self._owns_all else _RETRY_S)
        if not self._owns_all:
            raise self._consumer.failure(KafkaError(TIMED_OUT))
        if self._rejoined:
            self._check_remembered()
            self._rejoined = False
        if progress:
            self._unanswered.append(progress)
            self._commit(progress)
            self._remembered |= progress
            self._unanswered.clear()

    def _check_remembered(self) -> None:
        """Raise ReplayTakenError unless what is committed comes from here; an unanswered commit may have arrived."""
        for partition, one in self.committed().items():
            attempts = [attempt.get(partition) for attempt in self._unanswered]
            if one not in {self._remembered.get(partition), *attempts}:
                raise self._taken("has run meanwhile")

    @property
    def _owns_all(self) -> bool:
        return self._owned >= self._partitions

    def close(self) -> None:
        """Leave the group."""
        self._consumer.client.close()

    def _commit(self, progress: Mapping[int, Progress]) -> None:
        metadata = {partition: encode(one, UNKNOWN_SIGHT) for partition, one in progress.items()}
        with self._consumer.failing_clearly():
            try:
                self._commit_and_wait(progress, metadata)
            except KafkaException as exception:
                if cause_of(exception).code() != KafkaError.OFFSET_METADATA_TOO_LARGE:
                    raise
                self._commit_and_wait(progress, {})

    def _commit_and_wait(self, progress: Mapping[int, Progress], metadata: Mapping[int, str]) -> None:
        """Commit; raises KafkaException. Not by a synchronous commit, which may hang when a broker comes back."""
        wanted = {partition: one.offset for partition, one in progress.items()}
        offsets: list[Any] = [
            KafkaTopicPartition(self._topic, partition, offset, metadata.get(partition, ""))
            for partition, offset in wanted.items()
        ]
        self._answers.clear()
        self._consumer.client.commit(offsets=offsets, asynchronous=True)
        deadline = time.monotonic() + REQUEST_TIMEOUT_S
        while time.monotonic() < deadline:
            self.poll(_POLL_S)
            for error, answered in self._answers:
                if {one.partition: one.offset for one in answered} == wanted:
                    causes = [one.error for one in answered if one.error is not None]
                    if error is not None or causes:
                        raise KafkaException(error or causes[0])
                    return
            self._answers.clear()
        raise KafkaException(KafkaError(TIMED_OUT))

    def _on_commit(self, error: KafkaError | None, partitions: list[KafkaTopicPartition]) -> None:
        self._answers.append((error, partitions))

    def _has_members(self) -> bool:
        admin = AdminClient(self._admin_properties, logger=SILENT_LOG)
        with self._consumer.failing_clearly():
            try:
                found = admin.describe_consumer_groups([self.name], request_timeout=REQUEST_TIMEOUT_S)
                return bool(found[self.name].result().members)
            except KafkaException as exception:
                if cause_of(exception).code() == KafkaError.GROUP_ID_NOT_FOUND:
                    return False
                raise

    def _on_assign(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        consumer.assign(partitions)
        if partitions:
            consumer.pause(partitions)
        self._owned = frozenset(one.partition for one in partitions)
        self._shared = not self._owns_all
        self._rejoined = True

    def _on_revoked(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        del consumer, partitions
        self._owned = frozenset()

    def _taken(self, what: str) -> ReplayTakenError:
        return ReplayTakenError(
            f"another replay {what} (a member of group {self.name}): let it end; one that was killed is gone after"
            f" {_SESSION_TIMEOUT_MS // 1000} s"
        )
