"""Leases that begin, pause and end with a fake consumer's partitions, and the records that are grouped by them."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import KafkaError

from connector.core.events import ReasonCleared, Rebalanced
from connector.core.ledger import LeaseState
from connector.core.record import TopicPartition
from connector.kafka.deadlines import REVOKE_DEADLINE_S
from tests.unit.kafka.assignment_harness import PARTITION, AssignmentHarness, in_thread, message

DELETED = KafkaError(KafkaError._AUTO_OFFSET_RESET)


def test_records_are_grouped_by_lease_without_those_handed_over_before() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        assert harness.group(message(90), message(91)) == [(harness.lease, [90, 91])]
        assert harness.group(message(91), message(92)) == [(harness.lease, [92])]
        assert harness.group(message(91)) == []

    in_thread(scenario)


def test_a_record_before_the_first_one_of_its_lease_is_an_error() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        with pytest.raises(RuntimeError, match="received offset 89"):
            harness.group(message(89))

    in_thread(scenario)


def test_records_of_a_partition_revoked_in_the_same_call_are_dropped() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.group(message(90)) == []
        assert harness.lease.state is LeaseState.ENDED

    in_thread(scenario)


def test_a_lost_partition_ends_its_lease_without_a_commit() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.lease.track(94, 0.0, 0)
        harness.assignment.on_lost(harness.consumer, harness.partitions)
        assert harness.lease.state is LeaseState.ENDED
        assert harness.fake.committed_offsets == []

        assert harness.deadlines == [None]
        assert harness.fake.unassigned == [PARTITION]

    assert in_thread(scenario)[-1] == Rebalanced("lost", ["orders[0]"], 0)


def test_a_revoked_partition_commits_the_watermark_of_its_lease_and_reports_what_was_released() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.lease.track(90, 0.0, 0)
        harness.lease.track(91, 0.0, 1)
        before = time.monotonic()
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.fake.committed_offsets == [91]
        [deadline] = harness.deadlines
        assert deadline is not None
        assert before + REVOKE_DEADLINE_S <= deadline <= time.monotonic() + REVOKE_DEADLINE_S
        assert harness.fake.unassigned == [PARTITION]

    events = [event for event in in_thread(scenario) if isinstance(event, Rebalanced)]
    assert events == [Rebalanced("assigned", ["orders[0]"]), Rebalanced("revoked", ["orders[0]"], 1)]


def test_a_lease_that_ended_before_it_was_handed_over_is_never_handed_over() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        harness.assignment.on_assign(harness.consumer, harness.partitions)
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.assignment.take_new_leases() == []

    in_thread(scenario)


@pytest.mark.parametrize(("answers", "committed"), [(True, [95]), (False, [])])
def test_a_stop_closes_all_leases_and_commits_only_if_a_broker_answers(
    answers: bool,  # noqa: FBT001
    committed: list[int],
) -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.lease.track(94, 0.0, 0)
        harness.fake.answers = answers
        harness.readiness.on_error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        harness.assignment.close_all(harness.consumer, 7.0)
        assert harness.deadlines == [7.0]
        assert harness.lease.state is LeaseState.ENDED
        assert harness.fake.committed_offsets == committed

    assert in_thread(scenario)[-1] == Rebalanced("revoked", ["orders[0]"], 0)


def test_an_assignment_clears_the_reasons_that_it_disproves() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        for topic in ("", "orders"):
            harness.readiness.on_error(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), topic)
            harness.readiness.on_error(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), topic)
        harness.assignment.on_assign(harness.consumer, harness.partitions)
        harness.resolve()

    cleared = [(event.code, event.target) for event in in_thread(scenario) if isinstance(event, ReasonCleared)]
    assert sorted(cleared) == [
        ("kafka_not_authorized", ""),
        ("kafka_not_authorized", "orders"),
        ("topic_missing", ""),
        ("topic_missing", "orders"),
    ]


def test_the_excluded_topic_gets_no_lease() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        assert harness.fake.calls == [("assign", [0]), ("seek", [90])]
        assert harness.assignment.find(TopicPartition("letters", 0)) is None

    in_thread(scenario)
