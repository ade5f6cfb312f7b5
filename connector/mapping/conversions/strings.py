"""The conversions that make text, or take it apart."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

import orjson

from connector.mapping.errors import ConversionError, type_name
from connector.mapping.json_values import text_form

if TYPE_CHECKING:
    from connector.mapping.location import Json


def string(value: Json) -> Json:
    """The text form of a scalar."""
    if value.__class__ is str:
        return value
    text = text_form(value)
    if text is None:
        raise ConversionError(f"{type_name(value)} has no text form; use json")
    return text


def trim(value: Json) -> Json:
    """Text without blanks at its ends; blank text is missing."""
    return string(value).strip() or None


def lower(value: Json) -> Json:
    """Text in lower case."""
    return string(value).lower()


def upper(value: Json) -> Json:
    """Text in upper case."""
    return string(value).upper()


def split(value: Json) -> Json:
    """The parts of comma-separated text, trimmed, without blank ones; none at all is missing."""
    parts = [stripped for part in string(value).split(",") if (stripped := part.strip())]
    return parts or None


def joined(value: Json) -> Json:
    """Comma-separated text of a list's scalars, trimmed, without blanks and repeats; nothing left is missing."""
    parts: dict[str, None] = {}
    for element in value if isinstance(value, list) else [value]:
        if element is None:
            continue
        part = string(element).strip()
        if "," in part:
            hint = "" if isinstance(value, list) else "; use [split, joined]"
            raise ConversionError(f"an element holds a comma, which separates elements{hint}")
        if part:
            parts[part] = None
    return ",".join(parts) or None


def listed(value: Json) -> Json:
    """A list as it is; anything else as a list of one."""
    return value if isinstance(value, list) else [value]


def json_text(value: Json) -> Json:
    """Compact JSON text of any value."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise ConversionError("it can't be written as JSON: a number is beyond 64 bits") from error


def uuid_of(value: Json) -> Json:
    """The UUIDv5 of any text, in the namespace of URLs (RFC 9562)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, string(value)))


def md5(value: Json) -> Json:
    """The MD5 of UTF-8 text, as hexadecimal digits."""
    return hashlib.md5(string(value).encode(), usedforsecurity=False).hexdigest()


def sha256(value: Json) -> Json:
    """The SHA-256 of UTF-8 text, as hexadecimal digits."""
    return hashlib.sha256(string(value).encode()).hexdigest()
