"""What the fake consumer gives to the connector in place of confluent_kafka's own types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError

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


class FakeMessage:
    """In place of `confluent_kafka.Message`."""

    __slots__ = ("_error", "_record")

    def __init__(self, record: Record, error: KafkaError | None = None) -> None:
        self._record = record
        self._error = error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return self._record.topic

    def partition(self) -> int:
        return self._record.partition

    def offset(self) -> int:
        return self._record.offset

    def timestamp(self) -> tuple[int, int | None]:
        return 1, self._record.timestamp_ms

    def key(self) -> bytes | None:
        return self._record.key

    def value(self) -> bytes | None:
        return self._record.value

    def headers(self) -> list[tuple[str, bytes | None]]:
        return list(self._record.headers)


def deleted(partition: TopicPartition) -> FakeMessage:
    """Return the error that the next offset of a partition does not exist."""
    return FakeMessage(Record(*partition, -1001, None, None, None, ()), KafkaError(KafkaError._AUTO_OFFSET_RESET))


def numbers(partitions: Iterable[TopicPartition]) -> str:
    """Return the partitions in words."""
    return " ".join(map(str, partitions)) or "nothing"
