"""Which member owned which partition when, read from the members' logs and from what was done to them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.connector_log import Partition
    from tests.chaos.history import MemberHistory


@dataclass(frozen=True, slots=True)
class LeaseSpan:
    """A member's ownership of a partition; times are seconds since 1970."""

    start: float
    end: float
    """Infinite while it goes on."""
    how: str
    """How it ended: `killed`, `stopped`, `died`, `revoked`, `lost`; `open` if it did not."""


def leases(member: MemberHistory, partition: Partition) -> list[LeaseSpan]:
    """Return the leases that the member's log tells of, in order; the end of its process ends the last one."""
    changes = [(one.at, one.kind) for one in member.log.rebalances if partition in one.partitions]
    if member.end is not None:
        changes.append((max(member.end.asked, changes[-1][0] if changes else 0.0), member.end.how))
    changes.append((float("inf"), "open"))
    return [LeaseSpan(start, end, how) for (start, kind), (end, how) in pairwise(changes) if kind == "assigned"]


def lease_at(spans: list[LeaseSpan], at: float) -> LeaseSpan | None:
    """Return the last lease that had begun at this time; None if there is none."""
    return next((span for span in reversed(spans) if span.start <= at), None)
