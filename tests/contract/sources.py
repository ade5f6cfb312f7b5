"""The stages on which the contract of a source is played: the fake on virtual time, the real one on a broker.

A stage owns one topic of four partitions and one group. What the suite asks of both is the same.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from confluent_kafka import Consumer

from connector.core.record import Record, TopicPartition
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.settings.models import Kafka
from tests.kafka.cluster import Cluster, fresh
from tests.kafka.waiting import until as kafka_until
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.fake_source import FakeSource

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.flow.pipeline import Source

PARTITIONS = 4
PATIENCE_S = 40.0


class Member:
    """What the pipeline is to a source, as simple as it can be: takes chunks, settles when told, closes leases."""

    def __init__(self) -> None:
        self.chunks: list[tuple[Lease, Sequence[Record]]] = []
        self.closed: list[tuple[Lease, float]] = []
        self.settling = True
        """Whether records are settled as they come."""
        self.closing_takes_s = 0.0

    async def run(self, source: Source) -> None:
        """Take chunks until the source ends."""
        async for lease, records in source:
            self.chunks.append((lease, records))
            for record in records:
                if not lease.ended:
                    entry = lease.track(record.offset, 0.0)
                    if self.settling:
                        entry.expect(0)

    async def close(self, leases: Sequence[Lease], deadline_s: float) -> Mapping[Lease, int]:
        """End leases, after a while."""
        self.closed += [(lease, deadline_s) for lease in leases]
        await asyncio.sleep(min(self.closing_takes_s, deadline_s))
        return {lease: lease.end() for lease in leases}

    @property
    def leases(self) -> list[Lease]:
        """All that have come, in order, without repeats."""
        return list(dict.fromkeys(lease for lease, _ in self.chunks))

    @property
    def live(self) -> list[Lease]:
        """Those that have not ended."""
        return [lease for lease in self.leases if not lease.ended]

    def records(self, lease: Lease | None = None) -> list[Record]:
        """What has come, of one lease or of all."""
        return [record for owner, records in self.chunks for record in records if lease in {None, owner}]


async def until(reached: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(PATIENCE_S):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in a thread or in a broker
            await asyncio.sleep(0.05)


class Stage(Protocol):
    """What the suite plays on."""

    source: Source
    member: Member

    def produce(self, count: int, partition: int) -> None:
        """Append so many records."""

    def committed(self) -> dict[int, int]:
        """The group's offsets, seen from outside; partitions without one are left out."""

    async def take_away(self) -> None:
        """Let another member have some of the partitions; returns when they have gone."""

    async def give_back(self) -> None:
        """Let the other member leave; returns when all partitions are leased again."""

    async def stop(self, deadline_s: float) -> None:
        """Stop the source; returns when its iteration has ended."""


class FakeStage:
    """The source in memory."""

    def __init__(self) -> None:
        self.member = Member()
        self._partitions = [TopicPartition("orders", number) for number in range(PARTITIONS)]
        self.fake = FakeSource(self._partitions, self.member.close, seeded(1))
        self.source: Source = self.fake

    async def open(self) -> None:
        self._running = asyncio.gather(self.member.run(self.fake), self.fake.fetch())
        for partition in self._partitions:
            await self.fake.assign(partition)
        await until(lambda: len(self.member.live) == PARTITIONS)

    def produce(self, count: int, partition: int) -> None:
        log = self.fake.logs[self._partitions[partition]]
        for _ in range(count):
            log.append(Record("orders", partition, log.end, 0, None, b"{}", ()))

    def committed(self) -> dict[int, int]:
        return {
            partition.partition: log.committed for partition, log in self.fake.logs.items() if log.committed is not None
        }

    async def take_away(self) -> None:
        await self.fake.revoke(self._partitions[:2], 15.0)

    async def give_back(self) -> None:
        for partition in self._partitions[:2]:
            await self.fake.assign(partition)
        await until(lambda: len(self.member.live) == PARTITIONS)

    async def stop(self, deadline_s: float) -> None:
        await self.fake.stop(deadline_s)
        await self._running


class RealStage:
    """The bridge, its thread, and a broker; the other member is a plain consumer that never commits."""

    def __init__(self, cluster: Cluster, properties: Mapping[str, Any]) -> None:
        self.topic, self._group = fresh("orders"), fresh("group")
        self._cluster = cluster
        self._properties = properties
        self._other: Consumer | None = None
        cluster.create_topic(self.topic, PARTITIONS)

    async def open(self) -> None:
        self.member = Member()
        self.events: list[object] = []
        properties = self._properties or {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
        servers = self._cluster.address
        kafka = Kafka.model_validate({"bootstrap_servers": servers, "group_id": self._group, "properties": properties})
        self.bridge = Bridge(self.events.append, self.member.close, {})
        self.source: Source = self.bridge
        ConsumerThread(kafka, [self.topic], "", self.bridge).start()
        self._running = asyncio.ensure_future(self.member.run(self.bridge))
        await until(lambda: len(self.member.live) == PARTITIONS)

    def produce(self, count: int, partition: int) -> None:
        self._cluster.produce_orders(self.topic, range(count), partition=partition)

    def committed(self) -> dict[int, int]:
        return self._cluster.committed(self._group, self.topic)

    async def take_away(self) -> None:
        settings = {"bootstrap.servers": self._cluster.address, "group.id": self._group, "enable.auto.commit": False}
        if not self._properties:
            settings |= {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000}
        self._other = Consumer({**settings, **self._properties})
        self._other.subscribe([self.topic])
        await asyncio.to_thread(kafka_until, partial(self._has_some, self._other), "partitions to move")

    def _has_some(self, other: Consumer) -> bool:
        other.poll(0.1)
        return bool(other.assignment()) and len(self.member.live) < PARTITIONS

    async def give_back(self) -> None:
        if self._other is not None:
            await asyncio.to_thread(self._other.close)
            self._other = None
        await until(lambda: len(self.member.live) == PARTITIONS)

    async def stop(self, deadline_s: float) -> None:
        self.bridge.stop(deadline_s)
        async with asyncio.timeout(PATIENCE_S):
            await self._running
        if self._other is not None:
            await asyncio.to_thread(self._other.close)


def play_on_fake(play: Callable[[Stage], Coroutine[object, object, None]]) -> None:
    """Virtual time."""

    async def main() -> None:
        stage = FakeStage()
        await stage.open()
        await play(stage)

    run_virtual(main())


def play_on_real(
    cluster: Cluster, properties: Mapping[str, Any], play: Callable[[Stage], Coroutine[object, object, None]]
) -> None:
    """Real time, a real broker."""

    async def main() -> None:
        stage = RealStage(cluster, properties)
        await stage.open()
        await play(stage)

    asyncio.run(main())
