"""`/readyz` is true: of the group, and of a broker that ends, hangs and comes back. `/livez` is not concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.harness import SHORT_SESSION, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

BOTH_PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])
WITHIN_S = 20.0
"""For what an operator is promised within seconds; much longer than it takes."""


@BOTH_PROTOCOLS
def test_a_member_that_is_given_no_partition_is_ready_and_takes_over_when_the_other_leaves(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    config = harness.config(group_protocol=protocol)
    first = harness.start_connector(config).wait_ready()
    assert len(first.partitions()) == 1
    second = harness.start_connector(config).wait_ready()
    assert len(first.partitions()) + len(second.partitions()) == 1
    first.terminate()
    assert first.exit_code() == 0
    until(lambda: second.partitions() == {(harness.topic, 0)}, "the second connector to own the partition")
    kafka.produce_orders(harness.topic, range(100))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_broker_that_hangs_or_ends_is_reported_within_seconds_and_cleared_when_it_is_back(
    killable_broker: Broker, killable_harness: KafkaHarness, how: str
) -> None:
    """A broker that hangs closes no connection: nothing but a probe tells."""
    harness = killable_harness
    harness.kafka.create_topic(harness.topic)
    connector = harness.start_connector().wait_ready()
    if how == "freeze":
        killable_broker.freeze()
    else:
        killable_broker.kill()
    until(lambda: "kafka_unreachable" in connector.reasons(), "readiness to report it", timeout_s=WITHIN_S)
    told = "takes connections and says nothing" if how == "freeze" else "nothing listens there; check the port"
    until(lambda: told in connector.remedies().get(("kafka_unreachable", ""), ""), "the remedy to say what is found")
    assert connector.is_alive()
    assert connector.metric("kafka_up") == 0
    if how == "freeze":
        killable_broker.thaw()
    else:
        killable_broker.start()
    until(connector.is_ready, "the connector to be ready again")
    harness.kafka.produce_orders(harness.topic, range(100))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)


def test_a_member_that_the_group_has_removed_is_not_ready_until_it_is_dealt_in_again(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """It is frozen for longer than its session: the first that it hears is that it has lost its partitions."""
    kafka.create_topic(harness.topic, partitions=2)
    first = harness.start_connector(harness.config(**SHORT_SESSION)).wait_ready()
    second = harness.start_connector(harness.config(**SHORT_SESSION)).wait_ready()
    until(lambda: len(second.partitions()) == 1, "both to own a partition")
    second.freeze()
    until(lambda: len(first.partitions()) == 2, "the first connector to own both partitions")
    second.thaw()
    until(lambda: second.metric("rebalances_total", kind="lost") == 1, "the second connector to hear of it")
    until(lambda: second.is_ready() and len(second.partitions()) == 1, "the second connector to be dealt in again")
    assert "the group is dealing out its partitions" in second.stderr
