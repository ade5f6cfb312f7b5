"""The whole state of the connector at one instant, as plain data.

A `Status` is taken on the event loop in one go, without an await, so that its numbers belong together: in
each topic, ``consumed = delivered + skipped + dead_lettered + released + in_flight``. The status page,
``/status`` and the gauges of ``/metrics`` are three ways of writing the same snapshot.

Counts are those of the process since its start: they never fall, not when a partition leaves, nor when the
topic does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.sink import TargetState


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """What became of one topic's records since the process started."""

    topic: str
    consumed: int
    delivered: int
    skipped: int
    dead_lettered: int
    released: int
    """Unsettled when their lease ended: the next owner has them."""
    in_flight: int


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One partition that this process owns now."""

    topic: str
    partition: int
    lag: int | None
    """Records that the broker has and the group has not committed; None if the broker hasn't told yet."""
    watermark: int | None
    """The offset that may be committed; None before anything was settled."""
    committed: int | None
    """The offset that the broker confirmed; None if there is none."""
    in_flight: int
    oldest_unsettled_s: float
    """The age of the oldest record without an outcome; 0 if there is none."""
    paused: bool


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target: whether it flows, and what waits for it."""

    name: str
    endpoint: str
    state: TargetState
    reason: str
    """Why it is not up; empty if it is."""
    since: float
    """When it came into this state: seconds since 1970."""
    in_flight: int
    """Requests on the wire."""
    queued: int
    """Items that wait or are on the wire."""
    queued_bytes: int
    last_reply: str
    """For people: the platform's last answer; empty before the first."""
    import_batches: tuple[str, ...]
    """The last 100 import batch ids, the newest last."""


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """Where the token comes from and how long it lives."""

    source: str
    expires_in_s: float | None
    """None if there is none at hand, or if its end isn't known (a fixed token)."""


@dataclass(frozen=True, slots=True)
class Status:
    """The snapshot."""

    version: str
    config_file: str
    config_sha256: str
    state: str
    uptime_s: float
    topics: Sequence[TopicStatus]
    partitions: Sequence[PartitionStatus]
    targets: Sequence[TargetStatus]
    token: TokenStatus
    identity_invalid: Mapping[tuple[str, str], int]
    """Identity values that could not be converted, by (route, identity type)."""
    items_skipped: Mapping[tuple[str, str], int]
    """Items that a rule skipped, by (route, target)."""


COUNTS = ("consumed", "delivered", "skipped", "dead_lettered", "released", "in_flight")
"""The fields of `TopicStatus`, in the order in which people read the law."""


def totals(status: Status) -> dict[str, int]:
    """Add up the law's numbers over all topics: the first is the sum of the rest."""
    return {name: sum(getattr(topic, name) for topic in status.topics) for name in COUNTS}


def to_json(status: Status) -> bytes:
    """Write the body of ``/status``: one JSON document whose shape is a contract with the outside."""
    document = {
        "version": status.version,
        "config": {"file": status.config_file, "sha256": status.config_sha256},
        "state": status.state,
        "uptime_s": round(status.uptime_s, 3),
        "records": totals(status),
        "partitions": list(status.partitions),
        "targets": [_target(target) for target in status.targets],
        "token": status.token,
    }
    return orjson.dumps(document)


def _target(target: TargetStatus) -> dict[str, object]:
    """Leave out the queue's bytes: the outer face has them among the metrics only."""
    return {
        "name": target.name,
        "endpoint": target.endpoint,
        "state": target.state,
        "reason": target.reason,
        "since": target.since,
        "in_flight": target.in_flight,
        "queued": target.queued,
        "last_reply": target.last_reply,
        "import_batches": target.import_batches,
    }
