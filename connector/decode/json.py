"""JSON, read fast and exactly.

orjson reads everything, but makes floats of integers beyond 64 bits: an order number of twenty digits would
arrive with its last ones changed. So a value that may hold such a number is read a second time by the standard
library, whose integers are exact; orjson has then already refused whatever is not JSON (NaN, lone
surrogates, bytes that are not UTF-8). What is refused is told by kind and place, never by content.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from connector.core.errors import DecodeError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DIGITS_AS_ZEROS = bytes(ord("0") if ord("0") <= byte <= ord("9") else ord(" ") for byte in range(256))
_TOO_MANY_DIGITS = b"0" * 19
_LONG_NUMBER = re.compile(rb"(?:^|[\[:,\s])(?:-[0-9]{19}|[0-9]{20})")
"""Past 64 bits at the earliest: -9223372036854775809 and 18446744073709551616. Not inside quotes, by its start."""


def decode_json(value: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Read one UTF-8 JSON document, with or without a byte order mark; integers of any size stay exact.

    Raises DecodeError if it is not one.
    """
    try:
        decoded = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if value.startswith(_BYTE_ORDER_MARK):
            return decode_json(value[len(_BYTE_ORDER_MARK) :])
        raise DecodeError(_what_is_wrong(value, error)) from error
    # Digits alone first: the pattern by itself would take four times as long as everything above. `find` does as `in`,
    # which first takes what is looked for as a number, and fails.
    if value.translate(_DIGITS_AS_ZEROS).find(_TOO_MANY_DIGITS) >= 0 and _LONG_NUMBER.search(value) is not None:
        return _decode_exactly(value)
    return decoded


def _decode_exactly(value: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return json.loads(value)
    except RecursionError as error:
        raise DecodeError("the JSON is nested too deep to be read exactly") from error
    except ValueError as error:  # pragma: no cover - orjson has read it, and refuses more than 308 digits
        raise DecodeError("the JSON holds a number that can't be read exactly") from error


def _what_is_wrong(value: bytes, error: orjson.JSONDecodeError) -> str:
    if not value.strip():
        return "the value is empty: JSON was expected"
    try:
        value.decode()
    except UnicodeDecodeError as undecodable:
        return f"the value is not UTF-8 at byte offset {undecodable.start}{_encoding_hint(value)}"
    return f"the value is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"


def _encoding_hint(value: bytes) -> str:
    if value.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ": it looks like UTF-16"
    try:
        value.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return ": it may be GBK or GB18030; let the producer write UTF-8"
