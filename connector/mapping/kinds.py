"""The kinds of fields and parameters: the names that the endpoints' tables use, and what each of them accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from connector.language.message import message
from connector.mapping.conversions.numbers import boolean, integer
from connector.mapping.conversions.strings import string
from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.expressions import Usual, Value, constant
from connector.mapping.json_values import type_name
from connector.settings.problems import did_you_mean
from connector.tuzhan.endpoints import ENDPOINTS, Endpoint

if TYPE_CHECKING:
    from connector.mapping.conversions.conversion import Convert
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.settings.problems import Code


class Kind(NamedTuple):
    """What a field may hold."""

    type: type
    """Values of this type are right as they are."""
    convert: Convert
    """Converts values of other types. Raises ConversionError."""

    @property
    def one_value(self) -> bool:
        """Whether no list is right."""
        return self.type is not type(None)


def _milliseconds(value: Json) -> Json:
    """Text and fractions are refused: their unit is unknown."""
    if value.__class__ is int or (value.__class__ is float and value.is_integer()):
        return int(value)
    raise ConversionError("expected epoch milliseconds, got {kind}: use `as: timestamp`", kind=type_name(value))


def _object(value: Json) -> Json:
    if value.__class__ is dict:
        return value or None
    raise ConversionError("expected an object, got {kind}", kind=type_name(value))


def _objects(value: Json) -> Json:
    """The inside of the objects is free; null elements are left out."""
    if value.__class__ is not list:
        raise ConversionError("expected a list of objects, got {kind}", kind=type_name(value))
    for each in value:
        if each.__class__ is not dict and each is not None:
            raise ConversionError("expected an object as an element, got {kind}", kind=type_name(each))
    return [each for each in value if each] or None


def _texts(value: Json) -> Json:
    """A scalar is a list of one text."""
    return [string(each) for each in (value if isinstance(value, list) else [value]) if each is not None]


KINDS = {
    "boolean": Kind(bool, boolean),
    "integer": Kind(int, integer),
    "milliseconds": Kind(int, _milliseconds),
    "object": Kind(type(None), _object),
    "objects": Kind(type(None), _objects),
    "text": Kind(str, string),
    "texts": Kind(type(None), _texts),
}


def checked(value: Value, kind: Kind, location: Location, code: Code = "wrong_type") -> Value:
    """Return a value that is held to a kind: at start if it is constant, else for each record."""
    right, convert = kind
    if value.constant:
        try:
            return value if value.literal is None else constant(convert(value.literal))
        except ConversionError as error:
            location.add(error.told, code)
            return value

    def check(got: Json) -> Json:
        if got is None or got.__class__ is right:
            return got
        return converted(kind, got, location.field)

    usual = None if right is type(None) else Usual(right)
    return value.then(check, usual=usual)


def converted(kind: Kind, value: Json, field: str) -> Json:
    """Return the value of a field, converted to its kind. Raises MappingError."""
    try:
        return kind.convert(value)
    except ConversionError as error:
        raise MappingError("item_invalid", field, error.told) from error


def report_undocumented(what: Literal["field", "parameter"], name: str, endpoint: Endpoint, location: Location) -> None:
    """Report a field or parameter that the endpoint's document does not name."""

    def names(of: Endpoint) -> list[str]:
        return [each.name for each in (of.fields if what == "field" else of.parameters)]

    others = [other.path for other in ENDPOINTS.values() if name in names(other)]
    if others:
        told = message(
            "{endpoint} has no field '{name}', which belongs to {others}: drop it"
            if what == "field"
            else "{endpoint} has no parameter '{name}', which belongs to {others}: drop it",
            endpoint=endpoint.path,
            name=name,
            others=", ".join(others),
        )
        location.add(told, "not_for_this_endpoint", at_key=True)
        return
    hint = did_you_mean(name, names(endpoint)) or message(
        ": {endpoint} has {names}", endpoint=endpoint.path, names=", ".join(names(endpoint))
    )
    location.add(message("unknown key{hint}", hint=hint), "unknown_key", at_key=True)
