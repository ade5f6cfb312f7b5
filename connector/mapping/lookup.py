"""Finding a value in a record: what references compile to.

None stands for what is missing or null; the language makes no difference. A path steps into objects by name, into
lists by number, into all elements of a list by `*`, and into text that holds JSON. Paths of one and two names, the
usual ones, have functions of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Final

from connector.core.record import UNREADABLE_HEADERS, Record
from connector.decode import decode_text
from connector.mapping.errors import MappingError
from connector.mapping.json_values import Json
from connector.mapping.projected import Projected

Getter = Callable[[Json, Record], Json]
"""Returns one value for a decoded record; None if it is missing. May raise MappingError and SkipItem."""


class Wildcard(Enum):
    """`*` in a path: every element of a list."""

    EVERY = "*"


EVERY: Final = Wildcard.EVERY
Path = tuple[str | Wildcard, ...]


def nothing(_value: Json, _record: Record) -> None:
    """Return None: the getter of a value that is always missing."""


def path_getter(path: Path) -> Getter:
    """Return the getter of a path."""
    match path:
        case ():
            return lambda value, _record: value
        case (str(name),):
            return _one_name(name)
        case (str(outer), str(inner)):
            return _two_names(outer, inner)
        case (str(), str(), *_) if EVERY not in path and not str(path[-1]).isdecimal():
            return _names(path)
        case _:
            return lambda value, _record: _walk(value, path)


def _one_name(name: str) -> Getter:
    def get(value: Json, _record: Record) -> Json:
        return value.get(name) if value.__class__ is dict else step(value, name)

    return get


def _two_names(outer: str, inner: str) -> Getter:
    def get(value: Json, _record: Record) -> Json:
        found = value.get(outer) if value.__class__ is dict else step(value, outer)
        return found.get(inner) if found.__class__ is dict else step(found, inner)

    return get


def _names(path: Path) -> Getter:
    """Three names or more, as plain subscripts: no call where everything is there, which is the usual case.

    The last one must not be a number: in text, a number as a subscript would give a character.
    """
    outer, inner, *rest = [int(str(name)) if str(name).isdecimal() else name for name in path]

    def get(value: Json, _record: Record) -> Json:
        try:
            found = value[outer][inner]
            for name in rest:
                found = found[name]
        except (TypeError, LookupError):
            return _walk(value, path)
        return found

    return get


def _walk(value: Json, path: Path) -> Json:
    for position, segment in enumerate(path):
        if isinstance(segment, Wildcard):
            return _every(value, path[position + 1 :])
        value = value.get(segment) if value.__class__ is dict else step(value, segment)
        if value is None:
            return None
    return value


def _every(value: Json, rest: Path) -> Json:
    """Return what `rest` finds in each element as one flat list; None if it finds nothing."""
    if value.__class__ is str:
        value = parsed(value)
    if value.__class__ is not list:
        return None
    found = [got for element in value if (got := _walk(element, rest)) is not None]
    if EVERY in rest:
        found = [inner for outer in found for inner in outer]
    return found or None


def step(value: Json, name: str) -> Json:
    """Return the entry of an object, the element of a list, or either of text that holds JSON."""
    if value.__class__ is str:
        value = parsed(value)
    if value.__class__ is dict:
        return value.get(name)
    if isinstance(value, Projected):
        return value.get(name)
    if value.__class__ is list and name.isdecimal():
        index = int(name)
        return value[index] if index < len(value) else None
    return None


def parsed(text: str) -> Json:
    """Return the object or list that text holds as JSON; None if it holds none."""
    ends = text.strip()
    if ends[:1] + ends[-1:] not in ("{}", "[]"):  # text of nothing but opening brackets is slow to refuse
        return None
    return _decoded(text) if len(text) <= _LONGEST_REMEMBERED else decode_text(text)


_LONGEST_REMEMBERED = 1 << 16
_decoded = lru_cache(maxsize=4)(decode_text)
"""What several references read of one text, and what is asked again to say why it failed, is decoded once."""


def header_getter(name: str) -> Getter:
    """Return the getter of a header; if several have the name, the last one counts, as in Kafka's own clients.

    It raises MappingError for a record whose headers can't be read: they may say that the record is another route's.
    """

    def get(_value: Json, record: Record) -> Json:
        if record.headers is UNREADABLE_HEADERS:
            raise MappingError("decode_failed", f"$headers.{name}", "the name of a header is not UTF-8")
        for header, data in reversed(record.headers):
            if header == name:
                return _text(data)
        return None

    return get


def _text(data: bytes | None) -> str | None:
    """Return a key or header as text; None if it is not UTF-8 (a binary id)."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


OF_RECORD: dict[str, Getter] = {
    "$key": lambda _value, record: _text(record.key),
    "$topic": lambda _value, record: record.topic,
    "$partition": lambda _value, record: record.partition,
    "$offset": lambda _value, record: record.offset,
    "$timestamp": lambda _value, record: record.timestamp_ms,
}
