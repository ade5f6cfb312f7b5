"""Fetches single records by their place, for commands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.kafka.command_consumer import CommandConsumer
from connector.kafka.errors import TIMED_OUT
from connector.kafka.properties import REQUEST_TIMEOUT_S
from connector.kafka.records import to_record

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

    from connector.core.record import Record
    from connector.settings.models import Kafka


class RecordFetcher:
    """Connects when it is used first. Blocking, and used by one thread, until `close`."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._consumer: CommandConsumer | None = None
        self._partitions: dict[str, frozenset[int]] = {}

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._consumer is not None:
            self._consumer.client.close()

    def fetch(self, topic: str, partition: int, offset: int) -> Record | None:
        """Return the record at that place; None if it no longer exists, or this user may not read it.

        Raises CommandError if no broker answers.
        """
        consumer = self._consumer = self._consumer or CommandConsumer(self._kafka, topic)
        with consumer.failing_clearly():
            if topic not in self._partitions:
                metadata = consumer.client.list_topics(topic, timeout=REQUEST_TIMEOUT_S)
                self._partitions[topic] = frozenset(metadata.topics[topic].partitions)
            if partition not in self._partitions[topic]:
                return None
            consumer.client.assign([KafkaTopicPartition(topic, partition, offset)])
            message = _poll(consumer.client)
            consumer.client.unassign()
        if message is None:
            raise consumer.failure(KafkaError(TIMED_OUT))
        if message.error() is not None or message.offset() != offset:
            return None
        return to_record(message, lambda _: None)


def _poll(client: Consumer) -> Message | None:
    """Return the first message of a partition, or None after the time limit."""
    deadline = time.monotonic() + REQUEST_TIMEOUT_S
    while (left_s := deadline - time.monotonic()) > 0:
        message: Message | None = client.poll(left_s)
        if message is None or message.topic() is not None:
            return message
        # An error of the group, which is not needed here: it may come again and again.
    return None
