"""Matches what the platform stored with what the members' logs say of it: one line of a log for one request.

The clocks are the same, so a request that was answered has arrived while its member waited for it. One without an
answer may arrive later: the platform was paused, or is slow to read. The last requests of a killed process have no
line.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chaos.history import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.connector_log import Attempt
    from tests.chaos.history import History, MemberHistory, Place, Storing
    from tests.chaos.journal import PlatformRequest
    from tests.chaos.producing import Placed

CLOCK_S = 1.0
"""How much earlier than its log says a busy member may have sent a request, or later the platform have read it."""
LOG_S = 0.002
"""The log cuts its times to whole milliseconds."""
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Send:
    """One send whose item the platform stored."""

    storing: Storing
    attempt: Attempt | None
    """What the member's log says of it; None if nothing."""

    @property
    def member(self) -> MemberHistory:
        """Who sent it."""
        return self.storing.member

    @property
    def at(self) -> float:
        """When it was sent, as far as is known."""
        arrived = self.storing.request.arrived
        return arrived if self.attempt is None else min(self.attempt.started, arrived)


def repeated_sends(history: History) -> list[tuple[Placed, list[Send]]]:
    """Return the sends of every record, or dead letter, that was stored more than once, in order of time."""
    repeated = [
        (placed, storings)
        for placed in history.placed
        for storings in history.times_stored(placed)
        if len(storings) > 1
    ]
    attempts = _attempts(history, {(placed.partition, placed.offset) for placed, _ in repeated})
    requests = _requests(history, {placed.record.number for placed, _ in repeated})
    sends: list[tuple[Placed, list[Send]]] = []
    for placed, storings in repeated:
        found: list[Send] = []
        to_dead_letters = storings[0].request.endpoint == DEAD_LETTERS
        for member in {storing.member.name: storing.member for storing in storings}.values():
            own = [storing for storing in storings if storing.member is member]
            logged = attempts.get((member.name, (placed.partition, placed.offset)), ())
            fitting = [attempt for attempt in logged if (attempt.target == DEAD_LETTERS) is to_dead_letters]
            arrived = requests.get((member.host, placed.record.number), ())
            found += _match(history, own, [storing.request for storing in own] if to_dead_letters else arrived, fitting)
        sends.append((placed, sorted(found, key=lambda send: send.at)))
    return sends


def _attempts(history: History, places: set[Place]) -> dict[tuple[str, Place], list[Attempt]]:
    """Return, by member and place, the requests of its log that held the record, in order."""
    found: dict[tuple[str, Place], list[Attempt]] = defaultdict(list)
    for member in history.members:
        for attempt in member.log.attempts:
            for partition, spans in attempt.offsets.items():
                for offset in (offset for span in spans for offset in span if (partition, offset) in places):
                    found[member.name, (partition, offset)].append(attempt)
    return found


def _requests(history: History, numbers: set[int]) -> dict[tuple[str, int], list[PlatformRequest]]:
    """Return, by host and record, the requests that the platform received."""
    found: dict[tuple[str, int], list[PlatformRequest]] = defaultdict(list)
    for request in history.requests:
        for number in numbers.intersection(request.numbers):
            found[request.host, number].append(request)
    return found


def _match(
    history: History, storings: list[Storing], requests: Iterable[PlatformRequest], attempts: list[Attempt]
) -> list[Send]:
    """Match a member's requests of one record with the lines of its log: the best fit first."""
    fits = sorted(
        (fit, place, line)
        for place, request in enumerate(requests)
        for line, attempt in enumerate(attempts)
        if (fit := _misfit_s(history, request, attempt)) < NEVER
    )
    lines: dict[int, int] = {}
    for _, place, line in fits:
        if place not in lines and line not in lines.values():
            lines[place] = line
    matched = {id(request): attempts[lines[place]] for place, request in enumerate(requests) if place in lines}
    return [Send(storing, matched.get(id(storing.request))) for storing in storings]


def _misfit_s(history: History, request: PlatformRequest, attempt: Attempt) -> float:
    """Return how far a request's arrival is from the time in which the member waited; infinite if it can't be its."""
    early, late = attempt.started - request.arrived, request.arrived - attempt.ended
    if early > CLOCK_S:
        return NEVER
    if late > 0:
        if attempt.answered and late <= LOG_S:
            return 0.0
        if attempt.answered and request.endpoint != DEAD_LETTERS:
            return NEVER
        paused = history.faults_between(attempt.started, attempt.ended, "platform")
        if request.arrived > max([attempt.ended, *(fault.ended for fault in paused)]) + CLOCK_S:
            return NEVER
    return max(early, late, 0.0)
