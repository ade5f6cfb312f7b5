"""Leases that begin, pause and end with a fake consumer's partitions, and the records that are grouped by them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.events import RetentionGap
from connector.core.ledger import Lease, LeaseState
from connector.core.record import TopicPartition
from connector.kafka.assignment import Assignment
from connector.kafka.bridge import Bridge
from connector.kafka.commits import Commits
from connector.kafka.consumer import group_by_lease
from connector.kafka.readiness import Readiness
from connector.settings.models import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.events import Event

PARTITION = TopicPartition("orders", 0)
DELETED = KafkaError(KafkaError._AUTO_OFFSET_RESET)


class _FakeMessage:
    """A message of PARTITION at an offset, or an error."""

    def __init__(self, offset: int, error: KafkaError | None = None) -> None:
        self._offset, self._error = offset, error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return PARTITION.topic

    def partition(self) -> int:
        return PARTITION.partition

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, 0

    def key(self) -> None:
        return None

    def value(self) -> bytes:
        return b"{}"

    headers = key


class _FakeConsumer:
    """The group has committed 90; the partition's earliest offset is `earliest`. Keeps what was asked of it."""

    def __init__(self) -> None:
        self.earliest = 0
        self.assigned_at: list[int] = []
        self.paused: set[tuple[str, int]] = set()
        self.committed_offsets: list[int] = []

    def committed(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        del timeout
        return [KafkaTopicPartition(one.topic, one.partition, 90) for one in partitions]

    def get_watermark_offsets(self, partition: KafkaTopicPartition, timeout: float) -> tuple[int, int]:
        del partition, timeout
        return self.earliest, 1_000

    def incremental_assign(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.assigned_at += [one.offset for one in partitions]

    def incremental_unassign(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        """Accepts it."""

    def pause(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.paused |= {(one.topic, one.partition) for one in partitions}

    def resume(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.paused -= {(one.topic, one.partition) for one in partitions}

    def commit(self, offsets: Sequence[KafkaTopicPartition], *, asynchronous: bool) -> list[KafkaTopicPartition]:
        assert not asynchronous
        self.committed_offsets += [one.offset for one in offsets]
        return list(offsets)


class AssignmentHarness:
    """An assignment that was given PARTITION, from offset 90, and the excluded topic `letters`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fake = _FakeConsumer()
        self.consumer = cast("Consumer", self.fake)
        bridge = Bridge(self.events.append, self._close, {})
        readiness = Readiness(bridge.emit_from_thread, lambda: True)
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g")
        self.assignment = Assignment(kafka, "letters", bridge, Commits(bridge), readiness)
        self.partitions = [KafkaTopicPartition(*PARTITION), KafkaTopicPartition("letters", 0)]
        self.assignment.on_assign(self.consumer, self.partitions)
        [(self.lease, _)] = self.assignment.take_new_leases()

    async def _close(self, leases: Sequence[Lease], deadline_s: float) -> dict[Lease, int]:
        del deadline_s
        return {lease: lease.end() for lease in leases}

    def group(self, *messages: _FakeMessage) -> list[tuple[Lease, list[int]]]:
        """Group messages as the thread does; each error means that the next offset is deleted."""
        chunk = group_by_lease(
            cast("Sequence[Message]", messages),
            self.assignment,
            lambda _: self.assignment.skip_deleted(self.consumer, PARTITION),
        )
        return [(lease, [record.offset for record in records]) for lease, records in chunk]


def in_thread(scenario: Callable[[AssignmentHarness], None]) -> list[Event]:
    """Run a scenario in a thread beside the event loop, as the consumer's; return the events."""

    async def main() -> list[Event]:
        harness = AssignmentHarness()
        await asyncio.to_thread(scenario, harness)
        await asyncio.sleep(0)  # what the thread has posted
        return harness.events

    return asyncio.run(main())


def test_records_are_grouped_by_lease_without_those_handed_over_before() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        assert harness.group(_FakeMessage(90), _FakeMessage(91)) == [(harness.lease, [90, 91])]
        assert harness.group(_FakeMessage(91), _FakeMessage(92)) == [(harness.lease, [92])]
        assert harness.group(_FakeMessage(91)) == []

    in_thread(scenario)


def test_a_record_before_the_first_one_of_its_lease_is_an_error() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        with pytest.raises(RuntimeError, match="received offset 89"):
            harness.group(_FakeMessage(89))

    in_thread(scenario)


def test_records_of_a_partition_revoked_in_the_same_call_are_dropped() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.group(_FakeMessage(90)) == []
        assert harness.lease.state is LeaseState.ENDED

    in_thread(scenario)


def test_a_lost_partition_ends_its_lease_without_a_commit() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.lease.watermark = 95
        harness.assignment.on_lost(harness.consumer, harness.partitions)
        assert harness.lease.state is LeaseState.ENDED
        assert harness.fake.committed_offsets == []

    in_thread(scenario)


def test_a_revoked_partition_commits_the_watermark_of_its_lease() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.lease.watermark = 95
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.fake.committed_offsets == [95]

    in_thread(scenario)


def test_the_excluded_topic_gets_no_lease() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        assert harness.fake.assigned_at == [90]
        assert harness.assignment.find(TopicPartition("letters", 0)) is None

    in_thread(scenario)


def test_records_received_before_a_gap_are_handed_over_and_only_deleted_ones_count_as_lost() -> None:
    """One call of consume() may return the last records before the gap together with the error."""

    def scenario(harness: AssignmentHarness) -> None:
        harness.fake.earliest = 130
        assert harness.group(_FakeMessage(90), _FakeMessage(91), _FakeMessage(-1, DELETED)) == [
            (harness.lease, [90, 91])
        ]
        assert harness.fake.assigned_at == [90, 130]
        assert harness.group(_FakeMessage(130)) == [(harness.lease, [130])]

    assert [event.records for event in in_thread(scenario) if isinstance(event, RetentionGap)] == [38]


def test_records_of_a_topic_before_it_was_re_created_do_not_count_for_its_new_lease() -> None:
    """One call of consume() may return the last records of the old topic together with the error."""

    def scenario(harness: AssignmentHarness) -> None:
        assert harness.group(_FakeMessage(90), _FakeMessage(91), _FakeMessage(-1, DELETED)) == []
        [(new_lease, records)] = harness.assignment.take_new_leases()
        assert (new_lease.start, list(records)) == (0, [])
        assert harness.lease.state is LeaseState.ENDED
        assert harness.group(_FakeMessage(0)) == [(new_lease, [0])]

    in_thread(scenario)


def test_a_lease_is_paused_only_when_the_grace_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.pause([harness.lease])
        assert harness.assignment.apply_due_pauses(harness.consumer) > 0
        assert not harness.fake.paused
        monkeypatch.setattr("connector.kafka.assignment.PAUSE_GRACE_S", 0.0)
        harness.assignment.pause([harness.lease])
        assert harness.assignment.apply_due_pauses(harness.consumer) == 0
        assert harness.fake.paused == {PARTITION}
        harness.assignment.resume(harness.consumer, [harness.lease])
        assert not harness.fake.paused

    in_thread(scenario)


def test_a_lease_that_is_resumed_within_the_grace_is_never_paused() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.pause([harness.lease])
        harness.assignment.resume(harness.consumer, [harness.lease])
        assert harness.assignment.apply_due_pauses(harness.consumer) == 0
        assert not harness.fake.paused

    in_thread(scenario)
