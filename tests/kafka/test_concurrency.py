"""`max_in_flight: auto` in the real process: the limit follows the platform, and nothing is lost or sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

ORDERS = 1000


def _limit(connector: ConnectorProcess) -> int:
    [target] = [one for one in connector.status()["targets"] if one["name"] == "purchases"]
    limit = int(target["in_flight_limit"])
    assert connector.metric("requests_in_flight_limit", target="dead-letters") == 4
    return limit


def test_the_limit_rises_while_it_brings_throughput_and_falls_when_the_platform_has_too_much(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(ORDERS))
    config = harness.config()
    config["targets"]["purchases"] |= {"batch": {"max_records": 1}, "max_in_flight": "auto", "ordering": "none"}
    harness.sandbox.set_faults({"kind": "latency", "ms": 100})
    connector = harness.start_connector(config).wait_ready()
    until(lambda: _limit(connector) >= 16, "more requests at once")
    before = _limit(connector)
    too_many = {"kind": "status", "status": 429, "retry_after": 1, "count": 60}
    harness.sandbox.set_faults({"kind": "latency", "ms": 100}, too_many)
    until(lambda: _limit(connector) <= before / 2, "fewer requests at once")
    harness.sandbox.clear_faults()
    harness.wait_stored(ORDERS)
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(ORDERS)) == (0, 0)
    assert_conserved(connector)
