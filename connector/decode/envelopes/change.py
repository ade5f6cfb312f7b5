"""What an envelope of change data capture says about a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from connector.core.record import Record

INSERT: Final = "insert"
UPDATE: Final = "update"
DELETE: Final = "delete"
SNAPSHOT: Final = "snapshot"
"""The row was there already when the capture began."""
OPERATIONS: Final = (INSERT, UPDATE, DELETE, SNAPSHOT)

REMEDY: Final = "is the topic written by something else? Then correct or drop its `envelope` under `decode`"
"""What ends the message about a value that is no such envelope."""


class Change(Struct, frozen=True, gc=False):
    """The change of one row; the names are those that `$change` has."""

    op: str
    """insert, update, delete or snapshot."""
    before: Any
    """The row before the change as an object; None if there was none, or if the envelope does not tell."""
    table: Any
    """Without the database; None if the envelope does not tell."""
    ts: Any
    """When the database made the change, in milliseconds since 1970; None if the envelope does not tell."""


Rows = Sequence[tuple[Any, Change]]
"""The rows after a change (on delete: before it), each an object, in their order."""

Envelope = Callable[[Any, "Record"], Rows]
"""Returns the rows of a decoded value; none if it is no change of rows (DDL, a heartbeat). Raises DecodeError."""


def kind(value: object) -> str:
    """Return the type of a decoded value, for messages."""
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return "another type"


_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)
