"""Kafka in memory, on the event loop: partitions, a group's offsets, and leases that come and go as a test says.

It keeps the promises of `connector.flow.pipeline.Source` as the real one does: a thread that is busy with a revoke
fetches nothing, commits are answered late, and a commit for a lease that is no longer owned is dropped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from connector.core.ledger import Lease, TopicCounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
    from random import Random

    from connector.core.record import Record, TopicPartition

CHUNKS_UNDER_WAY = 4
POLL_S = 0.05


class CloseLeases(Protocol):
    """What a source calls when leases go: `Pipeline.close`."""

    def __call__(self, leases: Sequence[Lease], deadline_s: float) -> Coroutine[object, object, Mapping[Lease, int]]:
        """Runs on the event loop."""


class Log:
    """One partition: its records, and what the group has committed."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.end = 0
        self.committed: int | None = None

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.end = record.offset + 1

    def after(self, offset: int, count: int) -> list[Record]:
        return [record for record in self.records if record.offset >= offset][:count]


class FakeSource:
    """Assigned, revoked and lost by the test; `allowed` hears of each commit before it counts."""

    def __init__(
        self, partitions: Iterable[TopicPartition], close: CloseLeases, random: Random, *, chunk: int = 20
    ) -> None:
        self.logs = {partition: Log() for partition in partitions}
        self.topic_counts: dict[str, TopicCounts] = {}
        self.leases: dict[TopicPartition, Lease] = {}
        self.lease_of: dict[int, tuple[Record, Lease]] = {}
        """By the identity of each record handed over: the lease it came with."""
        self.paused: set[Lease] = set()
        self.allowed: Callable[[Lease, int], None] = lambda _lease, _offset: None
        self.on_pause: Callable[[Lease], None] = lambda _lease: None
        self._close = close
        self._random = random
        self._chunk = chunk
        self._next: dict[Lease, int] = {}
        self._busy = asyncio.Lock()
        self._chunks: asyncio.Queue[tuple[Lease, Sequence[Record]] | None] = asyncio.Queue(CHUNKS_UNDER_WAY)
        self._stopped = False

    # -- for the pipeline ---------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk

    def pause(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self.on_pause(lease)
            self.paused.add(lease)

    def resume(self, leases: Iterable[Lease]) -> None:
        self.paused.difference_update(leases)

    def commit(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            mark = lease.next_offset if lease.idle else lease.watermark
            asyncio.get_running_loop().call_later(self._random.uniform(0, 0.5), self._answer, lease, mark)

    def _answer(self, lease: Lease, offset: int) -> None:
        if self.leases.get(lease.partition) is lease and offset > (lease.committed or 0):
            self.write(lease, offset)

    def write(self, lease: Lease, offset: int) -> None:
        self.allowed(lease, offset)
        assert lease.committed is None or offset >= lease.committed, "committed moved back"
        lease.committed = self.logs[lease.partition].committed = offset

    # -- the broker's doing -------------------------------------------------------------------------------------

    async def fetch(self) -> None:
        """What the thread does between polls, until a stop."""
        while not self._stopped:
            async with self._busy:
                for lease in list(self.leases.values()):
                    if lease not in self.paused and self.leases.get(lease.partition) is lease:
                        await self._hand_over(lease)
            await asyncio.sleep(POLL_S)

    async def _hand_over(self, lease: Lease) -> None:
        found = self.logs[lease.partition].after(self._next[lease], self._random.randint(1, self._chunk))
        records = [record._replace() for record in found]  # new objects: each is known by its lease
        if records:
            self._next[lease] = records[-1].offset + 1
            self.lease_of.update((id(record), (record, lease)) for record in records)
            await self._chunks.put((lease, records))

    async def assign(self, partition: TopicPartition) -> None:
        async with self._busy:
            if partition not in self.leases:
                log = self.logs[partition]
                start = log.committed or 0
                lease = Lease(partition, start, self.topic_counts.setdefault(partition.topic, TopicCounts()))
                lease.committed = log.committed
                self.leases[partition] = lease
                self._next[lease] = start
                await self._chunks.put((lease, ()))

    async def revoke(self, partitions: Iterable[TopicPartition], deadline_s: float) -> None:
        """A planned rebalance or a stop: closed by a deadline, then committed, then gone. With 0: lost."""
        async with self._busy:
            gone = [self.leases[partition] for partition in partitions if partition in self.leases]
            marks = await self._close(gone, deadline_s) if gone else {}
            for lease in gone:
                assert lease.ended
                if deadline_s:
                    self.write(lease, max(marks[lease], lease.committed or 0))
                del self.leases[lease.partition]
                self.paused.discard(lease)

    async def stop(self, deadline_s: float) -> None:
        await self.revoke(list(self.leases), deadline_s)
        self._stopped = True
        await self._chunks.put(None)
