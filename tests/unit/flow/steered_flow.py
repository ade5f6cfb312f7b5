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
from connector.flow.target import Target, TargetDependencies
from connector.runtime.tasks import Tasks
from tests.support.builders import item, record, seeded
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

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


class ListedSource:
    """Yields the chunks that it was made with, and remembers what it was asked for."""

    def __init__(self, chunks: Iterable[tuple[Lease, Sequence[Record]]]) -> None:
        self._chunks = chunks
        self.paused: set[Lease] = set()
        self.resumed: list[Lease] = []
        self.commits: list[list[Lease]] = []

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        for chunk in self._chunks:
            yield chunk

    def pause(self, leases: Iterable[Lease]) -> None:
        self.paused.update(leases)

    def resume(self, leases: Iterable[Lease]) -> None:
        self.resumed += leases
        self.paused.difference_update(leases)

    def commit(self, leases: Iterable[Lease]) -> None:
        self.commits.append(list(leases))


class OneItemMapper:
    """Makes one item of each record, for the target that its topic feeds."""

    def items(self, record: Record) -> Sequence[Item]:
        return [item(record, target=FED_BY[record.topic])]


FED_BY = {"orders": "events", "members": "tags"}


class SteeredFlow:
    """A pipeline with two targets, one request of one item at a time each. Made on the event loop."""

    def __init__(self, max_queued: int = 10, max_queued_bytes: int = 100_000) -> None:
        self.tasks = Tasks()
        self.sinks = {name: SteeredSink() for name in ("events", "tags", DEAD_LETTERS)}
        settings = replace(
            SETTINGS,
            limits=BatchLimits(1, 1_000, 0.2),
            max_in_flight=1,
            max_queued=max_queued,
            max_queued_bytes=max_queued_bytes,
        )
        self.pipeline = Pipeline(lambda topic: [FED_BY[topic]])
        deps = TargetDependencies(
            emit=lambda _: None,
            dead_letter=self.pipeline.dead_letter,
            on_progress=self.pipeline.on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(None),
            random=seeded(1),
        )
        self.targets = {name: Target(replace(settings, name=name), sink, deps) for name, sink in self.sinks.items()}
        self.pipeline.attach(self.targets)
        self.source = ListedSource([])

    async def run(self, *chunks: tuple[Lease, int]) -> None:
        """Process chunks, each given by its lease and the number of its records."""
        self.source = ListedSource([(lease, records_of(lease, count)) for lease, count in chunks])
        await self.pipeline.run(self.source, OneItemMapper())


def records_of(lease: Lease, count: int) -> list[Record]:
    topic, partition = lease.partition
    offsets = range(lease.next_offset, lease.next_offset + count)
    return [record(offset, partition=partition, value=b"12345")._replace(topic=topic) for offset in offsets]


def lease_of(topic: str = "orders", partition: int = 0) -> Lease:
    return Lease(TopicPartition(topic, partition), 0, TopicCounts())
