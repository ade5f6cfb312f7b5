"""What the connector reports about itself: typed events, given to listeners that do not know each other.

Events are emitted on the event loop only: a few per request and per chunk, never one per record. Counts of records
are read from the ledgers when a snapshot is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from connector.core.record import Item, Outcome, TopicPartition
    from connector.core.sink import VerdictKind
    from connector.language.message import Message

ReasonCode = Literal[
    "starting",
    "kafka_unreachable",
    "topic_missing",
    "kafka_not_authorized",
    "no_token",
    "token_contested",
    "target_down",
    "target_held",
    "dead_letter_unavailable",
    "registry_unavailable",
    "commits_refused",
    "records_lost",
    "draining",
    "config_refused",
]
HARMLESS: Final[frozenset[ReasonCode]] = frozenset({"config_refused"})
"""Reasons that are told beside the others, and keep nothing from being ready."""
Offsets = Sequence[tuple["TopicPartition", Sequence[int]]]
"""Offsets by partition, in stretches: a partition may come several times."""
RebalanceKind = Literal["assigned", "revoked", "lost"]
CommitResult = Literal["ok", "refused", "failed"]
RenewalResult = Literal["ok", "failed"]
ReloadResult = Literal["ok", "refused"]


@dataclass(frozen=True, slots=True)
class RequestDone:
    """One request to the platform, or one batch of dead letters, got its reply or failed."""

    target: str
    verdict: VerdictKind
    items: Sequence[Item]
    """The request's items in order."""
    offsets: Offsets
    """Those of the items' records, once for each item, in order."""
    body_bytes: int
    seconds: float
    http_status: int | None
    code: str
    """The ``code`` in the reply's body; empty if there was none."""
    detail: str
    """For people: what the reply was, or why there was none. Holds no secret and no value of a record."""
    import_batch: str
    """The import batch id (the reply's ``data``) of an audience endpoint; else empty."""
    done: frozenset[int] = frozenset()
    """Positions of items that are delivered although the verdict is `again` (single dead letters)."""


@dataclass(frozen=True, slots=True)
class ItemsSettled:
    """Items of one target got their outcome."""

    target: str
    outcome: Outcome
    by_route: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """Dead letters that differ in their records alone were acknowledged by the dead-letter topic."""

    route: str
    """Empty if the records could not be decoded."""
    reason: str
    count: int
    offsets: Offsets
    target: str = ""
    """The target that the items were meant for; empty if none was known."""
    field: str = ""
    detail: str = ""
    """For people; holds no value of a record."""


@dataclass(frozen=True, slots=True)
class ReasonRaised:
    """From now on the connector is not ready for this reason. Raising it again changes its remedy only."""

    code: ReasonCode
    target: str
    """The target, topic or broker that is concerned; may be empty."""
    remedy: Message
    is_expected: bool = False
    """Whether it passes by itself, as part of every start: no warning."""
    present_remedy: Callable[[], Message] | None = field(default=None, compare=False, repr=False)
    """Returns the remedy of the moment at which it is read, if it quotes what changes. Called on the event loop."""


@dataclass(frozen=True, slots=True)
class ReasonCleared:
    """A reason no longer applies (or never did)."""

    code: ReasonCode
    target: str


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """Partitions were assigned to this process or taken from it."""

    kind: RebalanceKind
    partitions: Sequence[str]
    unsettled: int = 0
    """Records that were released to the partitions' next owners."""


@dataclass(frozen=True, slots=True)
class CommitAnswered:
    """The broker answered a commit."""

    result: CommitResult
    """`refused`: because of a rebalance; `failed`: for any other reason. Both are repeated."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TokenRenewed:
    """The token endpoint was asked for a token."""

    result: RenewalResult
    detail: str = ""
    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class RetentionGap:
    """Kafka has deleted records before they were consumed."""

    topic: str
    partition: int
    records: int


@dataclass(frozen=True, slots=True)
class ConfigReload:
    """The config was read again: it has taken over, or was refused, and the one of before stays."""

    result: ReloadResult
    sha256: str
    """Of the file that was read; empty if it can't be."""
    errors: Sequence[str] = ()
    """What is wrong with it, a line each."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """What has changed, as fields of a log line."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Any other log line; `fields` hold no secret and no value of a record."""

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
    | ConfigReload
    | Notice
)
Emit = Callable[[Event], None]
"""Gives one event to all listeners. Called on the event loop; does not block and does not raise."""
