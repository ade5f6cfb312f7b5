"""What one test plays on: a topic, a group, the sandbox, and connectors that are gone when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.kafka.cluster import Cluster, fresh
from tests.kafka.harness import Connector, Sandbox, write_config
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable
    from pathlib import Path

FAST_SESSION = {"session.timeout.ms": 6000}
"""The least that a broker takes by default: a killed member's partitions rest so long."""


class Stage:
    """Built per test. `topic` and `group` are names that no other test has; the topic is not created yet."""

    def __init__(self, cluster: Cluster, sandbox: Sandbox, folder: Path) -> None:
        self.kafka = cluster
        self.sandbox = sandbox
        self.topic = fresh("orders")
        self.group = fresh("group")
        self._folder = folder
        self._connectors: list[Connector] = []

    def config(self, *topics: str, **properties: object) -> dict[str, Any]:
        """A config for these topics, by default the stage's own; properties with `_` for a dot."""
        dotted = {name.replace("_", "."): value for name, value in properties.items()}
        return write_config(self.kafka.address, self.sandbox.url, topics or [self.topic], self.group, dotted)

    def connector(self, config: dict[str, Any] | None = None) -> Connector:
        """Start one more connector, by default with `config()`; returns at once."""
        name = f"connector-{len(self._connectors) + 1}"
        connector = Connector(config or self.config(), self._folder, name)
        self._connectors.append(connector)
        connector.start()
        return connector

    def wait_stored(self, count: int) -> None:
        """Wait until the sandbox has stored at least so many items."""
        until(lambda: self.sandbox.count("stored") >= count, f"{count} items at the platform")

    def wait_committed(self, topic: str | None = None) -> None:
        """Wait until the group has committed everything there is in the topic."""
        name = topic or self.topic
        until(lambda: self.kafka.caught_up(self.group, name), "everything to be committed")

    def committed(self) -> int:
        """How many offsets of the topic the group has committed, over all partitions."""
        return sum(self.kafka.committed(self.group, self.topic).values())

    def close(self) -> None:
        """End all connectors."""
        for connector in self._connectors:
            connector.close()
            connector.show()


def lost_and_repeated(seen: Counter[int], expected: Iterable[int]) -> tuple[int, int]:
    """How many orders never arrived, and how many arrivals were too many; what was never produced is an error."""
    wanted = set(expected)
    assert seen.keys() <= wanted, f"never produced: {sorted(seen.keys() - wanted)[:10]}"
    return len(wanted - seen.keys()), seen.total() - len(seen)


def assert_conserved(connector: Connector) -> None:
    """consumed = delivered + skipped + dead-lettered + released + in flight, on the status page and in the metrics."""
    told = connector.records()
    settled = told["delivered"] + told["skipped"] + told["dead_lettered"]
    assert told["consumed"] == settled + told["released"] + told["in_flight"], told
    counted = {
        name: connector.metric(name)
        for name in ("records_consumed_total", "records_settled_total", "records_released_total")
    }
    consumed, settled_too, released = counted.values()
    assert consumed == settled_too + released + connector.metric("records_in_flight"), counted
    for outcome in ("delivered", "skipped", "dead_lettered"):
        assert connector.metric("records_settled_total", outcome=outcome) == told[outcome]
