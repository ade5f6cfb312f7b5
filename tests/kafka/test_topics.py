"""Which topics are read and from where: patterns, start offsets, transactions, what retention has deleted."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from tests.kafka.cluster import fresh, order
from tests.kafka.stage import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.stage import Stage

pytestmark = pytest.mark.kafka


def test_a_pattern_finds_topics_that_appear_later_and_never_the_dead_letters(kafka: Cluster, stage: Stage) -> None:
    first, later, letters = (f"{stage.topic}.{name}" for name in ("first", "later", "letters"))
    kafka.create_topic(first, partitions=2)
    kafka.create_topic(letters, partitions=1)
    kafka.produce(first, b"no json")
    kafka.produce_orders(first, range(100))
    config = stage.config(f"^{stage.topic}\\..*")
    config["dead_letter"] = {"topic": letters}
    connector = stage.connector(config)
    stage.wait_committed(first)
    kafka.create_topic(later, partitions=2)
    kafka.produce_orders(later, range(100, 200))
    stage.wait_committed(later)
    assert lost_and_repeated(stage.sandbox.seen(), range(200)) == (0, 0)
    assert {topic for topic, _ in connector.partitions()} == {first, later}
    assert len(kafka.read(letters)) == 1
    assert connector.records()["consumed"] == 201


def test_a_group_without_offsets_starts_at_the_latest_if_told_so(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic, partitions=2)
    kafka.produce_orders(stage.topic, range(50))
    config = stage.config()
    config["kafka"]["start_from"] = "latest"
    connector = stage.connector(config).wait_ready()
    until(lambda: len(connector.partitions()) == 2, "both partitions to be assigned")
    kafka.produce_orders(stage.topic, range(50, 100))
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(50, 100)) == (0, 0)


def test_a_group_without_offsets_starts_at_a_time_if_told_so(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic, partitions=2)
    now_ms = time.time_ns() // 1_000_000
    for number in range(10):
        kafka.produce(stage.topic, order(number), timestamp_ms=now_ms - (10 - number) * 3_600_000)
    config = stage.config()
    since = datetime.fromtimestamp((now_ms - 4 * 3_600_000) / 1000, UTC)
    config["kafka"]["start_from"] = since.isoformat()
    stage.connector(config)
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(6, 10)) == (0, 0)


def test_a_new_partition_of_a_known_topic_starts_at_its_beginning_even_from_latest(
    kafka: Cluster, stage: Stage
) -> None:
    kafka.create_topic(stage.topic, partitions=1)
    config = stage.config()
    config["kafka"]["start_from"] = "latest"
    connector = stage.connector(config).wait_ready()
    until(connector.partitions, "the partition to be assigned")
    kafka.produce_orders(stage.topic, range(10))
    stage.wait_committed()
    kafka.add_partitions(stage.topic, 2)
    kafka.produce_orders(stage.topic, range(10, 20), partition=1)
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(20)) == (0, 0)


def test_records_that_retention_deleted_are_counted_and_said_and_the_rest_is_delivered(
    kafka: Cluster, stage: Stage
) -> None:
    kafka.create_topic(stage.topic, partitions=1)
    kafka.produce_orders(stage.topic, range(100))
    first = stage.connector()
    stage.wait_committed()
    first.terminate()
    assert first.exit_code() == 0
    kafka.produce_orders(stage.topic, range(100, 200))
    kafka.delete_before(stage.topic, 0, 130)
    second = stage.connector()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), [*range(100), *range(130, 200)]) == (0, 0)
    assert second.metric("records_lost_to_retention_total", topic=stage.topic) == 30
    assert "records_lost" in second.reasons()
    assert_conserved(second)


def test_transaction_markers_aborted_records_and_tombstones_leave_no_lag(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic, partitions=2)
    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": fresh("transaction"), "log_level": 0})
    producer.init_transactions(30)
    for start, keep in ((0, True), (50, False), (100, True), (150, False)):
        producer.begin_transaction()
        for number in range(start, start + 50):
            producer.produce(stage.topic, order(number), b"k", partition=number % 2)
        if keep:
            producer.produce(stage.topic, None, b"k", partition=0)
            producer.commit_transaction(30)
        else:
            producer.flush(30)
            producer.abort_transaction(30)
    connector = stage.connector()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), [*range(50), *range(100, 150)]) == (0, 0)
    until(lambda: connector.metric("partition_lag", topic=stage.topic) == 0, "no lag to be shown")
    assert connector.records()["skipped"] == 2
    assert connector.records()["dead_lettered"] == 0
    assert_conserved(connector)


def test_an_empty_topic_is_ready_and_stops_cleanly(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    connector = stage.connector().wait_ready()
    assert connector.is_alive()
    connector.terminate()
    assert connector.exit_code() == 0
    assert stage.committed() == 0
