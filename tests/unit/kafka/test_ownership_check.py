"""After a freeze, the group is asked once, and again after a refusal, until the partitions are confirmed or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka.ownership_check import ANSWER_TIMEOUT_S, RETRY_S, OwnershipCheck
from tests.unit.kafka.assignment_harness import PARTITION, AssignmentHarness, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from connector.kafka.commits import Commits

REFUSED = KafkaError(KafkaError.UNKNOWN_MEMBER_ID)


class _FakeCommits:
    """Numbers its requests; refuses the call if `failing`."""

    def __init__(self) -> None:
        self.on_answer: Callable[[int, KafkaError | None], None] = lambda _request, _refusal: None
        self.requests = 0
        self.leases = list[Lease]()
        """Those that were committed."""
        self.failing = False

    def commit_again(self, consumer: Consumer, lease: Lease) -> int:
        del consumer
        self.leases.append(lease)
        if self.failing:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.requests += 1
        return self.requests


class CheckHarness:
    """A check, with one owned lease, of a process whose freezes are counted by `ticket`."""

    def __init__(self) -> None:
        self.ticket, self.confirmed = 0, list[int]()
        self.leases = [Lease(TopicPartition("orders", 0), 0, TopicCounts())]
        self.commits = _FakeCommits()
        self.check = OwnershipCheck(lambda: self.ticket, cast("Commits", self.commits), self.confirmed.append)

    def step(self, now: float) -> int:
        """Step, and return how many questions were asked so far."""
        self.check.step(cast("Consumer", None), self.leases, now)
        return self.commits.requests

    def answer(self, request: int, refusal: KafkaError | None = None) -> list[int]:
        """Answer a request, and return the confirmed tickets."""
        self.commits.on_answer(request, refusal)
        return self.confirmed


def test_a_process_that_was_never_frozen_asks_nothing() -> None:
    assert CheckHarness().step(0.0) == 0


def test_a_freeze_is_asked_about_once_and_confirmed_by_the_answer() -> None:
    harness = CheckHarness()
    harness.ticket = 1
    assert [harness.step(now) for now in (0.0, 0.1, 0.2)] == [1, 1, 1]
    assert harness.answer(1) == [1]
    assert harness.step(100.0) == 1


def test_the_answer_to_a_commit_of_before_the_freeze_confirms_nothing() -> None:
    harness = CheckHarness()
    harness.commits.requests = 4
    harness.ticket = 1
    harness.step(0.0)
    assert harness.answer(4) == []
    assert harness.answer(5) == [1]


def test_a_refusal_is_asked_about_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.ownership_check.time.monotonic", lambda: 10.0)
    harness = CheckHarness()
    harness.ticket = 1
    harness.step(10.0)
    assert harness.answer(1, REFUSED) == []
    assert harness.step(10.0 + RETRY_S / 2) == 1
    assert harness.step(10.0 + RETRY_S) == 2
    assert harness.answer(2) == [1]


def test_a_refusal_that_concerns_one_topic_alone_does_not_stop_everything_for_ever() -> None:
    """The topic was deleted, or this user may no longer read it: that says nothing about the member."""
    harness = CheckHarness()
    harness.leases.append(Lease(TopicPartition("customers", 0), 0, TopicCounts()))
    harness.ticket = 1
    for now in (0.0, ANSWER_TIMEOUT_S, 2 * ANSWER_TIMEOUT_S):
        harness.step(now)
    assert harness.commits.leases == [harness.leases[0], harness.leases[1], harness.leases[0]]


def test_a_question_without_an_answer_is_asked_again() -> None:
    harness = CheckHarness()
    harness.ticket = 1
    assert [harness.step(now) for now in (0.0, ANSWER_TIMEOUT_S - 0.1, ANSWER_TIMEOUT_S)] == [1, 1, 2]


def test_once_no_lease_is_left_there_is_nothing_to_ask() -> None:
    """The group had removed the member: its partitions were lost, and their leases have ended."""
    harness = CheckHarness()
    harness.ticket = 1
    harness.step(0.0)
    harness.answer(1, REFUSED)
    harness.leases = []
    harness.step(0.1)
    assert harness.confirmed == [1]


def test_a_second_freeze_needs_an_answer_of_its_own() -> None:
    harness = CheckHarness()
    harness.ticket = 1
    harness.step(0.0)
    harness.ticket = 2
    assert harness.step(0.1) == 2
    assert harness.answer(1) == []
    assert harness.answer(2) == [2]


def test_a_client_that_refuses_the_call_is_asked_again_later() -> None:
    harness = CheckHarness()
    harness.ticket, harness.commits.failing = 1, True
    harness.step(0.0)
    harness.commits.failing = False
    assert harness.step(RETRY_S / 2) == 0
    assert harness.step(RETRY_S) == 1


def test_the_question_commits_what_is_committed_already() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        answers: list[tuple[int, KafkaError | None]] = []
        harness.commits.on_answer = lambda request, refusal: answers.append((request, refusal))
        assert harness.commits.commit_again(harness.consumer, harness.lease) == 1
        assert harness.fake.committed_at[PARTITION] == 90
        harness.commits.on_commit(None, harness.fake.unanswered.pop())
        assert answers == [(1, None)]

    in_thread(scenario)
