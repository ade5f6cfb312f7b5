"""One target: its queue, its batches, its request slots. The dead letters are a target like the others.

Theory of operation
1. `put` accepts an item with its lease. An ordered item first passes the queues of its keys (`ordering.py`); then it
   joins the open batch of its publicParams (`batching.py`).
2. A batch that is sealed or due becomes a delivery (`delivery.py`) when one of `max_in_flight` slots is free, and keeps
   its slot until each of its items has ended. So while everything is refused, `max_in_flight` batches wait for their
   next try and the rest stays queued.
3. `full` and `has_room` are values: the pipeline pauses what feeds a full target and resumes it below half.
4. While a lease closes, its queued items get one try. Where items are ordered, nothing of that lease is sent any more
   once one of its items was abandoned, because it would overtake that item.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.batching import Batcher, BatchLimits
from connector.core.events import ItemsSettled
from connector.core.ledger import LeaseState
from connector.core.ordering import KeyQueues
from connector.core.record import Failure, Item, Outcome
from connector.core.sink import TargetState, VerdictKind
from connector.flow.delivery import Delivery, Pending
from connector.flow.sending import SendContext, SendState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from random import Random

    from connector.core.events import Emit
    from connector.core.ledger import Lease
    from connector.core.pacing import Pacer
    from connector.core.retry import Backoff
    from connector.core.sink import Sink, Verdict


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """How one target batches, sends and bounds its queue."""

    name: str
    endpoint: str
    limits: BatchLimits
    max_in_flight: int
    """Batches that are sent, or wait for their next try, at once."""
    max_queued: int
    """Items in the queue."""
    max_queued_bytes: int
    """Bytes in the queue: the items' own and those of their records' values."""
    ordered: bool
    outcome: Outcome
    """The outcome of a delivered item."""
    backoff: Backoff


class Spawn(Protocol):
    """Starts a named background task. If it fails, the process ends."""

    def __call__(self, work: Coroutine[object, object, None], *, name: str) -> object:
        """Start the task."""


@dataclass(frozen=True, slots=True)
class TargetDependencies:
    """What a target is given to work with."""

    emit: Emit
    dead_letter: Callable[[Item, Lease], None]
    """Sends an item that carries its failure to the dead letters."""
    on_progress: Callable[[], None]
    """Called after each delivery: the queue may have room."""
    spawn: Spawn
    pacer: Pacer
    random: Random


class Target:
    """Lives as long as the process; used on the event loop only."""

    def __init__(self, settings: TargetSettings, sink: Sink, deps: TargetDependencies) -> None:
        self.settings = settings
        self.queued = 0
        """Items that were put and have not ended."""
        self.queued_bytes = 0
        self.sending = SendState(SendContext(settings.name, sink, settings.backoff, deps.pacer, deps.random, deps.emit))
        self._sink = sink
        self._deps = deps
        self._loop = asyncio.get_running_loop()
        self._batcher: Batcher[Pending] = Batcher(settings.limits, sink.request_overhead)
        self._key_queues: KeyQueues[Pending] | None = KeyQueues(_order_keys) if settings.ordered else None
        self._deliveries: list[Delivery] = []
        self._timer: asyncio.TimerHandle | None = None

    # -- the queue ----------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the partitions that feed this target should be paused."""
        return self.queued >= self.settings.max_queued or self.queued_bytes >= self.settings.max_queued_bytes

    @property
    def has_room(self) -> bool:
        """Whether the partitions that feed this target may be resumed: both bounds are less than half used."""
        return self.queued * 2 < self.settings.max_queued and self.queued_bytes * 2 < self.settings.max_queued_bytes

    @property
    def key_count(self) -> int:
        """How many order keys have a queued item."""
        return 0 if self._key_queues is None else self._key_queues.key_count

    def put(self, item: Item, lease: Lease) -> None:
        """Queue an item of a tracked record of `lease`. Never blocks and never refuses: see `full`."""
        pending = Pending(item, lease, len(item.body) + len(item.record.value or b""))
        self.queued += 1
        self.queued_bytes += pending.queue_bytes
        if self._key_queues is not None and item.order_keys:
            if self._key_queues.admit(pending, self._batch_id_for(pending)):
                self._add_to_batch(pending)
            self._start_deliveries()
        elif self._batcher.add(item.params, pending, self._sink.item_size(item), self._loop.time()):
            self._start_deliveries()
        elif self._timer is None:
            self._start_timer()

    def flush(self) -> None:
        """Send what is queued without waiting for more, and abandon what must not be sent (a lease closes or ended)."""
        self._batcher.flush()
        self.discard_ended()
        self._start_deliveries()

    def discard_ended(self) -> None:
        """Abandon items of ended or closing leases; waiting items first, so that none is promoted meanwhile."""
        if self._key_queues is not None:
            discarded, candidates = self._key_queues.discard(self._must_not_send)
            self._abandon(discarded)
            self._readmit(candidates)
        self.abandon(self._batcher.discard(self._must_not_send, self._item_size))
        for delivery in list(self._deliveries):
            delivery.discard_ended()
        self.sending.notify()

    def _must_not_send(self, pending: Pending) -> bool:
        return self.must_not_send(pending.lease, tried=False)

    def _item_size(self, pending: Pending) -> int:
        return self._sink.item_size(pending.item)

    def _batch_id_for(self, pending: Pending) -> int:
        return self._batcher.batch_id_for(pending.item.params, self._item_size(pending))

    def _add_to_batch(self, pending: Pending) -> None:
        self._batcher.add(pending.item.params, pending, self._item_size(pending), self._loop.time())

    def _readmit(self, candidates: list[Pending]) -> None:
        """Add each candidate that need not wait any longer to its batch, then try the items behind it."""
        closing = False
        while self._key_queues is not None and candidates:
            pending = candidates.pop()
            if self._key_queues.readmit(pending, self._batch_id_for(pending)):
                self._add_to_batch(pending)
                closing = closing or pending.lease.state is LeaseState.CLOSING
                candidates += self._key_queues.next_waiting(pending)
        if closing:
            self._batcher.flush()  # the deadline is near: the item's one try does not wait for a full batch

    # -- the request slots --------------------------------------------------------------------------------------

    def _start_deliveries(self) -> None:
        while len(self._deliveries) < self.settings.max_in_flight:
            batch = self._batcher.take(self._loop.time())
            if batch is None:
                break
            delivery = Delivery(batch.items, self.sending, self)
            self._deliveries.append(delivery)
            self._deps.spawn(self._deliver(delivery), name=f"{self.settings.name}:{batch.batch_id}")
        if self._timer is None:
            self._start_timer()

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await delivery.run()
        finally:
            self._deliveries.remove(delivery)
        self._start_deliveries()
        self._deps.on_progress()

    def _start_timer(self) -> None:
        if len(self._deliveries) < self.settings.max_in_flight and (due := self._batcher.due_at()) is not None:
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._start_deliveries()

    # -- how items end (delivery.SettlementHandler) -------------------------------------------------------------

    def settle(self, delivered: Sequence[Pending]) -> None:
        """Settle delivered items."""
        outcome = self.settings.outcome
        for pending in delivered:
            pending.lease.settle(pending.item.record.offset, outcome)
        self._remove_from_queue(delivered)
        by_route = Counter([pending.item.route for pending in delivered])
        self._deps.emit(ItemsSettled(self.settings.name, outcome, by_route))
        self._leave_key_queues(delivered)

    def dead_letter(self, pending: Pending, verdict: Verdict) -> None:
        """Send an item that was alone in a refused request to the dead letters."""
        failure = Failure(
            reason="too_large" if verdict.kind is VerdictKind.SPLIT else "refused",
            target=self.settings.name,
            detail=verdict.detail,
            http_status=verdict.http_status,
            reply=verdict.reply,
        )
        self._remove_from_queue([pending])
        self._deps.dead_letter(pending.item._replace(failure=failure), pending.lease)
        self._leave_key_queues([pending])

    def abandon(self, abandoned: Sequence[Pending]) -> None:
        """Give up items that are in a batch, because their lease has ended or is closing."""
        order_broken = self._abandon(abandoned)
        self._leave_key_queues(abandoned)
        if order_broken:
            self.discard_ended()

    def on_held(self) -> None:
        """Abandon the items of closing leases: a held target has no try for them."""
        self.discard_ended()

    def must_not_send(self, lease: Lease, *, tried: bool) -> bool:
        """Return whether items of `lease` must not be sent; `tried`: they were in a request before."""
        if lease.state is LeaseState.OPEN:
            return False
        held = self.sending.state is TargetState.HELD
        return lease.ended or tried or held or (self._key_queues is not None and lease.order_broken)

    def _abandon(self, abandoned: Sequence[Pending]) -> bool:
        """Abandon items; return whether the items that are ordered behind them must now be abandoned too."""
        order_broken = False
        for pending in abandoned:
            lease = pending.lease
            if self._key_queues is not None and not lease.order_broken:
                lease.order_broken = order_broken = True
            lease.abandon(pending.item.record.offset)
        self._remove_from_queue(abandoned)
        return order_broken

    def _remove_from_queue(self, ended: Sequence[Pending]) -> None:
        self.queued -= len(ended)
        self.queued_bytes -= sum([pending.queue_bytes for pending in ended])

    def _leave_key_queues(self, ended: Sequence[Pending]) -> None:
        """Release items that were admitted to a batch, and admit those that waited for them."""
        if self._key_queues is None:
            return
        candidates: list[Pending] = []
        for pending in ended:
            candidates += self._key_queues.release(pending)
        self._readmit(candidates)
        self._start_deliveries()


def _order_keys(pending: Pending) -> tuple[str, ...]:
    return pending.item.order_keys
