"""Commits: never backwards within a lease, repeated until confirmed. On a consumer that only remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Position

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka.bridge import Bridge, Mark
from connector.kafka.commits import Commits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.events import CommitAnswered

PARTITION = TopicPartition("orders", 0)


class _Consumer:
    """Remembers what it was asked to commit; `position_at` is what it says its position is."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.position_at = 0
        self.failing = False

    def position(self, partitions: Sequence[Position]) -> list[Position]:
        return [Position(one.topic, one.partition, self.position_at) for one in partitions]

    def commit(self, offsets: Sequence[Position], *, asynchronous: bool) -> list[Position]:
        del asynchronous
        if self.failing:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.asked += [one.offset for one in offsets]
        return list(offsets)


class _Bridge:
    """Remembers the answers."""

    def __init__(self) -> None:
        self.answers: list[tuple[Mapping[Lease, int], str]] = []

    def committed_from_thread(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        self.answers.append((offsets, event.result))


class _Stage:
    def __init__(self, committed: int | None = None) -> None:
        self.consumer, self.bridge = _Consumer(), _Bridge()
        self.lease = Lease(PARTITION, committed or 0, TopicCounts())
        self.commits = Commits(cast("Bridge", self.bridge))
        self.commits.begin(self.lease, committed)

    def ask(self, watermark: int, *, received: int, idle: bool) -> None:
        mark = Mark(self.lease, watermark, received if idle else None)
        self.commits.ask(cast("Consumer", self.consumer), [mark], {PARTITION: received})

    def ask_and_wait(self, watermark: int) -> None:
        self.commits.ask_and_wait(cast("Consumer", self.consumer), {self.lease: watermark})

    def answer(self, offset: int, error: KafkaError | None = None) -> None:
        self.commits.on_answer(error, [Position(*PARTITION, offset)])


def test_what_has_not_moved_is_not_committed_again() -> None:
    stage = _Stage(committed=10)
    stage.ask(10, received=12, idle=False)
    stage.ask(11, received=12, idle=False)
    stage.ask(11, received=12, idle=False)
    assert stage.consumer.asked == [11]


def test_when_idle_the_position_is_committed_past_markers_and_gaps() -> None:
    stage = _Stage()
    stage.consumer.position_at = 15
    stage.ask(12, received=12, idle=True)
    assert stage.consumer.asked == [15]


def test_a_commit_never_moves_back_when_records_come_after_the_position_was_committed() -> None:
    """A transaction's marker stands at 12; then 13 is received and in flight: the watermark is still 12."""
    stage = _Stage()
    stage.consumer.position_at = 13
    stage.ask(12, received=12, idle=True)
    stage.answer(13)
    stage.ask(12, received=14, idle=False)
    stage.ask_and_wait(12)
    assert stage.consumer.asked == [13]


def test_a_refused_commit_is_repeated() -> None:
    stage = _Stage()
    stage.ask(5, received=6, idle=False)
    stage.answer(5, KafkaError(KafkaError.ILLEGAL_GENERATION))
    stage.ask(5, received=6, idle=False)
    assert stage.consumer.asked == [5, 5]
    assert stage.bridge.answers == [({}, "refused")]


def test_a_commit_that_could_not_even_be_asked_for_is_repeated() -> None:
    stage = _Stage()
    stage.consumer.failing = True
    with pytest.raises(KafkaException):
        stage.ask(5, received=6, idle=False)
    stage.consumer.failing = False
    stage.ask(5, received=6, idle=False)
    assert stage.consumer.asked == [5]


def test_a_confirmed_commit_is_told_to_its_lease_and_not_repeated_at_the_end() -> None:
    stage = _Stage()
    stage.ask(5, received=6, idle=False)
    stage.answer(5)
    stage.ask_and_wait(5)
    assert stage.consumer.asked == [5]
    assert stage.bridge.answers == [({stage.lease: 5}, "ok")]


def test_an_answer_that_comes_after_its_lease_is_nobodys() -> None:
    stage = _Stage()
    stage.ask(5, received=6, idle=False)
    stage.commits.forget(stage.lease)
    stage.answer(5)
    assert stage.bridge.answers == [({}, "ok")]


def test_an_answer_that_the_partitions_last_lease_asked_for_says_nothing_of_the_next() -> None:
    """The topic was made anew: what the old one had committed must not keep the new one from committing."""
    stage = _Stage()
    stage.ask(1000, received=1000, idle=False)
    stage.commits.forget(stage.lease)
    stage.lease = Lease(PARTITION, 0, TopicCounts())
    stage.commits.begin(stage.lease, None)
    stage.answer(1000)
    stage.ask(5, received=6, idle=False)
    assert stage.consumer.asked == [1000, 5]
    assert stage.bridge.answers == [({}, "ok")]


def test_what_is_asked_at_the_end_is_repeated_although_its_answer_is_still_under_way() -> None:
    """An asynchronous commit may yet fail: only a confirmed offset counts."""
    stage = _Stage()
    stage.ask(5, received=6, idle=False)
    stage.ask_and_wait(5)
    assert stage.consumer.asked == [5, 5]
