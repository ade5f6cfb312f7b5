"""Where consuming starts. The connector decides it itself, so that nothing ever jumps silently.

1. A partition with a committed offset starts there.
2. A partition without one, of a topic of which the group has committed *some* partition, is a new partition of a
   known topic: it starts at its beginning, whatever `start_from` says.
3. Only a topic of which the group has no committed offset at all starts as `start_from` says.
4. A topic that was deleted after its partitions were dealt out starts at 0: whatever appears by its name is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as Position

from connector.core.record import TopicPartition
from connector.kafka.properties import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

_REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Start:
    """Where one partition starts; `committed` is the group's offset, if it has one."""

    partition: TopicPartition
    offset: int
    committed: int | None


def resolve(
    consumer: Consumer, partitions: Sequence[TopicPartition], start_from: str | datetime, *, without_missing: bool
) -> list[Start]:
    """Where each partition starts. Asks the broker; raises KafkaException if it does not answer.

    A topic that it does not know raises too, for it may be so young that not every broker has heard of it; unless
    `without_missing`: then it is taken for deleted.
    """
    committed = _committed(consumer, partitions)
    starts = [Start(partition, offset, offset) for partition, offset in committed.items()]
    known, missing = _known_topics(consumer, {one.topic for one in partitions if one not in committed})
    if missing and not without_missing:
        raise next(iter(missing.values()))
    for partition in partitions:
        if partition in committed:
            continue
        if partition.topic in missing:
            starts.append(Start(partition, 0, None))
        else:
            offset = _first(consumer, partition, "earliest" if partition.topic in known else start_from)
            starts.append(Start(partition, offset, None))
    return starts


def earliest(consumer: Consumer, partition: TopicPartition) -> int:
    """The first offset that exists. Raises KafkaException."""
    return _first(consumer, partition, "earliest")


def _first(consumer: Consumer, partition: TopicPartition, start_from: str | datetime) -> int:
    if not isinstance(start_from, str):
        milliseconds = int(start_from.timestamp() * 1000)
        found = consumer.offsets_for_times([Position(*partition, milliseconds)], timeout=_REQUEST_TIMEOUT_S)[0]
        if found.error is not None:
            raise KafkaException(found.error)
        if found.offset >= 0:
            return found.offset
        start_from = "latest"  # nothing is as young as that
    watermarks = consumer.get_watermark_offsets(Position(*partition), timeout=_REQUEST_TIMEOUT_S)
    low, high = watermarks
    return low if start_from == "earliest" else high


def _committed(consumer: Consumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    asked = [Position(*partition) for partition in partitions]
    answers = consumer.committed(asked, timeout=_REQUEST_TIMEOUT_S) if asked else []
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return {TopicPartition(answer.topic, answer.partition): answer.offset for answer in answers if answer.offset >= 0}


def _known_topics(consumer: Consumer, topics: Iterable[str]) -> tuple[set[str], dict[str, KafkaException]]:
    """Those topics of which the group has committed at least one partition, and those that don't exist."""
    known, missing = set(), {}
    for topic in topics:
        metadata = consumer.list_topics(topic, timeout=_REQUEST_TIMEOUT_S).topics[topic]
        if metadata.error is not None:
            missing[topic] = KafkaException(metadata.error)
            if reason_of(metadata.error) != "topic_missing":
                raise missing[topic]
        elif _committed(consumer, [TopicPartition(topic, partition) for partition in metadata.partitions]):
            known.add(topic)
    return known, missing
