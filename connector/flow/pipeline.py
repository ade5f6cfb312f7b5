"""The flow, on one page: records of a lease become items, items go to targets, watermarks are committed.

source (thread)    consume -> records of a lease
pipeline           entry = lease.track(record) -> items = mapper.items(record) -> entry.expect(len(items))
target             put(item, entry) -> batch -> send -> judge -> retry | split | bury
pipeline           item's outcome -> entry.settle -> watermark moves?
source (thread)    commit the watermark
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from connector.core.ledger import MAX_OPEN_OFFSETS, LeaseState
from connector.core.record import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from connector.core.ledger import Entry, Lease
    from connector.core.record import Item, Record
    from connector.flow.target import Target


class Mapper(Protocol):
    """What a record becomes."""

    def items(self, record: Record) -> Sequence[Item]:
        """The record's items in route order; none: skipped. Pure, never raises: failures are items too."""


class Source(Protocol):
    """Where records come from. All methods are called on the event loop and return at once."""

    def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Chunks of one lease each, in order; a new lease first comes with an empty one. Ends after a stop."""

    def pause(self, leases: Iterable[Lease]) -> None:
        """Fetch nothing more for these until `resume`; a chunk that is under way still comes."""

    def resume(self, leases: Iterable[Lease]) -> None:
        """Go on fetching."""

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit each lease's watermark, if it has moved; of an idle lease its position."""


class Pipeline:
    """Lives as long as the process; used on the event loop only.

    `targets` holds every target by name, the dead letters among them; `feeds` gives the names of those that records
    of a topic may go to. The source calls `close` when leases go.
    """

    def __init__(self, targets: Mapping[str, Target], feeds: Callable[[str], Iterable[str]]) -> None:
        self.leases: dict[Lease, None] = {}
        self.paused: set[Lease] = set()
        self._targets = targets
        self._feeds = feeds
        self._loop = asyncio.get_running_loop()
        self._source: Source | None = None

    async def run(self, source: Source, mapper: Mapper) -> None:
        """Flow until the source ends. Raises what the source raises."""
        self._source = source
        async for lease, records in source:
            self._admit(lease, records, mapper)

    def _admit(self, lease: Lease, records: Sequence[Record], mapper: Mapper) -> None:
        if lease.state is not LeaseState.OPEN:
            return  # revoked between the source and here: the next owner has these
        self.leases[lease] = None
        targets = self._targets
        now = self._loop.time()
        for record in records:
            entry = lease.track(record.offset, now)
            items = mapper.items(record)
            entry.expect(len(items))
            for item in items:
                targets[item.target].put(item, entry)
        if lease.span >= MAX_OPEN_OFFSETS or any(target.full for target in targets.values()):
            self.balance()

    def bury(self, item: Item, entry: Entry) -> None:
        """Send an item that carries its failure to the dead letters."""
        self._targets[DEAD_LETTERS].put(item._replace(target=DEAD_LETTERS), entry)

    async def commit_often(self, interval_s: float) -> None:
        """Have the watermarks committed, for ever."""
        while True:
            await asyncio.sleep(interval_s)
            if self._source is not None:
                self._source.commit(self.leases)

    # -- back-pressure: a value, looked at after each chunk and each job ----------------------------------------

    def on_progress(self) -> None:
        """Hear that a target has ended some items, or that leases took theirs with them."""
        if self.paused:
            self.balance()

    def balance(self) -> None:
        """Pause what feeds a full target; resume what has room again."""
        source = self._source
        if source is None:
            return
        stop = [lease for lease in self.leases if lease not in self.paused and self._must_pause(lease)]
        go = [lease for lease in self.paused if self._may_resume(lease)]
        self.paused.update(stop)
        self.paused.difference_update(go)
        if stop:
            source.pause(stop)
        if go:
            source.resume(go)

    def _must_pause(self, lease: Lease) -> bool:
        if lease.idle:
            return False  # a record that is larger than the queue passes alone
        return lease.span >= MAX_OPEN_OFFSETS or any(target.full for target in self._fed_by(lease))

    def _may_resume(self, lease: Lease) -> bool:
        if lease.idle:
            return True
        return lease.span * 2 < MAX_OPEN_OFFSETS and all(target.relaxed for target in self._fed_by(lease))

    def _fed_by(self, lease: Lease) -> list[Target]:
        return [self._targets[name] for name in {DEAD_LETTERS, *self._feeds(lease.partition.topic)}]

    # -- the end of leases --------------------------------------------------------------------------------------

    async def close(self, leases: Sequence[Lease], deadline_s: float) -> dict[Lease, int]:
        """End leases that are being taken away or given up: revoke and stop are this one operation.

        Nothing new is admitted; what is buffered gets one try while time lasts; no retry and no split starts; what is
        on the wire is awaited. Gives the watermark to commit for each. With a `deadline_s` of 0 (the partitions are
        lost) nothing is awaited, and nothing may be committed.
        """
        noisy = len(leases)
        quiet = asyncio.Event()

        def on_quiet() -> None:
            nonlocal noisy
            noisy -= 1
            if not noisy:
                quiet.set()

        if deadline_s and leases:
            for lease in leases:
                lease.close(on_quiet)
            self._flush_targets()
            try:
                async with asyncio.timeout(deadline_s):
                    await quiet.wait()
            except TimeoutError:
                pass  # the time is up: what is still unsettled is released
        marks = {lease: lease.end() for lease in leases}
        self._flush_targets()
        for lease in leases:
            self.leases.pop(lease, None)
            self.paused.discard(lease)
        self.on_progress()
        return marks

    def _flush_targets(self) -> None:
        for target in self._targets.values():
            target.flush()
