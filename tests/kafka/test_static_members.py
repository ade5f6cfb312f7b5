"""Static members (`group.instance.id`): a restart within the session moves no partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.harness import lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def _assigned(connector: ConnectorProcess) -> float:
    return connector.metric("rebalances_total", kind="assigned")


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_static_member_that_is_restarted_gets_its_partitions_back_and_nothing_comes_twice(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    kafka.create_topic(harness.topic, partitions=4)

    def start(instance: str) -> ConnectorProcess:
        config = harness.config(group_protocol=protocol, group_instance_id=f"{harness.group}-{instance}")
        return harness.start_connector(config).wait_ready()

    one, two = start("one"), start("two")
    until(lambda: len(one.partitions()) == len(two.partitions()) == 2, "both to own half of the partitions")
    kafka.produce_orders(harness.topic, range(2_000))
    harness.wait_stored(1)
    own, rebalances = one.partitions(), _assigned(two)
    one.terminate()
    assert one.exit_code() == 0
    assert "a static member does not leave its group" in one.stderr
    kafka.produce_orders(harness.topic, range(2_000, 4_000))
    again = start("one")
    until(lambda: again.partitions() == own, "it to own the same partitions")
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(4_000)) == (0, 0)
    assert _assigned(two) == rebalances, "the other member must not have noticed"
    assert len(two.partitions()) == 2
