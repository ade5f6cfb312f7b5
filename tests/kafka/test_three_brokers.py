"""Three brokers, replication 3: one dies under load, the one that coordinates the group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import Cluster
from tests.kafka.harness import KafkaHarness, lost_and_repeated
from tests.kafka.quorum import Quorum
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.commands import SandboxProcess

pytestmark = pytest.mark.kafka

RECORDS = 4_000
PARTITIONS = 12
IN_FLIGHT, BATCH = 4, 50
PROPERTIES: dict[str, dict[str, object]] = {
    # So that the first member soon hears that there is a second one; with the new protocol the broker says how often.
    "classic": {"heartbeat_interval_ms": 500},
    "consumer": {},
}


@pytest.fixture(scope="module")
def quorum(kafka: Cluster) -> Iterator[Quorum]:
    """Three brokers of this module's own."""
    del kafka  # without it there can be none
    with Quorum() as quorum:
        yield quorum


@pytest.fixture
def harness(quorum: Quorum, sandbox: SandboxProcess, tmp_path: Path) -> Iterator[KafkaHarness]:
    """A harness on these brokers."""
    sandbox.reset()
    cluster = Cluster(quorum.address)
    harness = KafkaHarness(cluster, sandbox, tmp_path)
    yield harness
    harness.close()
    cluster.close()


@pytest.mark.parametrize("protocol", PROPERTIES)
def test_a_broker_that_is_killed_under_load_loses_nothing_and_repeats_no_more_than_was_on_the_wire(
    quorum: Quorum, harness: KafkaHarness, protocol: str
) -> None:
    for node in quorum.nodes:
        if not node.running:
            node.start()
    until(lambda: harness.kafka.brokers() == {1, 2, 3}, "all brokers to be known")
    harness.kafka.create_topic(harness.topic, PARTITIONS, replicas=3)
    harness.sandbox.set_faults({"kind": "latency", "ms": 300})
    config = harness.config(group_protocol=protocol, **PROPERTIES[protocol])
    config["targets"]["purchases"] |= {"max_in_flight": IN_FLIGHT, "batch": {"max_records": BATCH, "max_wait": "50ms"}}
    members = [harness.start_connector(config) for _ in range(2)]
    until(
        lambda: all(one.is_ready() and len(one.partitions()) == PARTITIONS // 2 for one in members),
        "each to have half the partitions",
    )
    killed = quorum.coordinator(harness.group)
    harness.kafka.produce_orders(harness.topic, range(RECORDS // 2))
    harness.wait_stored(RECORDS // 8)
    killed.kill()
    assert harness.sandbox.count("stored") < RECORDS // 2, "the broker was to be killed while records flow"
    # min.insync 2 of 3: records are taken, delivered and committed without it.
    harness.kafka.produce_orders(harness.topic, range(RECORDS // 2, RECORDS))
    harness.wait_stored(RECORDS)
    harness.wait_committed()
    assert killed.number not in harness.kafka.leaders(harness.topic).values()
    lost, repeated = lost_and_repeated(harness.sandbox.orders(), range(RECORDS))
    assert lost == 0
    assert repeated <= len(members) * IN_FLIGHT * BATCH
