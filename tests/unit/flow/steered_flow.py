"""A pipeline whose requests wait until the test releases them, for tests of one rule at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.batching import BatchLimits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, TopicPartition
from connector.core.sink import Verdict, VerdictKind
from connector.flow.pipeline import Pipeline
from connector.flow.plan import Plan
from connector.flow.target import Target, TargetDependencies
from connector.runtime.tasks import Tasks
from tests.support.builders import item, record, seeded
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from connector.core.record import Item, Record


class SteeredSink(FakeSink):
    """Every request waits until the test releases it."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._released = asyncio.Semaphore(0)

    async def _answer(self, _items: Sequence[Item]) -> Verdict:
        await self._released.acquire()
        return Verdict(VerdictKind.DELIVERED)

    async def deliver(self) -> None:
        """Answer one request."""
        self._released.release()
        await asyncio.sleep(1)


class SteeredSource:
    """Yields the chunks that it is given, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[tuple[Lease, Sequence[Record]]] = asyncio.Queue()
        self.paused: set[Lease] = set()
        self.resumed: list[Lease] = []
        self.commits: list[list[Lease]] = []

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        while True:
            yield await self.chunks.get()

    def pause(self, leases: Iterable[Lease]) -> None:
        self.paused.update(leases)

    def resume(self, leases: Iterable[Lease]) -> None:
        self.resumed += leases
        self.paused.difference_update(leases)

    def commit(self, leases: Iterable[Lease]) -> None:
        self.commits.append(list(leases))


class FanOutMapper:
    """Makes `fan_out` items of each record, for the target that its topic feeds. No target of its may be full then."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self.fan_out = 1
        self.mapped = 0
        self._targets = targets

    def of_topic(self, _: str) -> Callable[[Record], Sequence[Item]]:
        return self.items

    def items(self, record: Record) -> Sequence[Item]:
        target = FED_BY[record.topic]
        assert not self._targets[target].full
        assert not self._targets[DEAD_LETTERS].full
        self.mapped += 1
        return [item(record, target=target)] * self.fan_out


FED_BY = {"orders": "events", "members": "tags"}


class SteeredFlow:
    """A pipeline with two targets, one request of one item at a time each. Made on the event loop."""

    def __init__(
        self,
        max_queued: int = 10,
        max_queued_bytes: int = 100_000,
        mapper: Callable[[Mapping[str, Target]], FanOutMapper] = FanOutMapper,
    ) -> None:
        self.tasks = Tasks()
        self.sinks = {name: SteeredSink() for name in ("events", "tags", DEAD_LETTERS)}
        settings = replace(
            SETTINGS,
            limits=BatchLimits(1, 1_000, 0.2),
            max_in_flight=1,
            max_queued=max_queued,
            max_queued_bytes=max_queued_bytes,
        )
        self.pipeline = Pipeline()
        deps = TargetDependencies(
            emit=lambda _: None,
            dead_letter=self.pipeline.dead_letter,
            on_progress=self.pipeline.on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(None),
            random=seeded(1),
        )
        self.targets = {name: Target(replace(settings, name=name), sink, deps) for name, sink in self.sinks.items()}
        self.source = SteeredSource()
        self.mapper = mapper(self.targets)
        self.plan = Plan(self.mapper, lambda topic: [FED_BY[topic]], self.targets)
        self.running = self.tasks.spawn(self.pipeline.run(self.source, self.plan), name="flow")
        self._next_offset: dict[Lease, int] = {}

    async def receive(self, *chunks: tuple[Lease, int]) -> None:
        """Let chunks arrive, each given by its lease and the number of its records; return when they are processed."""
        for lease, count in chunks:
            first = self._next_offset.get(lease, lease.next_offset)
            self._next_offset[lease] = first + count
            self.source.chunks.put_nowait((lease, records_of(lease, first, count)))
        await asyncio.sleep(0.1)
        if self.tasks.failure.done():
            self.tasks.failure.result()


def records_of(lease: Lease, first: int, count: int) -> list[Record]:
    topic, partition = lease.partition
    offsets = range(first, first + count)
    return [record(offset, partition=partition, value=b"12345").replace(topic=topic) for offset in offsets]


def lease_of(topic: str = "orders", partition: int = 0) -> Lease:
    return Lease(TopicPartition(topic, partition), 0, TopicCounts())
