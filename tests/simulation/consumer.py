"""A `confluent_kafka.Consumer` on the fake broker.

Adversities: a `consume` may return records of a partition that was revoked within the same call; a paused partition
comes back paused; while the broker is down, what was fetched before is still returned.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, Message

from connector.core.record import TopicPartition
from tests.simulation.commit_request import CommitRequest
from tests.simulation.group_client import GroupClient
from tests.simulation.kafka_types import FakePartition, deleted, message_of, numbers
from tests.simulation.threads import EPOCH_S, current_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

IDLE_S = 1.0
"""How long a poll without a result takes, if it was asked for less: what happens between does not depend on it."""


class FakeConsumer(GroupClient):
    """What the connector's thread calls. The arguments are those of confluent_kafka."""

    # -- confluent_kafka.Consumer: records ----------------------------------------------------------------------

    def subscribe(self, topics: Sequence[str], **callbacks: Callable[..., None]) -> None:
        del topics  # there is one
        self._callbacks.update(callbacks)
        self._must_join = True
        self.world.after(self.world.random.uniform(0.0, 0.5), self._join_if_possible)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        deadline = self.world.now + max(timeout, IDLE_S)
        messages = self._take(num_messages) if self.world.random.random() < 0.2 else []
        while True:
            served = self._serve()
            messages = messages or self._take(num_messages)
            if messages or served or self.world.now >= deadline:
                return messages
            self._wait(deadline - self.world.now)

    def poll(self, timeout: float = -1) -> None:
        """Serve operations; the connector takes no records with it."""
        if not self._serve() and timeout > 0:
            self._wait(timeout)
            self._serve()

    def _wait(self, seconds: float) -> None:
        thread = self._poller = current_thread()
        thread.on_poll = True
        thread.block(seconds)
        self._poller, thread.on_poll = None, False

    def _take(self, count: int) -> list[Message]:
        messages: list[Message] = []
        random = self.world.random
        for partition in list(self.assigned):
            if partition in self._paused or partition in self._invalid:
                continue
            log = self.broker.logs[partition]
            position = self.assigned[partition]
            end = log.end if self.broker.up else self._fetched.get(partition, 0)
            if position < log.start or position > log.end:
                self._invalid.add(partition)
                messages.append(deleted(partition))
                continue
            records = log.after(position, min(count - len(messages), random.randint(1, 30))) if position < end else []
            messages += map(message_of, records)
            if records:
                self.assigned[partition] = records[-1].offset + 1
            elif self.broker.up:
                self.assigned[partition] = log.end  # past transaction markers
            if len(messages) >= count:
                break
        return messages

    def pause(self, partitions: Iterable[Any]) -> None:
        self._paused |= {TopicPartition(one.topic, one.partition) for one in partitions} & set(self.assigned)

    def resume(self, partitions: Iterable[Any]) -> None:
        self._paused -= {TopicPartition(one.topic, one.partition) for one in partitions}

    def position(self, partitions: Iterable[Any]) -> list[FakePartition]:
        return [
            FakePartition(one.topic, one.partition, self.assigned.get(TopicPartition(one.topic, one.partition), -1001))
            for one in partitions
        ]

    # -- confluent_kafka.Consumer: partitions -------------------------------------------------------------------

    def assign(self, partitions: Iterable[Any]) -> None:
        self.assigned.clear()
        self._assign(partitions)

    def incremental_assign(self, partitions: Iterable[Any]) -> None:
        self._assign(partitions)

    def _assign(self, partitions: Iterable[Any]) -> None:
        for one in partitions:
            partition = TopicPartition(one.topic, one.partition)
            self.assigned[partition] = one.offset
            self._invalid.discard(partition)

    def unassign(self) -> None:
        self._unassign(list(self.assigned))

    def incremental_unassign(self, partitions: Iterable[Any]) -> None:
        self._unassign([TopicPartition(one.topic, one.partition) for one in partitions])

    def seek(self, partition: Any) -> None:
        one = TopicPartition(partition.topic, partition.partition)
        if one not in self.assigned or one in self._invalid:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.assigned[one] = partition.offset

    def assignment(self) -> list[FakePartition]:
        return [FakePartition(*partition) for partition in self.assigned]

    def consumer_group_metadata(self) -> bytes:
        generation = self.generation if self.member_id else -1
        return b"CGMDv2:" + generation.to_bytes(4, sys.byteorder, signed=True)

    def memberid(self) -> str:
        return self.member_id

    def close(self) -> None:
        if not self._closed:
            self._serve_revoke(None)
            self._closed = True
            self.broker.clients.remove(self)
            if self.broker.up and not self.cut_off:
                self.broker.leave(self.member_id)

    # -- confluent_kafka.Consumer: requests ---------------------------------------------------------------------

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> SimpleNamespace:
        self._request(timeout)
        topics: dict[str, SimpleNamespace] = {}
        for name, number in self.broker.logs:
            entry = topics.setdefault(name, SimpleNamespace(topic=name, error=None, partitions={}))
            entry.partitions[number] = SimpleNamespace(id=number, error=None, leader=1)
        if topic is not None and topic not in topics:
            error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
            topics[topic] = SimpleNamespace(topic=topic, error=error, partitions={})
        return SimpleNamespace(cluster_id="cluster", topics=topics)

    def committed(self, partitions: Sequence[Any], timeout: float = -1) -> list[FakePartition]:
        behind_s = self.last_arrival - self.world.now
        if behind_s > 0:  # the commits of before go over the same connection
            current_thread().block(min(behind_s, timeout) if timeout > 0 else behind_s)
            if self.last_arrival > self.world.now:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        self._request(timeout, of_group=True)
        answers = []
        for one in partitions:
            offset, metadata = self.broker.offsets.get(TopicPartition(one.topic, one.partition), (-1001, ""))
            answers.append(FakePartition(one.topic, one.partition, offset, metadata))
        return answers

    def get_watermark_offsets(
        self,
        partition: Any,
        timeout: float = -1,
        cached: bool = False,  # noqa: FBT001, FBT002 - as there
    ) -> tuple[int, int]:
        log = self.broker.logs[TopicPartition(partition.topic, partition.partition)]
        if not cached:
            self._request(timeout)
        return log.start, log.end

    def offsets_for_times(self, partitions: Sequence[Any], timeout: float = -1) -> list[FakePartition]:
        self._request(timeout)
        found = []
        for one in partitions:
            log = self.broker.logs[TopicPartition(one.topic, one.partition)]
            offset = log.at_time(one.offset / 1000 - EPOCH_S)
            found.append(FakePartition(one.topic, one.partition, offset if offset < log.end else -1))
        return found

    def _request(self, timeout: float, *, of_group: bool = False) -> None:
        """Wait for an answer of the broker, or raise."""
        thread, random = current_thread(), self.world.random
        if of_group and self.cut_off:
            thread.block(timeout if timeout > 0 else 60.0)
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        if self.broker.up:
            thread.block(random.uniform(0.001, 0.02))
        if not self.broker.up:
            self.broker.on_up.append(thread.wake)
            thread.block(timeout if timeout > 0 else 60.0)
            code = KafkaError._TIMED_OUT if random.random() < 0.5 else KafkaError._TRANSPORT
            raise KafkaException(KafkaError(code))

    # -- confluent_kafka.Consumer: commits ----------------------------------------------------------------------

    def commit(self, *, offsets: Sequence[Any], asynchronous: bool = True) -> list[FakePartition] | None:
        asked = {TopicPartition(one.topic, one.partition): (one.offset, one.metadata or "") for one in offsets}
        self.world.note(f"commit {', '.join(f'{one} {offset}' for one, (offset, _) in asked.items())}")
        if foreign := set(asked) - set(self.assigned):
            self.process.violate(f"a commit of partitions that are not assigned: {numbers(foreign)}")
        commit = CommitRequest(self, asked, None if asynchronous else current_thread())
        commit.send()
        if asynchronous:
            return None
        deadline = self.world.now + 60.0
        while commit.answers is None:
            if self.world.now >= deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            current_thread().block(deadline - self.world.now)
        if commit.error is not None:
            raise KafkaException(commit.error)
        return commit.answers
