"""A commit on its way to the broker and back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError

from tests.simulation.kafka_types import FakePartition

if TYPE_CHECKING:
    from connector.core.record import TopicPartition
    from tests.simulation.group_client import GroupClient
    from tests.simulation.threads import VirtualThread


class CommitRequest:
    """One commit request under way; `thread` waits for its answer, or it becomes an operation."""

    def __init__(
        self, client: GroupClient, asked: dict[TopicPartition, tuple[int, str]], thread: VirtualThread | None
    ) -> None:
        self.answers: list[FakePartition] | None = None
        self.error: KafkaError | None = None
        self._client = client
        self._asked = asked
        self._thread = thread
        self._sender = (client.member_id, client.generation)

    def send(self) -> None:
        """Arrive at the broker after a while; one that is down answers when it is back, with an error."""
        world, broker = self._client.world, self._client.broker
        arrives = world.now + broker.commit_delay() + world.random.uniform(0.001, 0.05)
        # Requests of one connection don't overtake each other.
        self._client.last_arrival = max(arrives, self._client.last_arrival)
        world.at(self._client.last_arrival, self._arrive)

    def _arrive(self) -> None:
        client = self._client
        world, broker = client.world, client.broker
        if not broker.up or client.cut_off:
            client.held_up_until = max(client.held_up_until, world.now + (delay_s := world.random.uniform(1.0, 20.0)))
            world.after(delay_s, self._answer, {}, KafkaError._TRANSPORT)
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
            callback = partial(self._client.call_back, "on_commit", self.error, self.answers)
            self._client.add(callback)
