"""The way of items into the batches of a target. An ordered item first passes the queues of its keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from connector.core.ledger import LeaseState
from connector.core.ordering import KeyQueues

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.batching import Batcher
    from connector.core.sink import Sink
    from connector.flow.pending import Pending


SHORT: Final = 5
"""With hundreds of partitions there may be few items of each at a time: fewer are added one by one, which is faster."""


class Admission:
    """Puts the items of one target into its batches, at once or when those before them have ended.

    `on_joined` is called after items have joined batches, with whether one of these is sealed now, and the time.
    """

    def __init__(
        self, batcher: Batcher[Pending], sink: Sink, on_joined: Callable[[bool, float], None], *, ordered: bool
    ) -> None:
        self.key_queues: KeyQueues[Pending] | None = KeyQueues(_order_keys) if ordered else None
        self._batcher = batcher
        self._sink = sink
        self._on_joined = on_joined
        self._loop = asyncio.get_running_loop()

    @property
    def key_count(self) -> int:
        """How many order keys have a queued item."""
        return 0 if self.key_queues is None else self.key_queues.key_count

    def succeed(self, earlier: Admission) -> None:
        """Let items wait that would overtake one of another target, which gets no new ones."""
        if self.key_queues is not None and earlier.key_queues is not None:
            self.key_queues.succeed(earlier.key_queues, self.readmit)

    def add(self, pendings: Sequence[Pending]) -> None:
        """Add new items in order; those wait that must not overtake another one."""
        now, queues = self._loop.time(), self.key_queues
        sealed = self._add_all(pendings, now) if queues is None else self._add_ordered(queues, pendings, now)
        self._on_joined(sealed, now)

    def _add_all(self, pendings: Sequence[Pending], now: float) -> bool:
        items = [pending.item for pending in pendings]
        sizes, sealed = self._sink.item_sizes(items), False
        if len(items) >= SHORT:
            params = [item.params for item in items]
            if params.count(params[0]) == len(params):
                return self._batcher.add_all(params[0], pendings, sizes, now)
        for pending, size in zip(pendings, sizes, strict=True):
            sealed = self._batcher.add(pending.item.params, pending, size, now) or sealed
        return sealed

    def _add_ordered(self, queues: KeyQueues[Pending], pendings: Sequence[Pending], now: float) -> bool:
        batcher, sealed = self._batcher, False
        sizes = self._sink.item_sizes([pending.item for pending in pendings])
        for pending, size in zip(pendings, sizes, strict=True):
            params = pending.item.params
            if not pending.item.order_keys or queues.admit(pending, batcher.batch_id_for(params, size)):
                sealed = batcher.add(params, pending, size, now) or sealed
        return sealed

    def release(self, ended: Sequence[Pending]) -> None:
        """Release items that were in a batch, and add those that waited for them."""
        if self.key_queues is None:
            return
        candidates: list[Pending] = []
        for pending in ended:
            candidates += self.key_queues.release(pending)
        self.readmit(candidates)

    def readmit(self, candidates: list[Pending]) -> None:
        """Add each candidate that need not wait any longer to its batch, then try the items behind it."""
        queues, batcher, now = self.key_queues, self._batcher, self._loop.time()
        joined = sealed = closing = False
        while queues is not None and candidates:
            pending = candidates.pop()
            params, size = pending.item.params, self._size(pending)
            if queues.readmit(pending, batcher.batch_id_for(params, size)):
                sealed = batcher.add(params, pending, size, now) or sealed
                joined, closing = True, closing or pending.lease.state is LeaseState.CLOSING
                candidates += queues.next_waiting(pending)
        if joined:
            self._on_joined(sealed, now)
        if closing:
            batcher.flush()  # the deadline is near: the item's one try does not wait for a full batch

    def discard_waiting(self, should_discard: Callable[[Pending], bool]) -> tuple[list[Pending], list[Pending]]:
        """Remove and return the waiting items for which `should_discard` is true, and the candidates for `readmit`."""
        return ([], []) if self.key_queues is None else self.key_queues.discard(should_discard)

    def discard_batched(self, should_discard: Callable[[Pending], bool]) -> list[Pending]:
        """Remove and return the items that have joined a batch and for which `should_discard` is true."""
        return self._batcher.discard(should_discard, self._size)

    def hold_back(self, before: Sequence[Pending], items: Sequence[Pending]) -> tuple[Pending, ...]:
        """Let those of `items` wait that must not overtake one of `before`; return the others."""
        return tuple(items) if self.key_queues is None else self.key_queues.hold_back(before, items)

    def _size(self, pending: Pending) -> int:
        return self._sink.item_sizes([pending.item])[0]


def _order_keys(pending: Pending) -> tuple[str, ...]:
    return pending.item.order_keys
