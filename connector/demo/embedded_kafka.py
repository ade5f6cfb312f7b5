"""A Kafka cluster inside this process: librdkafka's mock cluster, which other processes can reach on loopback.

A topic is created when it is first asked for by name (creating one through the admin API hangs). The mock keeps 5 MiB
per partition, so producers must not run far ahead of consumers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIMEOUT_S = 10.0
_ERRORS_ONLY: dict[str, Any] = {"log_level": 3}


class EmbeddedKafka:
    """The cluster, which lives as long as the producer in it. All methods block, except `produce`."""

    def __init__(self, producer: Producer, bootstrap_servers: str) -> None:
        self._producer = producer
        self.bootstrap_servers = bootstrap_servers

    @classmethod
    def start(cls, *topics: str) -> Self:
        """Start a cluster of one broker with these topics."""
        producer = Producer(
            {"bootstrap.servers": "embedded", "test.mock.num.brokers": 1, "linger.ms": 5, **_ERRORS_ONLY}
        )
        [broker] = producer.list_topics(timeout=_TIMEOUT_S).brokers.values()
        for topic in topics:
            producer.list_topics(topic, timeout=_TIMEOUT_S)
        return cls(producer, f"{broker.host}:{broker.port}")

    def produce(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Queue records, given as key and value, and return at once."""
        for key, value in records:
            self._producer.produce(topic, key=key, value=value)
        self._producer.poll(0)

    def flush(self) -> int:
        """Wait until the queued records are written; return how many are not."""
        return self._producer.flush(_TIMEOUT_S)

    def read_headers(self, topic: str) -> list[dict[str, str]]:
        """Return the headers of every record of a topic, up to its present end."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": "demo-reader",
                "enable.auto.commit": False,
                **_ERRORS_ONLY,
            }
        )
        try:
            partitions = self._producer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
            return [headers for partition in partitions for headers in _read_partition(consumer, topic, partition)]
        finally:
            consumer.close()


def _read_partition(consumer: Consumer, topic: str, partition: int) -> list[dict[str, str]]:
    low, high = consumer.get_watermark_offsets(KafkaTopicPartition(topic, partition), timeout=_TIMEOUT_S)
    if low == high:
        return []
    consumer.assign([KafkaTopicPartition(topic, partition, low)])
    found = []
    for message in consumer.consume(high - low, _TIMEOUT_S):
        headers = message.headers()
        pairs = headers if isinstance(headers, list) else []
        found.append({name: value.decode(errors="replace") for name, value in pairs if isinstance(value, bytes)})
    return found
