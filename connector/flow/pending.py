"""An item on its way through a target, and what a target's parts ask of each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, Self

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.batching import OpenBatch
    from connector.core.ledger import Lease
    from connector.core.record import Item
    from connector.core.sink import Sink, Verdict


@dataclass(slots=True, eq=False)
class QueuedRecord:
    """A record of which a target holds several items: its value counts once, however many there are."""

    items: int
    value_bytes: int


class Pending(Struct, eq=False, gc=False):
    """An item without an outcome, and the lease that its record belongs to. Compared by identity.

    The only object that the flow makes for each item, so it is one that C makes, in a quarter of the time. It is part
    of no cycle, so the garbage collector need not see it.
    """

    item: Item
    lease: Lease
    queued_bytes: int
    """What counts against the bound of the queue for this item alone."""
    record: QueuedRecord | None = None
    """What it has in common with other items of its record; None: it is the target's only one."""
    tried: bool = False
    """Whether it was in a request before."""


class Gathered(tuple[Pending, ...]):  # noqa: SLOT001 - a tuple of any length can't have slots
    """The items of a batch as they were gathered, with what is known of them. Its slices are plain tuples."""

    request_bytes: int
    """The size of their request."""

    @classmethod
    def of(cls, batch: OpenBatch[Pending]) -> Self:
        """Return the items of a batch."""
        gathered = cls(batch.items)
        gathered.request_bytes = batch.bytes
        return gathered

    @cached_property
    def by_lease(self) -> list[tuple[Lease, list[int]]]:
        """See `by_lease`."""
        return _by_lease(self)


def request_bytes(pendings: Sequence[Pending], sink: Sink) -> int:
    """Return the size of a request of these items."""
    if isinstance(pendings, Gathered):
        return pendings.request_bytes
    items = [pending.item for pending in pendings]
    return sink.request_overhead(items[0].params) + sum(sink.item_sizes(items))


def by_lease(pendings: Sequence[Pending]) -> list[tuple[Lease, list[int]]]:
    """Return the offsets of the items' records in order, once for each item, in stretches of one lease each."""
    return pendings.by_lease if isinstance(pendings, Gathered) else _by_lease(pendings)


def _by_lease(pendings: Sequence[Pending]) -> list[tuple[Lease, list[int]]]:
    stretches = groupby(pendings, _lease)
    return [(lease, [pending.item.record.offset for pending in stretch]) for lease, stretch in stretches]


_lease: Callable[[Pending], Lease] = attrgetter("lease")


class ItemHandler(Protocol):
    """Ends items. Each item is given to one of the first three methods, once."""

    queued: int
    """Items that have not ended."""

    def settle(self, delivered: Sequence[Pending]) -> None:
        """Settle delivered items."""

    def dead_letter(self, pending: Pending, reason: str, verdict: Verdict) -> None:
        """Send an item to the dead letters."""

    def abandon(self, abandoned: Sequence[Pending]) -> None:
        """Give up items without an outcome, because their lease has ended or is closing."""

    def must_not_send(self, pending: Pending) -> bool:
        """Return whether an item must not be sent, because its lease has ended or is closing."""

    def hold_back(self, before: Sequence[Pending], items: Sequence[Pending]) -> tuple[Pending, ...]:
        """Let those of `items` wait that must not overtake one of `before`; return the others."""

    def discard_ended(self) -> None:
        """Abandon all items that must not be sent any more, unless their request is on the wire."""

    def on_put_off(self) -> None:
        """Called when the next request has to wait: for items of closing leases the time may not be enough any more."""
