"""A Kafka cluster inside this process: librdkafka's own mock, which other processes can reach on loopback.

It lives as long as the producer that holds it. A topic comes into being when somebody asks for it by name
(creating one by the admin API hangs there). Its logs keep 5 MiB per partition, so whoever produces must not run
far ahead of whoever reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Consumer, Producer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIMEOUT_S = 10.0
_ONLY_ERRORS = 3


class Cluster:
    """The cluster and the producer that holds it; blocking, but for `produce`, which only queues."""

    def __init__(self, *topics: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": "embedded",
                "test.mock.num.brokers": 1,
                "linger.ms": 5,
                "log_level": _ONLY_ERRORS,
            }
        )
        brokers = self._producer.list_topics(timeout=_TIMEOUT_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        for topic in topics:
            self._producer.list_topics(topic, timeout=_TIMEOUT_S)

    def produce(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Queue key and value of each record."""
        for key, value in records:
            self._producer.produce(topic, key=key, value=value)
        self._producer.poll(0)

    def flush(self) -> int:
        """Wait until what was queued is written; gives how many records are not."""
        return self._producer.flush(_TIMEOUT_S)

    def read(self, topic: str) -> list[dict[str, str]]:
        """Give the headers of everything that a topic holds, from its beginning to its present end."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": "demo-reader",
                "enable.auto.commit": False,
                "log_level": _ONLY_ERRORS,
            }
        )
        try:
            partitions = self._producer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
            found: list[dict[str, str]] = []
            for partition in partitions:
                found += _read_partition(consumer, topic, partition)
            return found
        finally:
            consumer.close()


def _read_partition(consumer: Consumer, topic: str, partition: int) -> list[dict[str, str]]:
    place = TopicPartition(topic, partition)
    low, high = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)
    if low == high:
        return []
    consumer.assign([TopicPartition(topic, partition, low)])
    found = []
    for message in consumer.consume(high - low, _TIMEOUT_S):
        headers = message.headers()
        pairs = headers if isinstance(headers, list) else []
        found.append({name: value.decode(errors="replace") for name, value in pairs if isinstance(value, bytes)})
    return found
