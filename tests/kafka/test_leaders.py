"""Several brokers, of which some die: partitions without a leader wait, the others flow; a log may end earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.broker import Broker
from tests.kafka.cluster import Cluster
from tests.kafka.harness import KafkaHarness, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.commands import SandboxProcess

pytestmark = pytest.mark.kafka


@pytest.fixture
def first_broker(kafka: Cluster) -> Iterator[Broker]:
    """A broker of this test's own: a cluster does not forget brokers that were in it."""
    del kafka  # without it there can be none
    with Broker() as first:
        yield first


@pytest.fixture
def second_broker(first_broker: Broker) -> Iterator[Broker]:
    """One more broker in the cluster of the first one, which holds the group's offsets."""
    offsets = Cluster(first_broker.address)
    topic = offsets.create_topic(partitions=1)
    until(lambda: offsets.can_commit(topic), "the topic of the offsets to exist")
    offsets.close()
    with Broker(first=first_broker) as second:
        yield second


@pytest.fixture
def third_broker(first_broker: Broker, second_broker: Broker) -> Iterator[Broker]:
    """And one more."""
    del second_broker
    with Broker({"node.id": "3"}, first=first_broker) as third:
        yield third


@pytest.fixture
def harness(
    first_broker: Broker, second_broker: Broker, sandbox: SandboxProcess, tmp_path: Path
) -> Iterator[KafkaHarness]:
    """A harness on the cluster of these brokers."""
    assert second_broker.running
    sandbox.reset()
    cluster = Cluster(first_broker.address)
    harness = KafkaHarness(cluster, sandbox, tmp_path)
    until(lambda: 2 in cluster.brokers(), "the second broker to be known")
    yield harness
    harness.close()
    cluster.close()


def _partitions_of(harness: KafkaHarness, broker: int) -> list[int]:
    return [number for number, leader in harness.kafka.leaders(harness.topic).items() if leader == broker]


def test_partitions_without_a_leader_hold_up_no_other_neither_running_nor_starting(
    second_broker: Broker, harness: KafkaHarness
) -> None:
    harness.kafka.create_topic(harness.topic, partitions=4)
    until(lambda: sorted(harness.kafka.leaders(harness.topic).values()) == [1, 1, 2, 2], "two leaders on each broker")
    alive, orphaned = _partitions_of(harness, 1), _partitions_of(harness, 2)
    first = harness.start_connector().wait_ready()
    for number, partition in enumerate(alive + orphaned):
        harness.kafka.produce_orders(harness.topic, range(number * 100, number * 100 + 100), partition=partition)
    harness.wait_stored(400)
    second_broker.kill()
    until(lambda: _partitions_of(harness, -1) == orphaned, "the partitions to have no leader")
    harness.kafka.produce_orders(harness.topic, range(400, 500), partition=alive[0])
    harness.wait_stored(500)
    first.terminate()
    assert first.exit_code() == 0
    # A group of its own, so that nothing is committed: every start has to be looked up.
    fresh_group = harness.config()
    fresh_group["kafka"]["group_id"] = f"{harness.group}-2"
    harness.sandbox.reset()
    second = harness.start_connector(fresh_group, {"connector.kafka.readiness.LONG_START_S": 2.0})
    harness.wait_stored(300)
    assert second.reasons() == {"starting"}
    assert "it is looked up where" in second.stderr
    hint = "it takes long: is a broker down that leads these partitions?"
    until(lambda: hint in second.remedies().get(("starting", ""), ""), "the remedy to say what may be wrong")
    second_broker.start()
    harness.wait_stored(500)
    until(second.is_ready, "the connector to be ready")
    assert lost_and_repeated(harness.sandbox.orders(), range(500)) == (0, 0)


@pytest.mark.timeout(180, func_only=True)
def test_after_an_unclean_election_what_was_appended_since_is_not_passed_over(
    second_broker: Broker, third_broker: Broker, harness: KafkaHarness
) -> None:
    """The third broker misses the last 50 of 150 records, and becomes the leader: the log ends at 100."""
    until(lambda: harness.kafka.brokers() == {1, 2, 3}, "the third broker to be known")
    topic = harness.kafka.create_topic_on([2, 3], {"unclean.leader.election.enable": "true"})
    until(lambda: harness.kafka.leaders(topic) == {0: 2}, "the second broker to lead")
    harness.kafka.produce_orders(topic, range(100))
    connector = harness.start_connector(harness.config(topic))
    harness.wait_committed(topic)
    third_broker.kill()
    harness.kafka.produce_orders(topic, range(100, 150))
    harness.wait_stored(150)
    harness.wait_committed(topic)
    second_broker.kill()
    third_broker.start()
    until(lambda: harness.kafka.leaders(topic) == {0: 3}, "the third broker to lead")
    harness.kafka.renew_producer()
    harness.kafka.produce_orders(topic, range(150, 170))
    until(lambda: harness.sandbox.orders().keys() == set(range(170)), "everything to be stored")
    until(connector.is_ready, "the connector to be ready")
    assert connector.metric("records_lost_to_retention_total", topic=topic) == 0
    assert "partition truncated" in connector.stderr
