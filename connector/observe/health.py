"""Is the process alive, and is it ready? Two questions for two probes.

Alive: the loop and the Kafka thread beat. A platform or a broker that is down must never get the process killed, so
nothing else counts. Ready: nothing stands in the way of delivery, be it for somebody else to mend; each reason says
since when, and what to do. No listener of events decides what a reason is: whoever meets one raises it, and
clears it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from connector.core.events import ReasonCleared, ReasonRaised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.events import Event, ReasonCode

SILENT_S = 30.0
"""A part that has not beaten for so long is taken for dead."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way."""

    code: ReasonCode
    target: str
    """The target, topic or broker that it is about; may be empty."""
    since: float
    """Seconds since 1970."""
    remedy: str


@dataclass(frozen=True, slots=True)
class ReadyView:
    """What `/readyz` answers; `reasons` are empty if ready, else the oldest first."""

    reasons: tuple[Reason, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons

    def to_json(self) -> bytes:
        """Write the body of ``/readyz``: a contract with the outside."""
        return orjson.dumps({"ready": self.ready, "reasons": self.reasons})


class Health:
    """Listens to events, knows the reasons that stand. Begins with `starting`. `wall_clock` is seconds since 1970."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._reasons: dict[tuple[ReasonCode, str], Reason] = {}
        self.on(ReasonRaised("starting", "", "wait: the connector joins its group and fetches a token"))

    def on(self, event: Event) -> None:
        """Note a reason that was raised or cleared; other events are not its business. Never raises."""
        match event:
            case ReasonRaised(code, target, remedy):
                known = self._reasons.get((code, target))
                since = known.since if known else self._wall_clock()
                self._reasons[code, target] = Reason(code, target, since, remedy)
            case ReasonCleared(code, target):
                self._reasons.pop((code, target), None)
            case _:
                pass

    def ready(self) -> ReadyView:
        """Give the reasons that stand now, in the order in which they came."""
        return ReadyView(tuple(self._reasons.values()))


@dataclass(frozen=True, slots=True)
class Silent:
    """A part of the process that beats no more."""

    part: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LiveView:
    """What `/livez` answers."""

    silent: tuple[Silent, ...]

    @property
    def live(self) -> bool:
        """Whether every part beats."""
        return not self.silent

    def to_json(self) -> bytes:
        """Write the body of ``/livez``: ``{"live", "silent": [{"part", "seconds"}]}``."""
        return orjson.dumps({"live": self.live, "silent": self.silent})


class Liveness:
    """Asks each part when it last beat.

    `beats` gives, by the part's name, a callable that returns the time of its last beat, by the same monotonic `clock`
    (seconds). The callables may read what another thread writes: one number.
    """

    def __init__(
        self,
        beats: Mapping[str, Callable[[], float]],
        limit_s: float = SILENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._beats = beats
        self._limit_s = limit_s
        self._clock = clock

    def live(self) -> LiveView:
        """Give the parts that have not beaten within the limit; none while the process is alive."""
        now = self._clock()
        ages = {part: now - beat() for part, beat in self._beats.items()}
        return LiveView(tuple(Silent(part, round(age, 1)) for part, age in ages.items() if age > self._limit_s))
