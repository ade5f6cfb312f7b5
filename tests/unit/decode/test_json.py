"""JSON is decoded exactly; anything else is refused with its kind and position."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.errors import DecodeError
from connector.decode import decode_json, decode_text

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(ANY_JSON, st.sampled_from([None, 2]))
def test_json_is_read_exactly(value: Any, indent: int | None) -> None:  # noqa: ANN401 - JSON
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate has no UTF-8
    assert decode_json(text) == value


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:0123456789eE+-. truefalsn\\u', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_json(data)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64, 2**64 + 1, 10**30 + 7])
@pytest.mark.parametrize("text", ["%d", "[%d]", '{"a":%d}', '{"a": [1,\n\t%d ]}', '{"a":"x%%","b":{"c":%d}}'])
@pytest.mark.parametrize("pad", ["", " ", "  "])
def test_integers_of_any_size_are_exact(sign: int, size: int, text: str, pad: str) -> None:
    data = pad + text % (sign * size)
    assert decode_json(data.encode()) == json.loads(data)
    assert str(sign * size) in json.dumps(decode_json(data.encode()))


def test_a_long_number_in_text_stays_text() -> None:
    assert decode_json(b'{"trade":"2024061522001412345678901234"}') == {"trade": "2024061522001412345678901234"}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert decode_json(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_any_number_of_byte_order_marks_is_read_or_refused() -> None:
    """Not one call for each: the stack would not be deep enough."""
    marks = b"\xef\xbb\xbf" * 100_000
    assert decode_json(marks + b"[1]") == [1]
    with pytest.raises(DecodeError, match="not JSON"):
        decode_json(marks + b"{")


def test_the_last_of_duplicate_keys_wins_with_both_decoders() -> None:
    assert decode_json(b'{"a":1,"a":2}') == {"a": 2}
    assert decode_json(b'{"a":1,"a":2,"n":123456789012345678901}')["a"] == 2


def test_a_float_stays_a_float() -> None:
    assert decode_json(b"[1e30, 12345678901234567890.5]") == [1e30, 12345678901234567890.5]
    assert math.copysign(1, decode_json(b"-0.0")) == -1


def test_a_large_record_is_read() -> None:
    assert len(decode_json(b'{"note":"%b"}' % (b"x" * 900_000))["note"]) == 900_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "got an empty value"),
        (b"  \n", "got an empty value"),
        (b"\xef\xbb\xbf", "got an empty value"),
        (b'{"a":1', "not JSON: unexpected end of data at line 1, column 7"),
        (b'{"a":\n  oops}', "at line 2, column 3"),
        (b'{"a":NaN}', "at line 1, column 6"),
        (b'{"a":-Infinity}', "not JSON"),
        (b'{"a":1e999}', "number is infinity"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b"[" * 20_000 + b"]" * 20_000, "depth"),
        ('{"a":"中文"}'.encode("gbk"), "not UTF-8 at byte offset 6: it may be GBK or GB18030"),
        (b'{"a":"\xff"}', "not UTF-8 at byte offset 6"),
        ('{"a":1}'.encode("utf-16"), "it looks like UTF-16"),
        ('{"a":1}'.encode("utf-16-le"), "it looks like UTF-16, which is not supported; write UTF-8"),
        ('{"a":1}'.encode("utf-16-be"), "it looks like UTF-16"),
        (b"{'a': 1}", "at line 1, column 2"),
        (b'{"a":1} x', "at line 1, column 9"),
    ],
)
def test_invalid_json_is_reported_by_kind_and_position(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=r".") as caught:
        decode_json(data)
    assert message in str(caught.value)


def test_no_message_contains_the_value() -> None:
    for data in (b'{"secret-4711', '{"a":"密码"'.encode("gbk"), b'{"a":secret-4711}', b'"secret-4711\x00"'):
        with pytest.raises(DecodeError) as caught:
            decode_json(data)
        assert "4711" not in str(caught.value)


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="since 3.12 the limit counts no frames of C: such a value is decoded"
)
def test_json_nested_too_deep_for_exact_reading_is_refused() -> None:
    data = b"[" * 1020 + b"123456789012345678901234" + b"]" * 1020
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(900)
    try:
        with pytest.raises(DecodeError, match="nested too deep"):
            decode_json(data)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("text", ["", "x", "{", "[" * 3000, "[NaN]", "[\ud800]", '{"a":1e999}', "[1] x"])
def test_text_that_holds_no_json_is_none(text: str) -> None:
    assert decode_text(text) is None


def test_text_that_holds_json_is_decoded_exactly() -> None:
    assert decode_text('{"a":[123456789012345678901]}') == {"a": [123456789012345678901]}
    assert decode_text("[" * 1015 + "]" * 1015) is not None  # deeper than the stack allows msgspec


@pytest.mark.parametrize("value", [b"\0\0\0\0\7{}", b"\0\0\0\0\7\x02a", b"\0\0\0\0\7\xff\xff"])
def test_a_value_of_a_schema_registry_is_recognised(value: bytes) -> None:
    with pytest.raises(DecodeError, match="may be in the format of a schema registry; if so, set `format: avro`"):
        decode_json(value)
