"""Per-key queues that keep items which share a key in order. Pure.

An item has keys: its identities, or its topic and key. Each key has a queue: the admitted items, all of which are in
one batch (its retries and splits included), and the items that wait behind them, in order of arrival.

The rules
1. An item is admitted to a batch if, for each of its keys, no item waits before it and no item is admitted to another
   batch. So two items that share a key are in one request, in order, or in two
   requests one after the other.
2. An item is released when it has its outcome or was abandoned. Then the first waiting items of its keys may be
   readmitted.
3. A batch that has been taken for sending admits nothing more: its id is not offered again.
4. When a batch is taken apart, so that some of its items are sent before others (`hold_back`), those that share a key
   with them, directly or by a chain of items that do, wait again: first of all that wait.
5. Queues may succeed others, which get no new items any more: until the earlier ones have none of a key left, it is
   *reserved* here, and its items wait.

Example: items 1, 2 and 3 go to three different batches (their publicParams differ).

    admit(1 of anna, batch 1)             True
    admit(2 of bert, batch 2)             True
    admit(3 of anna and bert, batch 3)    False: waits for both
    release(1)                            returns [3], but readmit(3, batch 3) is False: 2 is not released yet
    release(2)                            returns [3], and readmit(3, batch 3) is True
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")


@dataclass(slots=True)
class _KeyQueue(Generic[T]):
    batch_id: int = 0
    admitted: int = 0
    waiting: deque[T] = field(default_factory=deque)

    def admits(self, batch_id: int) -> bool:
        return not self.admitted or self.batch_id == batch_id

    def admit(self, batch_id: int) -> None:
        self.batch_id = batch_id
        self.admitted += 1


class KeyQueues(Generic[T]):
    """The key queues of one target. `keys_of` returns an item's keys, always the same ones for one item."""

    def __init__(self, keys_of: Callable[[T], Sequence[str]]) -> None:
        self._keys_of = keys_of
        self._queues: defaultdict[str, _KeyQueue[T]] = defaultdict(_KeyQueue)
        self._reserved: dict[str, int] = {}
        """How many earlier queues have items of a key."""
        self._on_empty: list[Callable[[str], None]] = []

    @property
    def key_count(self) -> int:
        """How many keys have an item that is admitted or waits, or are reserved."""
        return len(self._queues.keys() | self._reserved.keys())

    def succeed(self, earlier: KeyQueues[T], on_free: Callable[[list[T]], None]) -> None:
        """Let items wait for those of other queues, which get no new ones.

        `on_free` is called whenever they have none of a key left, with the items that may be readmitted then.
        """

        def free(key: str) -> None:
            self._reserved[key] -= 1
            if self._reserved[key]:
                return
            del self._reserved[key]
            if key in self._queues:
                on_free(self._next_of([key]))
            else:
                self._notify_empty(key)

        for key in earlier._queues.keys() | earlier._reserved.keys():
            self._reserved[key] = self._reserved.get(key, 0) + 1
        earlier._on_empty.append(free)

    def _notify_empty(self, key: str) -> None:
        """Called when nothing of a key is left, for those that succeed this."""
        if key not in self._reserved:
            for on_empty in self._on_empty:
                on_empty(key)

    def admit(self, item: T, batch_id: int) -> bool:
        """Admit a new item to batch `batch_id`; False if it waits behind an item that shares one of its keys."""
        queues = [self._queues[key] for key in self._keys(item)]
        admitted = all(not queue.waiting and queue.admits(batch_id) for queue in queues)
        if self._reserved and self._is_reserved(item):
            admitted = False
        for queue in queues:
            if admitted:
                queue.admit(batch_id)
            else:
                queue.waiting.append(item)
        return admitted

    def readmit(self, item: T, batch_id: int) -> bool:
        """Admit a waiting item to batch `batch_id`; False if it must still wait."""
        queues = [self._queues[key] for key in self._keys(item)]
        for queue in queues:
            if not queue.waiting or queue.waiting[0] is not item or not queue.admits(batch_id):
                return False
        if self._reserved and self._is_reserved(item):
            return False
        for queue in queues:
            queue.waiting.popleft()
            queue.admit(batch_id)
        return True

    def release(self, item: T) -> list[T]:
        """Release an admitted item, which has ended; return the items that may be readmitted now."""
        for key in self._keys(item):
            self._queues[key].admitted -= 1
        return self.next_waiting(item)

    def next_waiting(self, item: T) -> list[T]:
        """Return the first waiting item of each of the item's keys, without repeats. Removes queues that are empty."""
        return self._next_of(self._keys(item))

    def _next_of(self, keys: Iterable[str]) -> list[T]:
        first: dict[int, T] = {}
        for key in keys:
            queue = self._queues.get(key)
            if queue is None:
                continue
            if queue.waiting:
                first[id(queue.waiting[0])] = queue.waiting[0]
            elif not queue.admitted:
                del self._queues[key]
                if self._on_empty:
                    self._notify_empty(key)
        return list(first.values())

    def hold_back(self, before: Iterable[T], items: Sequence[T]) -> tuple[T, ...]:
        """Let admitted items of `items` wait again if they would overtake one of `before`; return the others.

        Both were admitted to one batch, which is taken apart: `before` is sent on its own. An item waits that shares a
        key with one of them, or with an item of `items` that waits for that reason.
        """
        taken = {key for item in before for key in self._keys(item)}
        kept: list[T] = []
        held: list[T] = []
        for item in items:
            keys = self._keys(item)
            if taken.isdisjoint(keys):
                kept.append(item)
            else:
                held.append(item)
                taken.update(keys)
        for item in reversed(held):
            for key in self._keys(item):
                queue = self._queues[key]
                queue.admitted -= 1
                queue.waiting.appendleft(item)
        return tuple(kept)

    def discard(self, should_discard: Callable[[T], bool]) -> tuple[list[T], list[T]]:
        """Remove the waiting items for which `should_discard` is true.

        Returns them, and the items that may be readmitted now.
        """
        discarded: dict[int, T] = {}
        for queue in self._queues.values():
            removed = [item for item in queue.waiting if should_discard(item)]
            if removed:
                discarded.update((id(item), item) for item in removed)
                queue.waiting = deque(item for item in queue.waiting if id(item) not in discarded)
        candidates: dict[int, T] = {}
        for item in discarded.values():
            candidates.update((id(other), other) for other in self.next_waiting(item))
        return list(discarded.values()), list(candidates.values())

    def _is_reserved(self, item: T) -> bool:
        """Return whether one of the item's keys is reserved."""
        return not self._reserved.keys().isdisjoint(self._keys(item))

    def _keys(self, item: T) -> Iterable[str]:
        return dict.fromkeys(self._keys_of(item))
