"""The two sources that the contract suite runs on: the fake on virtual time, and the bridge on a real broker.

A harness owns one topic of four partitions and one group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from confluent_kafka import Consumer

from connector.core.record import Record, TopicPartition
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.settings.models import Kafka
from tests.kafka.cluster import Cluster, fresh
from tests.kafka.waiting import until as kafka_until
from tests.support.builders import never_frozen, seeded
from tests.support.clock import run_virtual
from tests.support.fake_source import FakeSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.flow.source import Source

PARTITIONS = 4
TIMEOUT_S = 40.0


class FakePipeline:
    """What a source needs of a pipeline: takes chunks, tracks and settles records, closes leases."""

    def __init__(self) -> None:
        self.chunks: list[tuple[Lease, Sequence[Record]]] = []
        self.closed: list[tuple[Lease, float]] = []
        """Each lease that was closed, and the seconds that were left until its deadline."""
        self.settling = True
        """Whether records are settled when they arrive."""
        self.closing_takes_s = 0.0

    async def run(self, source: Source) -> None:
        """Take chunks until the source ends."""
        async for lease, records in source:
            self.chunks.append((lease, records))
            for record in records:
                if not lease.ended:
                    lease.track(record.offset, 0.0, 0 if self.settling else 1)

    async def close(self, leases: Sequence[Lease], deadline: float | None) -> Mapping[Lease, Progress]:
        """End leases after `closing_takes_s`."""
        left_s = 0.0 if deadline is None else deadline - asyncio.get_running_loop().time()
        self.closed += [(lease, left_s) for lease in leases]
        await asyncio.sleep(min(self.closing_takes_s, left_s))
        return {lease: lease.end() for lease in leases}

    @property
    def leases(self) -> list[Lease]:
        """All leases that have arrived, in order, each once."""
        return list(dict.fromkeys(lease for lease, _ in self.chunks))

    @property
    def live(self) -> list[Lease]:
        """The leases that have not ended."""
        return [lease for lease in self.leases if not lease.ended]

    def records(self, lease: Lease | None = None) -> list[Record]:
        """Return the records that have arrived, of one lease or of all."""
        return [record for owner, records in self.chunks for record in records if lease in {None, owner}]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that a thread or a broker brings about."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)


class SourceHarness(Protocol):
    """What the suite needs of either source."""

    source: Source
    pipeline: FakePipeline

    def produce(self, count: int, partition: int) -> None:
        """Append `count` records."""

    def committed(self) -> dict[int, int]:
        """Return the group's committed offsets, as the broker has them; partitions without one are left out."""

    async def revoke_some(self) -> None:
        """Let a second member get some of the partitions; return when they were revoked here."""

    async def assign_all(self) -> None:
        """Let the second member leave; return when all partitions are assigned here again."""

    async def stop(self, deadline_s: float) -> None:
        """Stop the source; return when its iteration has ended."""


class FakeSourceHarness:
    """The fake source, in memory."""

    def __init__(self) -> None:
        self.pipeline = FakePipeline()
        self._partitions = [TopicPartition("orders", number) for number in range(PARTITIONS)]
        self.fake = FakeSource(self._partitions, self.pipeline.close, seeded(1))
        self.source: Source = self.fake

    async def start(self) -> None:
        self._running = asyncio.gather(self.pipeline.run(self.fake), self.fake.fetch())
        for partition in self._partitions:
            await self.fake.assign(partition)
        await until(lambda: len(self.pipeline.live) == PARTITIONS)

    def produce(self, count: int, partition: int) -> None:
        log = self.fake.logs[self._partitions[partition]]
        for _ in range(count):
            log.append(Record("orders", partition, log.end, 0, None, b"{}", ()))

    def committed(self) -> dict[int, int]:
        return {
            partition.partition: log.committed for partition, log in self.fake.logs.items() if log.committed is not None
        }

    async def revoke_some(self) -> None:
        await self.fake.revoke(self._partitions[:2], 15.0)

    async def assign_all(self) -> None:
        for partition in self._partitions[:2]:
            await self.fake.assign(partition)
        await until(lambda: len(self.pipeline.live) == PARTITIONS)

    async def stop(self, deadline_s: float) -> None:
        await self.fake.stop(deadline_s)
        await self._running


class KafkaSourceHarness:
    """The bridge, its thread and a broker; the second member is a plain consumer that never commits."""

    def __init__(self, cluster: Cluster, properties: Mapping[str, Any]) -> None:
        self.topic, self._group = fresh("orders"), fresh("group")
        self._cluster = cluster
        self._properties = properties
        self._second: Consumer | None = None
        cluster.create_topic(self.topic, PARTITIONS)

    async def start(self) -> None:
        self.pipeline = FakePipeline()
        self.events: list[object] = []
        properties = self._properties or {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
        servers = self._cluster.address
        kafka = Kafka.model_validate({"bootstrap_servers": servers, "group_id": self._group, "properties": properties})
        self.bridge = Bridge(self.events.append, self.pipeline.close, {})
        self.source: Source = self.bridge
        ConsumerThread(kafka, [self.topic], "", self.bridge, never_frozen()).start()
        self._running = asyncio.ensure_future(self.pipeline.run(self.bridge))
        await until(lambda: len(self.pipeline.live) == PARTITIONS)

    def produce(self, count: int, partition: int) -> None:
        self._cluster.produce_orders(self.topic, range(count), partition=partition)

    def committed(self) -> dict[int, int]:
        return self._cluster.committed(self._group, self.topic)

    async def revoke_some(self) -> None:
        settings = {"bootstrap.servers": self._cluster.address, "group.id": self._group, "enable.auto.commit": False}
        if not self._properties:
            settings |= {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000}
        self._second = Consumer({**settings, **self._properties})
        self._second.subscribe([self.topic])
        await asyncio.to_thread(kafka_until, partial(self._owns_some, self._second), "partitions to be revoked")

    def _owns_some(self, second: Consumer) -> bool:
        second.poll(0.1)
        return bool(second.assignment()) and len(self.pipeline.live) < PARTITIONS

    async def assign_all(self) -> None:
        if self._second is not None:
            await asyncio.to_thread(self._second.close)
            self._second = None
        await until(lambda: len(self.pipeline.live) == PARTITIONS)

    async def stop(self, deadline_s: float) -> None:
        self.bridge.stop(deadline_s)
        async with asyncio.timeout(TIMEOUT_S):
            await self._running
        if self._second is not None:
            await asyncio.to_thread(self._second.close)


Scenario = Callable[[SourceHarness], Coroutine[object, object, None]]


def run_on_fake(scenario: Scenario) -> None:
    """Run a scenario on the fake source, on virtual time."""

    async def main() -> None:
        harness = FakeSourceHarness()
        await harness.start()
        await scenario(harness)

    run_virtual(main())


def run_on_kafka(cluster: Cluster, properties: Mapping[str, Any], scenario: Scenario) -> None:
    """Run a scenario on a broker, with these Kafka properties."""

    async def main() -> None:
        harness = KafkaSourceHarness(cluster, properties)
        await harness.start()
        await scenario(harness)

    asyncio.run(main())
