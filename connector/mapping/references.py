"""References into a record: `$.buyer.mobile`, `$.items.*.sku`, `$key`, `$headers.trace_id`.

A reference is compiled to a function of the decoded value and the record that returns what is there, or None
for what is missing or null (the language makes no difference). A path steps into objects by name, into lists
by number, into all elements of a list by `*`, and into text that holds JSON. Paths of one and two
names, the usual ones, have functions of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.core.errors import DecodeError
from connector.core.record import Record
from connector.decode import decode_json
from connector.mapping.location import Json
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from connector.mapping.location import Location

Getter = Callable[[Json, Record], Json]
"""Finds or makes one value; None is missing. May raise MappingError and SkipItem."""

SKIP = "$skip"
DEAD_LETTER = "$dead_letter"

_SEGMENT = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^\s."\[\]{}]+))')
_ESCAPED = re.compile(r"\\(.)")
_NOT_YET = re.compile(r"\$(item|index|change)(?![\w-])")
_FORMS = "$.path.to.it, $key, $headers.name, $topic, $partition, $offset, $timestamp"
_RECORD_WORDS = ("$key", "$headers", "$topic", "$partition", "$offset", "$timestamp")


class _Wildcard:
    """`*`: every element."""


_WILDCARD = _Wildcard()
_Path = tuple[str | _Wildcard, ...]


def is_reference(raw: object) -> bool:
    """Whether a scalar of the file refers into the record; text out of the environment never does."""
    return isinstance(raw, str) and not isinstance(raw, InterpolatedStr) and raw.startswith("$") and raw[1:2] != "$"


def literal_text(raw: str) -> str:
    """A literal as it is meant: `$$x` is `$x`."""
    if isinstance(raw, InterpolatedStr):
        return str(raw)
    return raw[1:] if raw.startswith("$$") else raw


def nothing(_value: Json, _record: Record) -> Json:
    """Find nothing: what stands for a value that could not be compiled."""
    return None


def compile_reference(text: str, location: Location) -> Getter:
    """Compile one reference; what is wrong with it is noted at `location`, and nothing is found then."""
    if text in (SKIP, DEAD_LETTER):
        location.add(f"'{text}' stands only for `default` and `otherwise`", "bad_reference")
        return nothing
    if (later := _NOT_YET.match(text)) is not None:
        location.add(f"${later[1]} is not supported yet", "bad_reference")
        return nothing
    if text == "$" or text.startswith("$."):
        path = _parse_path(text[1:])
        if path is not None:
            return _path_getter(path)
    elif text in _OF_RECORD:
        return _OF_RECORD[text]
    elif text.startswith("$headers."):
        return _header_getter(_header_name(text.removeprefix("$headers.")))
    location.add(_complaint(text), "bad_reference")
    return nothing


def plain_names(text: str) -> tuple[str, ...]:
    """The names of a path that only steps through them; none for any other reference."""
    path = _parse_path(text[1:]) if text.startswith("$.") else None
    if path is None or _WILDCARD in path:
        return ()
    return tuple(str(name) for name in path)


def _complaint(text: str) -> str:
    if "[" in text:
        return f"'{text}' is no reference: an element of a list is written $.items.0, all of them $.items.*"
    if text.startswith("$."):
        return f"'{text}' is no reference: a name with blanks or dots in it is quoted, $.\"odd key\".x"
    guess = "$." + text[1:]
    if text not in _RECORD_WORDS and _parse_path(guess[1:]):
        return f"'{text}' is no reference: did you mean '{guess}'? A literal '{text}' is written '${text}'"
    return f"'{text}' is no reference ({_FORMS}); a literal that begins with $ is written $$"


def _parse_path(text: str) -> _Path | None:
    segments: list[str | _Wildcard] = []
    position = 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None:
            return None
        quoted, plain = match[1], match[2]
        if quoted is not None:
            segments.append(_ESCAPED.sub(r"\1", quoted))
        else:
            segments.append(_WILDCARD if plain == "*" else plain)
        position = match.end()
    return tuple(segments)


def _path_getter(path: _Path) -> Getter:
    match path:
        case ():
            return lambda value, _record: value
        case (str(name),):
            return _one_name(name)
        case (str(outer), str(inner)):
            return _two_names(outer, inner)
        case (str(), str(), *_) if _WILDCARD not in path and not str(path[-1]).isdecimal():
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


def _names(path: _Path) -> Getter:
    """Three names or more, as plain subscripts: free of calls where everything is there, as it mostly is.

    The last is the name of an entry: of text (an element by number would be a character) it can only fail.
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


def _walk(value: Json, path: _Path) -> Json:
    for position, segment in enumerate(path):
        if isinstance(segment, _Wildcard):
            return _every(value, path[position + 1 :])
        value = value.get(segment) if value.__class__ is dict else step(value, segment)
        if value is None:
            return None
    return value


def _every(value: Json, rest: _Path) -> Json:
    """What `rest` finds in each element: one flat list, or None if nothing is found at all."""
    if value.__class__ is str:
        value = _opened(value)
    if value.__class__ is not list:
        return None
    found = [got for element in value if (got := _walk(element, rest)) is not None]
    if _WILDCARD in rest:
        found = [inner for outer in found for inner in outer]
    return found or None


def step(value: Json, name: str) -> Json:
    """What a name leads to in anything: an entry, an element, or either in text that holds JSON."""
    if value.__class__ is str:
        value = _opened(value)
    if value.__class__ is dict:
        return value.get(name)
    if value.__class__ is list and name.isdecimal():
        index = int(name)
        return value[index] if index < len(value) else None
    return None


def _opened(text: str) -> Json:
    """The object or list that text holds as JSON, or None."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return decode_json(text.encode())
    except (DecodeError, UnicodeEncodeError):
        return None


def _text(data: bytes | None) -> str | None:
    """Keys and headers are text; one that is not UTF-8 (a binary id) counts as missing."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _header_name(text: str) -> str:
    quoted = _SEGMENT.fullmatch("." + text)
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted is not None and quoted[1] is not None else text


def _header_getter(name: str) -> Getter:
    def get(_value: Json, record: Record) -> Json:
        for header, data in reversed(record.headers):  # of several, the last counts, as Kafka's own clients have it
            if header == name:
                return _text(data)
        return None

    return get


_OF_RECORD: dict[str, Getter] = {
    "$key": lambda _value, record: _text(record.key),
    "$topic": lambda _value, record: record.topic,
    "$partition": lambda _value, record: record.partition,
    "$offset": lambda _value, record: record.offset,
    "$timestamp": lambda _value, record: record.timestamp_ms,
}
