"""Group items into batches by publicParams, count, exact bytes and age. Pure: `now` is an argument.

One batch is open per publicParams. It is *sealed* when it is full or the next item would not fit, and *due* once its
first item has waited `max_wait_s`. `take` returns the sealed or due batch that was opened first, so publicParams that
occur rarely are not starved by frequent ones. A due batch that is not taken, because no request slot is free, goes on
filling.

Example: at most 3 items, at most 0.2 s; items a1… have publicParams A, b1 has publicParams B.

    t=0.00  add b1          opens batch 1, due at 0.20
    t=0.01  add a1 a2 a3    opens batch 2 and seals it
    t=0.01  take            batch 2: batch 1 is neither sealed nor due
    t=0.02  add a4 a5 a6    opens batch 3 and seals it
    t=0.20  take, take      batch 1, which is due and older; then batch 3
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The most items and bytes of one request, and the longest wait for more items (seconds)."""

    max_records: int
    max_bytes: int
    max_wait_s: float


@dataclass(slots=True)
class OpenBatch(Generic[T]):
    """Items that are being gathered for one request.

    Batch ids rise in the order in which batches are opened, and are never used again.
    """

    batch_id: int
    params: bytes
    opened_at: float
    bytes: int
    """The size of the request: overhead and items."""
    items: list[T] = field(default_factory=list)


class Batcher(Generic[T]):
    """The open and the sealed batches of one target.

    `request_overhead` returns the bytes of a request that has these publicParams and no item.
    """

    def __init__(self, limits: BatchLimits, request_overhead: Callable[[bytes], int]) -> None:
        self._limits = limits
        self._request_overhead = request_overhead
        self._open: dict[bytes, OpenBatch[T]] = {}
        self._sealed: deque[OpenBatch[T]] = deque()
        self._last_batch_id = 0

    def set_limits(self, limits: BatchLimits) -> None:
        """Gather by other limits from now on. What has been gathered leaves as it is."""
        self.flush()
        self._limits = limits

    def batch_id_for(self, params: bytes, size: int) -> int:
        """Return the id of the batch that an item of `size` bytes would join if it were added next."""
        batch = self._open.get(params)
        if batch is None or batch.bytes + size > self._limits.max_bytes:
            return self._last_batch_id + 1
        return batch.batch_id

    def add(self, params: bytes, item: T, size: int, now: float) -> bool:
        """Add one item, as `add_all` does, in a third of its time."""
        limits, batch, sealed = self._limits, self._open.get(params), False
        if batch is not None and batch.bytes + size > limits.max_bytes:
            self._seal(batch)
            sealed, batch = True, None
        if batch is None:
            batch = self._open_batch(params, now)
        batch.items.append(item)
        batch.bytes += size
        if len(batch.items) >= limits.max_records or batch.bytes >= limits.max_bytes:
            self._seal(batch)
            return True
        return sealed

    def add_all(self, params: bytes, items: Sequence[T], sizes: Sequence[int], now: float) -> bool:
        """Add items in order, each with its size in bytes; return whether this sealed a batch.

        An item that is too large for any batch gets one of its own.
        """
        limits, sealed, added = self._limits, False, 0
        while added < len(items):
            batch = self._open.get(params) or self._open_batch(params, now)
            count, size = self._fitting(batch, sizes, added)
            batch.items += items[added : added + count]
            batch.bytes += size
            added += count
            if not count or len(batch.items) >= limits.max_records or batch.bytes >= limits.max_bytes:
                self._seal(batch)
                sealed = True
        return sealed

    def _open_batch(self, params: bytes, now: float) -> OpenBatch[T]:
        self._last_batch_id += 1
        batch = self._open[params] = OpenBatch(self._last_batch_id, params, now, self._request_overhead(params))
        return batch

    def _fitting(self, batch: OpenBatch[T], sizes: Sequence[int], first: int) -> tuple[int, int]:
        """Return how many items, from `first` on, fit into a batch, and their bytes."""
        sizes = sizes[first : first + self._limits.max_records - len(batch.items)]
        room, size = self._limits.max_bytes - batch.bytes, sum(sizes)
        if size <= room:
            return len(sizes), size
        up_to_each = list(accumulate(sizes))
        count = bisect_right(up_to_each, room) or (0 if batch.items else 1)
        return count, up_to_each[count - 1] if count else 0

    def take(self, now: float) -> OpenBatch[T] | None:
        """Remove and return the batch to send next; None if no batch is sealed or due."""
        due = self._oldest_open()
        if due is not None and now < due.opened_at + self._limits.max_wait_s:
            due = None
        if due is None or (self._sealed and self._sealed[0].opened_at <= due.opened_at):
            return self._sealed.popleft() if self._sealed else None
        return self._open.pop(due.params)

    def due_at(self) -> float:
        """Return when `take` has a batch: -inf, now; inf, not before another item is added."""
        if self._sealed:
            return -math.inf
        oldest = self._oldest_open()
        return math.inf if oldest is None else oldest.opened_at + self._limits.max_wait_s

    def flush(self) -> None:
        """Seal all open batches."""
        for batch in list(self._open.values()):
            self._seal(batch)

    def discard(self, should_discard: Callable[[T], bool], size_of: Callable[[T], int]) -> list[T]:
        """Remove and return the items for which `should_discard` is true."""
        discarded: list[T] = []
        for batch in [*self._sealed, *self._open.values()]:
            removed = [item for item in batch.items if should_discard(item)]
            if removed:
                discarded += removed
                batch.items = [item for item in batch.items if not should_discard(item)]
                batch.bytes -= sum(map(size_of, removed))
        self._sealed = deque(batch for batch in self._sealed if batch.items)
        self._open = {params: batch for params, batch in self._open.items() if batch.items}
        return discarded

    def _oldest_open(self) -> OpenBatch[T] | None:
        return next(iter(self._open.values()), None)  # a dict keeps the order in which batches are opened

    def _seal(self, batch: OpenBatch[T]) -> None:
        del self._open[batch.params]
        self._sealed.append(batch)
