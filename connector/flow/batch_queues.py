"""The batches of a target between their exchanges: the next one is taken, and after its verdict queued again.

What is sent next, `core/backlog.py` decides; what becomes of a batch, `core/judge.py`. Here the items follow: they are
settled, dead-lettered, or abandoned because their lease has ended or is closing; and where items are ordered, those
that must not overtake an item that waits alone wait behind it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.backlog import Backlog, Lane
from connector.core.batch import Batch
from connector.core.judge import Fate
from connector.core.ledger import LeaseState
from connector.flow.pending import Gathered, by_lease

if TYPE_CHECKING:
    from connector.core.batching import Batcher
    from connector.core.concurrency import ConcurrencyLimit
    from connector.core.judge import Ruling
    from connector.core.sink import Verdict
    from connector.core.target_state import TargetMachine
    from connector.flow.pending import ItemHandler, Pending


class BatchQueues:
    """Connects the backlog of one target with the items' ends."""

    def __init__(
        self,
        machine: TargetMachine,
        concurrency: ConcurrencyLimit,
        batcher: Batcher[Pending],
        handler: ItemHandler,
    ) -> None:
        self.backlog: Backlog[Pending] = Backlog(machine, concurrency, batcher.due_at)
        self._machine = machine
        self._batcher = batcher
        self._handler = handler

    def take(self, now: float) -> Batch[Pending] | None:
        """Remove and return the batch to send now; abandon what must not be sent."""
        while (lane := self.backlog.choose(now)) is not None:
            batch = self._take_fresh(now) if lane is Lane.FRESH else self.backlog.take(lane, now)
            if batch is None:
                return None
            kept, abandoned = self._without_ended(batch)
            if not abandoned:
                self.backlog.on_taken(lane)
                return batch
            self._put(kept, first=True)
            self._handler.abandon(abandoned)
        return None

    def discard_ended(self) -> None:
        """Abandon the items that must not be sent any more, unless their request is on the wire."""
        abandoned: list[Pending] = []
        for batch, not_before in self.backlog.drain():
            kept, ended = self._without_ended(batch)
            self._put(kept, not_before)
            abandoned += ended
        self._handler.abandon(abandoned)

    def settle_done(self, batch: Batch[Pending], positions: frozenset[int]) -> Batch[Pending] | None:
        """Settle the items at these positions of the batch's request; return the batch without them."""
        done = [pending for position, pending in enumerate(batch.next_request) if position in positions]
        ended = set(map(id, done))
        self._handler.settle(done)
        return batch.keep(lambda pending: id(pending) not in ended)

    def carry_out(self, ruling: Ruling[Pending], batch: Batch[Pending], verdict: Verdict, retry_at: float) -> None:
        """Let happen to `batch` what the ruling on its last request says; `retry_at` is the end of a backoff."""
        match ruling.fate:
            case Fate.DELIVERED:
                self._handler.settle(batch.next_request)
                self.backlog.on_delivery()
                self._requeue(ruling.batch, first=True)
            case Fate.AT_ONCE:
                self._requeue(ruling.batch, first=True)
            case Fate.LATER:
                self._requeue(ruling.batch, retry_at)
            case Fate.SPLIT:
                self._split(batch)
            case Fate.DEAD_LETTER if ruling.batch is not None:
                culprit, rest = ruling.batch.separate()
                self._dead_letter(culprit.items[0], ruling.reason, verdict)
                self._requeue(rest, first=True)

    def _take_fresh(self, now: float) -> Batch[Pending] | None:
        gathered = self._batcher.take(now)
        return None if gathered is None else Batch(Gathered.of(gathered))

    def _without_ended(self, batch: Batch[Pending]) -> tuple[Batch[Pending] | None, list[Pending]]:
        """Return the batch without the items that must not be sent, and these."""
        if all(lease.state is LeaseState.OPEN for lease, _ in by_lease(batch.items)):
            return batch, []
        ended = [pending for pending in batch.items if self._handler.must_not_send(pending)]
        gone = set(map(id, ended))
        counted = batch.is_alone and batch.evidence.in_a_row_at == self._machine.deliveries
        if counted and id(batch.items[0]) in gone:
            self._machine.on_refused_alone_left()
        return batch.keep(lambda pending: id(pending) not in gone), ended

    def _requeue(self, batch: Batch[Pending] | None, not_before: float = -math.inf, *, first: bool = False) -> None:
        """Queue a batch after its exchange; abandon the items of leases for which no second try starts."""
        if batch is None:
            return
        kept, abandoned = self._without_ended(batch)
        self._put(kept, not_before, first=first)
        self._handler.abandon(abandoned)

    def _put(self, batch: Batch[Pending] | None, not_before: float = -math.inf, *, first: bool = False) -> None:
        if batch is None:
            return
        rest = None
        if batch.is_alone:
            batch, rest = batch.separate()
        self.backlog.put(batch, not_before, first=first)
        if rest is not None:
            self._put_behind(batch, rest)

    def _put_behind(self, before: Batch[Pending], rest: Batch[Pending]) -> None:
        """Queue what does not have to wait for `before`."""
        kept = self._handler.hold_back(before.items, rest.items)
        if kept:
            self.backlog.put(replace(rest, items=kept), first=True)

    def _split(self, batch: Batch[Pending]) -> None:
        kept, abandoned = self._without_ended(batch)
        if kept is not None:
            middle = (len(kept.items) + 1) // 2
            first = kept.items[:middle]
            second = self._handler.hold_back(first, kept.items[middle:])
            for half in (second, first):
                if half:
                    self.backlog.put(Batch(half), first=True)
        self._handler.abandon(abandoned)

    def _dead_letter(self, pending: Pending, reason: str, verdict: Verdict) -> None:
        if pending.lease.ended:
            self._handler.abandon([pending])
        else:
            # An item of a closing lease is dead-lettered too: its next owner would only get the same verdict.
            self._handler.dead_letter(pending, reason, verdict)
