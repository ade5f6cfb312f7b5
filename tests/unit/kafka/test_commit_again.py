"""What is committed once more to ask the group a question: never less than what was sent, and it holds up no commit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.progress import Progress
from connector.kafka.start_offsets import StartOffset
from tests.unit.kafka.test_commits import PARTITION, SIGHT, CommitsHarness

if TYPE_CHECKING:
    import pytest


def commit_again(harness: CommitsHarness) -> int:
    return harness.commits.commit_again(cast("Consumer", harness.consumer), harness.lease)


def test_what_was_sent_last_is_committed_again_although_it_was_refused() -> None:
    """An earlier question, which carries it too, may be on its way: the one behind it must not take it back."""
    harness = CommitsHarness(committed=10)
    harness.commit_async(11, range(13, 15), received=20)
    commit_again(harness)
    harness.reply(KafkaError(KafkaError.ILLEGAL_GENERATION))
    commit_again(harness)
    assert harness.consumer.maps == [Progress(11, (range(13, 15),))] * 3


def test_a_lease_that_goes_on_where_this_process_was_commits_that_and_not_what_the_group_had() -> None:
    harness = CommitsHarness()
    start = StartOffset(PARTITION, 5, 5, (range(7, 9),), SIGHT, remembered=True)
    harness.commits.track(harness.lease, start)
    commit_again(harness)
    assert harness.consumer.maps == [Progress(5, (range(7, 9),))]


def test_a_question_without_an_answer_holds_up_no_commit() -> None:
    harness = CommitsHarness(committed=10)
    commit_again(harness)
    harness.commit_async(11, received=12)
    assert harness.consumer.requested == [10, 11]
    harness.commits.on_commit(None, harness.consumer.calls[0])
    harness.commit_async(12, received=12)
    assert harness.consumer.requested == [10, 11]
    harness.commits.on_commit(None, harness.consumer.calls[1])
    harness.commit_async(12, received=12)
    assert harness.consumer.requested == [10, 11, 12]


def test_an_accepted_commit_tells_when_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1.0]
    monkeypatch.setattr("connector.kafka.commits.time.monotonic", lambda: now[0])
    harness = CommitsHarness(committed=10)
    accepted: list[float] = []
    harness.commits.on_accepted = accepted.append
    harness.commit_async(11, received=12)
    now[0] = 2.0
    commit_again(harness)
    now[0] = 9.0
    harness.commits.on_commit(None, harness.consumer.calls[0])
    refused = SimpleNamespace(topic="orders", partition=0, offset=11, error=KafkaError(KafkaError.UNKNOWN_MEMBER_ID))
    harness.commits.on_commit(None, [cast("KafkaTopicPartition", refused)])
    commit_again(harness)
    harness.reply(KafkaError(KafkaError._TIMED_OUT))
    assert accepted == [1.0]


def test_with_another_client_nothing_is_awaited_of_the_old_one() -> None:
    harness = CommitsHarness(committed=10)
    harness.commit_async(11, received=12)
    commit_again(harness)
    harness.commits.on_new_client()
    harness.commit_async(12, received=12)
    assert harness.consumer.requested == [11, 11, 12]
    assert commit_again(harness) == 2
