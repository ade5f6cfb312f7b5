"""A cluster of three brokers as three processes, each a controller too: any one of them may die."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from confluent_kafka.admin import AdminClient

from tests.kafka.broker import Broker

if TYPE_CHECKING:
    from collections.abc import Sequence

_REPLICATED = {
    "offsets.topic.replication.factor": "3",
    "min.insync.replicas": "2",
    # Followers that are behind leave the replicas in sync soon, so that writes go on without them.
    "replica.lag.time.max.ms": "3000",
}


class Node(Broker):
    """One of the brokers, by its id."""

    def __init__(self, number: int) -> None:
        """Starts nothing. Raises NoBrokerError."""
        super().__init__()
        self.number = number

    def join(self, nodes: Sequence[Node]) -> None:
        """Make it one of the cluster's nodes; before the first start."""
        self._cluster_id = nodes[0]._cluster_id
        voters = ",".join(f"{node.number}@127.0.0.1:{node._controller}" for node in nodes)
        self._write_properties({**_REPLICATED, "node.id": str(self.number), "controller.quorum.voters": voters})


class Quorum:
    """Three nodes; `address` names all of them. Topics have `min.insync.replicas` 2 unless they say otherwise."""

    def __init__(self) -> None:
        """Starts nothing. Raises NoBrokerError."""
        self.nodes = [Node(number) for number in (1, 2, 3)]
        for node in self.nodes:
            node.join(self.nodes)
        self.address = ",".join(node.address for node in self.nodes)

    def coordinator(self, group: str) -> Node:
        """Return the node that coordinates the group."""
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        found = admin.describe_consumer_groups([group])[group].result().coordinator
        return next(node for node in self.nodes if node.number == found.id)

    def __enter__(self) -> Self:
        try:
            # Together, because none serves clients before two of them run.
            with ThreadPoolExecutor(len(self.nodes)) as pool:
                list(pool.map(Node.start, self.nodes))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the brokers and remove their folders."""
        for node in self.nodes:
            node.close()
