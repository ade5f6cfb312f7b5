"""One target: its queue, and how items end. The dead letters are a target like the others.

Theory of operation
1. `put_all` accepts items with their lease. An ordered item first passes the queues of its keys (`ordering.py`); then
   it joins the open batch of its publicParams (`batching.py`): that is `admission.py`. A batch that is sealed or due is
   taken by the sender (`sender.py`), which gives each of its items back here when it ends.
2. `full` and `has_room` are values: the pipeline pauses what feeds a full target and resumes it below half. A record's
   value counts once, however many items of it are queued.
3. While a lease closes, its queued items get one try, if the time left is enough for one. Where items are ordered,
   nothing of that lease is sent any more once one of its items was abandoned, because it would overtake that item.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, Protocol

from connector.core.batching import Batcher, BatchLimits
from connector.core.events import ItemsSettled
from connector.core.ledger import LeaseState
from connector.core.record import Failure, Outcome
from connector.core.sink import TargetState
from connector.flow.admission import Admission
from connector.flow.pending import Pending, QueuedRecord, by_lease
from connector.flow.sender import Sender
from connector.flow.target_alarm import RETIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from random import Random

    from connector.core.events import Emit
    from connector.core.ledger import Lease
    from connector.core.pacing import Pacer
    from connector.core.record import Item, Record
    from connector.core.retry import Backoff
    from connector.core.sink import Sink, Verdict


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """How one target batches, sends and bounds its queue."""

    name: str
    endpoint: str
    limits: BatchLimits
    max_in_flight: int | Literal["auto"]
    """Batches that are sent, or wait for their next try, at once; auto: see `concurrency.py`."""
    max_queued: int
    """Items in the queue."""
    max_queued_bytes: int
    """Bytes in the queue: the items' own and those of their records' values."""
    ordered: bool
    outcome: Outcome
    """The outcome of a delivered item."""
    backoff: Backoff
    refused_in_a_row: int = 20
    """The number of items refused alone, with nothing delivered in between, at which the target is held."""
    refused_alone_for_s: float = 60.0
    """How long an item is tried that is refused alone while there is nothing else to send."""
    last_resort: bool = False
    """These are the dead letters: nothing is dead-lettered from here, and the sink itself says that it is down."""


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
    may_start: Callable[[], bool] = lambda: True
    """Whether new requests may be started; when that changes to yes, `Target.wake` must be called."""
    on_emptied: Callable[[], None] = lambda: None
    """Called when the last item of the target has ended."""


class Target:
    """Lives as long as the process; used on the event loop only."""

    def __init__(self, settings: TargetSettings, sink: Sink, deps: TargetDependencies) -> None:
        self.settings = settings
        self.queued = 0
        """Items that were put and have not ended."""
        self.queued_bytes = 0
        self._max_queued, self._max_queued_bytes = settings.max_queued, settings.max_queued_bytes
        self._deps = deps
        self._batcher: Batcher[Pending] = Batcher(settings.limits, sink.request_overhead)
        self._admission = Admission(self._batcher, sink, self._on_joined, ordered=settings.ordered)
        self.label = settings.name
        """Its name, for people; a retired one says that it is."""
        self._has_closing = False
        """Whether items of closing leases were left in the queue to have their one try."""
        self._last_put: tuple[Record, Lease, QueuedRecord] | None = None
        self.sending = Sender(settings, sink, deps, self._batcher, self)

    # -- the queue ----------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the partitions that feed this target should be paused."""
        return self.queued >= self._max_queued or self.queued_bytes >= self._max_queued_bytes

    @property
    def room(self) -> tuple[int, int]:
        """How many items more, or how many bytes more, make it full."""
        return self._max_queued - self.queued, self._max_queued_bytes - self.queued_bytes

    @property
    def has_room(self) -> bool:
        """Whether the partitions that feed this target may be resumed: both bounds are less than half used."""
        return self.queued * 2 < self.settings.max_queued and self.queued_bytes * 2 < self.settings.max_queued_bytes

    @property
    def key_count(self) -> int:
        """How many order keys have a queued item."""
        return self._admission.key_count

    def put(self, item: Item, lease: Lease) -> None:
        """Queue one item of a tracked record of `lease`: see `put_all`.

        The items of one record are put one after the other.
        """
        last = self._last_put
        if last is not None and last[0] is item.record and last[1] is lease and last[2].items:
            record = last[2]
            record.items += 1
        else:
            record = self._queue_record(item.record, 1)
            self._last_put = (item.record, lease, record)
        self._queue([Pending(item, lease, len(item.body), record)], len(item.body))

    def put_all(self, items: Sequence[Item], lease: Lease, sizes: Sequence[int] | None = None) -> None:
        """Queue items of tracked records of `lease`. Never blocks and never refuses: see `full`.

        The items of one record are put together, one after the other. `sizes`, if each is its record's only one: the
        bytes of each with those of its record's value.
        """
        if sizes is None:
            pendings = self._sharing(items, lease)
            self._queue(pendings, sum([pending.queued_bytes for pending in pendings]))
        else:
            self._queue(list(map(Pending, items, repeat(lease), sizes)), sum(sizes))

    def _sharing(self, items: Sequence[Item], lease: Lease) -> list[Pending]:
        """Return the items of records that may have several."""
        if len({id(item.record) for item in items}) == len(items):
            return [Pending(item, lease, len(item.body) + len(item.record.value or b"")) for item in items]
        pendings: list[Pending] = []
        for record, stretch in groupby(items, _record):
            of_record = list(stretch)
            shared = self._queue_record(record, len(of_record))
            pendings += [Pending(item, lease, len(item.body), shared) for item in of_record]
        return pendings

    def reconfigure(self, settings: TargetSettings) -> None:
        """Go on by other settings of the same name, endpoint and ordering, with all that is queued."""
        self.settings = settings
        self._max_queued, self._max_queued_bytes = settings.max_queued, settings.max_queued_bytes
        self._batcher.set_limits(settings.limits)
        self.sending.reconfigure(settings)

    def retire(self) -> None:
        """Called when an exchange of plans leaves it out: it gets no new items, and ends those that it has."""
        self.label += RETIRED
        self.sending.retire()

    def succeed(self, earlier: Target) -> None:
        """Let new items wait that would overtake one of a target that retires."""
        self._admission.succeed(earlier._admission)

    def flush(self) -> None:
        """Send what is queued without waiting for more, and abandon what must not be sent (a lease closes or ended)."""
        self._batcher.flush()
        self.discard_ended()
        self.sending.send_next()

    def wake(self) -> None:
        """Send what may be sent. Called when `TargetDependencies.may_start` says yes again."""
        self.sending.send_next()

    def discard_ended(self) -> None:
        """Abandon items of ended or closing leases; waiting items first, so that none is promoted meanwhile."""
        self._has_closing = False
        discarded, candidates = self._admission.discard_waiting(self.must_not_send)
        self._abandon(discarded)
        self._admission.readmit(candidates)
        self.abandon(self._admission.discard_batched(self.must_not_send))
        self.sending.discard_ended()

    def _queue_record(self, record: Record, items: int) -> QueuedRecord:
        queued = QueuedRecord(items, len(record.value or b""))
        self.queued_bytes += queued.value_bytes
        return queued

    def _queue(self, added: Sequence[Pending], size: int) -> None:
        self.queued += len(added)
        self.queued_bytes += size
        self._admission.add(added)

    def _on_joined(self, sealed: bool, now: float) -> None:  # noqa: FBT001 - a callback
        self.sending.on_queued(sealed=sealed, due_at=now + self.settings.limits.max_wait_s)

    # -- how items end (pending.ItemHandler) --------------------------------------------------------------------

    def settle(self, delivered: Sequence[Pending]) -> None:
        """Settle delivered items."""
        outcome = self.settings.outcome
        for lease, offsets in by_lease(delivered):
            lease.settle_all(offsets, outcome)
        self._remove_from_queue(delivered)
        routes = [pending.item.route for pending in delivered]
        by_route = {routes[0]: len(routes)} if routes.count(routes[0]) == len(routes) else Counter(routes)
        self._deps.emit(ItemsSettled(self.settings.name, outcome, by_route))
        self._admission.release(delivered)

    def dead_letter(self, pending: Pending, reason: str, verdict: Verdict) -> None:
        """Send an item to the dead letters, because of the verdict on a request in which it was alone."""
        failure = Failure(
            reason=reason,
            target=self.settings.name,
            detail=verdict.detail,
            http_status=verdict.http_status,
            reply=verdict.reply,
        )
        self._remove_from_queue([pending])
        self._deps.dead_letter(pending.item.replace(failure=failure), pending.lease)
        self._admission.release([pending])

    def abandon(self, abandoned: Sequence[Pending]) -> None:
        """Give up items that are in a batch, because their lease has ended or is closing."""
        order_broken = self._abandon(abandoned)
        self._admission.release(abandoned)
        if order_broken:
            self.discard_ended()

    def must_not_send(self, pending: Pending) -> bool:
        """Return whether an item must not be sent, because its lease has ended or is closing.

        A lease that is closing has one try for each item, while its target is up and the time left is enough for a
        request, after what the target asks to wait.
        """
        lease = pending.lease
        if lease.state is LeaseState.OPEN:
            return False
        if lease.ended or pending.tried or self.sending.state is not TargetState.UP:
            return True
        if self.settings.ordered and lease.order_broken:
            return True
        has_time = self.sending.next_reply_at <= lease.deadline
        self._has_closing = self._has_closing or has_time
        return not has_time

    def on_put_off(self) -> None:
        """Abandon the items of closing leases for which the time is not enough any more."""
        if self._has_closing:  # looks at the whole queue, so not after each reply of a storm
            self.discard_ended()

    def hold_back(self, before: Sequence[Pending], items: Sequence[Pending]) -> tuple[Pending, ...]:
        """Let those of `items` wait that must not overtake one of `before`; return the others."""
        return self._admission.hold_back(before, items)

    def _abandon(self, abandoned: Sequence[Pending]) -> bool:
        """Abandon items; return whether the items that are ordered behind them must now be abandoned too."""
        order_broken = False
        for pending in abandoned:
            lease = pending.lease
            if self.settings.ordered and not lease.order_broken:
                lease.order_broken = order_broken = True
            lease.abandon(pending.item.record.offset)
        self._remove_from_queue(abandoned)
        return order_broken

    def _remove_from_queue(self, ended: Sequence[Pending]) -> None:
        self.queued -= len(ended)
        self.queued_bytes -= sum([pending.queued_bytes for pending in ended])
        for record in [pending.record for pending in ended if pending.record is not None]:
            record.items -= 1
            if not record.items:
                self.queued_bytes -= record.value_bytes
        if not self.queued:
            self.sending.on_emptied()


_record: Callable[[Item], Record] = attrgetter("record")
