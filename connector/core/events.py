"""What the flow tells: typed events, given to listeners. No listener knows another; the flow knows none.

Events are emitted on the event loop only, a few per request and per chunk, never one per record: counts of
records are read off the ledgers at scrape time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from connector.core.record import Outcome, Record
    from connector.core.sink import VerdictKind

ReasonCode = Literal[
    "starting",
    "kafka_unreachable",
    "topic_missing",
    "kafka_not_authorized",
    "no_token",
    "token_contested",
    "target_held",
    "dead_letter_unavailable",
    "records_lost",
    "draining",
]


@dataclass(frozen=True, slots=True)
class RequestDone:
    """One request to the platform (or one round of dead letters) was answered, or failed."""

    target: str
    verdict: VerdictKind
    records: Sequence[Record]
    """The records whose items were in the request, one per item, in order."""
    body_bytes: int
    seconds: float
    http_status: int | None
    code: str
    """The reply body's ``code``; empty if there was none."""
    detail: str
    """For people: what the reply was, or why there was none. Holds no secret and no value."""
    import_batch: str
    """The reply's ``data``: the import batch id of an audience endpoint; else empty."""


@dataclass(frozen=True, slots=True)
class ItemsSettled:
    """Items of one target got their outcome."""

    target: str
    outcome: Outcome
    by_route: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """One dead letter was acknowledged by the dead-letter topic. Told per (route, reason), with a count."""

    route: str
    reason: str
    count: int
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class ReasonRaised:
    """The connector is not ready because of this, since now; raising it again changes the remedy only."""

    code: ReasonCode
    target: str
    """The target, topic or broker that it is about; may be empty."""
    remedy: str


@dataclass(frozen=True, slots=True)
class ReasonCleared:
    """That reason is gone (or was not there)."""

    code: ReasonCode
    target: str


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """Partitions came or went."""

    kind: Literal["assigned", "revoked", "lost"]
    partitions: Sequence[str]
    unsettled: int = 0
    """Records that were released: the next owner has them."""


@dataclass(frozen=True, slots=True)
class CommitAnswered:
    """The broker answered a commit."""

    result: Literal["ok", "refused", "failed"]
    """ok; refused: around a rebalance, repeated; failed: anything else, repeated too."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TokenRenewed:
    """The token endpoint was asked."""

    result: Literal["ok", "failed"]
    detail: str = ""
    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class RetentionGap:
    """Kafka has deleted records that nobody had read."""

    topic: str
    partition: int
    records: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Anything else worth a line in the log; `fields` hold no secret and no value of a record."""

    level: Literal["info", "warning", "error"]
    message: str
    fields: Mapping[str, str | int | float]


Event = (
    RequestDone
    | ItemsSettled
    | DeadLettered
    | ReasonRaised
    | ReasonCleared
    | Rebalanced
    | CommitAnswered
    | TokenRenewed
    | RetentionGap
    | Notice
)
Emit = Callable[[Event], None]
"""Gives one event to all listeners. Call it on the event loop; it does not block and does not raise."""
