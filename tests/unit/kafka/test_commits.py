"""Commits never move back within a lease and are repeated until confirmed. On a fake consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.ledger import Lease, TopicCounts
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.kafka.bridge import Bridge, CommitRequest
from connector.kafka.commits import Commits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.events import CommitAnswered

PARTITION = TopicPartition("orders", 0)


class _Reply(NamedTuple):
    """A partition with its error, which librdkafka alone can set on its own class."""

    topic: str
    partition: int
    offset: int
    error: KafkaError | None


class _FakeConsumer:
    """Keeps the offsets that it was asked to commit; its position is `position_at`."""

    def __init__(self) -> None:
        self.refusal: KafkaError | None = None
        self.committed: list[int] = []
        self.position_at = 0
        self.failing = False

    def position(self, partitions: Sequence[KafkaTopicPartition]) -> list[KafkaTopicPartition]:
        return [KafkaTopicPartition(one.topic, one.partition, self.position_at) for one in partitions]

    def commit(self, offsets: Sequence[KafkaTopicPartition], *, asynchronous: bool) -> list[_Reply]:
        del asynchronous
        if self.failing:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.committed += [one.offset for one in offsets]
        return [_Reply(one.topic, one.partition, one.offset, self.refusal) for one in offsets]


class _FakeBridge:
    """Keeps what was confirmed and the answers."""

    def __init__(self) -> None:
        self.answers: list[tuple[Mapping[Lease, int], str]] = []

    def on_committed_from_thread(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        self.answers.append((offsets, event.result))


class CommitsHarness:
    """Commits on a fake consumer, with one tracked lease."""

    def __init__(self, committed: int | None = None) -> None:
        self.consumer, self.bridge = _FakeConsumer(), _FakeBridge()
        self.lease = Lease(PARTITION, committed or 0, TopicCounts())
        self.commits = Commits(cast("Bridge", self.bridge))
        self.commits.track(self.lease, committed)

    def commit_async(self, watermark: int, *, received: int, idle: bool) -> None:
        request = CommitRequest(self.lease, Progress(watermark), received if idle else None)
        self.commits.commit_async(cast("Consumer", self.consumer), [request], {PARTITION: received})

    def commit_sync(self, watermark: int) -> None:
        self.commits.commit_sync(cast("Consumer", self.consumer), {self.lease: Progress(watermark)})

    def reply(self, offset: int, error: KafkaError | None = None) -> None:
        self.commits.on_commit(error, [KafkaTopicPartition(*PARTITION, offset)])


def test_a_watermark_that_has_not_moved_is_not_committed_again() -> None:
    harness = CommitsHarness(committed=10)
    harness.commit_async(10, received=12, idle=False)
    harness.commit_async(11, received=12, idle=False)
    harness.commit_async(11, received=12, idle=False)
    assert harness.consumer.committed == [11]


def test_when_idle_the_position_is_committed_past_markers_and_gaps() -> None:
    harness = CommitsHarness()
    harness.consumer.position_at = 15
    harness.commit_async(12, received=12, idle=True)
    assert harness.consumer.committed == [15]


def test_a_commit_never_moves_back_when_records_come_after_the_position_was_committed() -> None:
    """A transaction's marker stands at 12; then 13 is received and in flight: the watermark is still 12."""
    harness = CommitsHarness()
    harness.consumer.position_at = 13
    harness.commit_async(12, received=12, idle=True)
    harness.reply(13)
    harness.commit_async(12, received=14, idle=False)
    harness.commit_sync(12)
    assert harness.consumer.committed == [13]


def test_a_refused_commit_is_repeated() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, received=6, idle=False)
    harness.reply(5, KafkaError(KafkaError.ILLEGAL_GENERATION))
    harness.commit_async(5, received=6, idle=False)
    assert harness.consumer.committed == [5, 5]
    assert harness.bridge.answers == [({}, "refused")]


def test_a_commit_that_the_client_refuses_is_repeated() -> None:
    harness = CommitsHarness()
    harness.consumer.failing = True
    with pytest.raises(KafkaException):
        harness.commit_async(5, received=6, idle=False)
    harness.consumer.failing = False
    harness.commit_async(5, received=6, idle=False)
    assert harness.consumer.committed == [5]


def test_a_confirmed_commit_is_reported_for_its_lease_and_not_repeated_at_the_end() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, received=6, idle=False)
    harness.reply(5)
    harness.commit_sync(5)
    assert harness.consumer.committed == [5]
    assert harness.bridge.answers == [({harness.lease: 5}, "ok")]


def test_a_late_reply_for_an_untracked_lease_confirms_nothing() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, received=6, idle=False)
    harness.commits.untrack(harness.lease)
    harness.reply(5)
    assert harness.bridge.answers == [({}, "ok")]


def test_a_late_reply_for_the_partitions_previous_lease_does_not_count_for_the_current_one() -> None:
    """The topic was re-created: the old offset must not prevent the commits of the new lease."""
    harness = CommitsHarness()
    harness.commit_async(1000, received=1000, idle=False)
    harness.commits.untrack(harness.lease)
    harness.lease = Lease(PARTITION, 0, TopicCounts())
    harness.commits.track(harness.lease, None)
    harness.reply(1000)
    harness.commit_async(5, received=6, idle=False)
    assert harness.consumer.committed == [1000, 5]
    assert harness.bridge.answers == [({}, "ok")]


def test_the_last_commit_is_made_although_the_same_offset_is_still_unconfirmed() -> None:
    """The asynchronous commit may still fail: only a confirmed offset counts."""
    harness = CommitsHarness()
    harness.commit_async(5, received=6, idle=False)
    harness.commit_sync(5)
    assert harness.consumer.committed == [5, 5]


@pytest.mark.parametrize(
    ("code", "result"),
    [(None, "ok"), (KafkaError.UNKNOWN_MEMBER_ID, "refused"), (KafkaError.OFFSET_METADATA_TOO_LARGE, "failed")],
)
def test_the_reply_to_the_last_commit_is_reported(code: int | None, result: str) -> None:
    harness = CommitsHarness()
    harness.consumer.refusal = None if code is None else KafkaError(code)
    harness.commit_sync(5)
    assert harness.bridge.answers == [({}, result)]


def test_the_last_commit_never_raises() -> None:
    harness = CommitsHarness()
    harness.consumer.failing = True
    harness.commit_sync(5)
    assert harness.bridge.answers == [({}, "failed")]
