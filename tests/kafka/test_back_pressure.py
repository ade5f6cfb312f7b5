"""Full targets: the queues keep their bounds, and what feeds another target is not slowed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.cluster import fresh, order
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

SLOW_ENDPOINT = "event/batchAdd"


def test_with_400_partitions_a_queue_keeps_its_bound_while_everything_is_refused(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, 400)
    kafka.produce_orders(harness.topic, range(30_000))
    harness.sandbox.set_faults({"kind": "status", "status": 429})
    config = harness.config()
    config["targets"]["purchases"] |= {"queue": {"max_records": 2_000}}
    connector = harness.start_connector(config)
    until(lambda: connector.is_alive() and connector.metric("partitions_paused") == 400, "all to be paused")
    peak = 0.0
    until(lambda: harness.sandbox.fault_hits() >= 20, "requests to be refused")
    before = harness.sandbox.fault_hits()
    while harness.sandbox.fault_hits() < before + 20:
        peak = max(peak, connector.metric("queued_items", target="purchases"))
    assert peak == 2_000
    assert connector.records()["consumed"] == 2_000, "what waits in a backlog is not consumed yet"
    assert_conserved(connector)
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(30_000)) == (0, 0)
    assert connector.metric("partitions_paused") == 0


def test_records_of_a_healthy_target_do_not_wait_while_the_partitions_of_a_full_one_are_paused(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """Each of the 48 partitions brings records for the full target before it is paused."""
    slow_topic = fresh("visits")
    kafka.create_topic(harness.topic)
    kafka.create_topic(slow_topic, 48)
    kafka.produce_orders(slow_topic, range(1_000_000, 1_100_000))
    harness.sandbox.set_faults({"kind": "status", "status": 429, "endpoint": SLOW_ENDPOINT})
    connector = harness.start_connector(_with_slow_target(harness.config(), slow_topic))
    until(lambda: harness.sandbox.fault_hits() > 0, "the slow topic to be refused")
    _deliver_one_by_one(kafka, connector, harness.topic, 5)
    assert harness.sandbox.fault_hits() < 30, "one request at a time, every 0.25 s"
    until(lambda: connector.metric("partitions_paused") == 48, "the slow topic to be paused")


def test_records_of_a_healthy_target_do_not_wait_for_one_that_is_full_again_and_again(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """The slow topic is paused and resumed all the time. Ten records for the other target follow one another."""
    slow_topic = fresh("visits")
    kafka.create_topic(harness.topic)
    kafka.create_topic(slow_topic)
    kafka.produce_orders(slow_topic, range(1_000_000, 1_020_000))
    harness.sandbox.set_faults({"kind": "latency", "ms": 300, "endpoint": SLOW_ENDPOINT})
    connector = harness.start_connector(_with_slow_target(harness.config(), slow_topic))
    until(lambda: connector.is_alive() and _delivered(connector, "visits") >= 1_000, "the slow topic to flow")
    began = _delivered(connector, "visits")
    _deliver_one_by_one(kafka, connector, harness.topic, 10)
    meanwhile = _delivered(connector, "visits") - began
    assert meanwhile < 3_000, "the slow target takes 330 records in a second"


def _with_slow_target(config: dict[str, Any], topic: str) -> dict[str, Any]:
    """Return the config with a second topic and target, which takes 100 records at a time."""
    [route] = config["routes"]
    target = {"endpoint": SLOW_ENDPOINT, "batch": {"max_records": 100}, "max_in_flight": 1}
    config["targets"]["visits"] = {**target, "queue": {"max_records": 500}}
    config["routes"].append({**route, "name": "visits", "topics": [topic], "to": "visits"})
    return config


def _deliver_one_by_one(kafka: Cluster, connector: ConnectorProcess, topic: str, count: int) -> None:
    """Produce each record when the one before it has been delivered."""
    for number in range(count):
        kafka.produce(topic, order(number))
        until(partial(_has_delivered, connector, number + 1), f"record {number}", every_s=0.01)


def _has_delivered(connector: ConnectorProcess, count: int) -> bool:
    return _delivered(connector, "purchases") >= count


def _delivered(connector: ConnectorProcess, target: str) -> int:
    return int(connector.metric("items_total", target=target, outcome="delivered"))


def test_while_a_target_is_down_the_lag_of_its_partitions_grows_on_although_nothing_is_fetched(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """Nothing of the second partition was read: its age isn't known, which the alert of one that stands still asks."""
    kafka.create_topic(harness.topic, 2)
    config = harness.config()
    config["targets"]["purchases"] |= {"queue": {"max_records": 500}}
    connector = harness.start_connector(config).wait_ready()
    harness.sandbox.set_faults({"kind": "status", "status": 503})
    kafka.produce_orders(harness.topic, range(1_000), partition=0)
    until(lambda: connector.metric("partitions_paused") == 2, "both to be paused")
    kafka.produce_orders(harness.topic, range(1_000, 3_000), partition=0)
    kafka.produce_orders(harness.topic, range(3_000, 5_000), partition=1)

    def lags() -> dict[int, tuple[int, bool]]:
        found = connector.status()["partitions"]
        return {one["partition"]: (one["lag"], one["lag_s"] is not None) for one in found}

    until(lambda: lags() == {0: (3_000, True), 1: (2_000, False)}, "the lag to be that of Kafka")
    harness.sandbox.clear_faults()
    harness.wait_committed()
    until(lambda: lags() == {0: (0, True), 1: (0, True)}, "nothing to wait any more")
    assert lost_and_repeated(harness.sandbox.orders(), range(5_000)) == (0, 0)
    assert_conserved(connector)
