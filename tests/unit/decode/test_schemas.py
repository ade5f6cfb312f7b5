"""Which schema a record names, which of them are known, and what a record is told whose schema is of no use."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from connector.core.errors import DecodeError
from connector.core.record import UNREADABLE_HEADERS, Headers, Record
from connector.decode.schema_ids import HEADER, schema_id_of
from connector.decode.schemas import UNKNOWN_FOR_S, Schema, Schemas
from connector.settings.models import Decode

GUID = UUID("89791762-2336-4186-9674-299b90a802e2")
IN_HEADER: Headers = ((HEADER, b"\1" + GUID.bytes),)


def record(value: bytes | None, headers: Headers = (), topic: str = "orders") -> Record:
    return Record(topic, 0, 0, None, None, value, headers)


def numbered(schema_id: int, data: bytes = b"data") -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + data


def upper(data: bytes) -> str:
    return data.decode().upper()


DECODE = {"orders": Decode(format="avro"), "^billing": Decode(format="json_schema"), "plain": Decode()}


@pytest.fixture
def schemas() -> Schemas:
    return Schemas(DECODE)


def read(schemas: Schemas, one: Record, name: str = "avro") -> Any:  # noqa: ANN401 - any value
    return schemas.formats[name](Decode.model_validate({"format": name})).read(one)


@pytest.mark.parametrize(
    ("value", "headers", "expected"),
    [
        (numbered(7), (), (7, 5)),
        (numbered(2**32 - 1), (("trace", b"t"),), (2**32 - 1, 5)),
        (numbered(7), UNREADABLE_HEADERS, (7, 5)),
        (b"data", IN_HEADER, (GUID, 0)),
        (b"data", (("trace", None), *IN_HEADER), (GUID, 0)),
        (b"", IN_HEADER, (GUID, 0)),
        (b"data", ((HEADER, numbered(7, b"")),), (7, 0)),
    ],
)
def test_a_record_names_its_schema_by_number_or_by_guid(
    value: bytes, headers: Headers, expected: tuple[object, int]
) -> None:
    assert schema_id_of(record(value, headers)) == expected


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"", (), "not in the schema registry's format: it is empty"),
        (b"\0\0\0\0\7", (), "it has 5 bytes"),
        (b'{"a": 1}', (), r"it does not begin with the zero byte .* plain JSON \(format: json\)"),
        (b"\x01abcdefgh", (), "it does not begin with the zero byte and the schema's id that its serializers write$"),
        (numbered(7), ((HEADER, b"\1"),), f"the header {HEADER} holds neither"),
        (numbered(7), ((HEADER, None),), f"the header {HEADER} holds neither"),
    ],
)
def test_a_record_without_a_schema_is_refused_and_waits_for_none(
    schemas: Schemas, value: bytes, headers: Headers, reason: str
) -> None:
    one = record(value, headers)
    with pytest.raises(DecodeError, match=reason):
        read(schemas, one)
    assert schemas.ready([one]) == 1
    assert list(schemas.missing([one])) == []


def test_records_are_ready_up_to_the_first_whose_schema_is_missing(schemas: Schemas) -> None:
    records = [record(numbered(7)), record(None), record(numbered(8)), record(numbered(7)), record(b"data", IN_HEADER)]
    assert (schemas.ready(records), list(schemas.missing(records))) == (0, [7, 8, 7, GUID])
    schemas.add(7, Schema("AVRO", upper))
    assert (schemas.ready(records), list(schemas.missing(records))) == (2, [8, GUID])
    schemas.add(8, None)
    assert (schemas.ready(records), list(schemas.missing(records))) == (4, [GUID])
    schemas.add(GUID, Schema("AVRO", upper))
    assert (schemas.ready(records), list(schemas.missing(records))) == (5, [])
    assert read(schemas, records[0]) == "DATA"
    assert read(schemas, records[4]) == "DATA"


def test_a_header_comes_before_the_first_bytes(schemas: Schemas) -> None:
    schemas.add(7, Schema("AVRO", upper))
    assert list(schemas.missing([record(numbered(7), IN_HEADER)])) == [GUID]


def test_that_the_registry_lacks_a_schema_is_believed_for_a_while() -> None:
    now = [0.0]
    schemas = Schemas(DECODE, lambda: now[0])
    one = record(numbered(9999))
    schemas.add(9999, None)
    with pytest.raises(DecodeError, match="the schema registry has no schema with id 9999"):
        read(schemas, one)
    now[0] = UNKNOWN_FOR_S - 1
    schemas.forget_unknown()
    assert schemas.ready([one]) == 1
    now[0] = UNKNOWN_FOR_S + 1
    assert schemas.ready([one]) == 1, "until told to forget"
    schemas.add(8888, None)
    schemas.forget_unknown()
    assert schemas.ready([one]) == 0
    assert schemas.ready([record(numbered(8888))]) == 1
    schemas.add(9999, Schema("AVRO", upper))
    assert read(schemas, one) == "DATA"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (Schema("JSON", upper), "the schema with id 7 is JSON, the topic's format is avro"),
        (Schema("PROTOBUF", None, "not read"), "the schema with id 7 is PROTOBUF, the topic's format is avro"),
        (Schema("AVRO", None, "UnknownType: x"), "the schema with id 7 can't be used: UnknownType: x"),
    ],
)
def test_a_schema_that_is_of_no_use_is_named(schemas: Schemas, schema: Schema, reason: str) -> None:
    schemas.add(7, schema)
    with pytest.raises(DecodeError, match=reason):
        read(schemas, record(numbered(7)))


def test_only_topics_of_such_a_format_are_read_by_schemas(schemas: Schemas) -> None:
    topics = ["orders", "billing.orders", "plain", "others"]
    assert [topic for topic in topics if schemas.reads(topic)] == ["orders", "billing.orders"]
