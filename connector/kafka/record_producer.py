"""Produces records for a command: blocking, and told in words when it fails."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from connector.core.errors import CommandError, TopicMissingError
from connector.kafka.command_consumer import failure_of
from connector.kafka.errors import TOO_LARGE, cause_of, kafka_says
from connector.kafka.properties import REQUEST_TIMEOUT_S, SILENT_LOG, producer_properties
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

    from connector.settings.models import Kafka

_POLL_S: Final = 0.2
_CREATION_S: Final = 3.0
"""How long a broker that makes topics on first use may take before it knows the new one."""
_NOT_YET: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE)
_PROPERTIES: Final = {
    # The partition of a key is that of the Java clients.
    "partitioner": "murmur2_random",
    # Keeps the order in a partition, without a right that idempotence needs on older brokers.
    "max.in.flight.requests.per.connection": 1,
}


@dataclass(slots=True)
class Produced:
    """What all replicas have."""

    records: int = 0
    ranges: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The first and the last offset, by partition."""


class RecordProducer:
    """Lives from `open` to `close`; used by one thread. What goes wrong is a CommandError that says what to do."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._topic = topic
        self._told: list[KafkaError] = []
        """What the client has reported; it says more than "timed out"."""
        self._refused: KafkaError | None = None
        self._produced = Produced()
        self.sent = 0
        """How many records were given to `produce`."""
        properties: dict[str, Any] = {**producer_properties(kafka), **_PROPERTIES, "error_cb": self._told.append}
        self._client = Producer(properties, logger=SILENT_LOG)

    @classmethod
    def open(cls, kafka: Kafka, topic: str) -> Self:
        """Connect, and wait for the topic. Raises CommandError."""
        producer = cls(kafka, topic)
        deadline = time.monotonic() + _CREATION_S
        while (error := producer._topic_error()) is not None:
            if error.code() not in _NOT_YET or time.monotonic() >= deadline:
                raise producer._cause(error)
            time.sleep(_POLL_S)
        return producer

    @property
    def records(self) -> int:
        """How many records all replicas have, of those that were sent."""
        return self._produced.records

    def produce(self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> None:
        """Send one record; waits while too many are under way. Raises CommandError if one before was refused."""
        sent_headers: Any = list(headers)
        while True:
            self._raise_refusal()
            try:
                self._client.produce(self._topic, value, key, on_delivery=self._on_delivery, headers=sent_headers)
            except BufferError:
                self._client.poll(_POLL_S)
            except KafkaException as exception:
                raise self._failure(cause_of(exception)) from exception
            else:
                self._client.poll(0)
                self.sent += 1
                return

    def finish(self) -> Produced:
        """Wait until all are produced, and return where they are. Raises CommandError if one was refused."""
        while self._client.flush(_POLL_S):
            self._raise_refusal()
        self._raise_refusal()
        return self._produced

    def close(self) -> None:
        """Drop what is not produced yet."""
        self._client.purge()
        self._client.flush(_POLL_S)

    def _topic_error(self) -> KafkaError | None:
        """Ask for the topic as a producer does, which lets a broker make it."""
        try:
            topics = self._client.list_topics(self._topic, REQUEST_TIMEOUT_S).topics
        except KafkaException as exception:
            self._client.poll(0)  # calls error_cb
            return cause_of(exception)
        error: KafkaError | None = topics[self._topic].error
        return error

    def _on_delivery(self, error: KafkaError | None, produced: Message) -> None:
        if error is not None:
            self._refused = self._refused or error
            return
        partition, offset = produced.partition() or 0, produced.offset() or 0
        first, last = self._produced.ranges.get(partition, (offset, offset))
        self._produced.ranges[partition] = (min(first, offset), max(last, offset))
        self._produced.records += 1

    def _raise_refusal(self) -> None:
        if self._refused is not None:
            raise self._failure(self._refused)

    def _failure(self, error: KafkaError) -> CommandError:
        cause, records = self._cause(error).told, self._produced.records
        return CommandError(message("{cause}; {records:,} records were produced before", cause=cause, records=records))

    def _cause(self, error: KafkaError) -> CommandError:
        if error.code() in TOO_LARGE:
            return CommandError(
                message("a record is larger than {topic} takes: look at its max.message.bytes", topic=self._topic)
            )
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            allow = message("allow this user to WRITE and DESCRIBE {topic} (ACL)", topic=self._topic)
            return CommandError(kafka_says(allow, error))
        cause = failure_of(error, self._told, self._topic)
        if isinstance(cause, TopicMissingError):
            return CommandError(
                message("{cause}, and the brokers make none by themselves: create it first", cause=cause.told)
            )
        return cause
