"""First and last offsets of partitions, asked of their leaders: one that does not answer holds up no other.

A question blocks the consumer's thread. So it is short, a leader that has not answered is not asked again in the same
pass, and one that does not exist is not waited for. The same goes for what the topics are asked for: once no broker has
answered, no other topic is asked for in that pass. What stays open is asked in a later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.kafka.errors import cause_of, reason_of
from connector.kafka.properties import REQUEST_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka.admin._metadata import TopicMetadata

    from connector.core.record import TopicPartition

T = TypeVar("T")

LEADER_TIMEOUT_S: Final = 2.0
"""How long one question to a leader may block."""


class LeaderOffsets:
    """One pass of questions. Every method blocks, and raises KafkaException if there is no answer."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._topics: dict[str, TopicMetadata] = {}
        self._silent: set[int] = set()
        """The ids of the brokers that have not answered."""
        self._no_metadata: KafkaException | None = None
        """Why no broker says what the topics are."""

    def partitions(self, topic: str) -> list[int]:
        """Return the numbers of the topic's partitions."""
        return sorted(self._metadata(topic).partitions)

    def span(self, partition: TopicPartition) -> tuple[int, int]:
        """Return the first offset that exists, and the one that the next record gets."""
        return self._ask(
            partition,
            lambda: self._consumer.get_watermark_offsets(KafkaTopicPartition(*partition), timeout=LEADER_TIMEOUT_S),
        )

    def at_time(self, partition: TopicPartition, time_ms: int, otherwise: int) -> int:
        """Return the first offset whose record is not older than a time (ms since 1970), or else `otherwise`.

        A caller that wants the end then must have read it before: records are appended meanwhile.
        """
        asked = [KafkaTopicPartition(*partition, time_ms)]
        [found] = self._ask(partition, lambda: self._consumer.offsets_for_times(asked, timeout=LEADER_TIMEOUT_S))
        if found.error is not None:
            raise KafkaException(found.error)
        return found.offset if found.offset >= 0 else otherwise

    def _ask(self, partition: TopicPartition, question: Callable[[], T]) -> T:
        found = self._metadata(partition.topic).partitions.get(partition.partition)
        if found is None:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        if found.leader < 0 or found.leader in self._silent:
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        try:
            return question()
        except KafkaException as error:
            if reason_of(cause_of(error)) == "kafka_unreachable":
                self._silent.add(found.leader)
            raise

    def _metadata(self, topic: str) -> TopicMetadata:
        if topic not in self._topics:
            self._topics[topic] = self._read_metadata(topic)
        metadata = self._topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        return metadata

    def _read_metadata(self, topic: str) -> TopicMetadata:
        if self._no_metadata is not None:
            raise self._no_metadata
        try:
            found: TopicMetadata = self._consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic]
        except KafkaException as error:
            self._no_metadata = error
            raise
        return found
