"""A route's `fields`: what the endpoint takes, each value held to its field's kind.

What can be known at start is refused at start; what depends on the record is checked as the item is made. A text
field takes any scalar, as its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.codegen import table
from connector.mapping.custom_fields import compile_custom_fields
from connector.mapping.errors import MappingError, type_name
from connector.mapping.json_values import text_form
from connector.mapping.values import Value, compile_value, constant, looks_like_words
from connector.settings.problems import did_you_mean
from connector.tuzhan.endpoints import ENDPOINTS, Endpoint, ItemField

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.location import Json, Location

_EVENT_KEYS = frozenset({"eventKey", "eventId"})
_IDENTITIES = frozenset(
    {"identities", "identityType"}.union(
        flat.field for endpoint in ENDPOINTS.values() for flat in (endpoint.flat_identities or {}).values()
    )
)


def compile_fields(
    raw: dict[str, Json], endpoint: Endpoint, location: Location, *, allow_unknown: bool
) -> dict[str, Value]:
    """Compile the fields, in the order in which the endpoint's document has them, unknown ones last."""
    compiled: dict[str, Value] = {}
    for name in (*(field.name for field in endpoint.fields if field.name in raw), *raw):
        if name in compiled:
            continue
        field = endpoint.field(name)
        at = location.under(name)
        if field is not None:
            compiled[name] = _compile_field(field, raw[name], at)
        elif name in _EVENT_KEYS or name in _IDENTITIES or not allow_unknown:
            _refuse(name, endpoint, at)
        else:
            compiled[name] = compile_value(raw[name], at)
    return compiled


def _refuse(name: str, endpoint: Endpoint, location: Location) -> None:
    others = [other.path for other in ENDPOINTS.values() if other.field(name) is not None]
    if name in _EVENT_KEYS and endpoint.kind == "event":
        message = "the event's key is mapped by the route's `event_key`, beside `fields`"
        location.add(f"'{name}' is no field: {message}", "unknown_key", at_key=True)
    elif name in _IDENTITIES:
        message = f"'{name}' is no field: identities are mapped by the route's `identity`, beside `fields`"
        location.add(message, "unknown_key", at_key=True)
    elif others or name in _EVENT_KEYS:
        hint = f" ({' and '.join(others)} have it)" if others else ""
        message = f"{endpoint.path} has no field '{name}'{hint}: drop it"
        location.add(message, "not_for_this_endpoint", at_key=True)
    else:
        names = [field.name for field in endpoint.fields]
        hint = did_you_mean(name, names) or f": {endpoint.path} has {', '.join(names)}"
        location.add(f"unknown key{hint}", "unknown_key", at_key=True)


def _compile_field(field: ItemField, raw: Json, location: Location) -> Value:
    if field.kind == "object":
        return compile_object(raw, location)
    if field.kind == "custom_fields":
        return Value(compile_custom_fields(raw, location))
    value = compile_value(raw, location)
    if field.kind == "milliseconds":
        return milliseconds(value, location)
    return text(value, location, field)


def text(value: Value, location: Location, field: ItemField) -> Value:
    """A scalar's text; for a field with documented values or a longest length, no other."""
    name = location.field
    if value.constant and isinstance(value.literal, (list, dict)):
        location.add(f"text is wanted here, not {type_name(value.literal)}", "wrong_type")
    elif value.constant:
        value = constant(text_form(value.literal))

    def as_text(got: Json) -> Json:
        if got is None or got.__class__ is str:
            return got
        text = text_form(got)
        if text is None:
            hint = "; `as: joined` makes text of a list" if isinstance(got, list) else ""
            raise MappingError("item_invalid", name, f"text is wanted here, not {type_name(got)}{hint}")
        return text

    value = value if value.constant else value.then(as_text)
    return _limited(value, location, field) if field.allowed or field.max_characters else value


def _limited(value: Value, location: Location, field: ItemField) -> Value:
    name, allowed, longest = location.field, field.allowed, field.max_characters
    complaint = f"one of {', '.join(allowed)}" if allowed else f"at most {longest} characters"
    if value.constant and isinstance(value.literal, str) and not _fits(value.literal, field):
        location.add(f"the endpoint takes {complaint}", "bad_value")

    def limited(got: Json) -> Json:
        if got is not None and not _fits(got, field):
            raise MappingError("item_invalid", name, f"the endpoint takes {complaint}")
        return got

    return value.then(limited)


def _fits(text: str, field: ItemField) -> bool:
    if field.allowed:
        return text in field.allowed
    return field.max_characters is None or len(text) <= field.max_characters


def milliseconds(value: Value, location: Location) -> Value:
    """A whole number of milliseconds; text and fractions are not guessed at."""
    name = location.field
    if value.constant and value.literal is not None and value.literal.__class__ is not int:
        location.add("epoch milliseconds are wanted here: use `as: timestamp`", "wrong_type")

    def as_milliseconds(got: Json) -> Json:
        if got is None or got.__class__ is int:
            return got
        if got.__class__ is float and got.is_integer():
            return int(got)
        detail = f"epoch milliseconds are wanted here, not {type_name(got)}: use `as: timestamp`"
        raise MappingError("item_invalid", name, detail)

    return value.then(as_milliseconds)


def compile_object(raw: Json, location: Location) -> Value:
    """A table of values, or one value that yields an object; empty is missing."""
    if isinstance(raw, dict) and not looks_like_words(raw):
        return _table([(str(key), compile_value(each, location.under(key))) for key, each in raw.items()])
    value = compile_value(raw, location)
    if value.constant and value.literal is not None and not isinstance(value.literal, dict):
        location.add("a table of values, or one value that yields an object", "wrong_type")
    name = location.field

    def as_object(got: Json) -> Json:
        if got is None or got.__class__ is dict:
            return got or None
        raise MappingError("item_invalid", name, f"an object is wanted here, not {type_name(got)}")

    return value.then(as_object)


def _table(entries: list[tuple[str, Value]]) -> Value:
    getters = [(name, value.get) for name, value in entries]

    def get_table(value: Json, record: Record) -> Json:
        return {name: got for name, get in getters if (got := get(value, record)) is not None} or None

    return Value(table([(name, value.expression) for name, value in entries], get_table))
