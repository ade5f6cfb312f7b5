"""How many requests of a target may be on the wire: the interface, and the limit that is a fixed number.

The limit that follows the platform: `adaptive_limit.py`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from connector.core.sink import Subject, VerdictKind

if TYPE_CHECKING:
    from connector.core.sink import Verdict

MAX_LIMIT: Final = 256
"""The most requests in flight, whether fixed or found."""
DEFAULT_LIMIT: Final = 8


class Load(enum.Enum):
    """What a reply tells of the platform's load."""

    ANSWERED = enum.auto()
    """Its latency counts, whatever it says of the items."""
    FAILED = enum.auto()
    """No reply, a broken one, or an error of the server."""
    OVERLOADED = enum.auto()
    """Too many requests, or none for now."""
    UNKNOWN = enum.auto()
    """Nothing: the token was refused, or the address is wrong."""


def load_of(verdict: Verdict) -> Load:
    """Return what a verdict tells of the platform's load."""
    match verdict.kind:
        case VerdictKind.DELIVERED | VerdictKind.REFUSED | VerdictKind.SPLIT:
            return Load.ANSWERED
        case VerdictKind.TOKEN | VerdictKind.HELD:
            return Load.UNKNOWN
    unavailable = verdict.http_status == 503 or verdict.code == "503" or verdict.retry_after_s is not None
    return Load.OVERLOADED if unavailable or verdict.subject is Subject.TARGET else Load.FAILED


class ConcurrencyLimit(Protocol):
    """How many requests may be on the wire. Each that is sent calls `begin`, and then `end` with what that returned."""

    @property
    def limit(self) -> int:
        """At least 1. May change with every call."""

    def begin(self, in_flight: int, now: float) -> int:
        """Return what `end` is to be given for a request that is sent now; `in_flight` counts it too."""

    def end(self, ticket: int, seconds: float, load: Load, now: float) -> None:
        """Called when a request has got its reply after `seconds`, or failed."""


@dataclass(slots=True)
class FixedLimit:
    """The number that the config names."""

    limit: int

    def begin(self, in_flight: int, now: float) -> int:  # noqa: ARG002 - it needs to know nothing
        """Return nothing of use."""
        return 0

    def end(self, ticket: int, seconds: float, load: Load, now: float) -> None:
        """Do nothing."""
