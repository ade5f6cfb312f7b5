"""`start_from: latest` for a new group: from the first member's being ready on nothing is lost, nothing older comes.

Whatever happens to the members meanwhile: one is killed in its first second, before or after it has committed where
its partitions start.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer

from tests.kafka.harness import SHORT_SESSION
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

OLD, NEW = range(1_000), range(1_000, 3_000)


def _from_latest(harness: KafkaHarness, protocol: str) -> dict[str, Any]:
    harness.kafka.create_topic(harness.topic, partitions=6)
    harness.kafka.produce_orders(harness.topic, OLD)
    config = harness.config(**SHORT_SESSION if protocol == "classic" else {"group_protocol": protocol})
    config["kafka"]["start_from"] = "latest"
    return config


def _two_members(harness: KafkaHarness, protocol: str) -> list[ConnectorProcess]:
    config = _from_latest(harness, protocol)
    return [harness.start_connector(config) for _ in range(2)]


def _first_ready(members: Sequence[ConnectorProcess]) -> ConnectorProcess:
    def ready() -> ConnectorProcess | None:
        return next((member for member in members if member.process.poll() is None and member.is_ready()), None)

    found = until(ready, "the first member to be ready", every_s=0.01)
    assert found is not None
    return found


def _assert_all_new_and_none_of_the_old(harness: KafkaHarness) -> None:
    until(lambda: set(NEW) <= harness.sandbox.orders().keys(), "everything from the first ready on")
    assert harness.sandbox.orders().keys() & set(OLD) == set(), "older than the group"


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_that_is_killed_as_soon_as_it_is_ready_loses_nothing(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    members = _two_members(harness, protocol)
    first = _first_ready(members)
    first.kill()
    kafka.produce_orders(harness.topic, NEW)
    _assert_all_new_and_none_of_the_old(harness)


@pytest.mark.parametrize("alive_s", [0.0, 0.3, 0.6])
def test_a_member_that_is_killed_before_it_has_started_its_partitions_loses_nothing(
    kafka: Cluster, harness: KafkaHarness, alive_s: float
) -> None:
    """It dies `alive_s` after its partitions were assigned: before, while or after their starts are committed."""
    victim, survivor = _two_members(harness, "classic")
    until(lambda: "partitions assigned" in victim.stderr, "the victim to be assigned partitions", every_s=0.01)
    time.sleep(alive_s)
    victim.kill()
    _first_ready([survivor])
    kafka.produce_orders(harness.topic, NEW)
    _assert_all_new_and_none_of_the_old(harness)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_partitions_of_a_member_that_died_before_it_had_committed_start_at_the_groups_first_moment(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    """That member is a plain consumer here, which owns half of the partitions, and never commits."""
    config = _from_latest(harness, protocol)
    victim = Consumer({"bootstrap.servers": kafka.address, "group.id": harness.group, **_PROTOCOLS[protocol]})
    victim.subscribe([harness.topic])
    until(lambda: victim.poll(0.1) is None and len(victim.assignment()) == 6, "the victim to own everything")
    connector = harness.start_connector(config)
    until(lambda: victim.poll(0.1) is None and len(victim.assignment()) == 3, "the connector to own a half")
    connector.wait_ready()
    kafka.produce_orders(harness.topic, NEW)
    victim.close()
    _assert_all_new_and_none_of_the_old(harness)


_PROTOCOLS: dict[str, dict[str, str | bool]] = {
    "classic": {
        "partition.assignment.strategy": "cooperative-sticky",
        "enable.auto.commit": False,
        "auto.offset.reset": "latest",
    },
    "consumer": {"group.protocol": "consumer", "enable.auto.commit": False, "auto.offset.reset": "latest"},
}
