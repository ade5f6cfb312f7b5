"""Which topics are consumed and from where: patterns, start offsets, transactions, deleted records."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from tests.kafka.access import allow_describing_only, allow_everything, deny_reads
from tests.kafka.cluster import fresh, order
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_pattern_matches_topics_that_appear_later_and_never_the_dead_letters(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    first, later, letters = (f"{harness.topic}.{name}" for name in ("first", "later", "letters"))
    kafka.create_topic(first, partitions=2)
    kafka.create_topic(letters, partitions=1)
    kafka.produce(first, b"no json")
    kafka.produce_orders(first, range(100))
    config = harness.config(f"^{harness.topic}\\..*", group_protocol=protocol)
    config["dead_letter"] = {"topic": letters}
    connector = harness.start_connector(config).wait_ready()
    harness.wait_committed(first)
    kafka.create_topic(later, partitions=2)
    kafka.produce_orders(later, range(100, 200))
    harness.wait_committed(later)
    assert lost_and_repeated(harness.sandbox.orders(), range(200)) == (0, 0)
    assert {topic for topic, _ in connector.partitions()} == {first, later}
    assert len(kafka.read(letters)) == 1
    assert connector.records()["consumed"] == 201
    assert connector.is_ready()
    # With KIP-848 the broker resolves the pattern, and assigns what is not consumed.
    not_consumed = {letters} if protocol == "consumer" else set()
    assert kafka.assigned_topics(harness.group) == {first, later} | not_consumed


def test_a_group_without_offsets_starts_at_the_latest_if_configured(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic, partitions=2)
    kafka.produce_orders(harness.topic, range(50))
    config = harness.config()
    config["kafka"]["start_from"] = "latest"
    connector = harness.start_connector(config).wait_ready()
    until(lambda: len(connector.partitions()) == 2, "both partitions to be assigned")
    kafka.produce_orders(harness.topic, range(50, 100))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(50, 100)) == (0, 0)


def test_a_group_without_offsets_starts_at_a_time_if_configured(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic, partitions=2)
    now_ms = time.time_ns() // 1_000_000
    for number in range(10):
        kafka.produce(harness.topic, order(number), timestamp_ms=now_ms - (10 - number) * 3_600_000)
    config = harness.config()
    since = datetime.fromtimestamp((now_ms - 4 * 3_600_000) / 1000, UTC)
    config["kafka"]["start_from"] = since.isoformat()
    harness.start_connector(config)
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(6, 10)) == (0, 0)


def test_a_new_partition_of_a_known_topic_starts_at_its_beginning_even_from_latest(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    config = harness.config()
    config["kafka"]["start_from"] = "latest"
    connector = harness.start_connector(config).wait_ready()
    until(connector.partitions, "the partition to be assigned")
    kafka.produce_orders(harness.topic, range(10))
    harness.wait_committed()
    kafka.add_partitions(harness.topic, 2)
    kafka.produce_orders(harness.topic, range(10, 20), partition=1)
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(20)) == (0, 0)


def test_records_that_retention_deleted_are_counted_and_reported_and_the_rest_is_delivered(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(100))
    first = harness.start_connector()
    harness.wait_committed()
    first.terminate()
    assert first.exit_code() == 0
    kafka.produce_orders(harness.topic, range(100, 200))
    kafka.delete_before(harness.topic, 0, 130)
    second = harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), [*range(100), *range(130, 200)]) == (0, 0)
    assert second.metric("records_lost_to_retention_total", topic=harness.topic) == 30
    assert "records_lost" in second.reasons()
    assert_conserved(second)


def test_transaction_markers_aborted_records_and_tombstones_leave_no_lag(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic, partitions=2)
    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": fresh("transaction"), "log_level": 0})
    producer.init_transactions(30)
    for start, keep in ((0, True), (50, False), (100, True), (150, False)):
        producer.begin_transaction()
        for number in range(start, start + 50):
            producer.produce(harness.topic, order(number), b"k", partition=number % 2)
        if keep:
            producer.produce(harness.topic, None, b"k", partition=0)
            producer.commit_transaction(30)
        else:
            producer.flush(30)
            producer.abort_transaction(30)
    connector = harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), [*range(50), *range(100, 150)]) == (0, 0)
    until(lambda: connector.metric("partition_lag", topic=harness.topic) == 0, "no lag to be shown")
    assert connector.records()["skipped"] == 2
    assert connector.records()["dead_lettered"] == 0
    assert_conserved(connector)


def test_a_connector_of_an_empty_topic_is_ready_and_stops_cleanly(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    connector = harness.start_connector().wait_ready()
    assert connector.is_alive()
    connector.terminate()
    assert connector.exit_code() == 0
    assert harness.committed() == 0


def test_a_topic_that_may_be_read_again_is_ready_without_a_new_record(killable_harness: KafkaHarness) -> None:
    harness, kafka = killable_harness, killable_harness.kafka
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(10))
    connector = harness.start_connector().wait_ready()
    harness.wait_committed()
    for take_rights in (allow_describing_only, allow_describing_only, deny_reads):
        take_rights(kafka.address, harness.topic)
        until(lambda: "kafka_not_authorized" in connector.reasons(), "readiness to report the missing right")
        allow_everything(kafka.address, harness.topic)
        until(connector.is_ready, "the reason to be cleared")
    kafka.produce_orders(harness.topic, range(10, 20))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(20)) == (0, 0)


def test_a_topic_of_a_pattern_that_is_deleted_is_no_reason_even_if_it_was_refused_before(
    killable_harness: KafkaHarness,
) -> None:
    """Nothing is missing, and there is nothing that anybody could allow."""
    harness, kafka = killable_harness, killable_harness.kafka
    topics = [kafka.create_topic(f"{harness.topic}-{name}", partitions=1) for name in ("kept", "deleted", "refused")]
    connector = harness.start_connector(harness.config(f"^{harness.topic}-.*")).wait_ready()
    until(lambda: len(connector.partitions()) == 3, "the partitions to be assigned")
    allow_describing_only(kafka.address, topics[2])
    until(lambda: "kafka_not_authorized" in connector.reasons(), "readiness to report the missing right")
    for topic in topics[1:]:
        kafka.delete_topic(topic)
    until(lambda: connector.partitions() == {(topics[0], 0)}, "the partitions to be gone")
    until(connector.is_ready, "the reason to be cleared")
    time.sleep(3)  # librdkafka tells of a topic that is gone a little later
    assert connector.is_ready(), connector.readiness()
