"""Elements of lists: what `$item` and `$index` refer to, inside `for_each` and `each`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.errors import MappingError
from connector.mapping.json_values import Json, type_name
from connector.mapping.lookup import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator


class ElementRecord(Record):
    """A record, and the element of a list that values are computed for. Every getter sees it in place of the record."""

    element: Json
    position: int
    """Counted from 0."""


def at_element(record: Record, element: Json, position: int) -> ElementRecord:
    """Return a record with an element, in place of any other one."""
    made = tuple.__new__(ElementRecord, record)
    made.element = element
    made.position = position
    return made


def element_of(record: Record) -> Json:
    """Return what `$item` refers to."""
    return record.element  # type: ignore[attr-defined] # the compiler allows $item only where there is an element


def position_of(record: Record) -> int:
    """Return what `$index` refers to; 0 for a record without an element."""
    return record.position if isinstance(record, ElementRecord) else 0


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
