"""The steps of a value, each a function of what the one before it gave.

Blank text is missing to every step, so that only a value without steps needs `not_blank`: each function less is
worth having for each field of each record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.json_values import text_form
from connector.mapping.location import Json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.record import Record
    from connector.mapping.chain import Link
    from connector.mapping.references import Getter

Step = Callable[[Json], Json]
"""Makes one value of another; None is missing. May raise MappingError."""


def key_text(key: Json) -> str:
    """A key of a `map`, as text: 1 finds "1", true finds "true"."""
    return text_form(key) or str(key)


def not_blank(got: Json) -> Json:
    """Pass over text that is blank."""
    return None if got.__class__ is str and (not got or got.isspace()) else got


def first_of(getters: Sequence[Getter]) -> Getter:
    """The first that is there and not blank."""

    def first(value: Json, record: Record) -> Json:
        for get in getters:
            got = not_blank(get(value, record))
            if got is not None:
                return got
        return None

    return first


def with_default(get: Getter, default: Getter) -> Getter:
    """Something else where nothing was found."""

    def found(value: Json, record: Record) -> Json:
        got = get(value, record)
        return default(value, record) if got is None else got

    return found


def required(field: str) -> Step:
    """The record goes to the dead letters where nothing was found."""

    def demand(got: Json) -> Json:
        if got is None:
            raise MappingError("value_missing", field, "nothing was found, and it is required")
        return got

    return demand


def converted(chain: Sequence[Link], field: str) -> Step:
    """One conversion after the other; a list goes through each element by element, unless it takes lists."""
    if len(chain) == 1:
        return _converted_once(chain[0], field)

    def convert(got: Json) -> Json:
        for link in chain:
            if got is None or (got.__class__ is str and (not got or got.isspace())):
                return None
            got = _apply(link, got, field)
        return got

    return convert


def _converted_once(link: Link, field: str) -> Step:
    conversion = link.convert

    def convert(got: Json) -> Json:
        if got.__class__ is str:
            if not got or got.isspace():
                return None
        elif got is None:
            return None
        elif got.__class__ is list:
            return _apply(link, got, field)
        try:
            return conversion(got)
        except ConversionError as error:
            raise MappingError("conversion_failed", field, f"{link.rule}: {error}") from error

    return convert


def _apply(link: Link, value: Json, field: str) -> Json:
    try:
        if value.__class__ is not list or link.takes_list:
            return link.convert(value)
        made = [link.convert(element) for element in value if element is not None]
    except ConversionError as error:
        raise MappingError("conversion_failed", field, f"{link.rule}: {error}") from error
    return [element for element in made if element is not None] or None


_ABSENT = object()


def looked_up(table: Mapping[str, Json], otherwise: Getter) -> Callable[[Json, Json, Record], Json]:
    """What a table of constants has for it; in a list, for each element."""

    def look_up(got: Json, value: Json, record: Record) -> Json:
        if got.__class__ is list:
            found = [table.get(key_text(each), _ABSENT) for each in got]
            made = [otherwise(value, record) if each is _ABSENT else each for each in found]
            return [each for each in made if each is not None] or None
        text = got if got.__class__ is str else text_form(got)
        result = table.get(text, _ABSENT)  # type: ignore[arg-type] # None is in no table
        return otherwise(value, record) if result is _ABSENT else result

    return look_up


def looked_up_and_made(table: Mapping[str, Getter], otherwise: Getter) -> Callable[[Json, Json, Record], Json]:
    """The same, with results that depend on the record."""
    choose = looked_up(table, lambda _value, _record: otherwise)

    def look_up(got: Json, value: Json, record: Record) -> Json:
        chosen = choose(got, value, record)
        if isinstance(chosen, list):
            return [made for make in chosen if (made := make(value, record)) is not None] or None
        return None if chosen is None else chosen(value, record)  # None: a list of nothing

    return look_up
