"""A member is not ready before the group has committed something of each topic, for whoever has its partitions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.kafka.seen_topics import SeenTopics

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)


class _Group:
    """Topics of two partitions each, and the group's commits."""

    def __init__(self, *topics: str) -> None:
        self.errors: dict[str, KafkaError | None] = dict.fromkeys(topics)
        self.committed_of: set[tuple[str, int]] = set()
        self.answers = True
        self.questions = 0

    def list_topics(self, timeout: float) -> SimpleNamespace:
        del timeout
        self.questions += 1
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        topics = {name: SimpleNamespace(error=error, partitions=(0, 1)) for name, error in self.errors.items()}
        return SimpleNamespace(topics=topics)

    def committed(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        del timeout
        found = [(one.topic, one.partition) for one in partitions]
        return [KafkaTopicPartition(*one, 5 if one in self.committed_of else -1001) for one in found]


def _seen(group: _Group, *topics: str) -> bool:
    seen = SeenTopics(topics, "letters")
    seen.update(cast("Consumer", group))
    return seen.all_seen


def test_a_topic_is_seen_once_any_of_its_partitions_is_committed() -> None:
    group = _Group("orders", "members", "other")
    assert not _seen(group, "orders", "members")
    group.committed_of = {("orders", 1)}
    assert not _seen(group, "orders", "members")
    group.committed_of.add(("members", 0))
    assert _seen(group, "orders", "members")


def test_a_pattern_means_the_topics_that_it_matches_without_the_dead_letters() -> None:
    group = _Group("orders-a", "orders-b", "letters")
    group.committed_of = {("orders-a", 0)}
    assert not _seen(group, "^orders|^letters")
    group.committed_of.add(("orders-b", 0))
    assert _seen(group, "^orders|^letters")


def test_a_topic_that_does_not_exist_is_not_waited_for() -> None:
    group = _Group("orders")
    group.errors["orders"] = MISSING
    assert _seen(group, "orders", "unknown", "^none")


def test_once_seen_nothing_is_asked_any_more_and_before_that_not_all_the_time() -> None:
    group = _Group("orders")
    seen = SeenTopics(["orders"], "letters")
    for _ in range(2):
        seen.update(cast("Consumer", group))
    assert group.questions == 1, "too early for another question"
    group.committed_of = {("orders", 0)}
    for _ in range(2):
        seen._next_question = 0.0
        seen.update(cast("Consumer", group))
    assert (seen.all_seen, group.questions) == (True, 2)


@pytest.mark.parametrize("answers", [True, False])
def test_while_no_broker_answers_nothing_counts_as_seen(answers: bool) -> None:  # noqa: FBT001
    group = _Group("orders")
    group.committed_of, group.answers = {("orders", 0)}, answers
    assert _seen(group, "orders") is answers
