"""The facts of one round, gathered when it is over: what the verdict judges."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.journal import PlatformRequest
from tests.chaos.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.connector_log import ConnectorLog, Partition
    from tests.chaos.processes import MemberEnd
    from tests.chaos.producing import Letter, Placed
    from tests.chaos.stage import Fault
    from tests.chaos.watching import Committed, MemberSeen

DEAD_LETTERS = "dead-letters"
"""The name of the target, and here of the endpoint, of dead letters."""
Place = tuple["Partition", int]
"""A partition and an offset."""


@dataclass(frozen=True, slots=True)
class MemberHistory:
    """One process of the connector."""

    name: str
    host: str
    configs: frozenset[str]
    """12 hex digits of the sha256 of each config that it had, as in its dead letters."""
    started_at: float
    end: MemberEnd | None
    """None: it ran until the round was over."""
    freezes: tuple[tuple[float, float], ...]
    log: ConnectorLog
    seen: MemberSeen

    def was_frozen(self, start: float, end: float) -> bool:
        """Whether it was frozen at some time between `start` and `end`."""
        return any(frozen <= end and thawed >= start for frozen, thawed in self.freezes)


@dataclass(frozen=True, slots=True)
class Storing:
    """One time that the platform stored an item, or the dead-letter topic a letter."""

    request: PlatformRequest
    member: MemberHistory
    at: float


@dataclass(slots=True)
class History:
    """Everything about one round. Times are seconds since 1970."""

    quiet_at: float
    """When the last fault had been undone."""
    finished: bool
    """Whether the group had committed everything before the harness lost patience."""
    placed: list[Placed]
    letters: list[Letter]
    requests: list[PlatformRequest]
    members: list[MemberHistory]
    committed: dict[Partition, list[Committed]]
    faults: list[Fault]
    request_timeout_s: float
    stored: dict[int, list[Storing]] = field(init=False)
    """By a record's number, in the order of storing."""
    letters_at: dict[Place, list[Letter]] = field(init=False)

    def __post_init__(self) -> None:
        self.stored = _stored(self.requests, self.members)
        self.letters_at = defaultdict(list)
        for letter in self.letters:
            self.letters_at[letter.partition, letter.offset].append(letter)

    def times_stored(self, placed: Placed) -> list[list[Storing]]:
        """Return when the platform stored a record's item, and when the dead-letter topic stored its letter."""
        by_config = {config: member for member in self.members for config in member.configs}
        letters = [
            Storing(
                PlatformRequest("", DEAD_LETTERS, letter.at, (placed.record.number,), letter.at),
                by_config[letter.config],
                letter.at,
            )
            for letter in self.letters_at.get((placed.partition, placed.offset), ())
        ]
        return [self.stored.get(placed.record.number, []), letters]

    def faults_between(self, start: float, end: float, *tracks: str) -> list[Fault]:
        """Return the faults of these tracks that overlap with a span of time."""
        return [fault for fault in self.faults if fault.track in tracks and fault.overlaps(start, end)]

    def settled_at(self, placed: Placed) -> float:
        """Return when a record was first accepted or dead-lettered: 0 if it is to be skipped, infinite if never."""
        if placed.record.kind is Kind.SKIPPED:
            return 0.0
        times = [storing.at for storing in self.stored.get(placed.record.number, ())]
        times += [letter.at for letter in self.letters_at.get((placed.partition, placed.offset), ())]
        return min(times, default=float("inf"))


def _stored(requests: Iterable[PlatformRequest], members: Iterable[MemberHistory]) -> dict[int, list[Storing]]:
    by_host = {member.host: member for member in members}
    stored: dict[int, list[Storing]] = defaultdict(list)
    accepted = [(request.stored_at, request) for request in requests if request.stored_at is not None]
    for at, request in sorted(accepted, key=lambda pair: pair[0]):
        for number in request.numbers:
            stored[number].append(Storing(request, by_host[request.host], at))
    return stored
