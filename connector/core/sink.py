"""What a target sends through, and what comes of it: the border between the flow and the edges.

A sink is one endpoint of the platform, or the dead-letter topic. The target above it knows batches, retries,
splits and burials, and nothing of HTTP, tokens or Kafka; the sink knows one exchange, and nothing of retries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.events import VerdictName
    from connector.core.record import Item

MAX_REPLY_BYTES = 2048
"""As much of a reply as a dead letter carries."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one reply means for the items of its request.

    `delivered` settles them. `again`: the same items later, after backoff, not before `retry_after_s`. `token`:
    the token was refused; the sink has noted it, `ready` waits for another. `held`: the target itself is
    wrong (rights, address, credentials): only a probe now and then. `split`: too large. `refused`: something in
    the batch is not acceptable.
    """

    name: VerdictName
    detail: str = ""
    """For people: what the reply was, or why there was none. No secret, no value, no URL with a query."""
    http_status: int | None = None
    code: str = ""
    reply: str = ""
    """The reply's text, cut to MAX_REPLY_BYTES of UTF-8."""
    retry_after_s: float | None = None
    import_batch: str = ""
    remedy: str = ""
    """For `held`: what the operator can do."""
    done: frozenset[int] = frozenset()
    """Positions of items that are settled although the verdict is `again` (single dead letters)."""


class Sink(Protocol):
    """One way out. Used by one target, on the event loop."""

    async def ready(self) -> None:
        """Wait, for ever if need be, until a request can be made (a token is at hand). May be cancelled."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Make one exchange with 1 to 500 items that share their `params`; never raises but for cancellation.

        Nothing is awaited before the first byte leaves: what `ready` said still holds.
        """

    def weigh(self, item: Item) -> int:
        """The bytes that this item adds to a request, its separator included."""

    def frame(self, params: bytes) -> int:
        """The bytes of a request that has these publicParams and no item."""
