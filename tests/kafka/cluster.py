"""What tests do with a cluster: create topics, produce and read records, read and delete offsets."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewPartitions, NewTopic

from connector.core.commit_metadata import decode
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Headers = list[tuple[str, str | bytes | None]]

_QUIET: dict[str, Any] = {"log_level": 0}
_BULK: dict[str, Any] = {
    "linger.ms": 20,
    "queue.buffering.max.messages": 2_000_000,
    "queue.buffering.max.kbytes": 1 << 20,
    "message.max.bytes": 4 << 20,
    # Keeps the order of production within a partition in spite of retries.
    "enable.idempotence": True,
}
_TIMEOUT_S = 30.0
_NO_COORDINATOR_YET = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
"""What a broker answers that is still making the topic of the offsets."""


def fresh(prefix: str) -> str:
    """Return a name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


class Cluster:
    """A running cluster, by its address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._common = {"bootstrap.servers": address, **_QUIET}
        self._admin = AdminClient(self._common)
        self._producer = Producer({**self._common, **_BULK})
        self._readers: dict[str, Consumer] = {}

    def close(self) -> None:
        """Close all connections."""
        self._producer.flush(_TIMEOUT_S)
        for reader in self._readers.values():
            reader.close()

    def create_topic(
        self, name: str | None = None, partitions: int = 4, config: Mapping[str, str] | None = None, replicas: int = 1
    ) -> str:
        """Create a topic and return its name, once the broker knows it."""
        topic = name or fresh("topic")
        new = NewTopic(topic, partitions, replicas, config=dict(config or {}))
        self._admin.create_topics([new], request_timeout=_TIMEOUT_S)[topic].result()
        until(lambda: self.exists(topic), f"the broker to know the new topic {topic}")
        return topic

    def create_topic_on(self, brokers: list[int], config: Mapping[str, str]) -> str:
        """Create a topic of one partition with a replica on each of these brokers, and return its name."""
        topic = fresh("topic")
        new = NewTopic(topic, 1, replica_assignment=[brokers], config=dict(config))
        self._admin.create_topics([new], request_timeout=_TIMEOUT_S)[topic].result()
        return topic

    def delete_topic(self, topic: str) -> None:
        """Delete a topic."""
        self._admin.delete_topics([topic])[topic].result()

    def create_topic_again(self, topic: str, partitions: int) -> None:
        """Delete the topic and create another of the same name."""
        self._admin.delete_topics([topic])[topic].result()
        until(lambda: not self.exists(topic), "the topic to be gone")
        self.create_topic(topic, partitions)
        self.renew_producer()

    def renew_producer(self) -> None:
        """Produce with a new producer, which does not remember where the partitions' ends were."""
        self._producer = Producer({**self._common, **_BULK})

    def add_partitions(self, topic: str, total: int) -> None:
        """Grow the topic to `total` partitions."""
        self._admin.create_partitions([NewPartitions(topic, total)])[topic].result()
        self.renew_producer()  # the old one would learn of them only at its next metadata refresh

    def exists(self, topic: str) -> bool:
        """Return whether the topic exists."""
        return topic in self._admin.list_topics(timeout=_TIMEOUT_S).topics

    def topic_config(self, topic: str, key: str) -> str:
        """Return one setting of the topic."""
        resource = ConfigResource("topic", topic)
        return str(self._admin.describe_configs([resource])[resource].result()[key].value)

    def configure_topic(self, topic: str, key: str, value: str) -> None:
        """Change one setting of a topic."""
        entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        self._admin.incremental_alter_configs([resource], request_timeout=_TIMEOUT_S)[resource].result()

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | None = None,
        partition: int = -1,
        timestamp_ms: int = 0,
    ) -> None:
        """Produce one record and wait for its acknowledgement; `timestamp_ms` 0 means now."""
        failures: list[KafkaError] = []
        self._producer.produce(
            topic,
            value,
            key,
            partition=partition,
            headers=headers or [],
            timestamp=timestamp_ms,
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        self._flush(failures)

    def produce_orders(self, topic: str, sequence: Iterable[int], *, partition: int = -1) -> None:
        """Produce one small order (`order`) per number."""
        messages = [{"value": order(number), "key": b"k%d" % (number % 997)} for number in sequence]
        self.produce_all(topic, messages, partition=partition)

    def produce_all(self, topic: str, messages: list[dict[str, Any]], *, partition: int = -1) -> None:
        """Produce many records (dicts with `value`, `key`, …) and wait for their acknowledgement."""
        failures: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            if error:
                failures.append(error)

        queued = self._producer.produce_batch(topic, messages, partition=partition, on_delivery=on_delivery)
        assert queued == len(messages), f"only {queued} of {len(messages)} were queued"
        self._flush(failures)

    def _flush(self, failures: list[KafkaError]) -> None:
        left = self._producer.flush(_TIMEOUT_S)
        if left or failures:
            raise AssertionError(f"{left} records not acknowledged, {len(failures)} refused: {failures[:1]}")

    def brokers(self) -> set[int]:
        """Return the ids of the brokers that are up."""
        return set(self._admin.list_topics(timeout=_TIMEOUT_S).brokers)

    def can_commit(self, topic: str) -> bool:
        """Return whether a group can commit offsets; the first try creates the topic that holds them."""
        try:
            self._reader(fresh("group")).commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
        except KafkaException:
            return False
        return True

    def leaders(self, topic: str) -> dict[int, int]:
        """Return, by partition, the id of the leading broker; -1 if there is none."""
        found = self._admin.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        return {number: partition.leader for number, partition in found.items()}

    def end_offsets(self, topic: str) -> dict[int, int]:
        """Return, by partition, the offset that the next record gets."""
        reader = self._reader("ends")
        # From this client's own metadata: otherwise it would not know a new partition.
        partitions = reader.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        ends = {p: reader.get_watermark_offsets(TopicPartition(topic, p), _TIMEOUT_S) for p in partitions}
        return {partition: end[1] for partition, end in ends.items()}

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Return, by partition, the group's committed offset; a partition without one is left out."""
        return {one.partition: one.offset for one in self._commits(group, topic)}

    def settled(self, group: str, topic: str) -> dict[int, set[int]]:
        """Return, by partition, the offsets that the group's commits call settled: below the offset, and in its map."""
        found = {}
        for one in self._commits(group, topic):
            found[one.partition] = set(range(one.offset)).union(*decode(one.metadata, one.offset).ahead)
        return found

    def _commits(self, group: str, topic: str) -> list[TopicPartition]:
        """Not by AdminClient.list_consumer_group_offsets, which can end the process (confluent-kafka 2.16.1)."""
        asked = [TopicPartition(topic, partition) for partition in self._partitions(topic)]
        try:
            answers = self._reader(group).committed(asked, _TIMEOUT_S)
        except KafkaException:
            return []  # The coordinator is not available yet; callers poll.
        return [one for one in answers if one.offset >= 0]

    def reset_offsets(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set the group's offsets, as `kafka-consumer-groups --reset-offsets` does; it must have no member."""
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        request = ConsumerGroupTopicPartitions(group, wanted)

        def is_done() -> bool:
            answers = self._admin.alter_consumer_group_offsets([request])[group].result().topic_partitions
            errors = [one.error for one in answers if one.error is not None]
            assert all(error.code() in _NO_COORDINATOR_YET for error in errors), errors
            return not errors

        until(is_done, "the group's coordinator to take the offsets")

    def members(self, group: str) -> int:
        """Return how many members the broker knows of the group."""
        return len(self._admin.describe_consumer_groups([group])[group].result().members)

    def assigned_topics(self, group: str) -> set[str]:
        """Return the topics whose partitions the broker has assigned to the group's members."""
        description = self._admin.describe_consumer_groups([group])[group].result()
        return {one.topic for member in description.members for one in member.assignment.topic_partitions}

    def caught_up(self, group: str, topic: str) -> bool:
        """Return whether the group has committed every partition to its end; empty ones need no commit."""
        committed = self.committed(group, topic)
        try:
            ends = self.end_offsets(topic)
        except KafkaException:
            return False  # A broker that has just started leads no partition yet; callers poll.
        return all(committed.get(p, 0) == end for p, end in ends.items())

    def read(self, topic: str) -> list[Message]:
        """Return every record of the topic, partition by partition, without those of aborted transactions."""
        reader = Consumer({**self._common, "group.id": fresh("reader"), "enable.partition.eof": True})
        unread = set(self._partitions(topic))
        reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in unread])
        found: list[Message] = []
        while unread:
            for message in reader.consume(10_000, 0.2):
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition() or 0)
                else:
                    raise AssertionError(str(error))
        reader.close()
        return found

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete the partition's records below `offset`, as retention does."""
        upto = TopicPartition(topic, partition, offset)
        self._admin.delete_records([upto])[upto].result()

    def _partitions(self, topic: str) -> list[int]:
        return sorted(self._admin.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions)

    def _reader(self, group: str) -> Consumer:
        """Return a consumer that never subscribes, and so is no member of the group."""
        if group not in self._readers:
            self._readers[group] = Consumer({**self._common, "group.id": group, "enable.auto.commit": False})
        return self._readers[group]


def order(number: int, **more: object) -> bytes:
    """Return a shop order for the route of `orders_config`."""
    phone = f"138{number % 9973:08d}"
    value = {"order_id": f"o{number}", "seq": number, "status": "PAID", "buyer": {"mobile": phone}, **more}
    return json.dumps(value, ensure_ascii=False).encode()
