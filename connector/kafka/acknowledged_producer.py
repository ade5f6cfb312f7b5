"""A Kafka producer whose messages are awaited one by one, on the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from connector.kafka.errors import FATAL, QUEUE_FULL, cause_of
from connector.kafka.properties import CLIENT_LOG

if TYPE_CHECKING:
    from confluent_kafka import Message

    from connector.core.letters import LetterMessage

_POLL_TIMEOUT_S: Final = 0.1


class AcknowledgedProducer:
    """Lives from `build`, on the event loop, to `close`; a thread of its own serves the delivery reports."""

    def __init__(self, properties: dict[str, Any], producer: Producer) -> None:
        self._properties = properties
        self._producer = producer
        self._failed: list[Producer] = []
        """Producers with a fatal error: polled until all their delivery reports were served."""
        self._loop = asyncio.get_running_loop()
        self._closed = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="dead-letter-callbacks", daemon=True)

    @classmethod
    def build(cls, properties: dict[str, Any]) -> Self:
        """Create the producer and start its thread. No network: a broker that is away shows when producing."""
        producer = cls(properties, Producer(properties, logger=CLIENT_LOG))
        producer._poller.start()
        return producer

    def close(self) -> None:
        """Stop the thread and drop what is not acknowledged."""
        self._closed.set()
        self._poller.join(_POLL_TIMEOUT_S * 10)
        self._producer.purge()
        self._producer.flush(_POLL_TIMEOUT_S)

    async def produce(self, topic: str, message: LetterMessage) -> KafkaError | None:
        """Produce one message; return None once all replicas have it, or why it was not produced."""
        delivered: asyncio.Future[KafkaError | None] = self._loop.create_future()

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            self._loop.call_soon_threadsafe(_set_result, delivered, error)

        headers: Any = message.headers
        try:
            self._producer.produce(topic, message.value, message.key, on_delivery=on_delivery, headers=headers)
        except BufferError:
            return KafkaError(QUEUE_FULL)
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() == FATAL:
                self._replace()
            return error
        return await delivered

    def _replace(self) -> None:
        """Create a new producer: one that was refused its rights once stays unusable after they are granted."""
        self._failed.append(self._producer)
        self._producer = Producer(self._properties, logger=CLIENT_LOG)

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(_POLL_TIMEOUT_S)
            for producer in list(self._failed):
                producer.poll(0)
                if not len(producer):
                    self._failed.remove(producer)


def _set_result(delivered: asyncio.Future[KafkaError | None], error: KafkaError | None) -> None:
    if not delivered.done():
        delivered.set_result(error)
