"""Where consuming starts when a topic is gone by the time that it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Position

from connector.core.record import TopicPartition
from connector.kafka.start_offsets import Start, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

GONE, HERE = TopicPartition("gone", 0), TopicPartition("here", 0)


@dataclass
class _Topic:
    error: KafkaError | None = None
    partitions: tuple[int, ...] = (0,)


@dataclass
class _Group:
    """One topic that exists, with 7 records, and whatever else is said of others."""

    topics: dict[str, _Topic]
    offsets: dict[TopicPartition, int] = field(default_factory=dict)

    def committed(self, partitions: Sequence[Position], timeout: float) -> list[Position]:
        del timeout
        found = [TopicPartition(one.topic, one.partition) for one in partitions]
        return [Position(*one, self.offsets.get(one, -1001)) for one in found]

    def list_topics(self, topic: str, timeout: float) -> _Group:
        del topic, timeout
        return self

    def get_watermark_offsets(self, partition: Position, timeout: float) -> tuple[int, int]:
        del timeout
        assert partition.topic == "here"
        return 0, 7


def _start(group: _Group, *, without_missing: bool) -> list[Start]:
    return resolve(cast("Consumer", group), [GONE, HERE], "latest", without_missing=without_missing)


def test_a_topic_that_is_gone_for_good_does_not_hold_up_the_others() -> None:
    group = _Group({"gone": _Topic(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), "here": _Topic()})
    with pytest.raises(KafkaException):  # it may only be young
        _start(group, without_missing=False)
    assert _start(group, without_missing=True) == [Start(GONE, 0, None), Start(HERE, 7, None)]


def test_an_offset_that_was_committed_counts_although_its_topic_is_gone() -> None:
    group = _Group({"gone": _Topic(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)), "here": _Topic()}, {GONE: 5})
    assert Start(GONE, 5, 5) in _start(group, without_missing=True)


def test_a_topic_that_may_not_be_asked_about_is_not_taken_for_a_missing_one() -> None:
    group = _Group({"gone": _Topic(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)), "here": _Topic()})
    with pytest.raises(KafkaException):
        _start(group, without_missing=True)
