"""Where consuming starts: committed offsets, topics that the group knows, topics that can't be asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer, KafkaError

from connector.core.record import TopicPartition
from connector.kafka.start_offsets import StartOffset, resolve_start_offsets
from tests.unit.kafka.assignment_harness import FakeConsumer

if TYPE_CHECKING:
    from connector.kafka.start_offsets import Starts

GONE, HERE, KNOWN = TopicPartition("gone", 0), TopicPartition("here", 0), TopicPartition("here", 1)


def _resolve(fake: FakeConsumer) -> Starts:
    return resolve_start_offsets(cast("Consumer", fake), [GONE, HERE], "latest")


def _fake() -> FakeConsumer:
    fake = FakeConsumer()
    fake.missing_topics, fake.end = {"gone"}, 7
    return fake


def test_a_topic_that_does_not_exist_is_unanswered_and_holds_up_no_other() -> None:
    starts = _resolve(_fake())
    assert starts.found == [StartOffset(HERE, 7, None)]
    assert [(one, error.code()) for one, error in starts.unanswered.items()] == [
        (GONE, KafkaError.UNKNOWN_TOPIC_OR_PART)
    ]


def test_a_committed_offset_counts_although_its_topic_was_deleted() -> None:
    fake = _fake()
    fake.committed_at[GONE] = 5
    assert StartOffset(GONE, 5, 5) in _resolve(fake).found


def test_a_partition_that_was_added_to_a_known_topic_starts_at_its_beginning() -> None:
    fake = _fake()
    fake.committed_at[KNOWN] = 5
    assert _resolve(fake).found == [StartOffset(HERE, 0, None)]
