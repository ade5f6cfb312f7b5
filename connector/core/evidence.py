"""What is known against a batch, as a value, and how much of it is enough. Pure.

Ticks are those of `target_state.py`: every request has one when it is sent and one when it is answered.

The rules
1. An item is dead-lettered as refused when it was refused alone MIN_REFUSALS times, and the target delivered a request
   in between: one that was sent after the first of these refusals was known, and answered before the last of these
   requests was sent. Both can't be in one outage, however it looks. If the search for a culprit has left the item by
   elimination, the first refusal is that of the last part that was refused as a whole: all others of it were
   delivered since.
2. An item is dead-lettered for server errors when enough requests in a row with it failed, the last of them alone. At
   most two between two deliveries of the target count: more say nothing new. Enough is MIN_SERVER_ERRORS, and so many
   that chance explains them with less than CHANCE, given how often innocent requests fail now.
3. A batch is suspect when it has failed MIN_FAILURES times and the target delivered a request that was sent after the
   first of these failures; where innocent requests often fail, after more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

MIN_REFUSALS: Final = 2
MIN_SERVER_ERRORS: Final = 8
MIN_FAILURES: Final = 3
CHANCE: Final = 1e-6
SUSPICION: Final = 0.01
COUNTED_BETWEEN_DELIVERIES: Final = 2
_REMEMBERED: Final = 400.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The bad replies to the requests that contained the same items. Ticks are None if there was none."""

    failed_at: int | None = None
    """When the first of the failures in a row was known."""
    last_failed_at: int = 0
    failures: int = 0
    """In a row, whatever the target's condition."""
    counted: int = 0
    """The failures that count against an item: see rule 2."""
    since_delivery: int = 0
    """Those of them since the target's last delivery."""
    rejected_at: int | None = None
    """When it was first answered by a verdict on the target."""
    refused_at: int | None = None
    """When the refusal was known that a delivery must follow: see rule 1."""
    refused_alone: int = 0
    counted_at: int = -1
    """The number of the target's deliveries when the item was last counted as refused alone."""

    def failed(self, tick: int, delivered: int, *, counts: bool) -> Evidence:
        """Add a failure that was known at `tick`; `delivered` as in `Attempt`, at that time."""
        since_delivery = self.since_delivery if delivered <= self.last_failed_at else 0
        counts = counts and since_delivery < COUNTED_BETWEEN_DELIVERIES
        return replace(
            self,
            failed_at=tick if self.failed_at is None else self.failed_at,
            last_failed_at=tick,
            failures=self.failures + 1,
            counted=self.counted + counts,
            since_delivery=since_delivery + counts,
        )

    def rejected(self, tick: int) -> Evidence:
        """Add a verdict on the target."""
        return replace(self, rejected_at=tick if self.rejected_at is None else self.rejected_at)

    def refused(self, tick: int, *, alone: bool) -> Evidence:
        """Add a refusal of the items as a whole; `alone`: there is one only."""
        if alone and self.refused_at is not None:
            return replace(self, refused_alone=self.refused_alone + 1)
        return replace(self, refused_at=tick, refused_alone=int(alone))

    def refuted(self) -> Evidence:
        """Forget what was refused: the items are not those of that request any more."""
        return replace(self, refused_at=None, refused_alone=0)

    def is_suspicious(self, delivered: int) -> bool:
        """Whether the target has delivered something that was sent after the first bad reply."""
        first = min(self.failed_at or math.inf, self.rejected_at or math.inf)
        return delivered > first


NO_EVIDENCE: Final = Evidence()


class InnocentShare:
    """How often requests fail that are delivered in the end: those whose items are not to blame.

    Recent ones count most: what is older than a few hundred requests fades.
    """

    def __init__(self) -> None:
        self._failed = 0.0
        self._all = 0.0

    def add(self, failed: int) -> None:
        """Count a request that was delivered after it had failed `failed` times."""
        self._failed += failed
        self._all += failed + 1
        if self._all > _REMEMBERED:
            self._failed /= 2
            self._all /= 2

    def in_a_row(self, chance: float) -> int:
        """Return how many failures in a row are so many that chance explains them with less than `chance`."""
        if not self._failed:
            return 1
        return math.ceil(math.log(chance) / math.log(self._failed / self._all))
