"""Where consuming starts when an assigned topic has been deleted meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.record import TopicPartition
from connector.kafka.start_offsets import StartOffset, resolve_start_offsets

if TYPE_CHECKING:
    from collections.abc import Sequence

GONE, HERE = TopicPartition("gone", 0), TopicPartition("here", 0)


@dataclass
class _Topic:
    error: KafkaError | None = None
    partitions: tuple[int, ...] = (0,)


@dataclass
class _FakeConsumer:
    """Topic `here` has 7 records; `offsets` are the group's commits."""

    topics: dict[str, _Topic]
    offsets: dict[TopicPartition, int] = field(default_factory=dict)

    def committed(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        del timeout
        found = [TopicPartition(one.topic, one.partition) for one in partitions]
        return [KafkaTopicPartition(*one, self.offsets.get(one, -1001)) for one in found]

    def list_topics(self, topic: str, timeout: float) -> _FakeConsumer:
        del topic, timeout
        return self

    def get_watermark_offsets(self, partition: KafkaTopicPartition, timeout: float) -> tuple[int, int]:
        del timeout
        assert partition.topic == "here"
        return 0, 7


def _resolve(consumer: _FakeConsumer, *, missing_is_deleted: bool) -> list[StartOffset]:
    return resolve_start_offsets(
        cast("Consumer", consumer), [GONE, HERE], "latest", missing_is_deleted=missing_is_deleted
    )


def test_a_deleted_topic_starts_at_0_and_does_not_hold_up_the_others() -> None:
    consumer = _FakeConsumer({"gone": _Topic(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), "here": _Topic()})
    with pytest.raises(KafkaException):  # it may be too new for this broker to know
        _resolve(consumer, missing_is_deleted=False)
    assert _resolve(consumer, missing_is_deleted=True) == [StartOffset(GONE, 0, None), StartOffset(HERE, 7, None)]


def test_a_committed_offset_counts_although_its_topic_was_deleted() -> None:
    consumer = _FakeConsumer(
        {"gone": _Topic(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), "here": _Topic()}, {GONE: 5}
    )
    assert StartOffset(GONE, 5, 5) in _resolve(consumer, missing_is_deleted=True)


def test_a_topic_that_this_user_may_not_describe_is_not_taken_for_a_deleted_one() -> None:
    consumer = _FakeConsumer({"gone": _Topic(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)), "here": _Topic()})
    with pytest.raises(KafkaException):
        _resolve(consumer, missing_is_deleted=True)
