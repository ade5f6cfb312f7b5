"""Items become batches: by publicParams, count, exact bytes and age. Pure: `now` is an argument.

One batch is open per publicParams; it is *sealed* when the next item would not fit, or when it is full, and is
*due* when its first item is `max_wait_s` old. Sealed batches leave in the order in which they were sealed. A batch
that is due is taken only when somebody has room to send it: under load it goes on filling instead. But it goes before
those that were opened after it: publicParams that come rarely are not starved by those that come often.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold: items, bytes with its frame, and seconds of waiting for more."""

    max_records: int
    max_bytes: int
    max_wait_s: float


@dataclass(slots=True)
class Batch(Generic[T]):
    """Items of one request. `lot` tells batches apart: it rises with each one opened."""

    lot: int
    params: bytes
    opened_at: float
    bytes: int
    items: list[T] = field(default_factory=list)


class Batcher(Generic[T]):
    """The open and the sealed batches of one target. `frame` gives a request's bytes without items."""

    def __init__(self, limits: Limits, frame: Callable[[bytes], int]) -> None:
        self._limits = limits
        self._frame = frame
        self._open: dict[bytes, Batch[T]] = {}
        self._sealed: deque[Batch[T]] = deque()
        self._lots = 0

    def lot_for(self, params: bytes, weight: int) -> int:
        """The lot that an item of `weight` bytes goes into if it is added next. Asking changes nothing."""
        batch = self._open.get(params)
        overflows = batch is not None and batch.bytes + weight > self._limits.max_bytes
        return self._lots + 1 if batch is None or overflows else batch.lot

    def add(self, params: bytes, item: T, weight: int, now: float) -> bool:
        """Put an item into its open batch; an item too large for any batch makes one alone. True if this seals one."""
        limits = self._limits
        sealed = False
        batch = self._open.get(params)
        if batch is not None and batch.bytes + weight > limits.max_bytes:
            self._seal(batch)
            sealed, batch = True, None
        if batch is None:
            self._lots += 1
            batch = self._open[params] = Batch(self._lots, params, now, self._frame(params))
        batch.items.append(item)
        batch.bytes += weight
        if len(batch.items) >= limits.max_records or batch.bytes >= limits.max_bytes:
            self._seal(batch)
            return True
        return sealed

    def take(self, now: float) -> Batch[T] | None:
        """The next batch to send, if there is one that is sealed, or due by its age: the older of the two."""
        oldest = self._oldest()
        due = oldest is not None and oldest.opened_at + self._limits.max_wait_s <= now
        if oldest is not None and due and not (self._sealed and self._sealed[0].opened_at <= oldest.opened_at):
            return self._open.pop(oldest.params)
        return self._sealed.popleft() if self._sealed else None

    def due_at(self) -> float | None:
        """When the oldest open batch is due; None if nothing is open."""
        oldest = self._oldest()
        return None if oldest is None else oldest.opened_at + self._limits.max_wait_s

    def flush(self) -> None:
        """Seal everything that is open: it need not wait for more."""
        for batch in list(self._open.values()):
            self._seal(batch)

    def discard(self, unwanted: Callable[[T], bool], weigh: Callable[[T], int]) -> list[T]:
        """Take out and return the items that nobody wants any more."""
        gone: list[T] = []
        for batch in [*self._sealed, *self._open.values()]:
            out = [item for item in batch.items if unwanted(item)]
            if out:
                gone += out
                batch.items = [item for item in batch.items if not unwanted(item)]
                batch.bytes -= sum(map(weigh, out))
        self._sealed = deque(batch for batch in self._sealed if batch.items)
        self._open = {params: batch for params, batch in self._open.items() if batch.items}
        return gone

    def _oldest(self) -> Batch[T] | None:
        return min(self._open.values(), key=lambda batch: batch.opened_at, default=None)

    def _seal(self, batch: Batch[T]) -> None:
        del self._open[batch.params]
        self._sealed.append(batch)
