"""What one test on the real broker uses: a topic, a group, the sandbox, and connectors that end with the test."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tests.kafka.cluster import Cluster, fresh
from tests.kafka.commands import ConnectorProcess, SandboxProcess, orders_config
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SHORT_SESSION = {"session.timeout.ms": 6000}
"""The shortest that a broker accepts by default: until then a killed member keeps its partitions."""


class KafkaHarness:
    """Built per test. `topic` and `group` are names that no other test uses; the topic is not created yet."""

    def __init__(self, cluster: Cluster, sandbox: SandboxProcess, folder: Path) -> None:
        self.kafka = cluster
        self.sandbox = sandbox
        self.topic = fresh("orders")
        self.group = fresh("group")
        self.folder = folder
        self._connectors: list[ConnectorProcess] = []

    def config(self, *topics: str, **properties: object) -> dict[str, Any]:
        """Return a config for these topics, by default `topic`; properties are written with `_` for a dot."""
        dotted = {name.replace("_", "."): value for name, value in properties.items()}
        return orders_config(self.kafka.address, self.sandbox.url, topics or [self.topic], self.group, dotted)

    def start_connector(
        self,
        config: dict[str, Any] | None = None,
        constants: Mapping[str, float] = MappingProxyType({}),
        options: Sequence[str] = (),
    ) -> ConnectorProcess:
        """Start one more connector, by default with `config()`; return at once. `constants`: see ConnectorProcess."""
        name = f"connector-{len(self._connectors) + 1}"
        connector = ConnectorProcess(config or self.config(), self.folder, name, constants, options)
        self._connectors.append(connector)
        connector.start()
        return connector

    def wait_stored(self, count: int) -> None:
        """Wait until the sandbox has stored at least `count` items."""
        until(lambda: self.sandbox.count("stored") >= count, f"{count} items at the platform")

    def wait_committed(self, topic: str | None = None) -> None:
        """Wait until the group has committed the topic to its end."""
        name = topic or self.topic
        until(lambda: self.kafka.caught_up(self.group, name), "everything to be committed")

    def committed(self) -> int:
        """Return the sum of the group's committed offsets over the topic's partitions."""
        return sum(self.kafka.committed(self.group, self.topic).values())

    def close(self) -> None:
        """End all connectors."""
        for connector in self._connectors:
            connector.close()
            connector.show()


def lost_and_repeated(stored: Counter[int], expected: Iterable[int]) -> tuple[int, int]:
    """Return how many expected orders were not stored, and how many were stored again. Others are an error."""
    wanted = set(expected)
    assert stored.keys() <= wanted, f"never produced: {sorted(stored.keys() - wanted)[:10]}"
    return len(wanted - stored.keys()), stored.total() - len(stored)


def assert_conserved(connector: ConnectorProcess) -> None:
    """Assert consumed = delivered + skipped + dead-lettered + released + in flight, in /status and in /metrics."""
    records = connector.records()
    settled = records["delivered"] + records["skipped"] + records["dead_lettered"]
    assert records["consumed"] == settled + records["released"] + records["in_flight"], records
    counted = {
        name: connector.metric(name)
        for name in ("records_consumed_total", "records_settled_total", "records_released_total")
    }
    consumed, settled_total, released = counted.values()
    assert consumed == settled_total + released + connector.metric("records_in_flight"), counted
    for outcome in ("delivered", "skipped", "dead_lettered"):
        assert connector.metric("records_settled_total", outcome=outcome) == records[outcome]
