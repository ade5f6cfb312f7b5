"""JSON values: how messages name their types, their text form, and their encoding."""

from __future__ import annotations

from typing import Any

import msgspec

from connector.language.message import Message, message, verbatim
from connector.mapping.errors import MappingError
from connector.mapping.projected import Projected

Json = Any
"""A decoded JSON value, or a part of one; None for what is missing or null."""

_EXACT_BELOW = 1e16
_OBJECT = message("an object")
_TYPE_NAMES: dict[type, Message] = {
    str: message("text"),
    bool: message("a boolean"),
    int: message("an integer"),
    float: message("a number"),
    list: message("a list"),
    dict: _OBJECT,
    type(None): verbatim("null"),
}


def type_name(value: object) -> Message:
    """Return the JSON type of a value: all that a dead letter says about it."""
    if isinstance(value, Projected):
        return _OBJECT
    return _TYPE_NAMES.get(type(value)) or verbatim(type(value).__name__)


def text_form(value: Json) -> str | None:
    """Return a scalar as text (true, 12, 12 for 12.0, 0.5); None for null, lists and objects.

    This is what `as: string` yields, `map` looks up and `where` compares.
    """
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        whole = value.is_integer() and abs(value) < _EXACT_BELOW
        return str(int(value)) if whole else repr(value)
    return str(value) if isinstance(value, str) else None


encode_json = msgspec.json.Encoder().encode
"""Encodes integers of any size exactly. May raise an error of any kind."""


def encode(item: dict[str, Json]) -> bytes:
    """Return compact JSON, integers beyond 64 bits included. Raises MappingError if that is not possible."""
    try:
        return encode_json(item)
    except Exception as error:
        raise not_encoded(error) from error


def not_encoded(error: Exception) -> MappingError:
    """Return what to raise for an item that can't be encoded."""
    return MappingError("item_invalid", "", f"the item can't be encoded as JSON ({type(error).__name__})")
