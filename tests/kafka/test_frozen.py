"""A process that is stopped (SIGSTOP) for longer than its session sends nothing for the partitions that it has lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

RECORDS, BATCH, IN_FLIGHT = 20_000, 100, 4
SLOW = {"kind": "latency", "ms": 200}
BOTH_PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])


def _config(harness: KafkaHarness, protocol: str) -> dict[str, Any]:
    session = SHORT_SESSION if protocol == "classic" else {}  # the broker's, with KIP-848
    config = harness.config(group_protocol=protocol, **session)
    config["platform"]["request_timeout"] = "60s"  # no request must have failed meanwhile: a slot would not be free
    batch = {"max_records": BATCH, "max_wait": "50ms"}
    config["targets"]["purchases"] |= {"batch": batch, "max_in_flight": IN_FLIGHT, "queue": {"max_records": 10 * BATCH}}
    return config


@BOTH_PROTOCOLS
def test_a_process_that_wakes_after_its_session_sends_nothing_of_what_it_had_queued(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    """What comes twice was on the wire when it froze, or answered since its last commit."""
    kafka.create_topic(harness.topic, partitions=2)
    first = harness.start_connector(_config(harness, protocol)).wait_ready()
    second = harness.start_connector(_config(harness, protocol)).wait_ready()
    until(lambda: len(first.partitions()) == len(second.partitions()) == 1, "both connectors to own a partition")
    harness.sandbox.set_faults(SLOW)
    kafka.produce_orders(harness.topic, range(RECORDS))
    until(lambda: second.metric("queued_items", target="purchases") > 2 * IN_FLIGHT * BATCH, "a queue to be full")
    # With all its connections open: a request that waits for its connection would be received after it woke up.
    delivered = {"target": "purchases", "outcome": "delivered"}
    until(lambda: second.metric("items_total", **delivered) >= IN_FLIGHT * BATCH, "each connection to be open")
    second.freeze()
    harness.sandbox.clear_faults()
    harness.wait_committed()
    requests = harness.sandbox.count("requests")
    second.thaw()
    until(lambda: second.metric("rebalances_total", kind="lost") >= 1, "it to hear that its partition is lost")
    until(second.is_ready, "it to be ready again")
    assert harness.sandbox.count("requests") == requests
    lost, repeated = lost_and_repeated(harness.sandbox.orders(), range(RECORDS))
    assert lost == 0
    assert repeated <= 2 * IN_FLIGHT * BATCH
    assert "the process was frozen" in second.stderr
    assert_conserved(second)


@pytest.mark.parametrize(("protocol", "frozen_s"), [("classic", 6.0), ("consumer", 4.0)])
def test_a_process_that_was_frozen_and_has_kept_its_partitions_goes_on(
    kafka: Cluster, harness: KafkaHarness, protocol: str, frozen_s: float
) -> None:
    """It was frozen for long enough to have lost them, and for less than its session (15 s and 6 s)."""
    kafka.create_topic(harness.topic, partitions=2)
    config = _config(harness, protocol)
    if protocol == "classic":
        config["kafka"]["properties"]["session.timeout.ms"] = 15_000
    connector = harness.start_connector(config).wait_ready()
    harness.sandbox.set_faults(SLOW)
    kafka.produce_orders(harness.topic, range(RECORDS))
    until(lambda: connector.metric("queued_items", target="purchases") > 2 * IN_FLIGHT * BATCH, "a queue to be full")
    connector.freeze()
    time.sleep(frozen_s)
    connector.thaw()
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(RECORDS)) == (0, 0)
    assert "the group has answered: sending goes on" in connector.stderr
    assert connector.metric("rebalances_total", kind="lost") == 0
