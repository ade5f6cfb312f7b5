"""Masking of personal data: what a value looks like, without the value.

A letter or a digit becomes one that stands for its kind, so that length and form remain: `13800000000` is shown as
`99999999999`, `Anna Li` as `Aaaa Aa`, `王小明` as `字字字`. Of JSON, the keys stay, and so do numbers of up to four
digits, true, false and null.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from connector.core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Container

    from connector.mapping.json_values import Json

_LONG_NUMBER: Final = re.compile(r"\d{5,}")
_EMAIL: Final = re.compile(r"[^\s@\"'<>,;]+@[^\s@\"'<>,;]+")
_MOST_VISIBLE_NUMBER: Final = 9999
MOST_DEPTH: Final = 100
CUT: Final = "…"
"""Stands for what is nested deeper: nobody reads that, and a value of a thousand levels would exhaust the stack."""


def mask_text(text: str) -> str:
    """Return the text with each letter and digit replaced by its kind."""
    return "".join(map(_kind, text))


def mask_numbers(text: str) -> str:
    """Return a sentence of the platform or of the connector with the long numbers and mail addresses in it masked."""
    return _LONG_NUMBER.sub(lambda found: "9" * len(found[0]), _EMAIL.sub(lambda found: mask_text(found[0]), text))


def mask_value(value: bytes) -> bytes:
    """Return a record's value masked: JSON as JSON, other text by its form, anything else by its length."""
    try:
        return orjson.dumps(mask_json(orjson.loads(value)))
    except orjson.JSONDecodeError:
        pass
    return mask_bytes(value)


def mask_bytes(data: bytes) -> bytes:
    """Return a key or a header masked by its form; what is not UTF-8 by its length."""
    try:
        return mask_text(data.decode()).encode()
    except UnicodeDecodeError:
        return f"<{counted(len(data), 'byte')}>".encode()


def mask_json(value: Json, shown: Container[str] = (), depth: int = MOST_DEPTH) -> Json:
    """Return a JSON value masked; the texts that are `shown` stay as they are. What is deeper than `depth` is cut."""
    if isinstance(value, str):
        return value if value in shown else mask_text(value)
    if isinstance(value, dict | list) and not depth:
        return CUT
    if isinstance(value, dict):
        return {mask_numbers(key): mask_json(entry, shown, depth - 1) for key, entry in value.items()}
    if isinstance(value, list):
        return [mask_json(entry, shown, depth - 1) for entry in value]
    if isinstance(value, bool) or value is None or abs(value) <= _MOST_VISIBLE_NUMBER:
        return value
    return mask_text(str(value))


def _kind(character: str) -> str:
    if character.isnumeric() and not character.isalpha():
        return "9"
    if not character.isalpha():
        return character
    if character.isupper():
        return "A"
    return "a" if character.islower() else "字"
