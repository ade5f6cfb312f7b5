"""What is known against a batch, as a value: how often, and since when. How much of it is enough: `chance.py`. Pure.

Ticks are those of `target_state.py`: every request has one when it is sent and one when it is answered.

The rules
1. A batch is *suspect* when it was refused, or when it has failed MIN_FAILURES times in a row (where innocent requests
   often fail: more) and the target delivered a request that was sent after the first of these failures.
2. A search then narrows the suspicion down to one item. It is *blamed* at the tick of the last bad reply that was for
   all that is still suspected; what else was suspected then was delivered since.
3. Nothing counts against an item that is alone until the target has delivered a request that was sent after that tick,
   and answered before the next request with the item was sent. Both bad replies can't be in one outage, however it
   looks.
4. Then it is dead-lettered as refused when it was refused alone MIN_REFUSALS times; for server errors when it has been
   alone for FAILED_ALONE_FOR_S, and MIN_SERVER_ERRORS requests with it have failed: those of its whole batch (they
   count as MIN_FAILURES at most) and those in which it was alone. In both cases more are needed until chance is no
   explanation: see `chance.py`. The requests of the search don't count: whichever half of a batch fails by chance, the
   search goes on in it, so its failures always seem to speak against what it finds.
   What was refused with no delivery in between was refused by an outage, not by chance.
   Of the failures between two deliveries of the target no more than COUNTED_BETWEEN_DELIVERIES count.
5. Once an item is alone for `refused_alone_for`, and there is nothing else to send that could tell, one more refusal is
   enough, and all failures count.
6. When a target that refused everything delivers again, the search starts over. An item that was refused alone before
   each of MAX_OUTLASTED such deliveries and after the last one is dead-lettered: these are no outages, but many items
   to blame and little else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.core.chance import Controls

MIN_FAILURES: Final = 3
MIN_REFUSALS: Final = 2
MIN_SERVER_ERRORS: Final = 4
COUNTED_BETWEEN_DELIVERIES: Final = 6
MAX_OUTLASTED: Final = 5
FAILED_ALONE_FOR_S: Final = 10.0
"""How long an item is alone at least before failures blame it: a part of the platform may be out of order for a moment.

Meanwhile it is tried once soon and once at the end: more tries in so short a time would prove nothing more. The target
is not down by then, if nothing else is sent.
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The bad replies to the requests that contained the same items. Ticks are None if there was none."""

    failed_at: int | None = None
    """When the first of the failures in a row was known."""
    failures: int = 0
    """In a row, whatever the target's condition."""
    counted: int = 0
    """Those while the target was up."""
    of_batch: int = 0
    """Those of them that count against an item that is alone, because its whole batch failed."""
    counted_alone: int = 0
    """Those that count against it because it was alone: see rule 3."""
    since_delivery: int = 0
    """Those of them since the target's last delivery."""
    last_failed_at: int = 0
    rejected_at: int | None = None
    """When it was first answered by a verdict on the target."""
    blamed_at: int | None = None
    """See rule 2."""
    refused_alone: int = 0
    proven_refusals: int = 0
    """Those of them that came after the target had delivered something since the item was blamed."""
    in_a_row_at: int = -1
    """The number of the target's deliveries when the item was last counted as one of many that are refused alone."""
    outlasted: int = 0
    """How often the search started over after the item was refused alone: see rule 6."""
    controls_before: Controls | None = None
    """The control requests before the first of the failures in a row."""

    @property
    def against_item(self) -> int:
        """The failures that count against an item that is alone."""
        return self.of_batch + self.counted_alone

    def failed(self, tick: int, controls: Controls, *, counts: bool) -> Evidence:
        """Add a failure that was known at `tick`; `controls` are those so far."""
        return replace(
            self,
            controls_before=controls if self.controls_before is None else self.controls_before,
            failed_at=tick if self.failed_at is None else self.failed_at,
            failures=self.failures + 1,
            counted=self.counted + counts,
        )

    def failed_alone(self, tick: int, delivered: int, *, bounded: bool) -> Evidence:
        """Count the failure of an item that is alone; `delivered` as in `Attempt`.

        `bounded`: no more than COUNTED_BETWEEN_DELIVERIES count since the last delivery.
        """
        if self.blamed_at is None:
            return replace(self, blamed_at=tick)
        if not self.is_blamed(delivered):
            return self
        since_delivery = 0 if delivered > self.last_failed_at else self.since_delivery
        counts = not bounded or since_delivery < COUNTED_BETWEEN_DELIVERIES
        return replace(
            self,
            counted_alone=self.counted_alone + counts,
            since_delivery=since_delivery + counts,
            last_failed_at=tick,
        )

    def batch_failed(self) -> Evidence:
        """Note that the failures so far are those of a whole batch, which is searched from now on."""
        return replace(self, of_batch=min(self.counted, MIN_FAILURES))

    def rejected(self, tick: int) -> Evidence:
        """Add a verdict on the target."""
        return replace(self, rejected_at=tick if self.rejected_at is None else self.rejected_at)

    def was_refused_alone(self, tick: int, delivered: int) -> Evidence:
        """Add a refusal of an item that is alone, the first one included; `delivered` as in `Attempt`.

        It is an answer: what failed before it failed by chance.
        """
        return replace(
            self,
            of_batch=0,
            counted_alone=0,
            blamed_at=tick if self.blamed_at is None else self.blamed_at,
            refused_alone=self.refused_alone + 1,
            proven_refusals=self.proven_refusals + self.is_blamed(delivered),
        )

    def narrowed(self, tick: int) -> Evidence:
        """Note that the search goes on among the items of a request that was refused or has failed."""
        return replace(self, blamed_at=tick)

    def refuted(self) -> Evidence:
        """Forget what was blamed: the items are not those of that request any more."""
        return replace(self, blamed_at=None)

    def started_over(self) -> Evidence:
        """Return what is left of it when a target that refused everything delivers again."""
        return Evidence(outlasted=self.outlasted + (self.refused_alone > 0))

    def is_blamed(self, delivered: int) -> bool:
        """Whether a bad reply counts against an item that is alone: see rule 3. `delivered` as in `Attempt`."""
        return self.blamed_at is not None and delivered > self.blamed_at

    def is_suspicious(self, delivered: int) -> bool:
        """Whether the target has delivered something that was sent after the first bad reply."""
        first = min(self.failed_at or math.inf, self.rejected_at or math.inf)
        return delivered > first


NO_EVIDENCE: Final = Evidence()
