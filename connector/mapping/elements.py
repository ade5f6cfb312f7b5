"""Parts of records: elements of lists, inside `for_each` and `each`, and rows of a change.

Getters see a part in place of the record: what `$item`, `$index` and `$change` refer to is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.record import Headers, Record
from connector.mapping.errors import MappingError
from connector.mapping.json_values import Json, type_name
from connector.mapping.lookup import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.decode.envelopes import Change

_ROW_BITS = 21
"""The number of a part has 42 bits: half of them are for the row."""


class RowRecord(Record, frozen=True, gc=False):
    """A record, and one of the rows that it says have changed."""

    change: Change | None = None
    """None: the record has no envelope, so it is itself the row."""
    row: int = 0
    """Counted from 0."""


class ElementRecord(RowRecord, frozen=True, gc=False):
    """A record or a row of it, and the element of a list that values are computed for."""

    element: Json = None
    position: int = 0
    """Counted from 0."""


def at_row(record: Record, change: Change, row: int) -> RowRecord:
    """Return a record with one of its rows."""
    return RowRecord(*_fields(record), change, row)


def at_element(record: Record, element: Json, position: int) -> ElementRecord:
    """Return a record with an element, in place of any other one; the row stays."""
    if record.__class__ is not Record and isinstance(record, RowRecord):
        return ElementRecord(*_fields(record), record.change, record.row, element, position)
    return ElementRecord(*_fields(record), None, 0, element, position)


def _fields(of: Record) -> tuple[str, int, int, int | None, bytes | None, bytes | None, Headers]:
    return of.topic, of.partition, of.offset, of.timestamp_ms, of.key, of.value, of.headers


def element_of(record: Record) -> Json:
    """Return what `$item` refers to."""
    return record.element  # type: ignore[attr-defined] # the compiler allows $item only where there is an element


def position_of(record: Record) -> int:
    """Return what `$index` refers to; 0 for a record without an element."""
    return record.position if isinstance(record, ElementRecord) else 0


def change_of(record: Record) -> Change | None:
    """Return what `$change` refers to; None for a record without an envelope."""
    return record.change if isinstance(record, RowRecord) else None


def number_of(record: Record) -> int:
    """Return what tells a part from the others of its record and route.

    The position of the element; of a change, the number of the row, to which the position times 2,097,152 is added.
    """
    if not isinstance(record, RowRecord):
        return 0
    position = position_of(record)
    return position if record.change is None else record.row + (position << _ROW_BITS)


def elements_of(found: Json, word: str, field: str) -> Iterator[tuple[int, Json]]:
    """Yield the elements of a list, or of text that holds one as JSON, with their positions; null is passed over.

    Nothing is in a missing value or blank text. Raises MappingError, which names `word`, for anything else.
    """
    if found.__class__ is str:
        held = parsed(found)
        found = held if held is not None else found if found.strip() else None
    if found is None:
        return iter(())
    if found.__class__ is not list:
        raise MappingError("conversion_failed", field, f"{word}: expected a list, got {type_name(found)}")
    return ((position, element) for position, element in enumerate(found) if element is not None)
