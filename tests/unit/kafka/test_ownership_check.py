"""After a freeze, and when a proof is wanted, the group is asked once, and again after a refusal.

Until the partitions are confirmed or lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka.deadlines import CLOSE_GRACE_S
from connector.kafka.ownership_check import ABOUT, ANSWER_TIMEOUT_S, RETRY_S, OwnershipCheck
from tests.unit.kafka.assignment_harness import PARTITION, AssignmentHarness, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.core.events import Event
    from connector.core.membership_guard import MembershipGuard
    from connector.kafka.bridge import Bridge
    from connector.kafka.commits import Commits

REFUSED = KafkaError(KafkaError.UNKNOWN_MEMBER_ID)


class _FakeCommits:
    """Numbers its requests; refuses the call if `failing`."""

    def __init__(self) -> None:
        self.on_answer: Callable[[int, KafkaError | None], None] = lambda _request, _refusal: None
        self.on_accepted: Callable[[float], None] = lambda _sent_at: None
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


class FakeGuard:
    """What the thread reads of a guard, and what it calls."""

    def __init__(self) -> None:
        self.ticket, self.wanted, self.proof_limit_s = 0, False, 6.0
        self.confirmed, self.proofs, self.trusted = list[int](), list[float](), list[float]()
        self.confirm, self.prove, self.trust_until = self.confirmed.append, self.proofs.append, self.trusted.append


class FakeBridge:
    """Calls at once."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.emit_from_thread = self.events.append

    def call_from_thread(self, call: Callable[..., object], *arguments: object) -> None:
        call(*arguments)


class CheckHarness:
    """A check, with one owned lease."""

    def __init__(self) -> None:
        self.guard, self.bridge, self.commits = FakeGuard(), FakeBridge(), _FakeCommits()
        self.leases = [Lease(TopicPartition("orders", 0), 0, TopicCounts())]
        self.check = OwnershipCheck(
            cast("MembershipGuard", self.guard), cast("Commits", self.commits), cast("Bridge", self.bridge)
        )

    @property
    def confirmed(self) -> list[int]:
        return self.guard.confirmed

    @property
    def ticket(self) -> int:
        return self.guard.ticket

    @ticket.setter
    def ticket(self, ticket: int) -> None:
        self.guard.ticket = ticket

    def step(self, now: float, *, records: bool = False) -> int:
        """Step, and return how many questions were asked so far."""
        self.check.step(cast("Consumer", None), self.leases, now, records=records)
        return self.commits.requests

    def answer(self, request: int, refusal: KafkaError | None = None) -> list[int]:
        """Answer a request, and return the confirmed tickets."""
        self.commits.on_answer(request, refusal)
        return self.confirmed

    def reasons(self) -> list[tuple[str, str]]:
        """Return what was raised and cleared."""
        return [
            (type(event).__name__, event.target)
            for event in self.bridge.events
            if isinstance(event, ReasonRaised | ReasonCleared)
        ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], float]]:
    """Set the monotonic clock."""
    now = [0.0]

    def set_to(moment: float) -> float:
        now[0] = moment
        return moment

    monkeypatch.setattr("connector.kafka.ownership_check.time.monotonic", lambda: now[0])
    yield set_to
    monkeypatch.undo()


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


# -- without a freeze --------------------------------------------------------------------------------------------------


def test_while_commits_are_accepted_nothing_is_asked(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.guard.wanted = True
    for now in (1.0, 2.0, 3.0):
        harness.commits.on_accepted(clock(now))
        assert harness.step(now + 0.9, records=True) == 0
    assert harness.guard.proofs == [1.0, 2.0, 3.0]


def test_an_idle_member_asks_nothing() -> None:
    harness = CheckHarness()
    assert [harness.step(now) for now in (0.0, 100.0)] == [0, 0]


def test_records_that_come_after_a_while_without_a_proof_are_asked_about_at_once(
    clock: Callable[[float], float],
) -> None:
    harness = CheckHarness()
    harness.commits.on_accepted(clock(0.0))
    assert [harness.step(3.0, records=True), harness.step(3.1), harness.step(3.2, records=True)] == [0, 0, 1]
    harness.commits.on_accepted(clock(3.2))
    harness.answer(1)
    assert harness.step(4.0, records=True) == 1
    assert harness.confirmed == []


def test_what_is_about_to_be_sent_is_asked_about_once_until_there_is_an_answer(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.commits.on_accepted(clock(0.0))
    harness.guard.wanted = True
    assert [harness.step(now) for now in (3.1, 3.2, 13.0, 13.2)] == [1, 1, 1, 2]


def test_silence_is_a_reason_for_not_being_ready_until_the_group_answers(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.commits.on_accepted(clock(0.0))
    harness.guard.wanted = True
    for now in (3.1, 5.9):
        harness.step(now)
    assert harness.reasons() == []
    harness.step(6.1)
    assert harness.reasons() == [("ReasonRaised", ABOUT)]
    assert harness.check.silent_s(6.1) == pytest.approx(3.0)
    harness.commits.on_accepted(clock(7.0))
    assert harness.reasons()[1:] == [("ReasonCleared", ABOUT)]
    assert harness.check.silent_s(7.0) == 0.0


def test_a_first_question_after_a_long_rest_is_no_reason(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.commits.on_accepted(clock(0.0))
    harness.step(100.0, records=True)
    harness.step(100.0 + RETRY_S)
    assert harness.reasons() == []


def test_an_answer_that_comes_too_late_to_be_a_proof_does_not_end_the_silence(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.guard.wanted = True
    harness.step(1.0)
    clock(8.0)
    harness.commits.on_accepted(1.0)
    assert harness.check.silent_s(8.0) == pytest.approx(7.0)


def test_without_a_lease_the_silence_ends_and_also_while_no_broker_answers(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.guard.wanted = True
    harness.step(1.0)
    harness.step(9.0)
    harness.check.ignore_silence(clock(9.0))
    assert harness.check.silent_s(10.0) == pytest.approx(1.0)
    harness.leases = []
    harness.step(10.0)
    assert harness.check.silent_s(10.0) == 0.0
    assert harness.reasons() == [("ReasonRaised", ABOUT), ("ReasonCleared", ABOUT)]


def test_a_drain_is_trusted_until_its_deadline_if_there_was_a_proof_lately(clock: Callable[[float], float]) -> None:
    harness = CheckHarness()
    harness.commits.on_accepted(clock(0.0))
    harness.check.begin_drain(5.9, 20.0)
    harness.check.end_drain()
    harness.check.begin_drain(6.0, 20.0)
    assert harness.guard.trusted == [20.0 + CLOSE_GRACE_S, -math.inf]


def test_the_drain_of_a_revocation_is_trusted_because_the_group_has_asked_for_it() -> None:
    harness = CheckHarness()
    harness.check.begin_drain(100.0, 115.0, revoked=True)
    assert harness.guard.trusted == [115.0 + CLOSE_GRACE_S]
