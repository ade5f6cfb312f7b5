"""The admin port under attack: records flow, probes are answered, nothing is left of it afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from connector.runtime.connection_guard import ConnectionLimits
from tests.kafka.attacks import Attack, Probes
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

RECORDS = 3000
DESCRIPTORS = 50 + 128
"""More than the connector itself has open, and the connections that are taken at once, of which most are closed."""


def test_records_flow_and_probes_are_answered_while_the_admin_port_is_attacked(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    topic = kafka.create_topic(harness.topic, 3)
    connector = harness.start_connector().wait_ready()
    rebalances = connector.metric("rebalances_total")
    port = httpx.URL(connector.admin_url).port or 0
    with Probes("127.0.0.1", port) as probes, Attack("127.0.0.1", port, seed=1) as attack:
        most_open = 0
        for first in range(0, RECORDS, RECORDS // 3):
            kafka.produce_orders(topic, range(first, first + RECORDS // 3))
            harness.wait_stored(first + RECORDS // 3)
            most_open = max(most_open, len(list(Path(f"/proc/{connector.process.pid}/fd").iterdir())))
        until(lambda: min(attack.rounds.values()) >= 1, "every kind of attack to have been done")
    assert most_open <= ConnectionLimits().max_connections + DESCRIPTORS
    assert set(probes.answers) == {"HTTP/1.1 200 OK"}
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(RECORDS)) == (0, 0)
    assert_conserved(connector)
    assert connector.metric("rebalances_total") == rebalances
    assert "Traceback" not in connector.stderr
    told = [line for line in connector.stderr.splitlines() if "request target=" not in line]
    assert len(told) < 40, told
    until(lambda: httpx.get(f"{connector.admin_url}/status").status_code == httpx.codes.OK, "the status to be had")
    connector.terminate()
    assert connector.exit_code() == 0
