"""A route's `fields`: the fields that the endpoint takes, each value checked against the kind of its field.

What is known at start is checked at start; what depends on the record is checked when the item is made. A text field
takes any scalar, as its text form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.codegen import Value, constant, generate_object
from connector.mapping.conversions.strings import string
from connector.mapping.custom_fields import compile_custom_fields
from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.json_values import text_form, type_name
from connector.mapping.values import compile_value, looks_like_words
from connector.settings.problems import did_you_mean
from connector.tuzhan.endpoints import ENDPOINTS, Endpoint, ItemField

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location

_EVENT_KEYS = frozenset({"eventKey", "eventId"})
_IDENTITIES = frozenset(
    {"identities", "identityType"}.union(
        flat.field for endpoint in ENDPOINTS.values() for flat in (endpoint.flat_identities or {}).values()
    )
)


def compile_fields(
    raw: dict[str, Json], endpoint: Endpoint, location: Location, *, allow_unknown: bool
) -> dict[str, Value]:
    """Compile the fields in the order of the endpoint's document, unknown ones last, or report what is wrong."""
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
        message = f"'{name}' is not a field: map it by `event_key` of the route, beside `fields`"
        location.add(message, "unknown_key", at_key=True)
    elif name in _IDENTITIES:
        message = f"'{name}' is not a field: map it by `identity` of the route, beside `fields`"
        location.add(message, "unknown_key", at_key=True)
    elif others or name in _EVENT_KEYS:
        hint = f", which belongs to {' and '.join(others)}" if others else ""
        message = f"{endpoint.path} has no field '{name}'{hint}: drop it"
        location.add(message, "not_for_this_endpoint", at_key=True)
    else:
        names = [field.name for field in endpoint.fields]
        hint = did_you_mean(name, names) or f": {endpoint.path} has {', '.join(names)}"
        location.add(f"unknown key{hint}", "unknown_key", at_key=True)


def _compile_field(field: ItemField, raw: Json, location: Location) -> Value:
    if field.kind == "object":
        return _object(raw, location)
    if field.kind == "custom_fields":
        return compile_custom_fields(raw, location)
    value = compile_value(raw, location)
    return _milliseconds(value, location) if field.kind == "milliseconds" else _text(value, location, field)


def _text(value: Value, location: Location, field: ItemField) -> Value:
    name = location.field
    if value.constant and isinstance(value.literal, (list, dict)):
        location.add(f"expected text, got {type_name(value.literal)}", "wrong_type")
    elif value.constant:
        value = constant(text_form(value.literal))

    def as_text(got: Json) -> Json:
        if got is None or got.__class__ is str:
            return got
        try:
            return string(got)
        except ConversionError as error:
            raise MappingError("item_invalid", name, str(error)) from error

    value = value if value.constant else value.then(as_text)
    return _limited(value, location, field) if field.allowed or field.max_characters else value


def _limited(value: Value, location: Location, field: ItemField) -> Value:
    """Check a text against the values or the length that the document allows."""
    name, longest = location.field, field.max_characters
    expected = f"one of {', '.join(field.allowed)}" if field.allowed else f"at most {longest} characters"
    message = f"expected {expected}"

    def fits(text: str) -> bool:
        return text in field.allowed if field.allowed else longest is None or len(text) <= longest

    if value.constant and isinstance(value.literal, str) and not fits(value.literal):
        location.add(message, "bad_value")

    def limited(got: Json) -> Json:
        if got is not None and not fits(got):
            raise MappingError("item_invalid", name, message)
        return got

    return value.then(limited)


def _milliseconds(value: Value, location: Location) -> Value:
    """Check for a whole number of milliseconds; text and fractions are not converted, since their unit is unknown."""
    name = location.field
    if value.constant and value.literal is not None and value.literal.__class__ is not int:
        location.add("expected epoch milliseconds: use `as: timestamp`", "wrong_type")

    def as_milliseconds(got: Json) -> Json:
        if got is None or got.__class__ is int:
            return got
        if got.__class__ is float and got.is_integer():
            return int(got)
        detail = f"expected epoch milliseconds, got {type_name(got)}: use `as: timestamp`"
        raise MappingError("item_invalid", name, detail)

    return value.then(as_milliseconds)


def _object(raw: Json, location: Location) -> Value:
    """Compile a table of values, or one value that yields an object; an empty object is missing."""
    if isinstance(raw, dict) and not looks_like_words(raw):
        return _table({str(key): compile_value(each, location.under(key)) for key, each in raw.items()})
    value = compile_value(raw, location)
    if value.constant and value.literal is not None and not isinstance(value.literal, dict):
        location.add("expected a table of values, or one value that yields an object", "wrong_type")
    name = location.field

    def as_object(got: Json) -> Json:
        if got is None or got.__class__ is dict:
            return got or None
        raise MappingError("item_invalid", name, f"expected an object, got {type_name(got)}")

    return value.then(as_object)


def _table(values: dict[str, Value]) -> Value:
    getters = [(name, value.get) for name, value in values.items()]

    def get_table(value: Json, record: Record) -> Json:
        return {name: got for name, get in getters if (got := get(value, record)) is not None} or None

    return Value(generate_object([(name, value.expression) for name, value in values.items()], get_table))
