"""The connector's vocabulary as types. Everything that flows is immutable.

A *record* is one Kafka message. The mapper makes *items* of it: entries of a request's ``data[]``, each encoded once.
A record that cannot be mapped becomes an item too, addressed to the dead letters and carrying its *failure*. Every
item gets exactly one *outcome*.

Records and items are structs of msgspec: one is made in a third of the time of a named tuple, and no garbage
collection looks at it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import Struct, structs

DEAD_LETTERS = "dead-letters"
"""The name of the target for failed mappings and refused items."""


Headers = tuple[tuple[str, bytes | None], ...]

UNREADABLE_HEADERS: Final[Headers] = (("", None),)
"""The headers of a record that the Kafka client can't read, because the name of one is not UTF-8.

Compared by identity. A mapping that reads a header fails; a dead letter says that they were left out.
"""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


class Record(Struct, frozen=True, gc=False):
    """One Kafka message as it was received; ``value`` is None for a tombstone."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers
    """Or UNREADABLE_HEADERS."""

    def replace(self, **changes: object) -> Record:
        """Return a copy with other values of some fields."""
        return structs.replace(self, **changes)


class Outcome(enum.Enum):
    """How an item ended. A record ends as the worst of its items: dead-lettered, else delivered, else skipped."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item is dead-lettered. Holds no value of the record (``reply`` is the platform's)."""

    reason: str
    """One of the reasons in the dead letters' headers: decode_failed, identity_missing, refused, …"""
    target: str = ""
    """The target that the item was meant for; empty if the mapping failed before one was known."""
    field: str = ""
    detail: str = ""
    http_status: int | None = None
    reply: str = ""
    config: str = ""
    """The short name of the config by which the item was mapped (`config_id`)."""


class RecordPart(NamedTuple):
    """Which part of a record an item is about. Either is None where the record, or the row, is meant as a whole."""

    row: int | None = None
    """Of a change of several rows, counted from 0."""
    element: int | None = None
    """Of the list of `for_each`, counted from 0."""

    def has(self, other: RecordPart) -> bool:
        """Return whether the other part is this one, or in it; where one of them has no number, all are meant."""
        return all(None in pair or pair[0] == pair[1] for pair in zip(self, other, strict=True))


WHOLE: Final = RecordPart()


class Item(Struct, frozen=True, gc=False):
    """One entry of ``data[]``, encoded; with a failure, a dead letter."""

    target: str
    route: str
    """Empty if the record could not be decoded: no route was tried then."""
    body: bytes
    """The entry as JSON; empty for a failed mapping."""
    params: bytes
    """The request's publicParams as JSON; the items of one batch share them."""
    order_keys: tuple[str, ...]
    """Items that share one of these keys are sent in order; empty unless the target is ordered."""
    record: Record
    failure: Failure | None = None
    element: int | None = None
    """The part of the record that it is about, if the route makes others of the same record: see RecordPart."""
    row: int | None = None

    @property
    def part(self) -> RecordPart:
        """The part of the record that it is about."""
        return RecordPart(self.row, self.element)

    def replace(self, **changes: object) -> Item:
        """Return a copy with other values of some fields."""
        return structs.replace(self, **changes)


def config_id(sha256: str) -> str:
    """Return the short name of a config's contents: the first 12 of the 64 hex digits of its sha256."""
    return sha256[:12]
