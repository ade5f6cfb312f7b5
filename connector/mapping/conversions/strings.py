"""Conversions that yield text, or take text apart."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

import orjson

from connector.language.message import message
from connector.mapping.conversions.conversion import Conversion
from connector.mapping.errors import ConversionError
from connector.mapping.expressions import NOT_BLANK, Usual
from connector.mapping.json_values import text_form, type_name

if TYPE_CHECKING:
    from connector.mapping.json_values import Json


def string(value: Json) -> str:
    """Return the text form of a scalar."""
    text = text_form(value)
    if text is None:
        if isinstance(value, list):
            raise ConversionError("expected text, got a list: `as: joined` makes text of a list")
        raise ConversionError("expected text, got {kind}", kind=type_name(value))
    return text


def _trim(value: Json) -> Json:
    return string(value).strip() or None


def _split(value: Json) -> Json:
    return [stripped for part in string(value).split(",") if (stripped := part.strip())] or None


def _joined(value: Json) -> Json:
    parts: dict[str, None] = {}
    for element in value if isinstance(value, list) else [value]:
        if element is None:
            continue
        part = string(element).strip()
        if "," in part:
            hint = "" if isinstance(value, list) else message(": use [split, joined]")
            raise ConversionError("an element contains a comma, which separates elements{hint}", hint=hint)
        if part:
            parts[part] = None
    return ",".join(parts) or None


def _list(value: Json) -> Json:
    return value if isinstance(value, list) else [value]


def _json(value: Json) -> Json:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise ConversionError("it can't be encoded as JSON: a number exceeds 64 bits, or it nests too deep") from error


def _md5(value: Json) -> Json:
    return hashlib.md5(string(value).encode(), usedforsecurity=False).hexdigest()


TABLE = (
    Conversion(
        "string",
        string,
        "The text form of a scalar.",
        ((12, "12"), (12.0, "12"), (0.5, "0.5"), (True, "true")),
        impossible=({"a": 1},),
        settled=True,
        usual=lambda _given: Usual(str, NOT_BLANK, text=True),
    ),
    Conversion(
        "trim",
        _trim,
        "Text without blanks at its ends; nothing is left of blank text.",
        ((" 上海 ", "上海"), (" ", None)),
        settled=True,
    ),
    Conversion("lower", lambda value: string(value).lower(), "Text in lower case.", (("VIP", "vip"),), settled=True),
    Conversion("upper", lambda value: string(value).upper(), "Text in upper case.", (("vip", "VIP"),), settled=True),
    Conversion(
        "split",
        _split,
        "The parts of comma-separated text as a list: trimmed, without blank ones.",
        (("a, b,,c", ["a", "b", "c"]), (" , ", None)),
        impossible=({"a": 1},),
        yields=list,
    ),
    Conversion(
        "joined",
        _joined,
        "The scalars of a list as comma-separated text: trimmed, without blank ones and repetitions.",
        ((["VIP", " 上海 ", "VIP", None, 3], "VIP,上海,3"), ([], None), ("VIP", "VIP")),
        impossible=(["a,b"], [{}]),
        takes_list=True,
    ),
    Conversion(
        "list",
        _list,
        "A list as it is; anything else as a list of one element.",
        (("VIP", ["VIP"]), (["VIP"], ["VIP"])),
        takes_list=True,
        yields=list,
    ),
    Conversion(
        "json",
        _json,
        "Compact JSON text of any value.",
        (({"a": [1, "中"]}, '{"a":[1,"中"]}'),),
        impossible=([10**30],),
        takes_list=True,
    ),
    Conversion(
        "uuid",
        lambda value: str(uuid.uuid5(uuid.NAMESPACE_URL, string(value))),
        "A UUID that is always the same for the same text (version 5, URL namespace, RFC 9562).",
        (("4711", "46cca527-5465-5f7a-951b-9a513aea49f8"),),
    ),
    Conversion(
        "md5", _md5, "The MD5 of UTF-8 text in hexadecimal digits.", (("中", "aed1dfbc31703955e64806b799b67645"),)
    ),
    Conversion(
        "sha256",
        lambda value: hashlib.sha256(string(value).encode()).hexdigest(),
        "The SHA-256 of UTF-8 text in hexadecimal digits.",
        (("中", "a567bdaa11367f260f0708391f4d10766b5962f565d9e432f17981a3584fe1e2"),),
    ),
)
