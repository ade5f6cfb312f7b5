"""The flow on one page: records of a lease become items, items go to targets, watermarks are committed.

source (thread)    consume -> records of a lease
pipeline           items = mapper.items(record) -> lease.track_all(offsets, now, counts)
target             put_all(items, lease) -> batch -> send -> verdict -> retry | split | dead-letter
target             the items' outcome -> lease.settle_all(offsets, outcome) -> the watermark moves
source (thread)    commit the watermark

Records pass in stretches of one lease: the mapper is called for each record, everything else for the stretch. A stretch
ends with the record that fills a target, or a turn (`turn.py`); while records may come that were settled before, it is
one record.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from connector.core.ledger import LeaseState
from connector.core.record import DEAD_LETTERS
from connector.flow.back_pressure import BackPressure
from connector.flow.feed import Feed
from connector.flow.turn import RECORDS_PER_LOOK, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.core.record import Item, Record
    from connector.flow.plan import Plan
    from connector.flow.source import Source
    from connector.flow.target import Target

LEASES_LOOK_S: Final = 0.1
"""How often leases that wait for themselves are looked at."""


class Pipeline:
    """Lives as long as the process; used on the event loop only. The source calls `close` when leases are taken away.

    Targets are built after the pipeline, because they call its `dead_letter` and `on_progress`; so it gets its first
    plan, which has them, when it is `run`.
    """

    def __init__(self) -> None:
        self.retiring: list[Target] = []
        """The targets that only earlier plans have, while something in them has not ended."""
        self.leases: dict[Lease, Feed] = {}
        """The leases that are not closed, in the order in which they came."""
        self._back_pressure = BackPressure(self.leases)
        self.paused = self._back_pressure.paused
        """The leases whose partitions are not fetched."""
        self.on_mapped: Callable[[Sequence[Record], Sequence[int]], None] | None = None
        """The tap's, while somebody listens: called with records and how many items each of the first has become."""
        self._room = asyncio.Event()
        """Set when leases that waited may go on."""
        self._turn = Turn()
        self._plan: Plan
        self._targets: Mapping[str, Target] = {}
        """Those of the plan."""
        self._loop = asyncio.get_running_loop()
        self._source: Source | None = None
        self._drained: dict[Lease, asyncio.Future[None]] = {}
        """For each lease that is closing: done once all its items have ended, or the lease has."""

    async def run(self, source: Source, plan: Plan) -> None:
        """Process chunks until the source ends. Raises what the source raises."""
        self._source = source
        self._plan, self._targets = plan, plan.targets
        receiving = asyncio.ensure_future(self._receive(source))
        resuming = asyncio.ensure_future(self._work_off_backlogs(source))
        try:
            for ended in (await asyncio.wait([receiving, resuming], return_when=asyncio.FIRST_COMPLETED))[0]:
                ended.result()
        finally:
            receiving.cancel()
            resuming.cancel()

    def exchange(self, plan: Plan) -> None:
        """Follow another plan from the next record on. What was mapped before ends in the targets that have it."""
        kept = set(plan.targets.values())
        retired = [target for target in self._targets.values() if target not in kept and target.queued]
        for target in retired:
            target.retire()
        self.retiring += retired
        self._plan, self._targets = plan, plan.targets
        for feed in self.leases.values():
            feed.adopt(plan)
        self._back_pressure.on_exchange()
        self._back_pressure.relieve_targets()
        if self._source is not None:
            self._pause_waiting(self._source)
        self._room.set()  # a lease may wait for nothing any more

    async def _receive(self, source: Source) -> None:
        async for lease, records in source:
            if lease.state is not LeaseState.OPEN:
                continue  # revoked since it was fetched: the next owner has these records
            feed = self.leases.get(lease) or self._add(source, lease)
            feed.backlog.extend(records)
            while self._pass_on(feed, source):
                await self._turn.end()

    def _add(self, source: Source, lease: Lease) -> Feed:
        feed = self.leases[lease] = Feed(lease, self._plan)
        if self._back_pressure.on_new(feed):
            source.pause([lease])
        return feed

    def _pass_on(self, feed: Feed, source: Source) -> bool:
        """Pass on the records of a lease, in order, until it has to wait, or the turn is over; return whether it is."""
        is_over = False
        while feed.backlog and not is_over and (room := self._back_pressure.room(feed)) is not None:
            self._turn.begin()
            self._pass_on_some(feed, *room)
            is_over = self._turn.is_over
        self._back_pressure.on_tracked(feed.lease)
        if self._back_pressure.changed:
            self._pause_waiting(source)
        return is_over

    def _pass_on_some(self, feed: Feed, most: int, room: int, room_bytes: int) -> None:
        """Pass on `most` records at most: up to the one that fills a target, by items or bytes, or a turn."""
        lease, backlog = feed.lease, feed.backlog
        if lease.settled_before:  # one by one: what stays in the backlog was neither tracked nor passed over
            most = 1
            if not lease.pass_over(backlog[:1]):
                del backlog[:1]
                self._turn.spend(1)
                return
        left = self._turn.left
        counts, items, sizes = self._map(feed, backlog[: min(most, left)], min(room, left), room_bytes)
        offsets = [record.offset for record in backlog[: len(counts)]]
        lease.track_all(offsets, self._loop.time(), counts, backlog[0].timestamp_ms)
        if self.on_mapped is not None:
            self.on_mapped(backlog, counts)
        del backlog[: len(counts)]
        self._put(items, lease, sizes if len(sizes) == len(items) else None)
        self._turn.spend(max(len(counts), len(items)))

    def _map(
        self, feed: Feed, records: Sequence[Record], room: int, room_bytes: int
    ) -> tuple[list[int], list[Item], list[int]]:
        """Map records until there are `room` items, or so many bytes, or the turn is late.

        Return how many items each has become, all items, and the bytes of each record that has items: theirs and those
        of its value.
        """
        items_of = feed.items_of
        counts: list[int] = []
        items: list[Item] = []
        sizes: list[int] = []
        for first in range(0, len(records), RECORDS_PER_LOOK):
            for record in records[first : first + RECORDS_PER_LOOK]:
                of_record = items_of(record)
                count = len(of_record)
                counts.append(count)
                if not count:
                    continue
                size = len(record.value or b"")
                if count == 1:
                    item = of_record[0]
                    items.append(item)
                    size += len(item.body)
                else:
                    items += of_record
                    size += sum([len(item.body) for item in of_record])
                sizes.append(size)
                room_bytes -= size
                if room_bytes <= 0 or len(items) >= room:
                    return counts, items, sizes
            if self._turn.is_late:
                break
        return counts, items, sizes

    def _put(self, items: list[Item], lease: Lease, sizes: list[int] | None) -> None:
        """Put items into their targets; `sizes` are those of their records if each is its record's only one."""
        while items:
            name = items[0].target
            of_others = [item for item in items if item.target != name] if len(items) > 1 else []
            if of_others:
                items, sizes = [item for item in items if item.target == name], None
            target = self._targets[name]
            if name == DEAD_LETTERS:
                items = [_letter_of(item, self._plan.config) for item in items]
            target.put_all(items, lease, sizes)
            if target.full:
                self._back_pressure.on_full(target)
            items = of_others

    def _pause_waiting(self, source: Source) -> None:
        if to_pause := self._back_pressure.take_leases_to_pause():
            source.pause(to_pause)
            self._room.set()  # so that leases which wait for themselves are looked at from now on

    async def _work_off_backlogs(self, source: Source) -> None:
        """Go on with the leases that waited, whenever there is room; resume those that have caught up."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._room.wait(), LEASES_LOOK_S if self._back_pressure.waits_for_leases else None
                )
            self._room.clear()
            self._back_pressure.relieve_leases()
            for feed in [feed for feed in self.leases.values() if feed.backlog]:
                while self._pass_on(feed, source):
                    await self._turn.end()
            if to_resume := self._back_pressure.take_leases_to_resume():
                source.resume(to_resume)

    def dead_letter(self, item: Item, lease: Lease) -> None:
        """Send an item that carries its failure to the dead letters."""
        dead_letters, feed = self._targets[DEAD_LETTERS], self.leases.get(lease)
        config = self._plan.config if feed is None else feed.config_of(item.record.offset)
        dead_letters.put(_letter_of(item, config), lease)
        if dead_letters.full and self._source is not None:
            self._back_pressure.on_full(dead_letters)
            self._pause_waiting(self._source)

    async def commit_periodically(self, interval_s: float) -> None:
        """Commit the watermarks every `interval_s` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval_s)
            if self._source is not None:
                self._source.commit(self.leases)

    def on_progress(self) -> None:
        """Called after each delivery and when leases end or have ended: targets may have room."""
        if self.retiring:
            self.retiring[:] = [target for target in self.retiring if target.queued]
        if self._back_pressure.relieve_targets():
            self._room.set()

    # -- the end of leases --------------------------------------------------------------------------------------

    async def close(self, leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
        """End leases because of a revoke or a stop; return the progress to commit of each that had not ended before.

        No record of theirs is accepted any more. Their queued items get one try until `deadline` (on the clock of the
        event loop); no retry and no split starts; requests on the wire are awaited. What is unsettled then is released.
        None means that the partitions are lost: nothing is awaited, and nothing must be committed.
        May be called again while it runs, for the same leases too: the earlier deadline counts.
        """
        for lease in leases:
            self._back_pressure.on_closing(lease)
        if deadline is not None:
            await self._drain(leases, deadline)
        ended = {lease: lease.end() for lease in leases if not lease.ended}
        self._flush_targets()
        for lease in leases:
            self.leases.pop(lease, None)
            if (drained := self._drained.pop(lease, None)) is not None and not drained.done():
                drained.set_result(None)  # another call waits for it
        self.on_progress()
        return ended

    async def _drain(self, leases: Sequence[Lease], deadline: float) -> None:
        """Close the leases and wait until all their items have ended, or `deadline` has come."""
        drained = [self._close_lease(lease, deadline) for lease in leases if not lease.ended]
        self._flush_targets()
        self.on_progress()
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
        for target in [*self.retiring, *self._targets.values()]:
            target.flush()


def _letter_of(item: Item, config: str) -> Item:
    """Return a failed item, addressed to the dead letters, with the config by which it was mapped."""
    failure = item.failure and replace(item.failure, config=config)
    return item.replace(target=DEAD_LETTERS, failure=failure)
