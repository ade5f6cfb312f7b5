"""One target: its queue, its batches, its places. The dead letters are a target like the others.

Theory of operation
1. `put` takes an item with its entry. An ordered item first passes its lanes (`ordering.py`); then it joins the open
   batch of its publicParams (`batching.py`).
2. A batch that is full or due becomes a delivery (`delivery.py`) when one of `max_in_flight` places is free, and keeps
   its place until each of its items has ended. So a storm of refusals keeps `max_in_flight` batches waiting, and the
   rest queued.
3. `full` is a value: the pipeline pauses what feeds a full target and resumes below half.
4. While a lease closes, what is buffered of it gets one try; where items are ordered, nothing of that lease is sent any
   more once one of its items was given up, for it would overtake it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.batching import Batcher, Limits
from connector.core.events import ItemsSettled
from connector.core.ledger import LeaseState
from connector.core.ordering import Lanes
from connector.core.record import Failure, Item, Outcome
from connector.core.sink import VerdictKind
from connector.flow.delivery import Delivery, Gate, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from random import Random

    from connector.core.events import Emit
    from connector.core.ledger import Entry, Lease
    from connector.core.pacing import Pacer
    from connector.core.retry import Backoff
    from connector.core.sink import Sink, Verdict
    from connector.flow.delivery import Load


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """How one target batches, sends and bounds its queue (items, bytes of items and their records)."""

    name: str
    endpoint: str
    limits: Limits
    max_in_flight: int
    max_queued: int
    max_queued_bytes: int
    ordered: bool
    outcome: Outcome
    backoff: Backoff


class Spawn(Protocol):
    """Starts a named background task that is watched: if it dies, the process ends."""

    def __call__(self, work: Coroutine[object, object, None], *, name: str) -> object:
        """Start it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a target is given to work with."""

    emit: Emit
    bury: Callable[[Item, Entry], None]
    """Takes an item that carries its failure, with its entry, to the dead letters."""
    on_progress: Callable[[], None]
    """Called after each delivery: room may have come free."""
    spawn: Spawn
    pacer: Pacer
    random: Random


class Target:
    """Lives as long as the process; used on the event loop only."""

    def __init__(self, settings: TargetSettings, sink: Sink, around: Surroundings) -> None:
        self.settings = settings
        self.queued = 0
        """Items that were put and have not ended."""
        self.queued_bytes = 0
        self.gate = Gate(Way(settings.name, sink, settings.backoff, around.pacer, around.random, around.emit))
        self._sink = sink
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._batcher: Batcher[Load] = Batcher(settings.limits, sink.request_overhead)
        self._lanes: Lanes[Load] | None = Lanes(_keys_of) if settings.ordered else None
        self._deliveries: list[Delivery] = []
        self._timer: asyncio.TimerHandle | None = None

    # -- the queue ----------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether what feeds this target should pause."""
        return self.queued >= self.settings.max_queued or self.queued_bytes >= self.settings.max_queued_bytes

    @property
    def relaxed(self) -> bool:
        """Whether what feeds this target may go on: below half of both bounds."""
        return self.queued * 2 < self.settings.max_queued and self.queued_bytes * 2 < self.settings.max_queued_bytes

    def put(self, item: Item, entry: Entry) -> None:
        """Take an item; its entry is settled when it has ended. Never blocks, never refuses: see `full`."""
        self.queued += 1
        self.queued_bytes += _held_bytes(item)
        if self._lanes is None or not item.order_keys:
            # The entry's clock is the chunk's: good enough for the age of a batch, and free.
            if self._batcher.add(item.params, (item, entry), self._sink.item_size(item), entry.since):
                self._pump()
            elif self._timer is None:
                self._arm()
            return
        load = (item, entry)
        if self._lanes.enter(load, self._lot_for(item)):
            self._add(load)
        self._pump()

    def flush(self) -> None:
        """Send what is buffered without waiting for more; drop what must not be sent (a lease closes or ended)."""
        self._batcher.flush()
        self.sweep()
        self._pump()

    def sweep(self) -> None:
        """Drop what must not be sent any more, wherever it waits: from the back, so that nothing of it moves up."""
        if self._lanes is not None:
            gone, free = self._lanes.discard(self._never_sent)
            self._forget(gone)
            self._readmit(free)
        self.drop(self._batcher.discard(self._never_sent, self._weigh))
        for delivery in list(self._deliveries):
            delivery.prune()
        self.gate.tell()

    def _never_sent(self, load: Load) -> bool:
        return self.unwanted(load[1].lease, tried=False)

    def _lot_for(self, item: Item) -> int:
        return self._batcher.lot_for(item.params, self._sink.item_size(item))

    def _add(self, load: Load) -> None:
        self._batcher.add(load[0].params, load, self._weigh(load), self._loop.time())

    def _weigh(self, load: Load) -> int:
        return self._sink.item_size(load[0])

    def _readmit(self, candidates: list[Load]) -> None:
        """Let those that waited in a lane join the open batches, and then those behind them."""
        lanes = self._lanes
        closing = False
        while lanes is not None and candidates:
            load = candidates.pop()
            if lanes.join(load, self._lot_for(load[0])):
                self._add(load)
                closing = closing or load[1].lease.state is LeaseState.CLOSING
                candidates += lanes.behind(load)
        if closing:
            self._batcher.flush()  # time is short: its one try does not wait for more

    # -- the places ---------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while len(self._deliveries) < self.settings.max_in_flight:
            batch = self._batcher.take(self._loop.time())
            if batch is None:
                break
            delivery = Delivery(batch.items, self.gate, self)
            self._deliveries.append(delivery)
            self._around.spawn(self._deliver(delivery), name=f"{self.settings.name}:{batch.lot}")
        if self._timer is None:
            self._arm()

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await delivery.run()
        finally:
            self._deliveries.remove(delivery)
        self._pump()
        self._around.on_progress()

    def _arm(self) -> None:
        if len(self._deliveries) < self.settings.max_in_flight and (due := self._batcher.due_at()) is not None:
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    # -- how items end (delivery.Endings) -----------------------------------------------------------------------

    def finish(self, loads: Sequence[Load]) -> None:
        """Settle delivered items."""
        outcome = self.settings.outcome
        for _, entry in loads:
            entry.settle(outcome)
        self.queued_bytes -= sum([_held_bytes(item) for item, _ in loads])
        self.queued -= len(loads)
        by_route = Counter([item.route for item, _ in loads])
        self._around.emit(ItemsSettled(self.settings.name, outcome, by_route))
        self._leave_lanes(loads)

    def bury(self, load: Load, verdict: Verdict) -> None:
        """Send an item that is alone and refused to the dead letters."""
        item, entry = load
        failure = Failure(
            reason="too_large" if verdict.kind is VerdictKind.SPLIT else "refused",
            target=self.settings.name,
            detail=verdict.detail,
            http_status=verdict.http_status,
            reply=verdict.reply,
        )
        self.queued -= 1
        self.queued_bytes -= _held_bytes(item)
        self._around.bury(item._replace(failure=failure), entry)
        self._leave_lanes([load])

    def drop(self, loads: Sequence[Load]) -> None:
        """Give up items that are not in a waiting lane: their lease has ended or is closing."""
        newly_broken = self._forget(loads)
        self._leave_lanes(loads)
        if newly_broken:
            self.sweep()

    def held(self) -> None:
        """Drop what waits for its one try: while the target is held there is none."""
        self.sweep()

    def unwanted(self, lease: Lease, *, tried: bool) -> bool:
        """Whether a lease's items must not be sent any more. While the target is held there is no try to wait for."""
        if lease.state is LeaseState.OPEN:
            return False
        return lease.ended or tried or self.gate.hold is not None or (self._lanes is not None and lease.broken)

    def _forget(self, loads: Sequence[Load]) -> bool:
        """Give items up. True if what is ordered behind them must now be given up too."""
        newly_broken = False
        for item, entry in loads:
            if self._lanes is not None and not entry.lease.broken:
                entry.lease.broken = newly_broken = True
            self.queued -= 1
            self.queued_bytes -= _held_bytes(item)
            entry.abandon()
        return newly_broken

    def _leave_lanes(self, loads: Sequence[Load]) -> None:
        if self._lanes is None:
            return
        candidates: list[Load] = []
        for load in loads:
            candidates += self._lanes.leave(load)
        self._readmit(candidates)
        self._pump()


def _keys_of(load: Load) -> tuple[str, ...]:
    return load[0].order_keys


def _held_bytes(item: Item) -> int:
    return len(item.body) + len(item.record.value or b"")
