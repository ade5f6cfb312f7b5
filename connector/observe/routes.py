"""What became of the items of each route, and the last dead letters: a listener that the snapshot is read from."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.events import DeadLettered, ItemsSettled
from connector.core.record import Outcome
from connector.observe.scrub import scrub
from connector.observe.snapshot import DeadLetterStatus, RouteStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from connector.core.events import Event

KEPT_DEAD_LETTERS: Final = 50


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What the config says of one route."""

    name: str
    target: str
    identity_types: Sequence[str] = ()


class RouteCounts:
    """Listener that counts items and dead letters by route. Used on the event loop only.

    `routes` are listed with zeros before they have counted anything. A route that is not among them any more keeps its
    counts.
    """

    def __init__(self, routes: Sequence[RouteFacts], wall_clock: Callable[[], float] = time.time) -> None:
        self.routes = routes
        self.skipped: Mapping[tuple[str, str], int] = {}
        """Items that a rule of the mapping skipped, by route and target: the mapper's own counter, once it is built."""
        self.identity_invalid: Mapping[tuple[str, str], int] = {}
        """Identity values that could not be converted, by route and type: the same."""
        self._wall_clock = wall_clock
        self._delivered: Counter[tuple[str, str]] = Counter()
        """By route and target."""
        self._dead_lettered: Counter[str] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        """Dead letters by route and reason."""
        self._last: deque[DeadLetterStatus] = deque(maxlen=KEPT_DEAD_LETTERS)

    def on(self, event: Event) -> None:
        """Count one event; never raises."""
        match event:
            case ItemsSettled(target, Outcome.DELIVERED, by_route):
                for route, count in by_route.items():
                    self._delivered[route, target] += count
            case ItemsSettled(_, Outcome.DEAD_LETTERED, by_route):
                self._dead_lettered.update(by_route)
            case DeadLettered():
                self._reasons[event.route, event.reason] += event.count
                self._last.extend(self._letters(event))
            case _:
                pass

    def dead_letters(self) -> Sequence[DeadLetterStatus]:
        """Return the last dead letters, the newest last."""
        return tuple(self._last)

    def read(self) -> Sequence[RouteStatus]:
        """Return what became of each route's items: the routes of the config first, in its order."""
        facts = {(route.name, route.target): route for route in self.routes}
        for name, target in (*self._delivered, *self.skipped):
            facts.setdefault((name, target), RouteFacts(name, target))
        named = {name for name, _ in facts}
        for name in (*self._dead_lettered, *(name for name, _ in self._reasons)):
            if name not in named:  # not even decoded, for example
                facts.setdefault((name, ""), RouteFacts(name, ""))
        reasons, invalid, seen = _by_route(self._reasons), _by_route(self.identity_invalid), set[str]()
        found = []
        for (name, target), route in facts.items():
            # What is counted by a route's name alone belongs to the first one of that name.
            is_first = name not in seen
            seen.add(name)
            zeros = dict.fromkeys(route.identity_types, 0) if is_first else {}
            found.append(
                RouteStatus(
                    name=name,
                    target=target,
                    delivered=self._delivered[name, target],
                    skipped=self.skipped.get((name, target), 0),
                    dead_lettered=self._dead_lettered[name] if is_first else 0,
                    identity_invalid=zeros | invalid.pop(name, {}),
                    reasons=reasons.pop(name, {}),
                )
            )
        return found

    def _letters(self, event: DeadLettered) -> Iterator[DeadLetterStatus]:
        """Yield the last letters of an event, as many as are kept."""
        at, field, detail = self._wall_clock(), scrub(event.field), scrub(event.detail)
        places = [(partition, offset) for partition, offsets in event.offsets for offset in offsets]
        for partition, offset in places[-KEPT_DEAD_LETTERS:]:
            yield DeadLetterStatus(at, *partition, offset, event.route, event.target, event.reason, field, detail)


def _by_route(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Return counts by route and something else as one table for each route."""
    tables: dict[str, dict[str, int]] = {}
    for (route, kind), count in counts.items():
        tables.setdefault(route, {})[kind] = count
    return tables
