"""The words of the connector, as types. Everything that flows is immutable.

A *record* is one Kafka message. The mapper makes *items* of it: entries of a request's ``data[]``, each
encoded once. A mapping that fails makes an item too, addressed to the dead letters, with its *failure*.
Every item gets exactly one *outcome*.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

DEAD_LETTERS = "dead-letters"
"""The name of the target that failed mappings and refused items are addressed to."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


class Record(NamedTuple):
    """One Kafka message as it was received; ``value`` is None for a tombstone."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class Outcome(enum.Enum):
    """How an item, and by its items a record, ended."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item goes to the dead letters. Never holds a value of the record (``reply`` is the platform's)."""

    reason: str
    """One of the reasons of the outer face: decode_failed, identity_missing, refused, …"""
    target: str = ""
    """The target that the item was meant for; empty if it never got so far."""
    field: str = ""
    detail: str = ""
    http_status: int | None = None
    reply: str = ""


class Item(NamedTuple):
    """One entry of ``data[]``, encoded; or, with a failure, a dead letter."""

    target: str
    route: str
    """Empty if the record could not be decoded: then no route was tried."""
    body: bytes
    """The entry as JSON; empty for a failed mapping."""
    params: bytes
    """The request's publicParams as JSON; items of one batch share them."""
    order_keys: tuple[str, ...]
    """What this item must not overtake: empty unless its target is ordered."""
    record: Record
    failure: Failure | None = None
