"""A broker that hangs in the middle of a revocation holds up the commit, but neither the heartbeats nor the records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from connector.observe.health import HEARTBEAT_TIMEOUT_S
from tests.kafka.harness import lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.broker import Broker
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


@pytest.mark.timeout(180, func_only=True)
def test_a_commit_that_hangs_during_a_revocation_does_not_end_the_heartbeats(
    killable_broker: Broker, killable_harness: KafkaHarness
) -> None:
    harness = killable_harness
    harness.kafka.create_topic(harness.topic, partitions=2)
    config = harness.config(heartbeat_interval_ms=500)
    first = harness.start_connector(config).wait_ready()
    harness.sandbox.set_faults({"kind": "latency", "ms": 6_000})
    harness.kafka.produce_orders(harness.topic, range(100))
    until(lambda: first.metric("requests_in_flight", target="purchases") > 0, "a request to be in flight")
    second = harness.start_connector(config)
    until(lambda: second.reasons() != {"no answer"}, "the second connector to answer")
    time.sleep(1.5)  # it joins, and the first begins to close the lease of one partition
    killable_broker.freeze()
    hung_since = time.monotonic()
    until(lambda: "did not answer in time" in first.stderr, "the last commit of the lease to be given up")
    while time.monotonic() < hung_since + HEARTBEAT_TIMEOUT_S + 3:
        assert first.is_alive(), first.stderr[-2000:]
        time.sleep(0.5)
    assert "kafka_unreachable" in first.reasons()
    harness.sandbox.clear_faults()
    killable_broker.thaw()
    harness.wait_committed()
    lost, _ = lost_and_repeated(harness.sandbox.orders(), range(100))
    assert lost == 0
    until(first.is_ready, "the connector to be ready again")
