"""Liveness and readiness of the process: the answers of `/livez` and `/readyz`.

Live: the event loop and the Kafka thread send heartbeats. Nothing else counts: a platform or a broker that is down
must not get the process killed.
Ready: no reason against it is active. The part of the connector that detects a reason raises it, and clears it when it
no longer applies; both are events.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import orjson

from connector.core.events import ReasonCleared, ReasonRaised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.events import Event, ReasonCode

HEARTBEAT_S = 1.0
HEARTBEAT_TIMEOUT_S = 30.0
"""A part of the process whose last heartbeat is older counts as dead."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why the connector is not ready."""

    code: ReasonCode
    target: str
    """The target, topic or broker that it is about; may be empty."""
    since: float
    """Seconds since 1970."""
    remedy: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of ``/readyz``: the active reasons, the oldest first; none if the connector is ready."""

    reasons: tuple[Reason, ...]

    @property
    def ready(self) -> bool:
        """Whether no reason is active."""
        return not self.reasons

    def to_json(self) -> bytes:
        """Return the body of ``/readyz``; its shape is a contract."""
        return orjson.dumps({"ready": self.ready, "reasons": self.reasons})


class Health:
    """Listener that keeps the active reasons; begins with `starting`. `wall_clock` is seconds since 1970."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._reasons: dict[tuple[ReasonCode, str], Reason] = {}
        self.on(ReasonRaised("starting", "", "wait: the connector joins its group and fetches a token"))

    def on(self, event: Event) -> None:
        """Add a reason that was raised, remove one that was cleared; ignore other events. Never raises."""
        match event:
            case ReasonRaised(code, target, remedy):
                known = self._reasons.get((code, target))
                since = known.since if known else self._wall_clock()
                self._reasons[code, target] = Reason(code, target, since, remedy)
            case ReasonCleared(code, target):
                self._reasons.pop((code, target), None)
            case _:
                pass

    def readiness(self) -> Readiness:
        """Return the active reasons in the order in which they were raised."""
        return Readiness(tuple(self._reasons.values()))


class Heartbeat:
    """The heartbeat of the event loop; `run` is a background task that never returns."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def last(self) -> float:
        """Return the time of the last heartbeat, in seconds of `clock`."""
        return self._last

    async def run(self) -> NoReturn:
        """Send a heartbeat every HEARTBEAT_S while the loop is not blocked."""
        while True:
            self._last = self._clock()
            await asyncio.sleep(HEARTBEAT_S)


@dataclass(frozen=True, slots=True)
class SilentPart:
    """A part of the process whose heartbeat has stopped."""

    part: str
    seconds: float
    """Since its last heartbeat."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """The answer of ``/livez``: the parts whose heartbeat has stopped."""

    silent: tuple[SilentPart, ...]

    @property
    def live(self) -> bool:
        """Whether every part sends heartbeats."""
        return not self.silent

    def to_json(self) -> bytes:
        """Return the body of ``/livez``: ``{"live", "silent": [{"part", "seconds"}]}``."""
        return orjson.dumps({"live": self.live, "silent": self.silent})


class HeartbeatMonitor:
    """Finds the parts of the process whose heartbeat has stopped.

    `last_beats` has, by the part's name, a function that returns the time of its last heartbeat, on the same
    monotonic `clock` (seconds). The functions may read one number that another thread writes.
    """

    def __init__(
        self, last_beats: Mapping[str, Callable[[], float]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._last_beats = last_beats
        self._clock = clock

    def liveness(self) -> Liveness:
        """Return the parts whose last heartbeat is older than HEARTBEAT_TIMEOUT_S."""
        now = self._clock()
        ages = {part: now - last_beat() for part, last_beat in self._last_beats.items()}
        silent = (SilentPart(part, round(age, 1)) for part, age in ages.items() if age > HEARTBEAT_TIMEOUT_S)
        return Liveness(tuple(silent))
