"""What happens in one schedule, as data: it can be printed, pasted into a test, and made smaller.

Records are written as words, one letter per item:

    e  event, unordered         E  event that the platform refuses          5  event that always gets HTTP 500
    t  tag of one identity      T  tag that the platform refuses            S  tag that always gets HTTP 500
    u  tag of two identities    L  event that is too large for a request    4  event that is always answered 403
    v  tag of its own identity  d  item that the mapping could not make
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

POISON = "ETL5S4"
"""Letters of items that must end as dead letters, besides `d`."""
NEEDS_EVIDENCE = "5S4"
"""Those of which even a single one is dead-lettered only if others are delivered."""


@dataclass(frozen=True)
class Produce:
    """Records are appended to a partition after a gap in its offsets."""

    at: float
    partition: int
    words: tuple[str, ...]
    gap: int = 0


@dataclass(frozen=True)
class Outage:
    """The platform misbehaves: in a part of the requests, at one endpoint or at all."""

    at: float
    for_s: float
    kind: str
    """An HTTP status (`503`), a code inside 200 (`code 1001`), or hang, reset, lost, slow, garbage."""
    share: float = 1.0
    endpoint: str = ""


@dataclass(frozen=True)
class TokenRevoked:
    """All tokens are refused from now on; the next one is given out after a while."""

    at: float
    for_s: float


@dataclass(frozen=True)
class BrokerDown:
    """The broker answers nothing."""

    at: float
    for_s: float


@dataclass(frozen=True)
class CommitFault:
    """Commits are slow, refused, or applied while their answer gets lost."""

    at: float
    for_s: float
    kind: str


@dataclass(frozen=True)
class LettersDown:
    """The dead-letter topic refuses."""

    at: float
    for_s: float


@dataclass(frozen=True)
class Kill:
    """A member dies; another process takes its place later."""

    at: float
    for_s: float
    member: int


@dataclass(frozen=True)
class Freeze:
    """A member's process does not run for a while."""

    at: float
    for_s: float
    member: int


@dataclass(frozen=True)
class CutOff:
    """The group's coordinator does not answer a member, whose client does not notice; everything else goes on."""

    at: float
    for_s: float
    member: int


@dataclass(frozen=True)
class Stop:
    """A member is told to stop (SIGTERM); another process takes its place later."""

    at: float
    for_s: float
    member: int


@dataclass(frozen=True)
class Reset:
    """All members stop, an operator sets the group's offsets back, all start again."""

    at: float
    for_s: float
    back: int


@dataclass(frozen=True)
class Retention:
    """The oldest records of a partition are deleted."""

    at: float
    partition: int
    keep: int
    for_s: float = 0.0


ReloadKind = Literal["same", "settings", "platform", "rename", "endpoint"]


@dataclass(frozen=True)
class Reload:
    """Another config takes over in a member: another name or endpoint of its tags, or other settings."""

    at: float
    member: int
    kind: ReloadKind
    for_s: float = 0.0


Fault = (
    Reload
    | Outage
    | TokenRevoked
    | BrokerDown
    | CommitFault
    | LettersDown
    | Kill
    | Freeze
    | CutOff
    | Stop
    | Reset
    | Retention
)


@dataclass(frozen=True)
class Plan:
    """One schedule."""

    seed: int
    partitions: int = 3
    members: int = 1
    eager: bool = False
    session_s: float = 45.0
    commit_every_s: float = 1.0
    latency_s: float = 0.5
    request_timeout_s: float = 10.0
    max_in_flight: int = 2
    max_records: int = 6
    max_queued: int = 40
    refused_in_a_row: int = 20
    refused_alone_for_s: float = 60.0
    start_from: str = "earliest"
    old_records: int = 0
    """Records in each partition that are older than the group."""
    produce: tuple[Produce, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def quiet_at(self) -> float:
        """When nothing happens any more."""
        ends = [one.at for one in self.produce] + [one.at + one.for_s for one in self.faults]
        return max(ends, default=0.0) + 1.0

    @property
    def needs_evidence(self) -> str:
        """The letters of items that are dead-lettered only if others are delivered, as far as there are any."""
        letters = "".join(word for one in self.produce for word in one.words)
        refused = sum(map(letters.count, "ET"))
        # Else they are dead-lettered after a while. Twice: a lease that is lost and won again brings them again.
        wanted = NEEDS_EVIDENCE + ("ET" if 2 * refused >= self.refused_in_a_row else "")
        return "".join(letter for letter in wanted if letter in letters)

    @property
    def records(self) -> int:
        """How many records there are."""
        return sum(len(one.words) for one in self.produce)

    def written_out(self) -> str:
        """Return the plan as Python code, without what is as always."""
        default = Plan(seed=self.seed)
        parts = [f"seed={self.seed}"]
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value == getattr(default, field.name):
                continue
            if isinstance(value, tuple):
                parts.append(f"{field.name}=(\n" + "".join(f"        {one!r},\n" for one in value) + "    )")
            else:
                parts.append(f"{field.name}={value!r}")
        return "Plan(\n" + "".join(f"    {part},\n" for part in parts) + ")"

    def smaller(self) -> Iterator[Plan]:
        """Yield plans with less in them: first without large parts, then without single ones."""
        for name in ("faults", "produce"):
            parts = getattr(self, name)
            size = len(parts)
            while size:
                for first in range(0, len(parts), size):
                    yield replace(self, **{name: parts[:first] + parts[first + size :]})
                size //= 2
        if self.members > 1:
            yield replace(self, members=self.members - 1)
        for place, one in enumerate(self.produce):
            for words in _shorter(one.words):
                less = (*self.produce[:place], replace(one, words=words), *self.produce[place + 1 :])
                yield replace(self, produce=less)


def _shorter(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if len(words) > 1:
        yield words[: len(words) // 2]
        yield words[len(words) // 2 :]
    if len(words) <= 8:
        for place in range(len(words)):
            yield words[:place] + words[place + 1 :]
    simple = tuple(word[:1] for word in words)
    if simple != words:
        yield simple
