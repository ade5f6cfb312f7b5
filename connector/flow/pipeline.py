"""The flow on one page: records of a lease become items, items go to targets, watermarks are committed.

source (thread)    consume -> records of a lease
pipeline           items = mapper.items(record) -> lease.track(offset, len(items))
target             put(item, lease) -> batch -> send -> verdict -> retry | split | dead-letter
pipeline           item's outcome -> lease.settle -> the watermark moves
source (thread)    commit the watermark
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from connector.core.ledger import MAX_OPEN_OFFSETS, LeaseState
from connector.core.record import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.core.record import Item, Record
    from connector.flow.target import Target


class Mapper(Protocol):
    """Turns records into items."""

    def items(self, record: Record) -> Sequence[Item]:
        """Return the record's items in route order; none means skipped. Pure; a failed mapping is an item too."""


class Source(Protocol):
    """Where records come from. All methods are called on the event loop and return at once."""

    def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Yield chunks of one lease each, in order; an empty chunk announces a new lease. Ends after a stop."""

    def pause(self, leases: Iterable[Lease]) -> None:
        """Fetch no more records of these leases until `resume`; chunks fetched before still come."""

    def resume(self, leases: Iterable[Lease]) -> None:
        """Fetch records of these leases again."""

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit each lease's progress if it has changed; of an idle lease, its position."""


class Pipeline:
    """Lives as long as the process; used on the event loop only.

    `target_names_of` returns the names of the targets that records of a topic may go to. The source calls `close` when
    leases are taken away.
    """

    def __init__(self, target_names_of: Callable[[str], Iterable[str]]) -> None:
        self.leases: dict[Lease, None] = {}
        """An ordered set: the leases that are not closed."""
        self.paused: set[Lease] = set()
        self._targets: Mapping[str, Target] = {}
        self._target_names_of = target_names_of
        self._loop = asyncio.get_running_loop()
        self._source: Source | None = None
        self._drained: dict[Lease, asyncio.Future[None]] = {}
        """For each lease that is closing: done once all its items have ended, or the lease has."""

    def attach(self, targets: Mapping[str, Target]) -> None:
        """Set the targets by name, the dead letters among them, before `run`.

        Targets are built after the pipeline: they call its `dead_letter` and `on_progress`.
        """
        self._targets = targets

    async def run(self, source: Source, mapper: Mapper) -> None:
        """Process chunks until the source ends. Raises what the source raises."""
        self._source = source
        async for lease, records in source:
            self._process(lease, records, mapper)

    def _process(self, lease: Lease, records: Sequence[Record], mapper: Mapper) -> None:
        if lease.state is not LeaseState.OPEN:
            return  # revoked since it was fetched: the next owner has these records
        self.leases[lease] = None
        targets = self._targets
        now = self._loop.time()
        for record in lease.pass_over(records):
            items = mapper.items(record)
            lease.track(record.offset, now, len(items))
            for item in items:
                targets[item.target].put(item, lease)
        if lease.span >= MAX_OPEN_OFFSETS or any(target.full for target in targets.values()):
            self.apply_back_pressure()

    def dead_letter(self, item: Item, lease: Lease) -> None:
        """Send an item that carries its failure to the dead letters."""
        self._targets[DEAD_LETTERS].put(item._replace(target=DEAD_LETTERS), lease)

    async def commit_periodically(self, interval_s: float) -> None:
        """Commit the watermarks every `interval_s` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval_s)
            if self._source is not None:
                self._source.commit(self.leases)

    # -- back-pressure ------------------------------------------------------------------------------------------

    def on_progress(self) -> None:
        """Called after each delivery and when leases have ended; re-evaluates back-pressure."""
        if self.paused:
            self.apply_back_pressure()

    def apply_back_pressure(self) -> None:
        """Pause the partitions that feed a full target; resume those whose targets have room."""
        source = self._source
        if source is None:
            return
        to_pause = [lease for lease in self.leases if lease not in self.paused and self._must_pause(lease)]
        to_resume = [lease for lease in self.paused if self._may_resume(lease)]
        self.paused.update(to_pause)
        self.paused.difference_update(to_resume)
        if to_pause:
            source.pause(to_pause)
        if to_resume:
            source.resume(to_resume)

    def _must_pause(self, lease: Lease) -> bool:
        if lease.idle:
            return False  # so that a record which is larger than the queue passes alone
        return lease.span >= MAX_OPEN_OFFSETS or any(target.full for target in self._targets_of(lease))

    def _may_resume(self, lease: Lease) -> bool:
        if lease.idle:
            return True
        return lease.span * 2 < MAX_OPEN_OFFSETS and all(target.has_room for target in self._targets_of(lease))

    def _targets_of(self, lease: Lease) -> list[Target]:
        return [self._targets[name] for name in {DEAD_LETTERS, *self._target_names_of(lease.partition.topic)}]

    # -- the end of leases --------------------------------------------------------------------------------------

    async def close(self, leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
        """End leases because of a revoke or a stop; return the progress to commit of each that had not ended before.

        No record of theirs is accepted any more. Their queued items get one try until `deadline` (on the clock of the
        event loop); no retry and no split starts; requests on the wire are awaited. What is unsettled then is released.
        None means that the partitions are lost: nothing is awaited, and nothing must be committed.
        May be called again while it runs, for the same leases too: the earlier deadline counts.
        """
        if deadline is not None:
            await self._drain(leases, deadline)
        ended = {lease: lease.end() for lease in leases if not lease.ended}
        self._flush_targets()
        for lease in leases:
            self.leases.pop(lease, None)
            self.paused.discard(lease)
            if (drained := self._drained.pop(lease, None)) is not None and not drained.done():
                drained.set_result(None)  # another call waits for it
        self.on_progress()
        return ended

    async def _drain(self, leases: Sequence[Lease], deadline: float) -> None:
        """Close the leases and wait until all their items have ended, or `deadline` has come."""
        drained = [self._close_lease(lease, deadline) for lease in leases if not lease.ended]
        self._flush_targets()
        timeout_s = deadline - self._loop.time()
        if drained and timeout_s > 0:
            await asyncio.wait(drained, timeout=timeout_s)

    def _close_lease(self, lease: Lease, deadline: float) -> asyncio.Future[None]:
        """Start to close a lease, if that has not begun; return what is done once all its items have ended."""
        lease.deadline = min(lease.deadline, deadline)
        drained = self._drained.get(lease)
        if drained is None:
            drained = self._drained[lease] = self._loop.create_future()
            lease.close(partial(drained.set_result, None))
        return drained

    def _flush_targets(self) -> None:
        for target in self._targets.values():
            target.flush()
