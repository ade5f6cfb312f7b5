"""An assignment with one partition of a fake consumer, as the tests of leases and records use it."""

from __future__ import annotations

import asyncio
from functools import partialmethod
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.findings import Finding
from connector.core.record import TopicPartition
from connector.kafka.assignment import Assignment
from connector.kafka.bridge import Bridge
from connector.kafka.broker_diagnosis import BrokerDiagnosis
from connector.kafka.commits import Commits
from connector.kafka.readiness import Readiness
from connector.kafka.records import group_by_lease
from connector.kafka.topic_rights import TopicRights
from connector.language.message import verbatim
from connector.settings.models import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.events import Event
    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.kafka.chunks import Chunk

PARTITION = TopicPartition("orders", 0)


def message(
    offset: int, error: KafkaError | None = None, headers: list[tuple[str, bytes | None]] | None = None
) -> Message:
    """Return a message of PARTITION at an offset, which is also its time, or an error."""
    topic, partition = PARTITION
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        value=b"{}",
        error=error,
        timestamp=(1, offset),
        headers=headers,  # type: ignore[arg-type] # that of a header may be missing
    )


class FakeConsumer:
    """The group has committed 90; the partition's earliest offset is `earliest`. Keeps what was asked of it.

    Every partition has the leader 1. `refusing` are the partitions whose leader does not answer.
    """

    def __init__(self) -> None:
        self.earliest = 0
        self.end = 1_000
        self.answers = True
        self.committed_at: dict[tuple[str, int], int] = {PARTITION: 90}
        self.metadata: dict[tuple[str, int], str] = {}
        """What the group's commits carry."""
        self.refusing: set[tuple[str, int]] = set()
        self.refuses_seek = False
        self.missing_topics: set[str] = set()
        self.calls: list[tuple[str, list[int]]] = []
        """Every `assign`, `seek`, with its offsets."""
        self.unassigned: list[tuple[str, int]] = []
        self.paused: set[tuple[str, int]] = set()
        self.committed_offsets: list[int] = []
        self.unanswered: list[list[KafkaTopicPartition]] = []
        """The asynchronous commits that were not answered yet."""

    def committed(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        del timeout
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        found = [(one.topic, one.partition) for one in partitions]
        return [
            KafkaTopicPartition(*one, self.committed_at.get(one, -1001), self.metadata.get(one, "")) for one in found
        ]

    def get_watermark_offsets(self, partition: KafkaTopicPartition, timeout: float) -> tuple[int, int]:
        del timeout
        if (partition.topic, partition.partition) in self.refusing:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return self.earliest, self.end

    def seek(self, partition: KafkaTopicPartition) -> None:
        if self.refuses_seek:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.calls.append(("seek", [partition.offset]))

    def incremental_assign(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.calls.append(("assign", [one.offset for one in partitions]))

    def incremental_unassign(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.unassigned += [(one.topic, one.partition) for one in partitions]

    assign, unassign = incremental_assign, partialmethod(incremental_unassign, ())

    def list_topics(self, topic: str = "", timeout: float = 0.0) -> SimpleNamespace:
        del timeout
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        missing = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART) if topic in self.missing_topics else None
        partitions = {number: SimpleNamespace(leader=number % 2) for number in range(4)}
        return SimpleNamespace(topics={topic: SimpleNamespace(error=missing, partitions=partitions)})

    def pause(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.paused |= {(one.topic, one.partition) for one in partitions}

    def resume(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.paused -= {(one.topic, one.partition) for one in partitions}

    def commit(self, offsets: Sequence[KafkaTopicPartition], *, asynchronous: bool) -> list[KafkaTopicPartition]:
        if asynchronous:
            self.unanswered.append(list(offsets))
        for one in offsets:
            self.committed_at[one.topic, one.partition] = one.offset
            self.metadata[one.topic, one.partition] = one.metadata or ""
        self.committed_offsets += [one.offset for one in offsets]
        return list(offsets)

    def offsets_for_times(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        """The record at each offset is of that time."""
        del timeout
        found = [(one.topic, one.partition, one.offset if one.offset < self.end else -1) for one in partitions]
        return [KafkaTopicPartition(*one) for one in found]


class AssignmentHarness:
    """An assignment that was given PARTITION, from offset 90, and the excluded topic `letters`."""

    def __init__(self, properties: dict[str, str | int | float | bool]) -> None:
        self.events: list[Event] = []
        self.deadlines: list[float | None] = []
        self.fake = FakeConsumer()
        self.consumer = cast("Consumer", self.fake)
        bridge = self.bridge = Bridge(self.events.append, self._close, {})
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g", properties=properties)
        diagnosis = BrokerDiagnosis(kafka, lambda server, _: Finding("broker", server, "ok", verbatim("")))
        self.readiness = Readiness(bridge.emit_from_thread, lambda: True, TopicRights(kafka), diagnosis)
        self.commits = Commits(bridge)
        self.assignment = Assignment(kafka, "letters", bridge, self.commits, self.readiness)
        self.partitions = [KafkaTopicPartition(*PARTITION), KafkaTopicPartition("letters", 0)]
        self.assignment.on_assign(self.consumer, self.partitions)
        self.resolve()
        [(self.lease, _)] = self.assignment.take_new_leases()

    async def _close(self, leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
        self.deadlines.append(deadline)
        return {lease: lease.end() for lease in leases}

    def resolve(self) -> None:
        """Look up where partitions start or go on, whenever that was done last; starts are committed in between."""
        self.assignment._next_pass = 0.0
        self.assignment.resolve(self.consumer)
        if self.fake.unanswered:
            self.commits.on_commit(None, self.fake.unanswered.pop())
            self.resolve()

    def group(self, *messages: Message) -> list[tuple[Lease, list[int]]]:
        """Group messages as the thread does; each error means that the next offset is deleted."""
        return [(lease, [record.offset for record in records]) for lease, records in self.group_records(*messages)]

    def group_records(self, *messages: Message) -> Chunk:
        """Group messages like `group`, but return the records."""
        chunk = group_by_lease(
            messages,
            self.assignment,
            lambda _: self.assignment.on_invalid_position(PARTITION),
            self.bridge.emit_from_thread,
        )
        self.resolve()
        return chunk


def in_thread(scenario: Callable[[AssignmentHarness], None], **properties: str) -> list[Event]:
    """Run a scenario in a thread beside the event loop, as the consumer's; return the events."""

    async def main() -> list[Event]:
        harness = AssignmentHarness({name.replace("_", "."): value for name, value in properties.items()})
        await asyncio.to_thread(scenario, harness)
        await asyncio.sleep(0)  # what the thread has posted
        return harness.events

    return asyncio.run(main())
