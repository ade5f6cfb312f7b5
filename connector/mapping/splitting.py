"""`for_each` and `transform`: what a route makes its items of, if it is not the record as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.language.message import message
from connector.mapping.conditions import compile_where
from connector.mapping.elements import at_element, elements_of
from connector.mapping.expressions import Reference, Value
from connector.mapping.json_values import Json
from connector.mapping.lookup import EVERY, Path
from connector.mapping.references import mentions_item
from connector.mapping.transform import load_transform, transform_split
from connector.mapping.values import compile_value
from connector.mapping.words.elements import compile_list_source

if TYPE_CHECKING:
    from connector.mapping.location import Location
    from connector.settings.models import Route

Split = Callable[[Json, Record], Sequence[tuple[Json, Record]]]
"""Returns the decoded value and the record of each item to be; none if the record is not wanted.

May raise MappingError and SkipItem.
"""


def compile_where_and_split(route: Route, location: Location) -> tuple[Value | None, Split | None, Path | None]:
    """Return the condition on each item, what splits a record, and the path to its elements, where that is known.

    Conditions without `$item` are checked before the split: a record that is not wanted can't fail in it.
    """
    where, at_where = route.where, location.at("where")
    if route.transform is not None:
        at = location.at("transform")
        if route.for_each is not None:
            told = message("`for_each` and `transform` exclude each other: return a list, for one item each")
            at.add(told, "bad_value")
        function = load_transform(route.transform, at)
        location.scope.reads.add(())  # the function gets the whole record
        wanted = None if where is None else compile_where(where, at_where)
        split = None if function is None else transform_split(None if wanted is None else wanted.get, function)
        return None, split, None
    if route.for_each is None:
        return (None if where is None else compile_where(where, at_where)), None, None
    elements, path = _elements(route.for_each, location.at("for_each").named("for_each"))
    if not isinstance(where, dict):
        wanted = None if where is None else compile_where(where, at_where)
        return None, ForEach(wanted, elements), path
    of_item = {key: each for key, each in where.items() if mentions_item({key: each})}
    of_record = {key: each for key, each in where.items() if key not in of_item}
    wanted = compile_where(of_record, at_where) if of_record else None
    at_item = at_where.with_item(path)
    return (compile_where(of_item, at_item) if of_item else None), ForEach(wanted, elements), path


@dataclass(frozen=True, slots=True)
class ForEach:
    """The split by `for_each`: a class, because code generation looks into it."""

    where: Value | None
    """The conditions that hold for all elements of a record or none."""
    elements: Value

    def __call__(self, value: Json, record: Record) -> Sequence[tuple[Json, Record]]:
        """Split a record."""
        if self.where is not None and not self.where.get(value, record):
            return ()
        found = elements_of(self.elements.get(value, record), "for_each", "for_each")
        return [(value, at_element(record, element, position)) for position, element in found]


def _elements(raw: Json, location: Location) -> tuple[Value, Path | None]:
    """Compile what yields the list; return where its elements are, if it is a plain reference to an entry.

    Then only what is read of the elements is decoded; otherwise the whole list is.
    """
    reads: set[Path] = set()
    apart = replace(location, scope=replace(location.scope, reads=reads))
    elements = compile_list_source(raw, apart, compile_value)
    path = next(iter(reads)) if isinstance(elements.expression, Reference) and len(reads) == 1 else ()
    if path:
        return elements, (*path, EVERY)
    location.scope.reads.update(reads)
    return elements, None
