"""Where the pipeline's records come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from connector.core.ledger import Lease
    from connector.core.record import Record


class Source(Protocol):
    """Where records come from. All methods are called on the event loop and return at once."""

    def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Yield chunks of one lease each, in order; an empty chunk announces a new lease.

        Ends once all leases are closed, or all that was yielded is settled: backlogs are not worked off any more then.
        """

    def pause(self, leases: Iterable[Lease]) -> None:
        """Fetch no more records of these leases until `resume`; chunks fetched before still come."""

    def resume(self, leases: Iterable[Lease]) -> None:
        """Fetch records of these leases again."""

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit each lease's progress if it has changed; of an idle lease, its position."""
