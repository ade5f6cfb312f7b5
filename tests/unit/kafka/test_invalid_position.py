"""A partition whose next offset does not exist: deleted, re-created or truncated. See the table in its module."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.commit_metadata import FirstSight, encode
from connector.core.events import Event, Notice, ReasonRaised, RetentionGap
from connector.core.ledger import LeaseState
from connector.core.progress import progress_of
from connector.core.record import TopicPartition
from tests.unit.kafka.assignment_harness import PARTITION, AssignmentHarness, in_thread, message

if TYPE_CHECKING:
    from confluent_kafka import Consumer

    from connector.core.ledger import Lease

INVALID = KafkaError(KafkaError._AUTO_OFFSET_RESET)


def _losses(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, RetentionGap | ReasonRaised)]


def _notices(events: list[Event]) -> list[Notice]:
    return [event for event in events if isinstance(event, Notice)]


def test_records_received_before_a_gap_are_handed_over_and_only_deleted_ones_count_as_lost() -> None:
    """One call of consume() may return the last records before the gap together with the error."""

    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.earliest = 130
        assert harness.group(message(90), message(91), message(-1, INVALID)) == [(harness.lease, [90, 91])]
        assert harness.fake.calls[-1] == ("assign", [130])
        assert harness.fake.committed_offsets == [130], "at once: a restart must not count the gap again"
        assert harness.group(message(130)) == [(harness.lease, [130])]

    gap, reason = in_thread(scenario)[-2:]
    assert gap == RetentionGap("orders", 0, 38)
    assert isinstance(reason, ReasonRaised)
    assert (reason.code, reason.target) == ("records_lost", "orders")


@pytest.mark.parametrize(("earliest", "lost"), [(130, 30), (97, 0)])
def test_what_was_settled_ahead_is_not_lost(earliest: int, lost: int) -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        progress = progress_of(90, [range(92, 97), range(100, 103)])
        harness.fake.metadata[PARTITION] = encode(progress, FirstSight(40, 1))
        harness.assignment.on_assign(harness.consumer, harness.partitions)
        harness.resolve()
        [(lease, _)] = harness.assignment.take_new_leases()
        assert harness.group(message(90), message(91)) == [(lease, [90, 91])]
        harness.fake.earliest = earliest
        assert harness.group(message(-1, INVALID)) == []
        assert harness.fake.committed_offsets[-1] == earliest

    gaps = [event.records for event in _losses(in_thread(scenario)) if isinstance(event, RetentionGap)]
    assert gaps == [lost] * (lost > 0)


def test_with_an_eager_strategy_a_gap_assigns_all_partitions_again_from_where_each_stands() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        both = [KafkaTopicPartition("orders", 0), KafkaTopicPartition("orders", 1)]
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        harness.assignment.on_assign(harness.consumer, both)
        harness.fake.committed_at["orders", 1] = 70
        harness.resolve()
        harness.fake.earliest = 130
        harness.group(message(-1, INVALID))
        assert harness.fake.calls[-1] == ("assign", [130, 70])

    in_thread(scenario, partition_assignment_strategy="range")


def test_a_topic_that_was_created_anew_starts_at_its_beginning_and_is_no_loss() -> None:
    """The broker has deleted the group's offsets with the old topic."""

    def scenario(harness: AssignmentHarness) -> None:
        old = [message(90), message(91), message(-1, INVALID)]
        harness.fake.committed_at.clear()
        harness.fake.end = 20
        assert harness.group(*old) == [(harness.lease, [90, 91])]
        [(new_lease, records)] = harness.assignment.take_new_leases()
        assert (new_lease.start, list(records)) == (0, [])
        assert harness.lease.state is LeaseState.ENDED
        assert harness.group(message(0)) == [(new_lease, [0])]
        assert harness.fake.committed_offsets == [0], "the start of the new lease"

    events = in_thread(scenario)
    assert _losses(events) == []
    assert _notices(events) == [
        Notice("warning", "partition re-created", {"partition": "orders[0]", "position": 92, "next": 0})
    ]


@pytest.mark.parametrize(("end", "start"), [(85, 85), (1_000, 87)])
def test_a_truncated_log_goes_on_a_little_before_the_time_of_the_last_record(
    monkeypatch: pytest.MonkeyPatch, end: int, start: int
) -> None:
    """Records that were appended after the truncation stand at offsets that were read before, up to the end."""
    monkeypatch.setattr("connector.kafka.invalid_position.CLOCK_SKEW_MS", 4)

    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.end = end
        harness.group(message(90), message(91), message(-1, INVALID))
        [(new_lease, _)] = harness.assignment.take_new_leases()
        assert new_lease.start == start
        assert harness.fake.calls[-1] == ("assign", [start])

    events = in_thread(scenario)
    assert _losses(events) == []
    assert _notices(events) == [
        Notice("error", "partition truncated", {"partition": "orders[0]", "position": 92, "next": start})
    ]


def test_a_log_that_was_truncated_before_anything_was_read_goes_on_at_its_beginning() -> None:
    """There is nothing to find the place by, and nothing may be passed over."""

    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.end, harness.fake.earliest = 20, 10
        harness.group(message(-1, INVALID))
        [(new_lease, _)] = harness.assignment.take_new_leases()
        assert new_lease.start == 10

    in_thread(scenario)


def test_partitions_that_all_have_a_gap_go_on_in_several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long stop: each waits for a commit, and the thread has to poll in between."""

    def scenario(harness: AssignmentHarness) -> None:
        other = TopicPartition("orders", 1)
        harness.fake.committed_at[other] = 90
        harness.assignment.on_assign(harness.consumer, [KafkaTopicPartition(*other)])
        harness.resolve()
        harness.fake.earliest = 130
        for partition in (PARTITION, other):
            harness.assignment.on_invalid_position(partition)
        commit_gap = harness.commits.commit_gap

        def until_time_is_up(consumer: Consumer, lease: Lease, offset: int) -> None:
            commit_gap(consumer, lease, offset)
            monkeypatch.setattr("connector.kafka.assignment.GO_ON_S", 0.0)

        monkeypatch.setattr(harness.commits, "commit_gap", until_time_is_up)
        for expected in ([130], [130, 130]):
            monkeypatch.setattr("connector.kafka.assignment.GO_ON_S", math.inf)
            harness.assignment._next_pass = 0.0
            harness.assignment.resolve(harness.consumer)
            assert harness.fake.committed_offsets == expected

    in_thread(scenario)


def test_a_partition_that_was_revoked_meanwhile_goes_on_nowhere() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_invalid_position(PARTITION)
        harness.assignment.on_revoke(harness.consumer, [KafkaTopicPartition(*PARTITION)])
        calls = list(harness.fake.calls)
        harness.resolve()
        assert harness.fake.calls == calls

    in_thread(scenario)
