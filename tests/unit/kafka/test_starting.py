"""Partitions start one by one: what can't be answered is put aside and asked again while the others flow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.commit_metadata import UNKNOWN_SIGHT, encode
from connector.core.events import Notice, ReasonRaised
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.kafka.assignment import MISSING_TOPIC_GRACE_S
from tests.unit.kafka.assignment_harness import PARTITION, AssignmentHarness, in_thread, message

if TYPE_CHECKING:
    import pytest

OTHERS = [TopicPartition("orders", number) for number in (1, 2, 3)]
DELETED = KafkaError(KafkaError.OFFSET_OUT_OF_RANGE)


def _assign(harness: AssignmentHarness, *partitions: TopicPartition) -> None:
    harness.assignment.on_assign(harness.consumer, [KafkaTopicPartition(*one) for one in partitions])


def _started(harness: AssignmentHarness) -> list[TopicPartition]:
    return [lease.partition for lease, _ in harness.assignment.take_new_leases()]


def test_a_partition_is_assigned_paused_and_starts_outside_the_callback() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        _assign(harness, OTHERS[0])
        assert (harness.fake.calls[-1], harness.fake.paused) == (("assign", [0]), {OTHERS[0]})
        assert harness.assignment.waiting == [OTHERS[0]]
        harness.fake.committed_at[OTHERS[0]] = 7
        harness.resolve()
        assert (harness.fake.calls[-1], harness.fake.paused) == (("seek", [7]), set())
        assert harness.assignment.waiting == []

    in_thread(scenario)


def test_a_partition_whose_leader_does_not_answer_holds_up_no_other() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.refusing = {OTHERS[0]}
        _assign(harness, *OTHERS)
        harness.resolve()
        assert _started(harness) == [OTHERS[1]], "partition 3 has the leader of partition 1"
        assert harness.assignment.waiting == [OTHERS[0], OTHERS[2]]
        harness.fake.refusing = set()
        harness.resolve()
        assert _started(harness) == [OTHERS[0], OTHERS[2]]

    messages = {event.message.split(":")[0] for event in in_thread(scenario) if isinstance(event, Notice)}
    assert messages == {"orders[1] waits", "orders[3] waits"}


def test_what_is_unanswered_is_not_asked_again_at_once() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.refusing = {OTHERS[0]}
        _assign(harness, OTHERS[0])
        harness.assignment.resolve(harness.consumer)
        harness.fake.refusing = set()
        harness.assignment.resolve(harness.consumer)
        assert harness.assignment.waiting == [OTHERS[0]]

    in_thread(scenario)


def test_a_partition_that_is_revoked_while_it_waits_never_starts() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        _assign(harness, OTHERS[0])
        harness.assignment.on_revoke(harness.consumer, [KafkaTopicPartition(*OTHERS[0])])
        assert harness.fake.unassigned == [OTHERS[0]]
        harness.resolve()
        assert _started(harness) == []

    in_thread(scenario)


def test_while_the_groups_offsets_cant_be_read_everything_waits_and_the_reason_is_raised() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.answers = False
        _assign(harness, OTHERS[0])
        harness.resolve()
        assert harness.assignment.waiting == [OTHERS[0]]

    [raised] = [event for event in in_thread(scenario) if isinstance(event, ReasonRaised)]
    assert raised.code == "kafka_unreachable"


def test_a_topic_that_was_deleted_meanwhile_starts_at_0_after_a_while_and_is_reported_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scenario(harness: AssignmentHarness) -> None:
        gone = TopicPartition("gone", 0)
        harness.fake.missing_topics = {"gone"}
        _assign(harness, gone)
        harness.resolve()
        assert harness.assignment.waiting == [gone]
        later = time.monotonic() + MISSING_TOPIC_GRACE_S + 1
        monkeypatch.setattr("connector.kafka.assignment.time.monotonic", lambda: later)
        harness.resolve()
        assert harness.fake.calls[-1] == ("seek", [0])

    [raised] = [event for event in in_thread(scenario) if isinstance(event, ReasonRaised)]
    assert (raised.code, raised.target) == ("topic_missing", "gone")


def test_a_start_whose_seek_is_refused_is_assigned_again() -> None:
    """It was fetched at its placeholder, which does not exist, before it was paused."""

    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.refuses_seek = True
        harness.fake.committed_at[OTHERS[0]] = 7
        _assign(harness, OTHERS[0])
        harness.resolve()
        assert harness.fake.unassigned == [OTHERS[0]]
        assert (harness.fake.calls[-1], harness.fake.paused) == (("assign", [7]), set())

    in_thread(scenario)


def test_a_gap_in_a_partition_without_a_leader_waits_for_it() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.refusing, harness.fake.earliest = {PARTITION}, 130
        harness.group(message(90), message(-1, DELETED))
        assert harness.assignment.find(PARTITION).next_offset == 91  # type: ignore[union-attr]
        harness.fake.refusing = set()
        harness.resolve()
        assert harness.fake.calls[-1] == ("assign", [130])

    in_thread(scenario)


# -- starts that were not committed before ----------------------------------------------------------------------


def test_a_partition_without_a_committed_offset_starts_once_its_start_is_committed() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        _assign(harness, OTHERS[0])
        harness.assignment.resolve(harness.consumer)
        assert (_started(harness), harness.assignment.waiting) == ([], [OTHERS[0]])
        assert OTHERS[0] in harness.fake.paused
        harness.commits.on_commit(None, harness.fake.unanswered.pop())
        harness.resolve()
        assert (_started(harness), harness.assignment.waiting) == ([OTHERS[0]], [])
        assert harness.fake.committed_offsets == [0]

    in_thread(scenario)


def test_a_start_whose_commit_is_refused_is_committed_again_before_anything_is_consumed() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        _assign(harness, OTHERS[0])
        harness.assignment.resolve(harness.consumer)
        del harness.fake.committed_at[OTHERS[0]]
        harness.commits.on_commit(KafkaError(KafkaError.ILLEGAL_GENERATION), harness.fake.unanswered.pop())
        harness.resolve()
        assert harness.fake.committed_offsets == [0, 0]
        assert _started(harness) == [OTHERS[0]]

    in_thread(scenario)


# -- partitions that come back ----------------------------------------------------------------------------------


def _lose_with_everything_below_95_settled(harness: AssignmentHarness) -> None:
    harness.lease.track(94, 0.0, 0)
    harness.assignment.on_lost(harness.consumer, [KafkaTopicPartition(*PARTITION)])


def test_a_partition_that_was_lost_goes_on_where_it_was_when_it_comes_back() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.metadata[PARTITION] = encode(Progress(90), UNKNOWN_SIGHT)
        _lose_with_everything_below_95_settled(harness)
        _assign(harness, PARTITION)
        harness.resolve()
        assert harness.fake.calls[-1] == ("seek", [95])

    in_thread(scenario)


def test_a_partition_that_an_operator_has_reset_meanwhile_starts_there() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        _lose_with_everything_below_95_settled(harness)
        harness.fake.committed_at[PARTITION] = 30
        _assign(harness, PARTITION)
        harness.resolve()
        assert harness.fake.calls[-1] == ("seek", [30])

    in_thread(scenario)
