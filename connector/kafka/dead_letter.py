"""The dead-letter topic as a sink: a dead letter counts only after the topic has acknowledged it (acks=all).

Key, value and headers of the record stay untouched; added headers say where it came from, why it failed, what the
platform answered and under which config. The timestamp is the time of producing: with the record's own, retention
would delete the dead letter at once. A value that is too large to produce is left out; replay reads it from its origin.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from connector.core.events import DeadLettered, Notice, ReasonCleared, ReasonRaised
from connector.core.sink import MAX_REPLY_BYTES, Verdict, VerdictKind
from connector.kafka.errors import FATAL, QUEUE_FULL, cause_of
from connector.kafka.properties import CLIENT_LOG, REQUEST_TIMEOUT_S, producer_properties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

    from connector.core.events import Emit
    from connector.core.record import Item, Record
    from connector.settings.models import Kafka

_CREATE_TIMEOUT_S: Final = 5.0
"""A broker without a controller does not answer for much longer, and the producer may still create the topic."""
_POLL_TIMEOUT_S: Final = 0.1
_ADDED_HEADERS_BYTES: Final = 1024
"""An estimate of the size of the added headers."""

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """What every dead letter of this process says about its producer."""

    group: str
    config: str
    """12 hex digits of the config's sha256."""


class DeadLetterSink:
    """Produces dead letters. Lives from `build`, on the event loop, to `close`; a thread serves delivery reports."""

    def __init__(self, properties: dict[str, Any], producer: Producer, topic: str, origin: Origin, emit: Emit) -> None:
        self._properties = properties
        self._producer = producer
        self._topic = topic
        self._origin = origin
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._failed_producers: list[Producer] = []
        """Polled until all their delivery reports were served."""
        self._topic_exists = False
        self._failing = False
        self._closed = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="dead-letter-callbacks", daemon=True)

    @classmethod
    def build(cls, kafka: Kafka, topic: str, origin: Origin, emit: Emit) -> Self:
        """Create the producer and start its thread. No network: a broker that is away shows when producing."""
        properties = producer_properties(kafka)
        sink = cls(properties, Producer(properties, logger=CLIENT_LOG), topic, origin, emit)
        sink._poller.start()
        return sink

    def close(self) -> None:
        """Stop the thread and drop what is not acknowledged: it was never settled."""
        self._closed.set()
        self._poller.join(_POLL_TIMEOUT_S * 10)
        self._producer.purge()
        self._producer.flush(_POLL_TIMEOUT_S)

    # -- the sink -----------------------------------------------------------------------------------------------

    is_ready = True
    """There is no token to wait for."""

    async def ready(self) -> None:
        """Return at once."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Produce the items and wait for each to be acknowledged; those that failed are to be sent again."""
        if error := await asyncio.to_thread(self._ensure_topic):
            return self._failed(error, frozenset())
        errors = await asyncio.gather(*(self._produce(item) for item in items))
        done = frozenset(position for position, error in enumerate(errors) if error is None)
        self._emit_dead_lettered([item for item, error in zip(items, errors, strict=True) if error is None])
        first = next((error for error in errors if error is not None), None)
        if first is not None:
            return self._failed(first, done)
        if self._failing:
            self._failing = False
            self._emit(ReasonCleared("dead_letter_unavailable", self._topic))
        return Verdict(VerdictKind.DELIVERED, detail=f"acknowledged by {self._topic}")

    def item_size(self, item: Item) -> int:
        """Return about how many bytes the message takes."""
        record = item.record
        return len(record.value or b"") + len(record.key or b"") + _ADDED_HEADERS_BYTES

    def request_overhead(self, params: bytes) -> int:
        """Return 0: each dead letter is a message of its own."""
        del params
        return 0

    # -- producing ----------------------------------------------------------------------------------------------

    def _failed(self, error: KafkaError, done: frozenset[int]) -> Verdict:
        self._failing = True
        self._topic_exists = False  # whatever the error: the topic may have been deleted
        remedy = f"make topic {self._topic} writable for this user, or create it (Kafka says: {error.str()})"
        self._emit(ReasonRaised("dead_letter_unavailable", self._topic, remedy))
        return Verdict(VerdictKind.AGAIN, detail=f"{self._topic}: {error.str()}", done=done)

    def _emit_dead_lettered(self, items: Sequence[Item]) -> None:
        by_reason: dict[tuple[str, str], list[Record]] = {}
        for item in items:
            reason = item.failure.reason if item.failure is not None else ""
            by_reason.setdefault((item.route, reason), []).append(item.record)
        for (route, reason), records in by_reason.items():
            self._emit(DeadLettered(route, reason, len(records), records))

    async def _produce(self, item: Item) -> KafkaError | None:
        error = await self._produce_message(item, item.record.value, omitted=False)
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE and item.record.value is not None:
            error = await self._produce_message(item, None, omitted=True)
        return error

    async def _produce_message(self, item: Item, value: bytes | None, *, omitted: bool) -> KafkaError | None:
        delivered: asyncio.Future[KafkaError | None] = self._loop.create_future()

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            self._loop.call_soon_threadsafe(_set_result, delivered, error)

        headers: Any = [*item.record.headers, *added_headers(item, self._origin, omitted=omitted)]
        try:
            self._producer.produce(self._topic, value, item.record.key, on_delivery=on_delivery, headers=headers)
        except BufferError:
            return KafkaError(QUEUE_FULL)
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() == FATAL:
                self._replace_producer()
            return error
        return await delivered

    def _replace_producer(self) -> None:
        """Create a new producer: one that was refused its rights once stays unusable after they are granted."""
        self._failed_producers.append(self._producer)
        self._producer = Producer(self._properties, logger=CLIENT_LOG)

    def _ensure_topic(self) -> KafkaError | None:
        """Create the topic, with unlimited retention, if it is missing. Blocks; not called on the loop.

        Where that is refused (no right, or no controller), the broker may create the topic for its producers.
        """
        if self._topic_exists:
            return None
        admin = AdminClient(self._properties, logger=CLIENT_LOG)
        try:
            if self._topic not in admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics:
                topic = NewTopic(self._topic, config={"retention.ms": "-1"})
                admin.create_topics([topic], request_timeout=_CREATE_TIMEOUT_S)[self._topic].result()
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS and not self._is_auto_created():
                return error
        self._topic_exists = True
        return None

    def _is_auto_created(self) -> bool:
        """Ask for the topic as a producer does, which lets the broker create it; its retention is the broker's."""
        try:
            metadata = self._producer.list_topics(self._topic, timeout=_CREATE_TIMEOUT_S).topics[self._topic]
        except KafkaException:
            return False
        if metadata.error is not None:
            return False
        message = f"{self._topic} was created by the broker: set its retention.ms=-1 to keep dead letters"
        self._loop.call_soon_threadsafe(self._emit, Notice("warning", message, {}))
        return True

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(_POLL_TIMEOUT_S)
            for producer in list(self._failed_producers):
                producer.poll(0)
                if not len(producer):
                    self._failed_producers.remove(producer)


def _set_result(delivered: asyncio.Future[KafkaError | None], error: KafkaError | None) -> None:
    if not delivered.done():
        delivered.set_result(error)


def added_headers(item: Item, origin: Origin, *, omitted: bool) -> Headers:
    """Return the headers that a dead letter adds (UTF-8, at most 2 KiB each, in a fixed order); empty ones left out.

    `omitted`: the record's value is left out.
    """
    record, failure = item.record, item.failure
    uuid, event_key = _uuid_and_event_key(item.body)
    headers: dict[str, str] = {
        "dl-version": "1",
        "dl-topic": record.topic,
        "dl-partition": str(record.partition),
        "dl-offset": str(record.offset),
        "dl-timestamp": "" if record.timestamp_ms is None else str(record.timestamp_ms),
        "dl-group": origin.group,
        "dl-route": item.route,
        "dl-target": failure.target if failure else "",
        "dl-reason": failure.reason if failure else "",
        "dl-field": failure.field if failure else "",
        "dl-detail": failure.detail if failure else "",
        "dl-http-status": str(failure.http_status) if failure and failure.http_status is not None else "",
        "dl-reply": failure.reply if failure else "",
        "dl-uuid": uuid,
        "dl-event-key": event_key,
        "dl-config": origin.config,
        "dl-at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "dl-attempt": "1",
        "dl-value-omitted": "1" if omitted else "",
    }
    # An empty dl-route says that decoding failed.
    return [(name, _truncate(text)) for name, text in headers.items() if text or name == "dl-route"]


def _truncate(text: str) -> bytes:
    """Return the text as UTF-8, at most MAX_REPLY_BYTES of whole characters."""
    return text.encode(errors="replace")[:MAX_REPLY_BYTES].decode(errors="ignore").encode()


def _uuid_and_event_key(body: bytes) -> tuple[str, str]:
    """Return the uuid and eventKey of an encoded item; empty where it has none."""
    if not body:
        return "", ""
    entry = orjson.loads(body)
    return str(entry.get("uuid", "")), str(entry.get("eventKey", ""))
