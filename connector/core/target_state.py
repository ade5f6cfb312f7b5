"""Whether a target is up, down or held: a pure state machine. `now` is an argument, in seconds of a monotonic clock.

The table, `_NEXT`: what each signal makes of each condition. A signal without an entry changes nothing.

    condition   DELIVERED   ANSWERED   UNREACHABLE   REJECTED   REFUSES_EVERYTHING   EMPTIED
    UP                                 DOWN          HELD       REFUSING
    DOWN        UP          UP                       HELD                            UP
    HELD        UP          UP                                                       UP
    REFUSING    UP                                   HELD                            UP

The rules
1. DELIVERED: a request was delivered. While held, only one that was sent after the hold began counts.
2. ANSWERED: a reply spoke of the items (refused, too large), so the target works; REFUSING is exactly that.
3. UNREACHABLE: nothing is delivered, and failures in a row (no reply, 5xx, too many requests) are as many as batches
   are in flight, and three; or nothing was delivered for QUIET_S since the first failing request was sent. Failures of
   a *suspicious* batch, one that failed before the target delivered something else, tell little of the target: they
   count only after SUSPICIOUS_QUIET_S.
4. REJECTED: a verdict speaks of the target (no rights, wrong address). That of a suspicious batch counts only if
   MAX_REJECTIONS came in a row: one batch that is always answered 403 holds nothing.
5. REFUSES_EVERYTHING: `refused_in_a_row` items were refused alone, and nothing was delivered since. An item that left
   with its lease does not count: it comes back with the next one, and counts then.
6. EMPTIED: nothing waits any more, because the leases of all that did have ended: there is nothing to probe with, and
   no record that the condition keeps back.
7. While the target is not up, one request at a time is sent, the *probe*, and probes back off. Each is another batch,
   as long as there is one: see `backlog.py`.

Order is told by ticks, not by time: each request gets a tick when it is sent, and another when it is answered. So
"sent after" is exact, and no clock can be wrong.

Example: three batches are in flight.

    a, b fail           two failures in a row: still up
    c fails             three, as many as are in flight: DOWN
    a fails (probe)     the next probe waits longer
    b is delivered      UP
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.sink import TargetState

if TYPE_CHECKING:
    from random import Random

    from connector.core.retry import Backoff

MIN_FAILURES: Final = 3
QUIET_S: Final = 5.0
SUSPICIOUS_QUIET_S: Final = 30.0
MAX_REJECTIONS: Final = 8
REFUSES_EVERYTHING: Final = "refuses_everything"


class Condition(enum.Enum):
    """The states of the machine; the value is what the outside sees of them."""

    UP = "up"
    DOWN = "down"
    HELD = "held"
    REFUSING = "refusing"

    @property
    def state(self) -> TargetState:
        """What `/status` shows: a target that refuses everything is held."""
        return TargetState.HELD if self is Condition.REFUSING else TargetState(self.value)


class Signal(enum.Enum):
    """What changes the condition: see the rules at the top."""

    DELIVERED = enum.auto()
    ANSWERED = enum.auto()
    UNREACHABLE = enum.auto()
    REJECTED = enum.auto()
    REFUSES_EVERYTHING = enum.auto()
    EMPTIED = enum.auto()


_NEXT: Final = {
    (Condition.UP, Signal.UNREACHABLE): Condition.DOWN,
    (Condition.UP, Signal.REJECTED): Condition.HELD,
    (Condition.UP, Signal.REFUSES_EVERYTHING): Condition.REFUSING,
    (Condition.DOWN, Signal.DELIVERED): Condition.UP,
    (Condition.DOWN, Signal.ANSWERED): Condition.UP,
    (Condition.DOWN, Signal.REJECTED): Condition.HELD,
    (Condition.HELD, Signal.DELIVERED): Condition.UP,
    (Condition.HELD, Signal.ANSWERED): Condition.UP,
    (Condition.DOWN, Signal.EMPTIED): Condition.UP,
    (Condition.HELD, Signal.EMPTIED): Condition.UP,
    (Condition.REFUSING, Signal.EMPTIED): Condition.UP,
    (Condition.REFUSING, Signal.DELIVERED): Condition.UP,
    (Condition.REFUSING, Signal.REJECTED): Condition.HELD,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: when it was sent, and what had been delivered by then."""

    began: float
    tick: int
    delivered: int
    """The highest tick of the requests that were delivered before this one was sent; 0: none."""
    is_probe: bool


class TargetMachine:
    """The condition of one target. Each request is announced by `begin` and ended by one of the `on_…` methods.

    `backoff` spaces the probes.
    """

    def __init__(self, backoff: Backoff, random: Random, refused_in_a_row: int) -> None:
        self.condition = Condition.UP
        self.reason = ""
        """Why the target is not up; empty if it is."""
        self.failures = 0
        """Requests without a delivery in a row."""
        self.probe_at = -math.inf
        """The earliest time of the next probe."""
        self.probing = False
        """Whether a probe is under way."""
        self.delivered = 0
        """The highest tick of the requests that were delivered; 0: none."""
        self.deliveries = 0
        """How many requests were delivered."""
        self.tick = 0
        self._backoff = backoff
        self._random = random
        self._refused_in_a_row = refused_in_a_row
        self._failing_since = math.inf
        """When the first of the failing requests in a row was sent."""
        self._last_delivery = -math.inf
        self._unreachable = 0
        self._rejections = 0
        self._refused_alone = 0
        self._entered_at = 0
        """The tick at which the condition was entered."""
        self._probes = 0

    def reconfigure(self, backoff: Backoff, refused_in_a_row: int) -> None:
        """Go on by other settings, in the same condition."""
        self._backoff, self._refused_in_a_row = backoff, refused_in_a_row

    @property
    def is_up(self) -> bool:
        """Whether more than one request at a time may be sent."""
        return self.condition is Condition.UP

    def begin(self, now: float) -> Attempt:
        """Return what must be known of a request that is sent now; while the target is not up, it is the probe."""
        self.tick += 1
        self.probing = self.probing or not self.is_up
        return Attempt(now, self.tick, self.delivered, not self.is_up)

    def on_delivered(self, attempt: Attempt, now: float) -> bool:
        """Called when a request was delivered; return whether the condition has changed."""
        self._end(attempt)
        self.delivered = max(self.delivered, attempt.tick)
        self.deliveries += 1
        self._last_delivery = now
        self.failures = self._unreachable = self._rejections = self._refused_alone = 0
        self._failing_since = math.inf
        return self._signal(Signal.DELIVERED, "", attempt, now)

    def on_answered(self, attempt: Attempt, now: float) -> bool:
        """Called when a reply was about the items; return whether the condition has changed."""
        self._end(attempt)
        self.failures += 1
        self._unreachable = self._rejections = 0
        self._failing_since = math.inf
        return self._signal(Signal.ANSWERED, "", attempt, now)

    def on_failed(self, attempt: Attempt, now: float, detail: str, *, in_flight: int, suspicious: bool) -> bool:
        """Called when a request must be sent again; return whether the condition has changed.

        `in_flight`: how many batches wait for a reply or for their next try, this one among them.
        """
        self._end(attempt)
        self.failures += 1
        self._failing_since = min(self._failing_since, attempt.began)
        self._unreachable += not suspicious
        quiet_s = now - max(self._failing_since, self._last_delivery)
        too_quiet = quiet_s >= (SUSPICIOUS_QUIET_S if suspicious else QUIET_S)
        all_fail = self._unreachable >= max(MIN_FAILURES, in_flight)
        if self.condition is Condition.DOWN:
            self.reason = detail
        return self._signal(Signal.UNREACHABLE if too_quiet or all_fail else None, detail, attempt, now)

    def on_rejected(self, attempt: Attempt, now: float, detail: str, *, suspicious: bool) -> bool:
        """Called when a verdict spoke of the target; return whether the condition has changed."""
        self._end(attempt)
        self.failures += 1
        self._rejections += 1
        counts = not suspicious or self._rejections >= MAX_REJECTIONS
        return self._signal(Signal.REJECTED if counts else None, detail, attempt, now)

    def on_refused_alone(self, attempt: Attempt, now: float, detail: str) -> bool:
        """Called when one more item was refused alone since the last delivery; return whether the condition changed.

        `on_answered` was called before, for the same attempt.
        """
        self._refused_alone += 1
        refuses_everything = self._refused_alone >= self._refused_in_a_row
        signal = Signal.REFUSES_EVERYTHING if refuses_everything else None
        return self._signal(signal, f"{REFUSES_EVERYTHING}: {detail}", attempt, now)

    def on_refused_alone_left(self) -> None:
        """Called when an item that `on_refused_alone` has counted since the last delivery leaves with its lease."""
        self._refused_alone -= 1

    def on_token_refused(self, attempt: Attempt, now: float) -> None:
        """Called when the token was refused, which tells nothing of the target."""
        self._end(attempt)
        self.failures += 1
        self._signal(None, "", attempt, now)

    def on_emptied(self) -> bool:
        """Called when nothing waits any more; return whether the condition has changed."""
        return self._enter(Signal.EMPTIED, "")

    def _end(self, attempt: Attempt) -> None:
        self.tick += 1
        if attempt.is_probe:
            self.probing = False

    def _signal(self, signal: Signal | None, reason: str, attempt: Attempt, now: float) -> bool:
        """Follow the table; return whether the condition has changed. Schedules the next probe."""
        is_late = self.condition is Condition.HELD and attempt.tick < self._entered_at  # sent before the hold
        changed = signal is not None and not is_late and self._enter(signal, reason)
        if not self.is_up and (changed or attempt.is_probe):
            self._probes += 1
            self.probe_at = now + self._backoff.delay(self._probes, self._random)
        return changed

    def _enter(self, signal: Signal, reason: str) -> bool:
        following = _NEXT.get((self.condition, signal), self.condition)
        if following is self.condition:
            return False
        self.condition, self.reason = following, reason
        self._entered_at = self.tick
        self._probes = 0
        return True
