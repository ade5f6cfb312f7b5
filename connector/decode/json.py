"""Fast and exact decoding of JSON.

msgspec keeps integers of any size exact, and refuses what is not JSON: NaN, lone surrogates, bytes that are not UTF-8.
orjson says what is wrong with such a value, and decodes what nests deeper than the stack allows msgspec; it turns
integers beyond 64 bits into floats, so the standard library decodes those exactly. Error messages give the kind and the
position of the problem, never the content.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import orjson

from connector.core.errors import DecodeError
from connector.decode.charsets import looks_like_utf_16

_decode = msgspec.json.Decoder().decode
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DIGITS_AS_ZEROS = bytes(ord("0") if ord("0") <= byte <= ord("9") else ord(" ") for byte in range(256))
_TOO_MANY_DIGITS = b"0" * 19
_LONG_NUMBER = re.compile(rb"(?:^|[\[:,\s])(?:-[0-9]{19}|[0-9]{20})")
"""The smallest integers beyond 64 bits are -9223372036854775809 and 18446744073709551616. The pattern can still match
inside text; then the second decoding is only slower."""


def decode_json(value: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Decode one UTF-8 JSON document, with or without a byte order mark; integers of any size stay exact.

    Raises DecodeError for anything else.
    """
    try:
        return _decode(value)
    except Exception:  # noqa: BLE001 - what is wrong is found out below: not JSON, or nested too deep for msgspec
        return decode_refused(value)


def decode_text(text: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Decode text that may hold JSON; None if it does not, whatever the reason: to find that out takes longer."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    except RecursionError:
        try:
            return decode_refused(text.encode())
        except DecodeError:
            return None


def decode_refused(value: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Decode what msgspec refuses but for its depth or its byte order mark; raise DecodeError for anything else."""
    try:
        decoded = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        start = 0
        while value.startswith(BYTE_ORDER_MARK, start):
            start += len(BYTE_ORDER_MARK)
        if start:
            return decode_json(value[start:])
        raise DecodeError(_what_is_wrong(value, error)) from error
    # The pattern alone would take four times as long as everything above, so 19 digits in a row are looked for first.
    # `find` is faster than `in`, which first tries to take its left operand as an integer.
    if value.translate(_DIGITS_AS_ZEROS).find(_TOO_MANY_DIGITS) >= 0 and _LONG_NUMBER.search(value) is not None:
        return _decode_exactly(value)
    return decoded


def _decode_exactly(value: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return json.loads(value)
    except RecursionError as error:
        raise DecodeError("the JSON is nested too deep for its long numbers") from error
    except ValueError as error:  # pragma: no cover - orjson has decoded it, and refuses more than 308 digits
        raise DecodeError("the JSON contains a number that can't be decoded exactly") from error


def _what_is_wrong(value: bytes, error: orjson.JSONDecodeError) -> str:
    if not value.strip():
        return "expected JSON, got an empty value"
    if value.startswith(b"\0\0") and len(value) > 5:  # the id of a schema has four bytes, the first of them zero
        remedy = "if so, set `format: avro` or `format: json_schema` for this topic under `decode`"
        return f"the value is not JSON: it may be in the format of a schema registry; {remedy}"
    try:
        value.decode()
    except UnicodeDecodeError as undecodable:
        return f"the value is not UTF-8 at byte offset {undecodable.start}{_encoding_hint(value)}"
    message = f"the value is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    return message + looks_like_utf_16(value)


def _encoding_hint(value: bytes) -> str:
    if hint := looks_like_utf_16(value):
        return hint
    try:
        value.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return ": it may be GBK or GB18030; if so, set `charset: gb18030` for this topic under `decode`"
