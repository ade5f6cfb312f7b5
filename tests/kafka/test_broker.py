"""The broker and the helpers that the other tests use."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.kafka.cluster import Cluster, fresh, order
from tests.kafka.processes import end

if TYPE_CHECKING:
    from tests.kafka.broker import Broker

pytestmark = pytest.mark.kafka


def test_a_record_is_read_as_it_was_produced_with_key_and_headers(kafka: Cluster) -> None:
    topic = kafka.create_topic()
    kafka.produce(topic, b"value", key=b"key", headers=[("name", b"\x00\xff"), ("none", None)])
    [message] = kafka.read(topic)
    assert (message.value(), message.key()) == (b"value", b"key")
    assert message.headers() == [("name", b"\x00\xff"), ("none", None)]


def test_orders_are_produced_in_bulk_and_spread_over_partitions(kafka: Cluster) -> None:
    topic = kafka.create_topic()
    kafka.produce_orders(topic, range(20_000))
    assert sorted(message.value() or b"" for message in kafka.read(topic)) == sorted(map(order, range(20_000)))
    assert min(kafka.end_offsets(topic).values()) > 0


def test_committed_offsets_are_visible_from_outside_the_group(kafka: Cluster) -> None:
    topic, group = kafka.create_topic(partitions=2), fresh("group")
    kafka.produce(topic, b"one", partition=1)
    assert kafka.committed(group, topic) == {}
    with Consumer({"bootstrap.servers": kafka.address, "group.id": group}) as member:
        member.commit(offsets=[TopicPartition(topic, 1, 1)], asynchronous=False)
    assert kafka.committed(group, topic) == {1: 1}
    assert kafka.caught_up(group, topic)


def test_deleted_records_are_gone(kafka: Cluster) -> None:
    topic = kafka.create_topic(partitions=1)
    kafka.produce_orders(topic, range(10))
    kafka.delete_before(topic, 0, 4)
    assert kafka.end_offsets(topic) == {0: 10}
    assert [message.offset() for message in kafka.read(topic)] == [4, 5, 6, 7, 8, 9]


def test_a_killed_broker_comes_back_with_its_records(killable_broker: Broker) -> None:
    cluster = Cluster(killable_broker.address)
    topic = cluster.create_topic()
    cluster.produce_orders(topic, range(1_000))
    killable_broker.kill()
    killable_broker.start()
    assert len(cluster.read(topic)) == 1_000
    cluster.close()


def test_the_broker_of_make_broker_says_that_it_starts_and_makes_topics_on_first_use() -> None:
    command = [sys.executable, "-m", "tests.kafka.broker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stderr.readline().startswith(b"starting a Kafka broker")
            address = process.stdout.readline().decode().strip().removeprefix("KAFKA_BOOTSTRAP_SERVERS=")
            cluster = Cluster(address)
            produce = [sys.executable, "-m", "connector", "produce", "--topic", "made.on.first.use", "--key", "k"]
            subprocess.run([*produce, "--bootstrap-servers", address], input=b'{"a": 1}\n{"a": 2}\n', check=True)
            read = [(message.key(), message.value()) for message in cluster.read("made.on.first.use")]
            assert read == [(b"k", b'{"a": 1}'), (b"k", b'{"a": 2}')]
            cluster.close()
        finally:
            assert end(process) == 0
