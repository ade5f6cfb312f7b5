"""Liveness and readiness of the process: the answers of `/livez` and `/readyz`.

Live: the event loop and the Kafka thread send heartbeats. Nothing else counts: a platform or a broker that is down
must not get the process killed.
Ready: no reason against it is active. The part of the connector that detects a reason raises it, and clears it when it
no longer applies; both are events.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NoReturn

from connector.core.events import ReasonCleared, ReasonRaised
from connector.language.message import filtered, message
from connector.observe.scrub import scrub
from connector.observe.snapshot import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.events import Event, ReasonCode

HEARTBEAT_S = 1.0
HEARTBEAT_TIMEOUT_S = 30.0
"""A part of the process whose last heartbeat is older counts as dead."""


class Health:
    """Listener that keeps the active reasons; begins with `starting`. `wall_clock` is seconds since 1970."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._reasons: dict[tuple[ReasonCode, str], tuple[float, ReasonRaised]] = {}
        """Each with the time since which it stands."""
        self.on(ReasonRaised("starting", "", message("wait: the connector joins its group and fetches a token")))

    def on(self, event: Event) -> None:
        """Add a reason that was raised, remove one that was cleared; ignore other events. Never raises."""
        match event:
            case ReasonRaised(code, target):
                known = self._reasons.get((code, target))
                self._reasons[code, target] = (known[0] if known else self._wall_clock(), event)
            case ReasonCleared(code, target):
                self._reasons.pop((code, target), None)
            case _:
                pass

    @property
    def reasons(self) -> list[Reason]:
        """The active reasons in the order in which they were raised; `is_ready` tells what they mean."""
        return [_read(raised, since) for since, raised in self._reasons.values()]


def _read(raised: ReasonRaised, since: float) -> Reason:
    """Return a reason as it reads now. A remedy may quote the platform, which may quote the record."""
    remedy = raised.remedy if raised.present_remedy is None else raised.present_remedy()
    return Reason(raised.code, raised.target, since, filtered(remedy, scrub))


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


def silent_parts(
    last_beats: Mapping[str, Callable[[], float]], clock: Callable[[], float] = time.monotonic
) -> dict[str, float]:
    """Return the parts of the process whose heartbeat has stopped, with the seconds since the last one.

    `last_beats` has, by the part's name, a function that returns the time of its last heartbeat on the same monotonic
    `clock`. The functions may read one number that another thread writes.
    """
    now = clock()
    ages = {part: now - last_beat() for part, last_beat in last_beats.items()}
    return {part: round(age, 1) for part, age in ages.items() if age > HEARTBEAT_TIMEOUT_S}
