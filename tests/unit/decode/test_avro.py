"""Avro: values as JSON would have them, whatever the schema; what does not fit is refused without ending anything."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.errors import DecodeError
from connector.decode.avro import SchemaError, reader
from connector.decode.logical_types import decimal, single

NOON = datetime(2020, 11, 16, 13, 20, 15, 673_000, tzinfo=UTC)
NOON_MS = 1_605_532_815_673


def written(schema: Any, value: object) -> bytes:  # noqa: ANN401 - JSON
    """Return a value as fastavro, which the producers' serializers use, writes it."""
    stream = BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return stream.getvalue()


def decoded(schema: Any, value: object) -> Any:  # noqa: ANN401 - JSON
    return reader(json.dumps(schema))(written(schema, value))


def of(kind: str, logical: str, **more: object) -> dict[str, object]:
    return {"type": kind, "logicalType": logical, **more}


def fixed(size: int, logical: str = "", **more: object) -> dict[str, object]:
    return {"type": "fixed", "name": "F", "size": size, **({"logicalType": logical} if logical else {}), **more}


TABLE: list[tuple[str, Any, object, object]] = [
    ("null", "null", None, None),
    ("boolean", "boolean", True, True),
    ("int", "int", -7, -7),
    ("a long of 64 bits", "long", 2**63 - 1, 2**63 - 1),
    ("double", "double", 0.1, 0.1),
    ("NaN", "double", math.nan, None),
    ("infinity", "float", -math.inf, None),
    ("a float of 32 bits", "float", 19.9, 19.9),
    ("string", "string", "兔展", "兔展"),
    ("bytes", "bytes", b"\x00\xff", "AP8="),
    ("fixed", fixed(2), b"\x00\xff", "AP8="),
    ("enum", {"type": "enum", "name": "E", "symbols": ["PAID", "REFUNDED"]}, "REFUNDED", "REFUNDED"),
    ("array", {"type": "array", "items": "int"}, [1, 2], [1, 2]),
    ("map", {"type": "map", "values": "double"}, {"a": 1.5}, {"a": 1.5}),
    ("union", ["null", "string"], None, None),
    ("union of several", ["null", "long", "string", "bytes"], b"a", "YQ=="),
    ("decimal", of("bytes", "decimal", precision=10, scale=2), Decimal("1420.50"), 1420.5),
    ("negative decimal", of("bytes", "decimal", precision=10, scale=2), Decimal("-0.07"), -0.07),
    ("whole decimal", of("bytes", "decimal", precision=40), Decimal(10**38), 10**38),
    (
        "decimal of many digits",
        of("bytes", "decimal", precision=38, scale=4),
        Decimal("-12345678901234567890.1200"),
        "-12345678901234567890.1200",
    ),
    ("decimal in fixed", fixed(8, "decimal", precision=18, scale=3), Decimal("0.005"), 0.005),
    ("date", of("int", "date"), date(1990, 1, 31), "1990-01-31"),
    ("date before 1970", of("int", "date"), date(1949, 10, 1), "1949-10-01"),
    ("time-millis", of("int", "time-millis"), time(9, 5, 0, 7000), "09:05:00.007"),
    ("time-micros", of("long", "time-micros"), time(23, 59, 59, 1), "23:59:59.000001"),
    ("timestamp-millis", of("long", "timestamp-millis"), NOON, NOON_MS),
    ("timestamp-micros", of("long", "timestamp-micros"), NOON, NOON_MS * 1000),
    ("timestamp-nanos", of("long", "timestamp-nanos"), NOON_MS * 10**6, NOON_MS * 10**6),
    (
        "local-timestamp-millis",
        of("long", "local-timestamp-millis"),
        NOON.replace(tzinfo=None),
        "2020-11-16T13:20:15.673",
    ),
    (
        "local-timestamp-micros",
        of("long", "local-timestamp-micros"),
        datetime(1960, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - a wall clock's time has no zone
        "1960-01-01T00:00:00.000001",
    ),
    ("uuid", of("string", "uuid"), UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ("uuid of 16 bytes", fixed(16, "uuid"), UUID(int=7).bytes, "00000000-0000-0000-0000-000000000007"),
    ("duration", fixed(12, "duration"), b"\1\0\0\0\2\0\0\0\3\0\0\0", "AQAAAAIAAAADAAAA"),
    ("a logical type that is not known", of("string", "email"), "a@b", "a@b"),
]


@pytest.mark.parametrize(("schema", "value", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_value_becomes_what_json_has(schema: Any, value: object, expected: object) -> None:  # noqa: ANN401 - JSON
    record = {"type": "record", "name": "R", "fields": [{"name": "x", "type": schema}]}
    for got in (decoded(schema, value), decoded(record, {"x": value})["x"]):
        assert got == expected
        assert type(got) is type(expected)
        assert msgspec.json.decode(msgspec.json.encode(got)) == expected


def test_a_date_or_a_time_that_python_does_not_have_stays_a_number() -> None:
    for kind, logical, value in [
        ("int", "date", 2**31 - 1),
        ("long", "local-timestamp-millis", 2**62),
        ("int", "time-millis", -1),
        ("long", "timestamp-millis", 2**62),
    ]:
        assert reader(json.dumps(of(kind, logical)))(written(kind, value)) == value


def test_the_schema_of_a_nested_type_counts_wherever_it_is_named() -> None:
    money = {"type": "fixed", "name": "Money", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}
    fields = [{"name": "price", "type": money}, {"name": "old", "type": ["null", "shop.Money"]}]
    schema = {"type": "record", "name": "Order", "namespace": "shop", "fields": fields}
    assert decoded(schema, {"price": Decimal("1.50"), "old": Decimal("2.25")}) == {"price": 1.5, "old": 2.25}


def test_a_name_may_stand_where_a_type_does() -> None:
    buyer = {"type": "record", "name": "Buyer", "namespace": "shop", "fields": [{"name": "x", "type": "int"}]}
    fields = [{"name": "a", "type": buyer}, {"name": "b", "type": {"type": "shop.Buyer"}}]
    schema = {"type": "record", "name": "Order", "fields": fields}
    assert reader(json.dumps(schema))(b"\x02\x04") == {"a": {"x": 1}, "b": {"x": 2}}


def test_what_decoding_does_not_need_is_no_reason_to_refuse_a_schema() -> None:
    field = {"name": "x", "type": "int", "default": "not an int", "doc": 7, "aliases": 3, "order": "sideways"}
    schema = {"type": "record", "name": "R", "fields": [field], "connect.name": "R", "aliases": ["a b"]}
    assert reader(json.dumps(schema))(b"\x0e") == {"x": 7}
    assert reader(json.dumps(of("bytes", "decimal", precision="x", scale="y")))(b"\x02a") == "YQ=="
    assert reader("string")(b"\x02a") == "a"


def test_schemas_that_a_schema_refers_to_are_parsed_before_it() -> None:
    sku = {"type": "record", "name": "Sku", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]}
    line = {"type": "record", "name": "Line", "namespace": "shop", "fields": [{"name": "sku", "type": "Sku"}]}
    order = {
        "type": "record",
        "name": "Order",
        "fields": [{"name": "lines", "type": {"type": "array", "items": "shop.Line"}}],
    }
    read = reader(json.dumps(order), [json.dumps(sku), json.dumps(line)])
    assert read(b"\x02\x02a\x00") == {"lines": [{"sku": {"id": "a"}}]}


@pytest.mark.parametrize(
    "schema", ['{"type": "nonsense"}', '{"type": "record", "name": "R"}', "{", "7", '"shop.Absent"']
)
def test_a_schema_that_is_none_is_refused(schema: str) -> None:
    with pytest.raises(SchemaError):
        reader(schema)


def test_a_schema_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(SchemaError, match="nested too deep"):
        reader('{"type":"array","items":' * 100_000 + '"int"' + "}" * 100_000)


@pytest.mark.parametrize(
    ("schema", "data", "reason"),
    [
        ("string", b"", "ends too early"),
        ("string", b"\x06ab", "ends too early"),
        ("string", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "ends too early"),
        ("double", b"\0", "ends too early"),
        ("long", b"\xff" * 30, "ends too early"),
        (["null", "int"], b"\x08\0", "a branch of a union"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x06", "a symbol of an enum"),
        ("string", b"\x02\xff", "not UTF-8"),
        ("int", b"\x02\x02", "1 bytes longer"),
    ],
)
def test_a_value_that_does_not_fit_its_schema_is_refused(schema: object, data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=f"does not fit its schema: .*{reason}"):
        reader(json.dumps(schema))(data)


LIST = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}


def test_a_schema_that_contains_itself_is_read() -> None:
    assert reader(json.dumps(LIST))(b"\x02\x02\x00") == {"next": {"next": {"next": None}}}


@pytest.mark.parametrize(
    "schema",
    [
        LIST,
        {**LIST, "fields": [{"name": "next", "type": ["null", {"type": "N"}]}]},
        {"type": "record", "name": "A", "fields": [{"name": "b", "type": {"type": "map", "values": "A"}}]},
        {"type": "array", "items": {**LIST, "fields": [{"name": "next", "type": {"type": "array", "items": "N"}}]}},
    ],
)
def test_a_value_of_a_million_levels_is_refused_and_does_not_end_the_process(schema: object) -> None:
    """In a process of its own: fastavro's C code would end the one of the tests."""
    program = (
        "from connector.decode.avro import reader\n"
        "from connector.core.errors import DecodeError\n"
        f"read = reader({json.dumps(schema)!r})\n"
        "try:\n    read(b'\\x02' * 1_000_000)\n"
        "except DecodeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nested too deep" in done.stdout or "ends too early" in done.stdout


@given(st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    fields = [{"name": f"x{index}", "type": row[1]} for index, row in enumerate(TABLE) if "name" not in str(row[1])]
    read = reader(json.dumps({"type": "record", "name": "R", "fields": fields}))
    try:
        value = read(data)
    except DecodeError:
        return
    msgspec.json.encode(value)


@given(st.integers(-(10**30), 10**30), st.integers(0, 30))
def test_no_digit_of_a_decimal_is_lost(unscaled: int, scale: int) -> None:
    data = unscaled.to_bytes((unscaled.bit_length() + 8) // 8, "big", signed=True)
    assert Decimal(str(decimal(data, scale))) == Decimal(f"{unscaled}E-{scale}")


def significant_digits(value: float) -> int:
    return len(repr(value).partition("e")[0].replace(".", "").strip("-0"))


@example(999999986991104.0)  # shown as 1000000000000000.0, which is longer, and has one digit
@given(st.floats(width=32))
def test_a_float_of_32_bits_is_the_same_float_when_it_is_written_again(value: float) -> None:
    shown = single(value)
    if math.isfinite(value):
        assert shown is not None
        assert fastavro.schemaless_reader(BytesIO(written("float", shown)), "float", None) == value
        assert significant_digits(shown) <= significant_digits(value)
    else:
        assert shown is None


def test_dates_are_exact() -> None:
    for days in range(-100_000, 100_000, 997):
        assert reader(json.dumps(of("int", "date")))(written("int", days)) == str(
            date(1970, 1, 1) + timedelta(days=days)
        )
