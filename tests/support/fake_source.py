"""Kafka in memory, on the event loop: partitions, a group's offsets, and leases that a test assigns and revokes.

It keeps the contract of `connector.flow.source.Source` as the real source does (tests/contract/test_source.py runs on
both): nothing is fetched during a revoke, commits are answered late, and a commit for a lease that is no longer owned
is dropped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from connector.core.ledger import Lease, TopicCounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
    from random import Random

    from connector.core.progress import Progress
    from connector.core.record import Record, TopicPartition

CHUNKS_UNDER_WAY = 4
"""How many chunks wait between the fetching task and the pipeline."""
POLL_S = 0.05


class CloseLeases(Protocol):
    """What a source calls when it loses leases: `Pipeline.close`."""

    def __call__(
        self, leases: Sequence[Lease], deadline: float | None
    ) -> Coroutine[object, object, Mapping[Lease, Progress]]:
        """Return the progress to commit of each lease."""


class Log:
    """One partition: its records, its next offset, and the group's committed offset with what is settled above it."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.end = 0
        self.committed: int | None = None
        self.ahead: tuple[range, ...] = ()

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.end = record.offset + 1

    def after(self, offset: int, count: int) -> list[Record]:
        return [record for record in self.records if record.offset >= offset][:count]


class FakeSource:
    """Partitions are assigned, revoked and lost by the test."""

    def __init__(
        self, partitions: Iterable[TopicPartition], close: CloseLeases, random: Random, *, chunk: int = 20
    ) -> None:
        self.logs = {partition: Log() for partition in partitions}
        self.topic_counts: dict[str, TopicCounts] = {}
        self.leases: dict[TopicPartition, Lease] = {}
        self.lease_of: dict[int, tuple[Record, Lease]] = {}
        """By `id()` of each record handed over: the record and its lease."""
        self.paused: set[Lease] = set()
        self.before_commit: Callable[[Lease, Progress], None] = lambda _lease, _progress: None
        self.on_pause: Callable[[Lease], None] = lambda _lease: None
        self.on_resume: Callable[[Lease], None] = lambda _lease: None
        self._close = close
        self._random = random
        self._chunk = chunk
        self._next: dict[Lease, int] = {}
        self._busy = asyncio.Lock()
        self._chunks: asyncio.Queue[tuple[Lease, Sequence[Record]] | None] = asyncio.Queue(CHUNKS_UNDER_WAY)
        self._stopped = False

    # -- connector.flow.source.Source -----------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk

    def pause(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self.on_pause(lease)
            self.paused.add(lease)

    def resume(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self.on_resume(lease)
            self.paused.discard(lease)

    def commit(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            progress = lease.progress().advanced_to(lease.next_offset if lease.idle else 0)
            asyncio.get_running_loop().call_later(self._random.uniform(0, 0.5), self._answer, lease, progress)

    def _answer(self, lease: Lease, progress: Progress) -> None:
        if self.leases.get(lease.partition) is lease and progress.offset >= (lease.committed or 0):
            self._write(lease, progress)

    def _write(self, lease: Lease, progress: Progress) -> None:
        self.before_commit(lease, progress)
        assert lease.committed is None or progress.offset >= lease.committed, "committed moved back"
        log = self.logs[lease.partition]
        lease.committed = log.committed = progress.offset
        log.ahead = progress.ahead

    # -- what a broker and a consumer thread do ---------------------------------------------------------------------

    async def fetch(self) -> None:
        """Hand over chunks of all leases that are not paused, until `stop`."""
        while not self._stopped:
            async with self._busy:
                for lease in list(self.leases.values()):
                    if lease not in self.paused and self.leases.get(lease.partition) is lease:
                        await self._fetch_from(lease)
            await asyncio.sleep(POLL_S)

    async def hand_over(self, lease: Lease, records: Sequence[Record]) -> None:
        """Put a chunk on its way to the pipeline, even if the lease has ended meanwhile."""
        await self._chunks.put((lease, records))

    async def _fetch_from(self, lease: Lease) -> None:
        found = self.logs[lease.partition].after(self._next[lease], self._random.randint(1, self._chunk))
        records = [record.replace() for record in found]  # new objects, so that id() tells leases apart
        if records:
            self._next[lease] = records[-1].offset + 1
            self.lease_of.update((id(record), (record, lease)) for record in records)
            await self.hand_over(lease, records)

    async def assign(self, partition: TopicPartition) -> None:
        async with self._busy:
            if partition not in self.leases:
                log = self.logs[partition]
                start = log.committed or 0
                counts = self.topic_counts.setdefault(partition.topic, TopicCounts())
                lease = Lease(partition, start, counts, log.ahead)
                lease.committed = log.committed
                self.leases[partition] = lease
                self._next[lease] = start
                await self.hand_over(lease, ())

    async def revoke(self, partitions: Iterable[TopicPartition], deadline_s: float) -> None:
        """Close leases, commit their progress, end them. With a deadline of 0 they are lost: nothing is committed."""
        async with self._busy:
            gone = [self.leases[partition] for partition in partitions if partition in self.leases]
            deadline = asyncio.get_running_loop().time() + deadline_s if deadline_s else None
            ended = await self._close(gone, deadline) if gone else {}
            for lease in gone:
                assert lease.ended
                if deadline_s:
                    self._write(lease, ended[lease].advanced_to(lease.committed or 0))
                del self.leases[lease.partition]
                self.paused.discard(lease)

    async def stop(self, deadline_s: float) -> None:
        await self.revoke(list(self.leases), deadline_s)
        self._stopped = True
        await self._chunks.put(None)
