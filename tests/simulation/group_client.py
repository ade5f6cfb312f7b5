"""A member's client in the background: what librdkafka's own threads do, and what waits for the application.

Theory of operation
1. Heartbeats, joining and answers are events of the world, which happen while the process is neither dead nor frozen.
   What they have for the application waits as *operations*.
2. The application's calls serve operations: they call the callbacks, in the thread that polls.
3. A woken process goes on with what it has until it hears from the group.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from tests.simulation.kafka_types import FakePartition, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.core.record import TopicPartition
    from tests.simulation.broker import Broker
    from tests.simulation.threads import VirtualThread
    from tests.simulation.world import Process

HEARTBEAT_S = 3.0


class GroupClient:
    """One member's client: what librdkafka does by itself, and the callbacks that the application's polls serve."""

    def __init__(self, process: Process, broker: Broker, callbacks: dict[str, Any]) -> None:
        self.member_id = ""
        self.assigned: dict[TopicPartition, int] = {}
        """The position of each assigned partition."""
        self.generation = -1
        self.last_arrival = 0.0
        """When the last commit arrives at the broker."""
        self.held_up_until = 0.0
        """When the last of those commits is answered that the broker did not receive: one at a time is on its way."""
        self.process = process
        self.world = process.world
        self.broker = broker
        self.cut_off = False
        """Whether the group's coordinator does not answer: neither heartbeats nor joining nor commits."""
        self._callbacks = callbacks
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

    @property
    def responsive(self) -> bool:
        return self.process.alive and not self.process.frozen and not self.cut_off and not self._closed

    # -- in the background --------------------------------------------------------------------------------------

    def on_data(self) -> None:
        if self._poller is not None:
            self.world.after(self.world.random.uniform(0.001, 0.05), self._wake_poller)

    def on_rebalance(self) -> None:
        self._must_join = True
        if self.broker.eager:
            self._add_rebalance(self._serve_revoke, None)
        else:
            self._join_if_possible()

    def on_sync(self, generation: int, target: set[TopicPartition]) -> None:
        self.generation = generation
        owned = set(self.assigned)
        if self.broker.eager:
            self._add_rebalance(self._serve_assign, target)
            return
        if owned - target:
            self._must_join = True
            self._add_rebalance(self._serve_revoke, owned - target)
        self._add_rebalance(self._serve_assign, target - owned)

    def on_removed(self, member_id: str) -> None:
        self.world.after(self.world.random.uniform(0.0, HEARTBEAT_S), self._lose, member_id)

    def on_broker_down(self) -> None:
        random, logs = self.world.random, self.broker.logs
        self._fetched = {one: min(logs[one].end, at + random.randint(0, 30)) for one, at in self.assigned.items()}
        self.world.after(self.broker.session_s, self._expire, self.member_id, self.world.now)
        self.world.after(random.uniform(0.0, 2.0), self._report_down)

    def on_wake(self, frozen_s: float) -> None:
        """Called when the process goes on after it was frozen."""
        self.world.after(self.world.random.uniform(0.0, HEARTBEAT_S), self.broker.hear_client, self)
        if self.member_id and (self.member_id not in self.broker.members or frozen_s >= self.broker.session_s):
            self.world.after(self.world.random.uniform(0.0, 0.5), self._lose, self.member_id)

    def on_restored(self) -> None:
        """Called when the group's coordinator answers again."""
        self.cut_off = False
        self.world.after(self.world.random.uniform(0.0, HEARTBEAT_S), self.broker.hear_client, self)
        if self.member_id and self.member_id not in self.broker.members:
            self.world.after(self.world.random.uniform(0.0, 0.5), self._lose, self.member_id)

    def _expire(self, member_id: str, since: float) -> None:
        if not self.broker.up and self.world.now - since >= self.broker.session_s:
            self._lose(member_id)

    def _report_down(self) -> None:
        if not self.broker.up and self.responsive:
            self.add(partial(self.call_back, "error_cb", KafkaError(KafkaError._ALL_BROKERS_DOWN)))

    def _lose(self, member_id: str) -> None:
        """Hear that the group goes on without this member."""
        if not self.process.alive or self._closed or member_id != self.member_id or not member_id:
            return
        if self.process.frozen or self.cut_off:
            self.world.after(0.5, self._lose, member_id)
            return
        self.world.note(f"{member_id} hears that it was removed")
        self.member_id = ""
        self.broker.watch_client(self)  # the group may not know yet: nobody answers for this member any more
        self._must_join = True
        self._add_rebalance(self._serve_lost, None)

    def _join_if_possible(self) -> None:
        if not self._must_join or self._rebalances or not self.process.alive or self._closed:
            return
        if not self.broker.up or self.process.frozen or self.cut_off:
            self.world.after(1.0, self._join_if_possible)
            return
        if self.member_id and self.member_id not in self.broker.members:
            self._lose(self.member_id)
            return
        self._must_join = False
        if self.member_id:
            self.broker.rejoin(self.member_id, set(self.assigned))
        else:
            self.member_id = self.broker.join(self)

    def add(self, operation: Callable[[], None]) -> None:
        """Let something wait for the application's next poll."""
        self._operations.append(operation)
        self._wake_poller()

    def _add_rebalance(self, serve: Callable[[Any], None], partitions: set[TopicPartition] | None) -> None:
        self._rebalances += 1
        self.add(partial(self._serve_rebalance, serve, partitions))

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
        self.world.after(0.0, self._join_if_possible)

    def _serve_assign(self, partitions: set[TopicPartition]) -> None:
        if not self.member_id:
            return  # removed meanwhile: what it was given is another one's
        wanted = sorted(partitions - set(self.assigned))
        self.world.note(f"assigned {numbers(wanted)}")
        self.call_back("on_assign", self, [FakePartition(*one) for one in wanted])
        if missing := set(wanted) - set(self.assigned):
            self.world.note(f"not taken: {numbers(missing)}")

    def _serve_revoke(self, partitions: set[TopicPartition] | None) -> None:
        given_up = sorted(set(self.assigned) & partitions if partitions is not None else set(self.assigned))
        if not given_up:
            return
        self.world.note(f"revoked {numbers(given_up)}")
        self.process.closing_since.update(dict.fromkeys(given_up, self.world.now))
        self.call_back("on_revoke", self, [FakePartition(*one) for one in given_up])
        for one in given_up:
            del self.process.closing_since[one]
        self._unassign(given_up)

    def _serve_lost(self, _: set[TopicPartition] | None) -> None:
        if not self.assigned:
            return
        lost = sorted(self.assigned)
        self.world.note(f"lost {numbers(lost)}")
        self.call_back("on_lost", self, [FakePartition(*one) for one in lost])
        self._unassign(lost)

    def call_back(self, name: str, *arguments: object) -> None:
        """Call what the application has registered, if anything."""
        if (callback := self._callbacks.get(name)) is not None:
            callback(*arguments)

    def _unassign(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self.assigned.pop(partition, None)
