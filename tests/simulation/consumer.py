"""A `confluent_kafka.Consumer` on the fake broker: what librdkafka does for one member of the group.

Theory of operation
1. What librdkafka's own threads do (heartbeats, joining, answers of commits) are events of the world, which happen
   while the process is neither dead nor frozen. What they have for the application waits as *operations*.
2. `consume`, `poll` and `close` serve operations: they call the callbacks, in the thread that called them.
3. Adversities: a `consume` may return records of a partition that was revoked within the same call; a woken process
   goes on with what it had fetched until it hears from the group; a paused partition comes back paused.
"""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from connector.core.record import TopicPartition
from tests.simulation.threads import current_thread
from tests.simulation.world import Process, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.core.record import Record
    from tests.simulation.broker import Broker
    from tests.simulation.threads import VirtualThread

IDLE_S = 1.0
"""How long a poll without a result takes, if it was asked for less: what happens between does not depend on it."""
HEARTBEAT_S = 3.0


@dataclass(slots=True)
class FakePartition:
    """In place of `confluent_kafka.TopicPartition` in answers: an error can be set here."""

    topic: str
    partition: int
    offset: int = -1001
    metadata: str | None = None
    error: KafkaError | None = None
    leader_epoch: int | None = None


class FakeMessage:
    """In place of `confluent_kafka.Message`."""

    __slots__ = ("_error", "_record")

    def __init__(self, record: Record, error: KafkaError | None = None) -> None:
        self._record = record
        self._error = error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return self._record.topic

    def partition(self) -> int:
        return self._record.partition

    def offset(self) -> int:
        return self._record.offset

    def timestamp(self) -> tuple[int, int | None]:
        return 1, self._record.timestamp_ms

    def key(self) -> bytes | None:
        return self._record.key

    def value(self) -> bytes | None:
        return self._record.value

    def headers(self) -> list[tuple[str, bytes | None]]:
        return list(self._record.headers)


class FakeConsumer:
    """One member's client."""

    def __init__(self, process: Process, broker: Broker, callbacks: dict[str, Any]) -> None:
        self.member_id = ""
        self.assigned: dict[TopicPartition, int] = {}
        """The position of each assigned partition."""
        self.generation = -1
        self.last_arrival = 0.0
        """When the last commit arrives at the broker."""
        self.process = process
        self._world = process.world
        self._broker = broker
        self._callbacks = callbacks
        self._topics: Sequence[str] = ()
        self._paused: set[TopicPartition] = set()
        self._invalid: set[TopicPartition] = set()
        """Partitions whose position has been deleted, which was reported."""
        self._fetched: dict[TopicPartition, int] = {}
        """While the broker is down: up to where records were fetched before."""
        self._operations: deque[Callable[[], None]] = deque()
        self._rebalances = 0
        """Operations about partitions that wait or are being served."""
        self._must_join = False
        self._poller: VirtualThread | None = None
        self._closed = False
        broker.clients.append(self)

    @classmethod
    def build(cls, broker: Broker, properties: dict[str, Any], **_: object) -> FakeConsumer:
        """Take the place of `confluent_kafka.Consumer`, called in a thread of a process."""
        process = World.current.running
        assert process is not None
        return cls(process, broker, properties)

    @property
    def responsive(self) -> bool:
        return self.process.alive and not self.process.frozen and not self._closed

    # -- in the background --------------------------------------------------------------------------------------

    def on_data(self) -> None:
        if self._poller is not None:
            self._world.after(self._world.random.uniform(0.001, 0.05), self._wake_poller)

    def on_rebalance(self) -> None:
        self._must_join = True
        if self._broker.eager:
            self._add_rebalance(self._serve_revoke, None)
        else:
            self._join_if_possible()

    def on_sync(self, generation: int, target: set[TopicPartition]) -> None:
        self.generation = generation
        owned = set(self.assigned)
        if self._broker.eager:
            self._add_rebalance(self._serve_assign, target)
            return
        if owned - target:
            self._must_join = True
            self._add_rebalance(self._serve_revoke, owned - target)
        self._add_rebalance(self._serve_assign, target - owned)

    def on_removed(self) -> None:
        self._world.after(self._world.random.uniform(0.0, HEARTBEAT_S), self._lose, self.member_id)

    def on_broker_down(self) -> None:
        random, logs = self._world.random, self._broker.logs
        self._fetched = {one: min(logs[one].end, at + random.randint(0, 30)) for one, at in self.assigned.items()}
        self._world.after(self._broker.session_s, self._expire, self.member_id, self._world.now)
        self._world.after(random.uniform(0.0, 2.0), self._report_down)

    def on_wake(self, frozen_s: float) -> None:
        """Called when the process goes on after it was frozen."""
        if self.member_id and (self.member_id not in self._broker.members or frozen_s >= self._broker.session_s):
            self._world.after(self._world.random.uniform(0.0, 0.5), self._lose, self.member_id)

    def _expire(self, member_id: str, since: float) -> None:
        if not self._broker.up and self._world.now - since >= self._broker.session_s:
            self._lose(member_id)

    def _report_down(self) -> None:
        if not self._broker.up and self.responsive:
            self._add(partial(self._call_back, "error_cb", KafkaError(KafkaError._ALL_BROKERS_DOWN)))

    def _lose(self, member_id: str) -> None:
        """Hear that the group goes on without this member."""
        if not self.process.alive or self._closed or member_id != self.member_id or not member_id:
            return
        if self.process.frozen:
            self._world.after(0.5, self._lose, member_id)
            return
        self._world.note(f"{member_id} hears that it was removed")
        self.member_id = ""
        self._must_join = True
        self._add_rebalance(self._serve_lost, None)

    def _join_if_possible(self) -> None:
        if not self._must_join or self._rebalances or not self.process.alive or self._closed:
            return
        if not self._broker.up or self.process.frozen:
            self._world.after(1.0, self._join_if_possible)
            return
        if self.member_id and self.member_id not in self._broker.members:
            self._lose(self.member_id)
            return
        self._must_join = False
        if self.member_id:
            self._broker.rejoin(self.member_id, set(self.assigned))
        else:
            self.member_id = self._broker.join(self)

    def _add(self, operation: Callable[[], None]) -> None:
        self._operations.append(operation)
        self._wake_poller()

    def _add_rebalance(self, serve: Callable[[Any], None], partitions: set[TopicPartition] | None) -> None:
        self._rebalances += 1
        self._add(partial(self._serve_rebalance, serve, partitions))

    def _wake_poller(self) -> None:
        if self._poller is not None:
            self._poller.wake()

    # -- operations ---------------------------------------------------------------------------------------------

    def _serve(self) -> bool:
        served = False
        while self._operations:
            served = True
            self._operations.popleft()()
        return served

    def _serve_rebalance(self, serve: Callable[[Any], None], partitions: set[TopicPartition] | None) -> None:
        try:
            serve(partitions)
        finally:
            self._rebalances -= 1
        self._world.after(0.0, self._join_if_possible)

    def _serve_assign(self, partitions: set[TopicPartition]) -> None:
        if not self.member_id:
            return  # removed meanwhile: what it was given is another one's
        wanted = sorted(partitions - set(self.assigned))
        self._world.note(f"assigned {_numbers(wanted)}")
        self._call_back("on_assign", self, [FakePartition(*one) for one in wanted])
        if missing := set(wanted) - set(self.assigned):
            self._world.note(f"not taken: {_numbers(missing)}")

    def _serve_revoke(self, partitions: set[TopicPartition] | None) -> None:
        given_up = sorted(set(self.assigned) & partitions if partitions is not None else set(self.assigned))
        if not given_up:
            return
        self._world.note(f"revoked {_numbers(given_up)}")
        self._call_back("on_revoke", self, [FakePartition(*one) for one in given_up])
        self._unassign(given_up)

    def _serve_lost(self, _: set[TopicPartition] | None) -> None:
        if not self.assigned:
            return
        lost = sorted(self.assigned)
        self._world.note(f"lost {_numbers(lost)}")
        self._call_back("on_lost", self, [FakePartition(*one) for one in lost])
        self._unassign(lost)

    def _call_back(self, name: str, *arguments: object) -> None:
        if (callback := self._callbacks.get(name)) is not None:
            callback(*arguments)

    # -- confluent_kafka.Consumer: records ----------------------------------------------------------------------

    def subscribe(self, topics: Sequence[str], **callbacks: Callable[..., None]) -> None:
        self._topics = topics
        self._callbacks.update(callbacks)
        self._must_join = True
        self._world.after(self._world.random.uniform(0.0, 0.5), self._join_if_possible)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[FakeMessage]:
        deadline = self._world.now + max(timeout, IDLE_S)
        messages = self._take(num_messages) if self._world.random.random() < 0.2 else []
        while True:
            served = self._serve()
            messages = messages or self._take(num_messages)
            if messages or served or self._world.now >= deadline:
                return messages
            self._wait(deadline - self._world.now)

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

    def _take(self, count: int) -> list[FakeMessage]:
        messages: list[FakeMessage] = []
        random = self._world.random
        for partition in list(self.assigned):
            if partition in self._paused or partition in self._invalid:
                continue
            log = self._broker.logs[partition]
            position = self.assigned[partition]
            end = log.end if self._broker.up else self._fetched.get(partition, 0)
            if position < log.start or position > log.end:
                self._invalid.add(partition)
                messages.append(_deleted(partition))
                continue
            records = log.after(position, min(count - len(messages), random.randint(1, 30))) if position < end else []
            messages += map(FakeMessage, records)
            if records:
                self.assigned[partition] = records[-1].offset + 1
            elif self._broker.up:
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

    def _unassign(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self.assigned.pop(partition, None)

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
            self._broker.clients.remove(self)
            if self._broker.up:
                self._broker.leave(self.member_id)

    # -- confluent_kafka.Consumer: requests ---------------------------------------------------------------------

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> SimpleNamespace:
        self._request(timeout)
        topics: dict[str, SimpleNamespace] = {}
        for name, number in self._broker.logs:
            entry = topics.setdefault(name, SimpleNamespace(topic=name, error=None, partitions={}))
            entry.partitions[number] = SimpleNamespace(id=number, error=None, leader=1)
        if topic is not None and topic not in topics:
            error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
            topics[topic] = SimpleNamespace(topic=topic, error=error, partitions={})
        return SimpleNamespace(cluster_id="cluster", topics=topics)

    def committed(self, partitions: Sequence[Any], timeout: float = -1) -> list[FakePartition]:
        self._request(timeout)
        answers = []
        for one in partitions:
            offset, metadata = self._broker.offsets.get(TopicPartition(one.topic, one.partition), (-1001, ""))
            answers.append(FakePartition(one.topic, one.partition, offset, metadata))
        return answers

    def get_watermark_offsets(
        self,
        partition: Any,
        timeout: float = -1,
        cached: bool = False,  # noqa: FBT001, FBT002 - as there
    ) -> tuple[int, int]:
        log = self._broker.logs[TopicPartition(partition.topic, partition.partition)]
        if not cached:
            self._request(timeout)
        return log.start, log.end

    def offsets_for_times(self, partitions: Sequence[Any], timeout: float = -1) -> list[FakePartition]:
        self._request(timeout)
        found = []
        for one in partitions:
            log = self._broker.logs[TopicPartition(one.topic, one.partition)]
            offset = log.at_time(one.offset / 1000)
            found.append(FakePartition(one.topic, one.partition, offset if offset < log.end else -1))
        return found

    def _request(self, timeout: float) -> None:
        """Wait for an answer of the broker, or raise."""
        thread, random = current_thread(), self._world.random
        if self._broker.up:
            thread.block(random.uniform(0.001, 0.02))
        if not self._broker.up:
            self._broker.on_up.append(thread.wake)
            thread.block(timeout if timeout > 0 else 60.0)
            code = KafkaError._TIMED_OUT if random.random() < 0.5 else KafkaError._TRANSPORT
            raise KafkaException(KafkaError(code))

    # -- confluent_kafka.Consumer: commits ----------------------------------------------------------------------

    def commit(self, *, offsets: Sequence[Any], asynchronous: bool = True) -> list[FakePartition] | None:
        asked = {TopicPartition(one.topic, one.partition): (one.offset, one.metadata or "") for one in offsets}
        self._world.note(f"commit {', '.join(f'{one} {offset}' for one, (offset, _) in asked.items())}")
        if foreign := set(asked) - set(self.assigned):
            self.process.violate(f"a commit of partitions that are not assigned: {_numbers(foreign)}")
        commit = _PendingCommit(self, asked, None if asynchronous else current_thread())
        commit.send()
        if asynchronous:
            return None
        deadline = self._world.now + 60.0
        while commit.answers is None:
            if self._world.now >= deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            current_thread().block(deadline - self._world.now)
        if commit.error is not None:
            raise KafkaException(commit.error)
        return commit.answers


class _PendingCommit:
    """One commit request under way; `thread` waits for its answer, or it becomes an operation."""

    def __init__(
        self, client: FakeConsumer, asked: dict[TopicPartition, tuple[int, str]], thread: VirtualThread | None
    ) -> None:
        self.answers: list[FakePartition] | None = None
        self.error: KafkaError | None = None
        self._client = client
        self._asked = asked
        self._thread = thread
        self._sender = (client.member_id, client.generation)

    def send(self) -> None:
        """Arrive at the broker after a while; one that is down answers when it is back, with an error."""
        world, broker = self._client._world, self._client._broker
        arrives = world.now + broker.commit_delay() + world.random.uniform(0.001, 0.05)
        # Requests of one connection don't overtake each other.
        self._client.last_arrival = max(arrives, self._client.last_arrival)
        world.at(self._client.last_arrival, self._arrive)

    def _arrive(self) -> None:
        client = self._client
        world, broker = client._world, client._broker
        if not broker.up:
            world.after(world.random.uniform(1.0, 20.0), self._answer, {}, KafkaError._TRANSPORT)
            return
        errors = broker.receive_commit(*self._sender, self._asked)
        lost = broker.loses_answer()
        code = KafkaError._TIMED_OUT if lost else None
        world.after(world.random.uniform(0.001, 0.05) + (10.0 if lost else 0.0), self._answer, errors, code)

    def _answer(self, errors: dict[TopicPartition, int | None], code: int | None) -> None:
        if errors and code is None and None not in errors.values():
            code = next(iter(errors.values()))
        self.error = None if code is None else KafkaError(code)
        self.answers = []
        for partition, (offset, metadata) in self._asked.items():
            own = errors.get(partition) if code is None else code
            error = None if own is None else KafkaError(own)
            self.answers.append(FakePartition(*partition, offset, metadata, error))
        if self._thread is not None:
            self._thread.wake()
        else:
            callback = partial(self._client._call_back, "on_commit", self.error, self.answers)
            self._client._add(callback)


def _deleted(partition: TopicPartition) -> FakeMessage:
    record = _empty_record(partition)
    return FakeMessage(record, KafkaError(KafkaError._AUTO_OFFSET_RESET))


def _empty_record(partition: TopicPartition) -> Any:
    return SimpleNamespace(topic=partition.topic, partition=partition.partition, offset=-1001)


def _numbers(partitions: Iterable[TopicPartition]) -> str:
    return " ".join(map(str, partitions)) or "nothing"
