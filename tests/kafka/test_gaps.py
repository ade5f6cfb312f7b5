"""Offsets that do not exist any more: a gap counts once, over restarts; a topic that was created anew is no loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def _lost(connector: ConnectorProcess, harness: KafkaHarness) -> float:
    return connector.metric("records_lost_to_retention_total", topic=harness.topic)


def test_a_gap_counts_once_although_the_process_is_killed_before_anything_else_was_sent(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(100))
    config = harness.config(**SHORT_SESSION)
    first = harness.start_connector(config)
    harness.wait_committed()
    first.terminate()
    assert first.exit_code() == 0
    kafka.produce_orders(harness.topic, range(100, 200))
    kafka.delete_before(harness.topic, 0, 130)
    harness.sandbox.set_faults({"kind": "hang"})
    second = harness.start_connector(config)
    until(lambda: "records_lost" in second.reasons(), "readiness to report the gap")
    assert _lost(second, harness) == 30
    second.kill()
    harness.sandbox.clear_faults()
    third = harness.start_connector(config)
    harness.wait_committed()
    lost, _ = lost_and_repeated(harness.sandbox.orders(), [*range(100), *range(130, 200)])
    assert lost == 0
    assert _lost(third, harness) == 0
    assert "records_lost" not in third.reasons()


def test_what_was_delivered_behind_a_slow_batch_does_not_count_as_lost(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(200))
    harness.sandbox.set_faults({"kind": "latency", "ms": 600_000, "match": {"eventargs.seq": 0}})
    config = harness.config(**SHORT_SESSION)
    config["targets"]["purchases"] |= {"batch": {"max_records": 20, "max_wait": "50ms"}, "max_in_flight": 4}
    config["shutdown_timeout"] = "2s"
    first = harness.start_connector(config)
    harness.wait_stored(180)
    first.terminate()
    assert first.exit_code() == 0
    settled = kafka.settled(harness.group, harness.topic)[0]
    assert 0 < len([offset for offset in settled if offset < 100]) < 100
    kafka.delete_before(harness.topic, 0, 100)
    second = harness.start_connector(config)
    until(lambda: "records_lost" in second.reasons(), "readiness to report the gap")
    assert _lost(second, harness) == len(set(range(100)).difference(settled))
    harness.wait_committed()
    orders = harness.sandbox.orders()
    assert {orders[number] for number in (*settled, *range(100, 200))} == {1}
    assert_conserved(second)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_topic_that_was_created_anew_is_read_from_its_beginning_and_counts_as_no_loss(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(100))
    connector = harness.start_connector(harness.config(group_protocol=protocol))
    harness.wait_committed()
    kafka.create_topic_again(harness.topic, 1)
    kafka.produce_orders(harness.topic, range(100, 120))
    until(lambda: harness.sandbox.count("stored") == 120, "the new topic's records at the platform")
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(120)) == (0, 0)
    assert _lost(connector, harness) == 0
    until(connector.is_ready, "the connector to be ready")
    assert_conserved(connector)
