"""What the fake consumer gives to the connector in place of confluent_kafka's own types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, Message

from connector.core.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.core.record import TopicPartition


@dataclass(slots=True)
class FakePartition:
    """In place of `confluent_kafka.TopicPartition` in answers: an error can be set here."""

    topic: str
    partition: int
    offset: int = -1001
    metadata: str | None = None
    error: KafkaError | None = None
    leader_epoch: int | None = None


def message_of(record: Record, error: KafkaError | None = None) -> Message:
    """Return a record as the client delivers it, or an error about it."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        timestamp=(1, record.timestamp_ms or 0),
        error=error,
    )


def deleted(partition: TopicPartition) -> Message:
    """Return the error that the next offset of a partition does not exist."""
    return message_of(Record(*partition, -1001, None, None, None, ()), KafkaError(KafkaError._AUTO_OFFSET_RESET))


def numbers(partitions: Iterable[TopicPartition]) -> str:
    """Return the partitions in words."""
    return " ".join(map(str, partitions)) or "nothing"
