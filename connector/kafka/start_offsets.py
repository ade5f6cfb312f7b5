"""Where consuming starts. The connector decides it itself, so that no partition silently skips records.

1. A partition with a committed offset starts there.
2. A partition without one, in a topic of which the group has committed another partition, was added to a known
   topic: it starts at its beginning, whatever `start_from` says.
3. Only a topic without any committed offset of the group starts as `start_from` says.
4. A topic that was deleted after its partitions were assigned starts at 0 (`assignment.py` waits for a while): a topic
   created later under that name is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.record import TopicPartition
from connector.kafka.errors import cause_of
from connector.kafka.leader_offsets import LeaderOffsets
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


@dataclass(frozen=True, slots=True)
class Starts:
    """Where partitions start, as far as brokers have answered."""

    found: list[StartOffset]
    unanswered: dict[TopicPartition, KafkaError]


def resolve_start_offsets(
    consumer: Consumer, partitions: Sequence[TopicPartition], start_from: str | datetime
) -> Starts:
    """Return where each partition starts, by rules 1 to 3. Blocks.

    A partition whose topic does not exist, or is too new for this broker to know, or whose leader does not answer, is
    unanswered: it holds up no other. Raises KafkaException if the group's offsets can't be read.
    """
    committed = _committed(consumer, partitions)
    starts = Starts([StartOffset(partition, offset, offset) for partition, offset in committed.items()], {})
    offsets, known = LeaderOffsets(consumer), {one.topic: True for one in committed}
    for partition in partitions:
        if partition in committed:
            continue
        try:
            if partition.topic not in known:
                known[partition.topic] = _is_known(consumer, partition.topic, offsets)
            offset = offsets.at(partition, "earliest" if known[partition.topic] else start_from)
        except KafkaException as error:
            starts.unanswered[partition] = cause_of(error)
        else:
            starts.found.append(StartOffset(partition, offset, None))
    return starts


def _is_known(consumer: Consumer, topic: str, offsets: LeaderOffsets) -> bool:
    """Return whether the group has committed an offset of the topic."""
    return bool(_committed(consumer, [TopicPartition(topic, number) for number in offsets.partitions(topic)]))


def _committed(consumer: Consumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the group's committed offsets; partitions without one are left out."""
    asked = [KafkaTopicPartition(*partition) for partition in partitions]
    answers = consumer.committed(asked, timeout=REQUEST_TIMEOUT_S) if asked else []
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return {TopicPartition(answer.topic, answer.partition): answer.offset for answer in answers if answer.offset >= 0}
