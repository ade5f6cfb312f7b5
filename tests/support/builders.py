"""Records and items for tests of the flow, and randomness that is the same in each run."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from connector.core.membership_guard import MembershipGuard
from connector.core.record import Failure, Item, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

TOPIC = "orders"
TARGET = "sink"


def seeded(seed: int) -> Random:
    """Return a random generator that gives the same numbers in each run."""
    return Random(seed)  # noqa: S311 - jitter, not secrets


def record(offset: int, *, partition: int = 0, value: bytes = b"{}") -> Record:
    """Return a record of `TOPIC`; its timestamp is its offset."""
    return Record(TOPIC, partition, offset, offset, b"key", value, ())


def item(
    source: Record, *, keys: Sequence[str] = (), params: bytes = b"{}", body: bytes = b"", target: str = TARGET
) -> Item:
    """Return an item as a mapping makes it; its body is `partition/offset` unless given."""
    return Item(target, "route", body or b"%d/%d" % (source.partition, source.offset), params, tuple(keys), source)


def unmappable(source: Record) -> Item:
    """Return the item that a mapping makes of a record that it cannot map: it is addressed to the dead letters."""
    return Item("dead-letters", "route", b"", b"", (), source, Failure("identity_missing"))


def never_frozen() -> MembershipGuard:
    """Return a guard of a process that is never frozen."""
    return MembershipGuard(1.0, 1.0, lambda: (0.0,), lambda _: None, lambda _: None)
