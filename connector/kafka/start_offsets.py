"""Where consuming starts. The connector decides it itself, so that no partition silently skips records.

1. A partition with a committed offset starts there.
2. A partition without one, in a topic of which the group has committed another partition, was added to a known
   topic: it starts at its beginning, whatever `start_from` says.
3. Only a topic without any committed offset of the group starts as `start_from` says.
4. A topic that was deleted after its partitions were assigned starts at 0: a topic created later under that name is
   new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.record import TopicPartition
from connector.kafka.errors import reason_of
from connector.kafka.properties import REQUEST_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class StartOffset:
    """Where one partition starts; `committed` is the group's offset, None if it has none."""

    partition: TopicPartition
    offset: int
    committed: int | None


def resolve_start_offsets(
    consumer: Consumer, partitions: Sequence[TopicPartition], start_from: str | datetime, *, missing_is_deleted: bool
) -> list[StartOffset]:
    """Return where each partition starts, by rules 1 to 4. Blocks; raises KafkaException if no broker answers.

    A topic that the broker does not know raises too, because it may be too new for every broker to know it; with
    `missing_is_deleted` rule 4 applies to it instead.
    """
    committed = _committed(consumer, partitions)
    starts = [StartOffset(partition, offset, offset) for partition, offset in committed.items()]
    known, missing = _known_topics(consumer, {one.topic for one in partitions if one not in committed})
    if missing and not missing_is_deleted:
        raise next(iter(missing.values()))
    for partition in partitions:
        if partition in committed:
            continue
        if partition.topic in missing:
            starts.append(StartOffset(partition, 0, None))
        else:
            offset = _offset_at(consumer, partition, "earliest" if partition.topic in known else start_from)
            starts.append(StartOffset(partition, offset, None))
    return starts


def earliest_offset(consumer: Consumer, partition: TopicPartition) -> int:
    """Return the first offset that exists. Blocks; raises KafkaException."""
    return _offset_at(consumer, partition, "earliest")


def _offset_at(consumer: Consumer, partition: TopicPartition, start_from: str | datetime) -> int:
    if not isinstance(start_from, str):
        milliseconds = int(start_from.timestamp() * 1000)
        found = consumer.offsets_for_times([KafkaTopicPartition(*partition, milliseconds)], timeout=REQUEST_TIMEOUT_S)
        if found[0].error is not None:
            raise KafkaException(found[0].error)
        if found[0].offset >= 0:
            return found[0].offset
        start_from = "latest"  # every record is older than `start_from`
    low, high = consumer.get_watermark_offsets(KafkaTopicPartition(*partition), timeout=REQUEST_TIMEOUT_S)
    return low if start_from == "earliest" else high


def _committed(consumer: Consumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the group's committed offsets; partitions without one are left out."""
    asked = [KafkaTopicPartition(*partition) for partition in partitions]
    answers = consumer.committed(asked, timeout=REQUEST_TIMEOUT_S) if asked else []
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return {TopicPartition(answer.topic, answer.partition): answer.offset for answer in answers if answer.offset >= 0}


def _known_topics(consumer: Consumer, topics: Iterable[str]) -> tuple[set[str], dict[str, KafkaException]]:
    """Return the topics with at least one committed partition, and those that do not exist with their error."""
    known, missing = set(), {}
    for topic in topics:
        metadata = consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic]
        if metadata.error is not None:
            missing[topic] = KafkaException(metadata.error)
            if reason_of(metadata.error) != "topic_missing":
                raise missing[topic]
        elif _committed(consumer, [TopicPartition(topic, partition) for partition in metadata.partitions]):
            known.add(topic)
    return known, missing
