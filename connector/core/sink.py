"""What a target sends through, and what comes of it: the border between the flow and the edges.

A sink is one endpoint of the platform, or the dead-letter topic. The target above it knows batches, retries,
splits and burials, and nothing of HTTP, tokens or Kafka; the sink knows one exchange, and nothing of retries.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item

MAX_REPLY_BYTES = 2048
"""As much of a reply as a dead letter carries."""


MAX_BATCH_ITEMS = 500
"""The most items of one request (document 001)."""


class VerdictKind(enum.Enum):
    """What one reply means for the items of its request; the values are those of the metrics and the log."""

    DELIVERED = "delivered"
    """The items are settled."""
    AGAIN = "again"
    """The same items later, after a backoff, and not before `Verdict.retry_after_s`."""
    TOKEN = "token"  # noqa: S105 - a kind of verdict, not a password
    """The token was refused: the sink has noted it, and `Sink.ready` waits for another."""
    HELD = "held"
    """The target itself is wrong (rights, address, credentials): only a probe now and then."""
    SPLIT = "split"
    """The request is too large: send it in two parts."""
    REFUSED = "refused"
    """Something in the batch is not acceptable."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one reply, with what the log, the status page and a dead letter say about it."""

    kind: VerdictKind
    detail: str = ""
    """For people: what the reply was, or why there was none. No secret, no value, no URL with a query."""
    http_status: int | None = None
    code: str = ""
    reply: str = ""
    """The reply's text, cut to MAX_REPLY_BYTES of UTF-8."""
    retry_after_s: float | None = None
    import_batch: str = ""
    remedy: str = ""
    """For `HELD`: what the operator can do."""
    done: frozenset[int] = frozenset()
    """Positions of items that are settled although the verdict is `AGAIN` (single dead letters)."""


class Sink(Protocol):
    """One way out. Used by one target, on the event loop."""

    async def ready(self) -> None:
        """Wait, for ever if need be, until a request can be made (a token is at hand). May be cancelled."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Make one exchange with 1 to 500 items that share their `params`; never raises but for cancellation.

        Nothing is awaited before the first byte leaves: what `ready` said still holds.
        """

    def item_size(self, item: Item) -> int:
        """The bytes that this item adds to a request, its separator included."""

    def request_overhead(self, params: bytes) -> int:
        """The bytes of a request that has these publicParams and no item."""
