"""Two brokers without replicas, of which one dies: its partitions wait, the others flow and start."""

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
def second_broker(killable_broker: Broker) -> Iterator[Broker]:
    """One more broker in the cluster of the killable one, which holds the group's offsets."""
    offsets = Cluster(killable_broker.address)
    topic = offsets.create_topic(partitions=1)
    until(lambda: offsets.can_commit(topic), "the topic of the offsets to exist")
    offsets.close()
    with Broker(first=killable_broker) as second:
        yield second


@pytest.fixture
def harness(
    killable_broker: Broker, second_broker: Broker, sandbox: SandboxProcess, tmp_path: Path
) -> Iterator[KafkaHarness]:
    """A harness with a topic of four partitions, two on each broker."""
    sandbox.reset()
    cluster = Cluster(killable_broker.address)
    harness = KafkaHarness(cluster, sandbox, tmp_path)
    until(lambda: cluster.brokers() == {1, 2}, "the second broker to be known")
    cluster.create_topic(harness.topic, partitions=4)
    until(lambda: sorted(cluster.leaders(harness.topic).values()) == [1, 1, 2, 2], "two leaders on each broker")
    yield harness
    if not second_broker.running:
        second_broker.start()
    harness.close()
    cluster.close()


def _partitions_of(harness: KafkaHarness, broker: int) -> list[int]:
    return [number for number, leader in harness.kafka.leaders(harness.topic).items() if leader == broker]


def test_partitions_without_a_leader_hold_up_no_other_neither_running_nor_starting(
    second_broker: Broker, harness: KafkaHarness
) -> None:
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
    second = harness.start_connector(fresh_group)
    harness.wait_stored(300)
    assert second.reasons() == {"starting"}
    assert "it is looked up where" in second.stderr
    second_broker.start()
    harness.wait_stored(500)
    until(second.is_ready, "the connector to be ready")
    assert lost_and_repeated(harness.sandbox.orders(), range(500)) == (0, 0)
