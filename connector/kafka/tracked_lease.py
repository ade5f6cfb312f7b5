"""What was requested to be committed for one lease, and what the broker has confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.core.commit_metadata import FirstSight
    from connector.core.ledger import Lease
    from connector.core.progress import Progress


@dataclass(slots=True, eq=False)
class TrackedLease:
    """A lease and its commits."""

    lease: Lease
    first_sight: FirstSight
    requested: Progress | None
    """The last one that was requested and not refused."""
    confirmed: Progress | None
    began_with: Progress
    """What was settled when the lease began, whether it was committed or remembered."""
    sent: Progress | None = None
    """The last one that was sent, even if it was refused: of several on their way, the last must be the highest."""
    active: bool = True
    goes_on_at: int = 0
    """Where it goes on after a gap: what lies below does not exist any more."""

    @property
    def highest(self) -> int:
        """The offset below which nothing may be committed any more."""
        offsets = [one.offset for one in (self.requested, self.confirmed) if one is not None]
        return max([*offsets, self.goes_on_at])

    @property
    def known(self) -> Progress:
        """What is known to be settled, as far as it was sent or the lease began with it."""
        return self.began_with.united_with(self.sent or self.confirmed or self.began_with)

    def was_requested(self, offset: int) -> bool:
        """Return whether this lease requested what was confirmed; otherwise an earlier one of the partition did."""
        confirmed = -1 if self.confirmed is None else self.confirmed.offset
        return self.requested is not None and confirmed <= offset <= self.requested.offset
