"""Stops, crashes and rebalances in the middle of the traffic.

The platform is slow in these tests (slow requests, few at a time), so that there is a middle. The assertions do not
depend on how long anything takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import Fault
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

RECORDS = 40_000
SLOW: Fault = {"kind": "latency", "ms": 200}
BATCH, IN_FLIGHT = 100, 4
NOT_IN_THE_MIDDLE = "everything was delivered before the interruption"


def _slow(config: dict[str, Any], in_flight: int = IN_FLIGHT) -> dict[str, Any]:
    config["targets"]["purchases"] |= {
        "batch": {"max_records": BATCH, "max_wait": "50ms"},
        "max_in_flight": in_flight,
        # A stop still sends what was fetched: most records have to be in Kafka still.
        "queue": {"max_records": 5 * BATCH},
    }
    return config


def test_after_sigterm_in_the_middle_nothing_is_lost_and_nothing_comes_twice(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(RECORDS))
    harness.sandbox.set_faults(SLOW)
    first = harness.start_connector(_slow(harness.config()))
    harness.wait_stored(1_000)
    first.terminate()
    assert first.exit_code() == 0
    stored = harness.sandbox.count("stored")
    assert stored < RECORDS, NOT_IN_THE_MIDDLE
    assert harness.committed() == stored
    harness.sandbox.clear_faults()
    second = harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(RECORDS)) == (0, 0)
    assert_conserved(second)


def test_after_kill_9_nothing_is_lost_and_only_what_was_in_flight_comes_twice(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """What is repeated was stored and not committed.

    At the kill that is at most what was on the wire, what was answered after the last commit, and what was
    answered while that commit was on its way. A commit is made every 0.2 s and a request takes 0.2 s:
    about one round of requests each.
    """
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(RECORDS))
    harness.sandbox.set_faults(SLOW)
    first = harness.start_connector(_slow(harness.config(**SHORT_SESSION)))
    until(lambda: harness.committed() > 1_000, "commits in the middle")
    first.kill()
    assert harness.sandbox.count("stored") < RECORDS, NOT_IN_THE_MIDDLE
    harness.sandbox.clear_faults()
    harness.start_connector(harness.config(**SHORT_SESSION))
    harness.wait_committed()
    lost, repeated = lost_and_repeated(harness.sandbox.orders(), range(RECORDS))
    assert lost == 0
    assert repeated <= 3 * IN_FLIGHT * BATCH
    assert harness.sandbox.count("repeated") == repeated, "a repeated item must carry the uuid of the first"


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_joins_and_leaves_and_nothing_is_lost_and_nothing_comes_twice(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    kafka.create_topic(harness.topic, partitions=6)
    kafka.produce_orders(harness.topic, range(8_000))
    harness.sandbox.set_faults(SLOW)
    config = _slow(harness.config(group_protocol=protocol), in_flight=16)
    config["targets"]["purchases"]["batch"]["max_records"] = 25  # as many records in flight as elsewhere here
    first = harness.start_connector(config)
    harness.wait_stored(1_000)
    second = harness.start_connector(config)
    until(lambda: second.reasons() != {"no answer"}, "the second connector to answer")
    until(lambda: len(second.partitions()) == 3, "the second connector to own half of the partitions")
    # More records are produced before each step, so that each happens in the middle.
    kafka.produce_orders(harness.topic, range(8_000, 16_000))
    until(lambda: second.records()["delivered"] > 0, "the second connector to deliver")
    kafka.produce_orders(harness.topic, range(16_000, 24_000))
    second.terminate()
    assert harness.sandbox.count("stored") < 24_000, NOT_IN_THE_MIDDLE
    assert second.exit_code() == 0
    kafka.produce_orders(harness.topic, range(24_000, 25_000))
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(25_000)) == (0, 0)
    until(lambda: len(first.partitions()) == 6, "the first connector to own all partitions again")
    assert_conserved(first)


def test_when_the_broker_is_killed_and_comes_back_nothing_is_lost(
    killable_broker: Broker, killable_harness: KafkaHarness
) -> None:
    harness = killable_harness
    harness.kafka.create_topic(harness.topic)
    harness.kafka.produce_orders(harness.topic, range(RECORDS))
    harness.sandbox.set_faults(SLOW)
    connector = harness.start_connector(_slow(harness.config()))
    harness.wait_stored(1_000)
    killable_broker.kill()
    assert harness.sandbox.count("stored") < RECORDS, NOT_IN_THE_MIDDLE
    harness.sandbox.clear_faults()
    killable_broker.start()
    harness.kafka.produce_orders(harness.topic, range(RECORDS, RECORDS + 100))
    harness.wait_committed()
    lost, _ = lost_and_repeated(harness.sandbox.orders(), range(RECORDS + 100))
    assert lost == 0
    assert connector.process.poll() is None, "the connector has ended"
    assert_conserved(connector)
