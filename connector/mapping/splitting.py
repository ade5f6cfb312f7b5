"""`for_each` and `transform`: what a route makes its items of, if it is not the record as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.conditions import compile_where
from connector.mapping.elements import at_element, elements_of
from connector.mapping.json_values import Json
from connector.mapping.references import mentions_item
from connector.mapping.transform import load_transform, transform_split
from connector.mapping.values import compile_value
from connector.mapping.words.elements import compile_list_source

if TYPE_CHECKING:
    from connector.mapping.codegen import Value
    from connector.mapping.location import Location
    from connector.settings.models import Route

Split = Callable[[Json, Record], Sequence[tuple[Json, Record]]]
"""Returns the decoded value and the record of each item to be; none if the record is not wanted.

May raise MappingError and SkipItem.
"""


def compile_where_and_split(route: Route, location: Location) -> tuple[Value | None, Split | None]:
    """Return the condition on each item, and what splits a record; None for a route without either word.

    Conditions without `$item` are checked before the split: a record that is not wanted can't fail in it.
    """
    where, at_where = route.where, location.at("where")
    if route.transform is not None:
        at = location.at("transform")
        if route.for_each is not None:
            at.add("`for_each` and `transform` exclude each other: return a list, for one item each", "bad_value")
        function = load_transform(route.transform, at)
        location.scope.reads.add(())  # the function gets the whole record
        wanted = None if where is None else compile_where(where, at_where)
        return None, None if function is None else transform_split(None if wanted is None else wanted.get, function)
    if route.for_each is None:
        return (None if where is None else compile_where(where, at_where)), None
    elements = compile_list_source(route.for_each, location.at("for_each").named("for_each"), compile_value).get
    if not isinstance(where, dict):
        wanted = None if where is None else compile_where(where, at_where)
        return None, _for_each(wanted, elements)
    of_item = {key: each for key, each in where.items() if mentions_item({key: each})}
    of_record = {key: each for key, each in where.items() if key not in of_item}
    wanted = compile_where(of_record, at_where) if of_record else None
    return (compile_where(of_item, at_where.with_item()) if of_item else None), _for_each(wanted, elements)


def _for_each(where: Value | None, elements: Callable[[Json, Record], Json]) -> Split:
    wanted = None if where is None else where.get

    def split(value: Json, record: Record) -> Sequence[tuple[Json, Record]]:
        if wanted is not None and not wanted(value, record):
            return ()
        found = elements_of(elements(value, record), "for_each", "for_each")
        return [(value, at_element(record, element, position)) for position, element in found]

    return split
