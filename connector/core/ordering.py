"""What must not overtake what. Pure.

An item has keys (its identities, or its topic and key). For each key there is a *lane*: the items that hold it,
all in one *lot* (one batch, its retries and its splits included), and those that wait behind, in order of arrival.

The rules
1. An item may join a lot when, in each of its lanes, it is first among those that wait, and what holds the lane, if
   anything, is in that very lot. So two items that share a key are in one request, in order, or never at once.
2. It leaves its lanes when it has ended. Then the first of those that wait may try again.
3. A lot that is on its way admits nobody: its number is never offered again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")


@dataclass(slots=True)
class _Lane(Generic[T]):
    lot: int = 0
    holding: int = 0
    waiting: deque[T] = field(default_factory=deque)


class Lanes(Generic[T]):
    """The lanes of one target. `keys_of` gives an item's keys; it must give the same ones each time."""

    def __init__(self, keys_of: Callable[[T], Sequence[str]]) -> None:
        self._keys_of = keys_of
        self._lanes: dict[str, _Lane[T]] = {}

    @property
    def keys(self) -> int:
        """How many keys are held or waited for."""
        return len(self._lanes)

    def enter(self, item: T, lot: int) -> bool:
        """Arrive. True: it has joined `lot`; False: it waits in its lanes."""
        lanes = [self._lane(key) for key in self._keys(item)]
        free = all(not lane.waiting and (not lane.holding or lane.lot == lot) for lane in lanes)
        for lane in lanes:
            if free:
                lane.lot = lot
                lane.holding += 1
            else:
                lane.waiting.append(item)
        return free

    def join(self, item: T, lot: int) -> bool:
        """Try again, for one that waits. True: it has joined `lot`, and `behind` it others may try."""
        lanes = [self._lanes[key] for key in self._keys(item)]
        for lane in lanes:
            first = lane.waiting[0] if lane.waiting else None
            if first is not item or (lane.holding and lane.lot != lot):
                return False
        for lane in lanes:
            lane.waiting.popleft()
            lane.lot = lot
            lane.holding += 1
        return True

    def leave(self, item: T) -> list[T]:
        """End, for one that holds its lanes. Returns those that may try now."""
        for key in self._keys(item):
            self._lanes[key].holding -= 1
        return self.behind(item)

    def behind(self, item: T) -> list[T]:
        """The first ones that wait in the lanes of `item`, without repeats."""
        first: dict[int, T] = {}
        for key in self._keys(item):
            lane = self._lanes.get(key)
            if lane is None:
                continue
            if lane.waiting:
                first[id(lane.waiting[0])] = lane.waiting[0]
            elif not lane.holding:
                del self._lanes[key]
        return list(first.values())

    def discard(self, unwanted: Callable[[T], bool]) -> tuple[list[T], list[T]]:
        """Take out those that wait and that nobody wants. Returns them, and those that may try now."""
        gone: dict[int, T] = {}
        for lane in self._lanes.values():
            out = [item for item in lane.waiting if unwanted(item)]
            if out:
                gone.update((id(item), item) for item in out)
                lane.waiting = deque(item for item in lane.waiting if id(item) not in gone)
        free: dict[int, T] = {}
        for item in gone.values():
            free.update((id(other), other) for other in self.behind(item))
        return list(gone.values()), list(free.values())

    def _lane(self, key: str) -> _Lane[T]:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
        return lane

    def _keys(self, item: T) -> Iterable[str]:
        return dict.fromkeys(self._keys_of(item))
