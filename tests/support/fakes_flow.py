"""What tests of the flow are made of: records, items, seeded randomness."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from connector.core.record import Failure, Item, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

TOPIC = "orders"
TARGET = "sink"


def seeded(seed: int) -> Random:
    """Randomness that is the same in each run."""
    return Random(seed)  # noqa: S311 - jitter, not secrets


def record(offset: int, *, partition: int = 0, value: bytes = b"{}") -> Record:
    """A record of the one topic; its timestamp is its offset."""
    return Record(TOPIC, partition, offset, offset, b"key", value, ())


def item(
    source: Record, *, keys: Sequence[str] = (), params: bytes = b"{}", body: bytes = b"", target: str = TARGET
) -> Item:
    """What a mapping makes of a record; its body tells the offset unless given."""
    return Item(target, "route", body or b"%d/%d" % (source.partition, source.offset), params, tuple(keys), source)


def failed(source: Record) -> Item:
    """What a mapping makes of a record that it can't map."""
    return Item("dead-letters", "route", b"", b"", (), source, Failure("identity_missing"))
