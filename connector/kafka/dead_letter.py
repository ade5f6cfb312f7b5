"""The dead-letter topic as a sink: a dead letter counts only after the topic has acknowledged it (acks=all).

Key, value and headers of the record stay untouched; `core/letters.py` adds the headers that say where it came from, why
it failed, what the platform answered and under which config. The timestamp is the time of producing: with the record's
own, retention would delete the dead letter at once.

What is too large for the topic
1. The producer sends batches, and a broker refuses a whole batch that is too large. So a letter that was refused for
   its size is produced again, alone: by a producer whose batches hold one message.
2. A letter that is refused alone is produced in smaller and smaller forms, which lack headers, key or value and say so;
   replay reads what is missing from the record's origin.
3. If none fits, the topic counts as unavailable, like after any other failure: nothing settles, and all is tried again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self

from confluent_kafka import KafkaError

from connector.core.events import DeadLettered, Notice, ReasonCleared, ReasonRaised
from connector.core.letters import ADDED_HEADERS_BYTES, Subject, letter_messages
from connector.core.record import Failure, TopicPartition
from connector.core.sink import Verdict, VerdictKind
from connector.kafka.acknowledged_producer import AcknowledgedProducer
from connector.kafka.dead_letter_topic import DeadLetterTopic
from connector.kafka.errors import TOO_LARGE, kafka_says
from connector.kafka.properties import producer_properties
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.events import Emit
    from connector.core.letters import LetterMessage
    from connector.core.record import Item, Record
    from connector.language.message import Message
    from connector.settings.models import Kafka

_ALONE: Final = {"batch.num.messages": 1, "linger.ms": 0}
"""A batch of one message, so that a refusal for its size speaks of that message."""


def first_attempt(record: Record) -> Subject:
    """Return a consumed record as what its dead letter is about."""
    return Subject(record, 1)


class DeadLetterSink:
    """Produces dead letters. Lives from `build`, on the event loop, to `close`.

    `subject_of` returns what the dead letter of an item's record is about: another record while letters are replayed.
    """

    def __init__(
        self,
        properties: dict[str, Any],
        topic: str,
        group: str,
        emit: Emit,
        subject_of: Callable[[Record], Subject],
    ) -> None:
        self._properties = properties
        self._topic = topic
        self._group = group
        self._emit = emit
        self._subject_of = subject_of
        self._batching = AcknowledgedProducer.build(properties)
        self._alone: AcknowledgedProducer | None = None
        """Built when it is needed first."""
        self._state = DeadLetterTopic(properties, topic)
        self._topic_ensured = False
        self._warned: set[str] = set()
        self._failing = False

    @classmethod
    def build(
        cls,
        kafka: Kafka,
        topic: str,
        emit: Emit,
        subject_of: Callable[[Record], Subject] = first_attempt,
    ) -> Self:
        """Create the producer. No network: a broker that is away shows when producing."""
        return cls(producer_properties(kafka), topic, kafka.group_id, emit, subject_of)

    def close(self) -> None:
        """Stop producing and drop what is not acknowledged: it was never settled."""
        self._batching.close()
        if self._alone is not None:
            self._alone.close()

    # -- the sink -----------------------------------------------------------------------------------------------

    is_ready = True
    """There is no token to wait for."""

    async def ready(self) -> None:
        """Return at once."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Produce the items and wait for each to be acknowledged; those that failed are to be sent again."""
        if error := await self._ensure_topic():
            return self._failed(error, frozenset())
        errors = await asyncio.gather(*(self._produce(item) for item in items))
        done = frozenset(position for position, error in enumerate(errors) if error is None)
        self._emit_dead_lettered([item for item, error in zip(items, errors, strict=True) if error is None])
        first = next((error for error in errors if error is not None), None)
        if first is not None:
            return self._failed(first, done)
        self._clear()
        return Verdict(VerdictKind.DELIVERED, detail=f"acknowledged by {self._topic}")

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        """Return about how many bytes each message takes."""
        records = [item.record for item in items]
        return [len(record.value or b"") + len(record.key or b"") + ADDED_HEADERS_BYTES for record in records]

    def request_overhead(self, params: bytes) -> int:
        """Return 0: each dead letter is a message of its own."""
        del params
        return 0

    def on_emptied(self) -> None:
        """Called when no letter waits any more: those that failed may have left with their partitions.

        Nothing is left then that could show that the topic takes letters again.
        """
        self._clear()

    def _clear(self) -> None:
        if self._failing:
            self._failing = False
            self._emit(ReasonCleared("dead_letter_unavailable", self._topic))

    # -- producing ----------------------------------------------------------------------------------------------

    def _failed(self, error: KafkaError, done: frozenset[int]) -> Verdict:
        self._failing = True
        self._topic_ensured = False  # whatever the error: the topic may have been deleted
        self._emit(ReasonRaised("dead_letter_unavailable", self._topic, self._remedy(error)))
        return Verdict(VerdictKind.AGAIN, detail=f"{self._topic}: {error.str()}", done=done)

    def _remedy(self, error: KafkaError) -> Message:
        topic = self._topic
        remedies = dict.fromkeys(TOO_LARGE, message("raise max.message.bytes of topic {topic}", topic=topic))
        remedies[KafkaError.INVALID_RECORD] = message("set cleanup.policy=delete of topic {topic}", topic=topic)
        otherwise = message("make topic {topic} writable for this user, or create it", topic=topic)
        return kafka_says(remedies.get(error.code(), otherwise), error)

    def _emit_dead_lettered(self, items: Sequence[Item]) -> None:
        alike: dict[tuple[str, str, str, str, str], list[Record]] = {}
        for item in items:
            failure = item.failure or Failure("")
            key = (item.route, failure.reason, failure.target, failure.field, failure.detail)
            alike.setdefault(key, []).append(item.record)
        for (route, reason, target, field, detail), records in alike.items():
            offsets = [(TopicPartition(one.topic, one.partition), [one.offset]) for one in records]
            self._emit(DeadLettered(route, reason, len(records), offsets, target, field, detail))

    async def _ensure_topic(self) -> KafkaError | None:
        if self._topic_ensured:
            return None
        state = await asyncio.to_thread(self._state.ensure)
        self._topic_ensured = state.error is None
        for warning in state.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._emit(Notice("warning", warning, {}))
        return state.error

    async def _produce(self, item: Item) -> KafkaError | None:
        messages = letter_messages(item, self._subject_of(item.record), self._group)
        whole = next(messages)
        error = await self._batching.produce(self._topic, whole)
        if error is not None and error.code() in TOO_LARGE:
            error = await self._produce_alone([whole, *messages])
        return error

    async def _produce_alone(self, messages: Sequence[LetterMessage]) -> KafkaError | None:
        """Produce the first of the messages that the topic takes, each in a batch of its own."""
        if self._alone is None:
            self._alone = AcknowledgedProducer.build({**self._properties, **_ALONE})
        limit: int | None = None
        error: KafkaError | None = None
        for letter in messages:
            if limit is not None and letter.size > limit:
                continue  # hopeless
            error = await self._alone.produce(self._topic, letter)
            if error is None or error.code() not in TOO_LARGE:
                return error
            limit = limit or await asyncio.to_thread(self._state.message_limit)
        return error
