"""The dead-letter topic as a sink: a dead letter counts only after the topic has acknowledged it (acks=all).

Key, value and headers stay untouched; added headers say where it came from, why it failed, what the platform answered
and under which config. Its timestamp is now: with the original one, retention would delete it at once. What is too
large to produce goes without its value; whoever replays fetches that from where it came.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from connector.core.events import DeadLettered, Notice, ReasonCleared, ReasonRaised
from connector.core.sink import MAX_REPLY_BYTES, Verdict, VerdictKind
from connector.kafka.properties import producer_properties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

    from connector.core.events import Emit
    from connector.core.record import Item, Record
    from connector.settings.models import Kafka

_LOG = logging.getLogger("connector.kafka")
_REQUEST_TIMEOUT_S: Final = 15.0
_CREATE_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.1
_HEADERS_BYTES: Final = 1024
"""About what the added headers take."""

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Origin:
    """What every dead letter of this process says about it: the group, and 12 hex digits of the config's sha256."""

    group: str
    config: str


class DeadLetterSink:
    """Produces dead letters. Made on the event loop; a thread of its own serves the producer's callbacks."""

    def __init__(self, kafka: Kafka, topic: str, origin: Origin, emit: Emit) -> None:
        self._topic = topic
        self._origin = origin
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._properties = producer_properties(kafka)
        self._producer = Producer(self._properties, logger=_LOG)
        self._dead: list[Producer] = []
        """Those that librdkafka has given up; they are polled until all their callbacks were called."""
        self._exists = False
        self._failing = False
        self._closed = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="dead-letter-callbacks", daemon=True)
        self._poller.start()

    def close(self) -> None:
        """Let the producer go; what is not acknowledged was never settled."""
        self._closed.set()
        self._poller.join(_POLL_S * 10)
        self._producer.purge()
        self._producer.flush(_POLL_S)

    # -- the sink -----------------------------------------------------------------------------------------------

    async def ready(self) -> None:
        """Go on: a broker that is away shows when producing."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Produce all of them and wait for each; those that failed are to be tried again."""
        if trouble := await asyncio.to_thread(self._make_sure_it_exists):
            return self._failed(trouble, frozenset())
        troubles = await asyncio.gather(*(self._produce(item) for item in items))
        done = frozenset(n for n, trouble in enumerate(troubles) if trouble is None)
        self._tell(items, done)
        first = next((trouble for trouble in troubles if trouble is not None), None)
        if first is not None:
            return self._failed(first, done)
        if self._failing:
            self._failing = False
            self._emit(ReasonCleared("dead_letter_unavailable", self._topic))
        return Verdict(VerdictKind.DELIVERED, detail=f"acknowledged by {self._topic}")

    def item_size(self, item: Item) -> int:
        """The bytes of the message, about."""
        record = item.record
        return len(record.value or b"") + len(record.key or b"") + _HEADERS_BYTES

    def request_overhead(self, params: bytes) -> int:
        """Nothing: each dead letter is a message of its own."""
        del params
        return 0

    # -- inside -------------------------------------------------------------------------------------------------

    def _failed(self, trouble: KafkaError, done: frozenset[int]) -> Verdict:
        self._failing = True
        self._exists = False  # whatever it was: the topic may be gone, and is looked for again
        remedy = f"make topic {self._topic} writable for this user, or create it (Kafka says: {trouble.str()})"
        self._emit(ReasonRaised("dead_letter_unavailable", self._topic, remedy))
        return Verdict(VerdictKind.AGAIN, detail=f"{self._topic}: {trouble.str()}", done=done)

    def _tell(self, items: Sequence[Item], done: frozenset[int]) -> None:
        by_reason: dict[tuple[str, str], list[Record]] = {}
        for position in sorted(done):
            item = items[position]
            reason = item.failure.reason if item.failure is not None else ""
            by_reason.setdefault((item.route, reason), []).append(item.record)
        for (route, reason), records in by_reason.items():
            self._emit(DeadLettered(route, reason, len(records), records))

    async def _produce(self, item: Item) -> KafkaError | None:
        trouble = await self._produce_message(item, item.record.value, omitted=False)
        if trouble is not None and trouble.code() == KafkaError.MSG_SIZE_TOO_LARGE and item.record.value is not None:
            trouble = await self._produce_message(item, None, omitted=True)
        return trouble

    async def _produce_message(self, item: Item, value: bytes | None, *, omitted: bool) -> KafkaError | None:
        answered: asyncio.Future[KafkaError | None] = self._loop.create_future()

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            self._loop.call_soon_threadsafe(_answer, answered, error)

        headers: Any = [*item.record.headers, *added_headers(item, self._origin, omitted=omitted)]
        try:
            self._producer.produce(self._topic, value, item.record.key, on_delivery=on_delivery, headers=headers)
        except BufferError:
            return KafkaError(KafkaError._QUEUE_FULL)  # noqa: SLF001 - librdkafka's local errors are named so
        except KafkaException as error:
            trouble: KafkaError = error.args[0]
            if trouble.code() == KafkaError._FATAL:  # noqa: SLF001 - the same
                self._replace_producer()
            return trouble
        return await answered

    def _replace_producer(self) -> None:
        """Begin anew: a producer that was refused its rights once takes nothing more, even when it has them."""
        self._dead.append(self._producer)
        self._producer = Producer(self._properties, logger=_LOG)

    def _make_sure_it_exists(self) -> KafkaError | None:
        """Create the topic, with unlimited retention, if it is missing. Blocks; not on the loop.

        Where that can't be done (no right to, or no controller), a broker that makes topics for its producers may.
        """
        if self._exists:
            return None
        admin = AdminClient(self._properties, logger=_LOG)
        try:
            if self._topic not in admin.list_topics(timeout=_REQUEST_TIMEOUT_S).topics:
                topic = NewTopic(self._topic, config={"retention.ms": "-1"})
                admin.create_topics([topic], request_timeout=_CREATE_TIMEOUT_S)[self._topic].result()
        except KafkaException as error:
            trouble: KafkaError = error.args[0]
            if trouble.code() != KafkaError.TOPIC_ALREADY_EXISTS and not self._broker_makes_it():
                return trouble
        self._exists = True
        return None

    def _broker_makes_it(self) -> bool:
        """Ask for the topic as a producer does; its retention is then the broker's own, so say so."""
        try:
            if self._producer.list_topics(self._topic, timeout=_CREATE_TIMEOUT_S).topics[self._topic].error is not None:
                return False
        except KafkaException:
            return False
        message = f"{self._topic} was made by the broker, with its retention: set retention.ms=-1 to keep dead letters"
        self._loop.call_soon_threadsafe(self._emit, Notice("warning", message, {}))
        return True

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(_POLL_S)
            for producer in list(self._dead):
                producer.poll(0)
                if not len(producer):
                    self._dead.remove(producer)


def _answer(answered: asyncio.Future[KafkaError | None], error: KafkaError | None) -> None:
    if not answered.done():
        answered.set_result(error)


def added_headers(item: Item, origin: Origin, *, omitted: bool) -> Headers:
    """The headers that a dead letter adds; see the outer face. UTF-8 text, in a fixed order."""
    record, failure = item.record, item.failure
    uuid, event_key = _named_in(item.body)
    texts: dict[str, str] = {
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
    return [(name, _cut(text)) for name, text in texts.items() if text or name == "dl-route"]


def _cut(text: str) -> bytes:
    """UTF-8, at most MAX_REPLY_BYTES, whole characters."""
    return text.encode(errors="replace")[:MAX_REPLY_BYTES].decode(errors="ignore").encode()


def _named_in(body: bytes) -> tuple[str, str]:
    """The uuid and eventKey of an encoded item; empty where it has none."""
    if not body:
        return "", ""
    entry = orjson.loads(body)
    return str(entry.get("uuid", "")), str(entry.get("eventKey", ""))
