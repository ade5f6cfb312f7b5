"""The interface between the flow and the edges: what a target sends through, and what a reply means.

A sink is one endpoint of the platform, or the dead-letter topic. The target above it knows batches, retries, splits and
dead letters, and nothing of HTTP, tokens or Kafka. The sink knows one exchange, and nothing of retries.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.language.message import NOTHING, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item

MAX_REPLY_BYTES = 2048
"""The most bytes of a reply that a dead letter carries."""

MAX_BATCH_ITEMS = 500
"""The most items of one request (document 001)."""


class TargetState(enum.Enum):
    """Whether a target accepts requests; the values are those of `/status`."""

    UP = "up"
    DOWN = "down"
    """Its requests fail in a row. Not reached yet: such a target is still `UP`."""
    HELD = "held"
    """A verdict said that the target itself is wrong: nothing but a probe is sent, nothing is dead-lettered."""


class VerdictKind(enum.Enum):
    """What one reply means for the items of its request; the values are those of the metrics and the log."""

    DELIVERED = "delivered"
    """The platform has accepted the items."""
    AGAIN = "again"
    """Send the same items again, after a backoff and not before `Verdict.retry_after_s`."""
    TOKEN = "token"  # noqa: S105 - a kind of verdict, not a password
    """The token was refused. The sink has noted it, and `Sink.ready` waits for another."""
    HELD = "held"
    """The target itself is wrong (rights, address, credentials): send nothing but a probe."""
    SPLIT = "split"
    """The request is too large: send it in two parts."""
    REFUSED = "refused"
    """At least one item of the request is not acceptable."""


class Subject(enum.Enum):
    """What a verdict speaks of, and so what may be blamed for it."""

    ITEMS = "items"
    """The items of the request: accepted, not acceptable, too many."""
    TARGET = "target"
    """The target, whatever is sent to it: no rights, wrong address, too many requests. It never blames an item."""
    TRANSPORT = "transport"
    """The exchange: no reply, a broken one, a 5xx. It blames items only if other requests come through meanwhile."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one reply, with what the log, the status page and a dead letter say about it."""

    kind: VerdictKind
    detail: str = ""
    """For people: what the reply was, or why there was none; stored and logged in English. No secret, no value, no
    URL with a query. Where it is in words, it is a `Message`, which a remedy may quote."""
    http_status: int | None = None
    code: str = ""
    reply: str = ""
    """The reply's text, cut to MAX_REPLY_BYTES of UTF-8."""
    retry_after_s: float | None = None
    import_batch: str = ""
    remedy: Message = NOTHING
    """For `HELD`: what the operator can do."""
    done: frozenset[int] = frozenset()
    """Positions of items that are delivered although the verdict is `AGAIN` (single dead letters)."""
    subject: Subject = Subject.TRANSPORT


class Sink(Protocol):
    """Makes the exchanges of one target, on the event loop."""

    @property
    def is_ready(self) -> bool:
        """Whether a request can be made now."""

    async def ready(self) -> None:
        """Wait, without a time limit, until `is_ready` (there is a token). May be cancelled."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Make one exchange with 1 to MAX_BATCH_ITEMS items that share their `params`.

        Raises nothing but `CancelledError`. Awaits nothing before the request starts, so `is_ready` still holds.
        """

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        """Return the bytes that each of the items adds to a request, its separator included."""

    def request_overhead(self, params: bytes) -> int:
        """Return the bytes of a request that has these publicParams and no item."""
