"""Reads a topic from one end to the other without joining a group: for commands, not for the flow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from confluent_kafka import KafkaError
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.errors import CommandError
from connector.kafka.command_consumer import CommandConsumer
from connector.kafka.errors import END_OF_PARTITION, TIMED_OUT
from connector.kafka.properties import REQUEST_TIMEOUT_S
from connector.kafka.records import to_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka import Message

    from connector.core.record import Record
    from connector.settings.models import Kafka

_FETCH_RECORDS: Final = 200
_FETCH_TIMEOUT_S: Final = 0.2
_MOST_SILENT_S: Final = 30.0
_MOST_BUFFERED_BYTES: Final = 8 << 20
"""Per partition. One that is further ahead in time than the others is paused beyond it."""
_RECORD_OVERHEAD: Final = 1000


class Range(NamedTuple):
    """The offsets of one partition: from the first that exists up to the end, which is excluded."""

    first: int
    end: int


@dataclass(slots=True)
class _Partition:
    """One partition that is being read."""

    position: int
    """The next offset to be yielded, or one below it."""
    end: int
    records: deque[Record] = field(default_factory=deque)
    buffered_bytes: int = 0
    complete: bool = False
    """Everything up to the end is in `records`, or was taken from there."""
    paused: bool = False


class TopicReader:
    """Lives from `open` to `close`. Reads up to the ends that `open` saw, not the records that came later.

    Blocking, and used by one thread. What goes wrong is a CommandError that says what to do.
    """

    def __init__(self, consumer: CommandConsumer, topic: str) -> None:
        self.topic = topic
        self.ranges: dict[int, Range] = {}
        """By partition."""
        self.cluster_id = ""
        self.read = 0
        """How many offsets of those that `records` was last asked for lie behind the record that it yielded last."""
        self.wanted = 0
        """How many offsets that is in all."""
        self._consumer = consumer
        self._closed = False
        self._silent_s = 0.0
        """How long nothing has come that should have."""

    @classmethod
    def open(cls, kafka: Kafka, topic: str) -> Self:
        """Connect, and look at the partitions. Raises TopicMissingError, CommandError."""
        reader = cls(CommandConsumer(kafka, topic), topic)
        try:
            reader._look()
        except CommandError:
            reader.close()
            raise
        return reader

    def close(self) -> None:
        """Close the connection."""
        self._closed = True
        self._consumer.client.close()

    def starts_at(self, timestamp_ms: int | None) -> dict[int, int]:
        """Return where each partition's records of that time, or later, begin; without a time, where it begins."""
        if timestamp_ms is None:
            return {partition: one.first for partition, one in self.ranges.items()}
        asked = [KafkaTopicPartition(self.topic, partition, timestamp_ms) for partition in self.ranges]
        with self._consumer.failing_clearly():
            found = self._consumer.client.offsets_for_times(asked, timeout=REQUEST_TIMEOUT_S)
        return {one.partition: one.offset if one.offset >= 0 else self.ranges[one.partition].end for one in found}

    def records(self, starts: Mapping[int, int]) -> Iterator[Record]:
        """Yield the records from these offsets to the ends, the oldest first, in order within a partition.

        Holds no more of a partition in memory than _MOST_BUFFERED_BYTES and one fetch.
        """
        reading = {
            partition: _Partition(start, self.ranges[partition].end)
            for partition, start in starts.items()
            if start < self.ranges[partition].end
        }
        self.read, self.wanted = 0, sum(one.end - one.position for one in reading.values())
        client = self._consumer.client
        client.assign([KafkaTopicPartition(self.topic, partition, starts[partition]) for partition in reading])
        try:
            while reading:
                if any(not one.records and not one.complete for one in reading.values()):
                    self._fill(reading)
                    continue
                for partition in [key for key, one in reading.items() if not one.records]:
                    one = reading.pop(partition)
                    self.read += one.end - one.position
                if reading:
                    yield self._take_oldest(reading)
        finally:
            if not self._closed:  # `| head` closes the reader first, and then drops this iterator
                client.unassign()

    def _take_oldest(self, reading: dict[int, _Partition]) -> Record:
        oldest = min(reading.values(), key=lambda one: one.records[0].timestamp_ms or 0)
        record = oldest.records.popleft()
        oldest.buffered_bytes -= _size(record)
        self.read += record.offset + 1 - oldest.position
        oldest.position = record.offset + 1
        return record

    def _look(self) -> None:
        client = self._consumer.client
        with self._consumer.failing_clearly():
            metadata = client.list_topics(self.topic, timeout=REQUEST_TIMEOUT_S)
            self.cluster_id = metadata.cluster_id or ""
            found = metadata.topics[self.topic]
            if found.error is not None:
                raise self._consumer.failure(found.error)
            for partition in sorted(found.partitions):
                place = KafkaTopicPartition(self.topic, partition)
                self.ranges[partition] = Range(*client.get_watermark_offsets(place, timeout=REQUEST_TIMEOUT_S))

    def _fill(self, reading: dict[int, _Partition]) -> None:
        """Fetch more records; the partitions that have enough are paused meanwhile."""
        self._pause_where_enough(reading)
        messages = self._consumer.client.consume(_FETCH_RECORDS, _FETCH_TIMEOUT_S)
        self._silent_s = 0.0 if messages else self._silent_s + _FETCH_TIMEOUT_S
        if self._silent_s > _MOST_SILENT_S:
            raise self._consumer.failure(KafkaError(TIMED_OUT))
        for message in messages:
            one = reading.get(message.partition() or 0)
            if message.topic() is None or one is None or one.complete:
                continue  # without a topic: an error of the group, which is not needed here
            if message.error() is not None:
                self._on_error(message, one)
                continue
            record = to_record(message, lambda _: None)
            if record.offset < one.end:
                one.records.append(record)
                one.buffered_bytes += _size(record)
            one.complete = record.offset >= one.end - 1

    def _on_error(self, message: Message, one: _Partition) -> None:
        error = message.error()
        if error is None:
            return
        if error.code() == END_OF_PARTITION:
            one.complete = True
        elif not error.retriable():
            raise self._consumer.failure(error)

    def _pause_where_enough(self, reading: dict[int, _Partition]) -> None:
        for key, one in reading.items():
            if one.paused != (one.buffered_bytes > _MOST_BUFFERED_BYTES):
                one.paused = not one.paused
                client = self._consumer.client
                (client.pause if one.paused else client.resume)([KafkaTopicPartition(self.topic, key)])


def _size(record: Record) -> int:
    return len(record.value or b"") + len(record.key or b"") + _RECORD_OVERHEAD
