"""What the tap sees at once: the items of one request that was answered, or records of which nothing was made."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from connector.core.record import DEAD_LETTERS, Outcome
from connector.core.sink import VerdictKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from connector.core.events import RequestDone
    from connector.core.record import Item, Record
    from connector.observe.tap_request import TapRequest


@dataclass(frozen=True, slots=True)
class Tapped:
    """An item with its outcome, or a record of which nothing was made."""

    outcome: str
    """One of `tap_request.OUTCOMES`."""
    record: Record
    item: Item | None = None
    detail: str = ""
    """What the reply was; holds no value of a record."""
    http_status: int | None = None
    import_batch: str = ""
    at: float = field(default_factory=time.time)
    """When it was seen: seconds since 1970."""


class View(Protocol):
    """What may be told of records and items, as one config says. Bound to one thread; never raises."""

    @property
    def routes(self) -> Collection[str]:
        """The names of all routes."""

    @property
    def targets(self) -> Collection[str]:
        """The names of all targets."""

    def fed_by(self, topic: str) -> tuple[Collection[str], Collection[str]]:
        """Return the names of the routes that read a topic, and of the targets that they feed."""

    def line(self, tapped: Tapped) -> bytes:
        """Return what is told: one line of JSON, its end included, masked."""

    def holds(self, tapped: Tapped, value_hash: str) -> bool | None:
        """Return whether record or item holds a value with this hash; None: the record is too large to be searched."""


class Batch(Protocol):
    """What the tap sees at once."""

    def wanted(self, request: TapRequest, view: View) -> Sequence[int]:
        """Return the positions of what a request asks for by route, target and outcome."""

    def at(self, position: int) -> Tapped:
        """Return what is at a position."""


class Answered:
    """The items of a request that was answered."""

    def __init__(self, event: RequestDone) -> None:
        self._event = event
        self._is_done = event.verdict is VerdictKind.DELIVERED
        ended = Outcome.DEAD_LETTERED if event.target == DEAD_LETTERS else Outcome.DELIVERED
        self._ended, self._tried = ended.value, event.verdict.value

    def wanted(self, request: TapRequest, view: View) -> Sequence[int]:
        """Return the positions of what a request asks for by route, target and outcome."""
        del view
        items, routes, targets = self._event.items, request.routes, request.targets
        positions: Sequence[int] = range(len(items))
        if request.outcomes:
            positions = [at for at in positions if self._outcome(at) in request.outcomes]
        if routes:
            positions = [at for at in positions if items[at].route in routes]
        if targets:
            positions = [at for at in positions if target_of(items[at]) in targets]
        return positions

    def at(self, position: int) -> Tapped:
        """Return what is at a position."""
        event, item = self._event, self._event.items[position]
        outcome = self._outcome(position)
        return Tapped(outcome, item.record, item, event.detail, event.http_status, event.import_batch)

    def _outcome(self, position: int) -> str:
        return self._ended if self._is_done or position in self._event.done else self._tried


class Skipped:
    """Records of one topic of which nothing was made."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def wanted(self, request: TapRequest, view: View) -> Sequence[int]:
        """Return all positions, or none: their topic must be read by a route, and feed a target, that is asked for."""
        if request.outcomes and Outcome.SKIPPED.value not in request.outcomes:
            return ()
        if request.routes or request.targets:
            routes, targets = view.fed_by(self._records[0].topic)
            if (request.routes and request.routes.isdisjoint(routes)) or (
                request.targets and request.targets.isdisjoint(targets)
            ):
                return ()
        return range(len(self._records))

    def at(self, position: int) -> Tapped:
        """Return what is at a position."""
        return Tapped(Outcome.SKIPPED.value, self._records[position])


def target_of(item: Item) -> str:
    """Return the target that an item is meant for, also one that has become a dead letter; empty if none is known."""
    return item.target if item.failure is None else item.failure.target
