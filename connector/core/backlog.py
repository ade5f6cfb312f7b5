"""What a target sends next. Pure: `now` is an argument. No operation looks at all batches, but for `reset`.

The lanes
    FRESH       not taken yet: the sealed or due batches of the target's `Batcher`
    ORDINARY    batches that are sent as a whole: those that failed before, and what is left of others
    SUSPECT     batches that are searched for a culprit
    ALONE       items that wait alone for their next try
    UNPROVEN    items that wait alone until the target delivers something: that is evidence against them

The rules
1. While the target is up, a fresh batch is taken only if fewer ordinary batches than the limit (`max_in_flight`) wait
   for a reply or for their next try. So while everything fails, no more than these wait here, and the rest goes on
   filling.
2. At most one request of the lanes SUSPECT, ALONE and UNPROVEN is on the wire at a time; after each, an ordinary batch
   has precedence, and the other way round. So neither keeps the other waiting.
3. An item that is UNPROVEN is tried without evidence only if there is nothing else to send.
4. While the target is not up, one batch at a time is the probe, and they take turns: those that have not been tried
   since, then fresh ones (MAX_PROBED at most), then the one that was tried longest ago. Suspects and items alone are
   probes if there is nothing else; if the target refuses everything, in each second turn.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from connector.core.evidence import NO_EVIDENCE
from connector.core.target_state import Condition
from connector.core.waiting import WaitingQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.core.batch import Batch
    from connector.core.concurrency import ConcurrencyLimit
    from connector.core.target_state import TargetMachine

MAX_PROBED: Final = 32
T = TypeVar("T")


class Lane(enum.Enum):
    """Where a batch stands; see the top of the file."""

    FRESH = enum.auto()
    ORDINARY = enum.auto()
    SUSPECT = enum.auto()
    ALONE = enum.auto()
    UNPROVEN = enum.auto()


@dataclass(slots=True)
class OnWire:
    """How many requests wait for their reply."""

    ordinary: int = 0
    suspect: int = 0

    @property
    def all(self) -> int:
        """How many there are in all."""
        return self.ordinary + self.suspect

    def add(self, batch: Batch[Any], requests: int) -> None:
        """Count requests of `batch`: 1 when one is sent, -1 when it has ended."""
        if batch.is_ordinary:
            self.ordinary += requests
        else:
            self.suspect += requests


class Backlog(Generic[T]):
    """The batches of one target that were taken from its `Batcher` and are not on the wire.

    `fresh_due_at` returns when there is a fresh batch: -inf, now; inf, not before another item is added.
    """

    def __init__(
        self, machine: TargetMachine, concurrency: ConcurrencyLimit, fresh_due_at: Callable[[], float]
    ) -> None:
        self.on_wire = OnWire()
        self._machine = machine
        self.concurrency = concurrency
        self._fresh_due_at = fresh_due_at
        self._lanes: dict[Lane, WaitingQueue[Batch[T]]] = {lane: WaitingQueue() for lane in Lane}
        self._suspects_turn = False
        self._last_suspect = Lane.UNPROVEN
        self._not_probed = 0
        """How many batches of the lane ORDINARY have not been tried since the target left the condition UP, at most.

        Those that were abandoned since are still counted.
        """

    @property
    def suspects(self) -> int:
        """How many batches are under suspicion, items that wait alone among them; without the one on the wire."""
        lanes = self._lanes
        return len(lanes[Lane.SUSPECT]) + len(lanes[Lane.ALONE]) + len(lanes[Lane.UNPROVEN])

    @property
    def in_flight(self) -> int:
        """How many ordinary batches wait for a reply or for their next try."""
        return len(self._lanes[Lane.ORDINARY]) + self.on_wire.ordinary

    @property
    def has_only_items_alone(self) -> bool:
        """Whether there is nothing to send, and nothing on the wire, but items that wait alone."""
        others = self.on_wire.all + len(self._lanes[Lane.ORDINARY]) + len(self._lanes[Lane.SUSPECT])
        return not others and self._fresh_due_at() == math.inf

    # -- changes ------------------------------------------------------------------------------------------------

    def put(self, batch: Batch[T], not_before: float = -math.inf, *, first: bool = False) -> None:
        """Add a batch whose next request is not sent before that time, and before all others if it is to be `first`."""
        lane = self._lanes[self._lane_of(batch)]
        if first:
            lane.put_first(batch)
            self._not_probed += batch.is_ordinary and not self._machine.is_up
        else:
            lane.put(batch, not_before if self._machine.is_up else -math.inf)

    def take(self, lane: Lane, now: float) -> Batch[T] | None:
        """Remove and return the next batch of a lane that `choose` has returned; not for FRESH."""
        batch = self._lanes[lane].take(now)
        if lane is Lane.ORDINARY and self._not_probed and not self._machine.is_up:
            self._not_probed -= 1
        return batch

    def on_taken(self, lane: Lane) -> None:
        """Called when a batch of this lane is sent: gives the turn to the others."""
        self._suspects_turn = lane in {Lane.FRESH, Lane.ORDINARY}
        if not self._suspects_turn:
            self._last_suspect = lane

    def on_delivery(self) -> None:
        """Called when the target has delivered something: lets items be tried against which that is evidence."""
        unproven = self._lanes[Lane.UNPROVEN]
        for batch, not_before in unproven.drain() if unproven else ():
            if self._is_proven(batch):
                self._lanes[Lane.ALONE].put(batch, not_before if batch.by_failure else -math.inf)
            else:
                unproven.put(batch, not_before)

    def on_condition(self, *, start_over: bool) -> None:
        """Called when the target's condition has changed: nothing waits for its own backoff any more.

        `start_over`: the batches are ordinary again, and what is known against them is forgotten, but for how often an
        item has outlasted that: see rule 6 of `evidence.py`.
        """
        entries = [batch for batch, _ in self.drain()]
        self._not_probed = 0
        for batch in entries:
            changed = replace(batch, is_sample=False, backoffs=0, token_refusals=0)
            if start_over:
                evidence = batch.evidence.started_over() if len(batch.items) == 1 else NO_EVIDENCE
                changed = replace(changed, suspected=0, by_failure=False, evidence=evidence, alone_since=None)
            self._lanes[self._lane_of(changed)].put(changed)
        self._not_probed = len(self._lanes[Lane.ORDINARY])

    def drain(self) -> list[tuple[Batch[T], float]]:
        """Remove and return all batches, each with the time before which it is not sent."""
        return [entry for queue in self._lanes.values() for entry in queue.drain()]

    def _lane_of(self, batch: Batch[T]) -> Lane:
        if batch.is_ordinary:
            return Lane.ORDINARY
        if not batch.is_alone:
            return Lane.SUSPECT
        return Lane.ALONE if self._is_proven(batch) else Lane.UNPROVEN

    def _is_proven(self, batch: Batch[T]) -> bool:
        """Whether the next bad reply to an item that waits alone would count against it."""
        evidence = batch.evidence
        return evidence.blamed_at is None or evidence.is_blamed(self._machine.delivered)

    # -- the choice ---------------------------------------------------------------------------------------------

    def choose(self, now: float) -> Lane | None:
        """Return the lane whose next batch is to be sent now; None if nothing is."""
        if self.on_wire.all >= self.concurrency.limit:
            return None
        if not self._machine.is_up:
            return None if self._machine.probing or now < self._machine.probe_at else self._choose_probe(now)
        suspect = self._first_due(self._suspect_lanes(), now)
        ordinary = self._first_due(self._ordinary_lanes(), now)
        if suspect is not None and (self._suspects_turn or ordinary is None):
            return suspect
        return ordinary

    def next_at(self) -> float:
        """Return when `choose` will have something if nothing happens until then; inf: never."""
        if self.on_wire.all >= self.concurrency.limit:
            return math.inf
        if not self._machine.is_up:
            if self._machine.probing:
                return math.inf
            has_probe = self._lanes[Lane.ORDINARY] or self._suspects_to_probe()
            return max(self._machine.probe_at, -math.inf if has_probe else self._fresh_due_at())
        return min(map(self._due_at, [*self._suspect_lanes(), *self._ordinary_lanes()]), default=math.inf)

    def _ordinary_lanes(self) -> Iterable[Lane]:
        return (Lane.ORDINARY, Lane.FRESH) if self.in_flight < self.concurrency.limit else (Lane.ORDINARY,)

    def _suspect_lanes(self) -> Iterable[Lane]:
        if self.on_wire.suspect:
            return ()
        if self.has_only_items_alone:
            return (Lane.ALONE, Lane.UNPROVEN)
        return (Lane.ALONE, Lane.SUSPECT)

    def _first_due(self, lanes: Iterable[Lane], now: float) -> Lane | None:
        return next((lane for lane in lanes if self._due_at(lane) <= now), None)

    def _due_at(self, lane: Lane) -> float:
        return self._fresh_due_at() if lane is Lane.FRESH else self._lanes[lane].due_at()

    def _choose_probe(self, now: float) -> Lane | None:
        suspects = self._suspects_to_probe()
        refuses_everything = self._machine.condition is Condition.REFUSING
        if suspects and refuses_everything and self._suspects_turn:
            return suspects[0]
        ordinary = len(self._lanes[Lane.ORDINARY])
        if not (ordinary and self._not_probed) and ordinary < MAX_PROBED and self._fresh_due_at() <= now:
            return Lane.FRESH
        if ordinary:
            return Lane.ORDINARY
        return suspects[0] if suspects else None

    def _suspects_to_probe(self) -> list[Lane]:
        """Return the lanes of suspects that are not empty; the one that was probed last comes last."""
        lanes = [Lane.SUSPECT, Lane.ALONE, Lane.UNPROVEN]
        if self.on_wire.suspect:
            return []
        filled = [lane for lane in lanes if self._lanes[lane]]
        return sorted(filled, key=lambda lane: lane is self._last_suspect)
