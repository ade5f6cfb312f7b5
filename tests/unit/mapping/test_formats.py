"""Records in a registry's formats through the mapper: the same items as of the same values in JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from connector.core.record import Record
from connector.decode.avro import reader
from connector.decode.decoding import FORMATS_OF_TESTS
from connector.decode.json import decode_json
from connector.decode.schemas import Schema, Schemas
from connector.settings.models import Decode
from tests.unit.decode.test_avro import of, written
from tests.unit.mapping.helpers import NOW_MS, TOPIC, compiled, route

ROW: dict[str, Any] = {
    "type": "record",
    "name": "Value",
    "fields": [
        {"name": "phone", "type": ["null", "string"]},
        {"name": "level", "type": "int"},
        {"name": "paid", "type": of("bytes", "decimal", precision=12, scale=2)},
        {"name": "at", "type": of("long", "timestamp-micros")},
        {"name": "lines", "type": {"type": "array", "items": {"type": "map", "values": "string"}}},
    ],
}
ENVELOPE: dict[str, Any] = {
    "type": "record",
    "name": "Envelope",
    "fields": [
        {"name": "before", "type": ["null", ROW]},
        {"name": "after", "type": ["null", "Value"]},
        {
            "name": "source",
            "type": {"type": "record", "name": "Source", "fields": [{"name": "table", "type": "string"}]},
        },
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"]},
    ],
}
AT_US = NOW_MS * 1000
VALUE = {
    "phone": "13800000000",
    "level": 2,
    "paid": Decimal("99.90"),
    "at": AT_US,
    "lines": [{"sku": "a"}, {"sku": "b"}],
}
IN_JSON = {**VALUE, "paid": 99.9}
ROUTE = route(
    for_each="$.lines",
    fields={
        "time": {"from": "$.at", "as": "timestamp"},
        "eventargs": {"c_paid": {"from": "$.paid", "as": "number", "multiply": 100}, "c_sku": "$item.sku"},
    },
)


def bodies(
    decode: dict[str, Any], value: bytes, schemas: Schemas | None = None, of_route: dict[str, Any] = ROUTE
) -> list[Any]:
    mapping, problems = compiled(of_route, decode={TOPIC: decode})
    assert mapping is not None, problems.found
    formats = FORMATS_OF_TESTS if schemas is None else schemas.formats
    record = Record(TOPIC, 0, 0, NOW_MS, None, value, ())
    fast, general = (mapping.mapper("cluster", projected=each, formats=formats) for each in (True, False))
    several_rows_and_elements = "envelope" in decode and "for_each" in of_route
    assert bool(fast.source(TOPIC)) is (decode.get("format") != "avro" and not several_rows_and_elements), (
        "is generated"
    )
    items = fast.items(record)
    assert list(items) == list(general.items(record))
    return [(item.failure, item.body) for item in items]


def schemas_of(decode: dict[str, Any], schema: Schema) -> Schemas:
    schemas = Schemas({TOPIC: Decode.model_validate(decode)})
    schemas.add(7, schema)
    return schemas


def test_avro_gives_the_items_that_json_gives() -> None:
    decode = {"format": "avro"}
    schemas = schemas_of(decode, Schema("AVRO", reader(json.dumps(ROW))))
    made = bodies(decode, b"\0\0\0\0\7" + written(ROW, VALUE), schemas)
    assert len(made) == 2
    assert made == bodies({}, json.dumps(IN_JSON).encode())


def test_json_schema_gives_the_items_that_json_gives() -> None:
    decode = {"format": "json_schema"}
    value = json.dumps(IN_JSON).encode()
    schemas = schemas_of(decode, Schema("JSON", decode_json))
    made = bodies(decode, b"\0\0\0\0\7" + value, schemas)
    assert len(made) == 2
    assert made == bodies({}, value)
    [(failure, _)] = bodies(decode, b"\0\0\0\0\7" + value[:-1], schemas)
    assert failure.detail.startswith("the value is not JSON")
    [(failure, _)] = bodies(decode, b"\0\0\0\0\x08" + value, schemas)
    assert failure.detail == "the schema registry has no schema with id 8"


def test_an_envelope_is_opened_after_avro_is_decoded() -> None:
    decode = {"format": "avro", "envelope": "debezium"}
    schemas = schemas_of(decode, Schema("AVRO", reader(json.dumps(ENVELOPE))))
    change = {"before": None, "after": VALUE, "source": {"table": "orders"}, "op": "c", "ts_ms": NOW_MS}
    made = bodies(decode, b"\0\0\0\0\7" + written(ENVELOPE, change), schemas)
    assert made == bodies({"envelope": "debezium"}, json.dumps({**change, "after": IN_JSON}).encode())
    assert len(made) == 2
    deleted = {**change, "before": VALUE, "after": None, "op": "d"}
    assert bodies(decode, b"\0\0\0\0\7" + written(ENVELOPE, deleted), schemas) == made


def test_without_a_registry_a_record_is_a_failure_and_no_crash() -> None:
    mapping, _ = compiled(ROUTE, decode={TOPIC: {"format": "avro"}})
    assert mapping is not None
    [item] = mapping.mapper("cluster").items(Record(TOPIC, 0, 0, NOW_MS, None, b"\0\0\0\0\7x", ()))
    assert item.failure is not None
    assert item.failure.reason == "decode_failed"
    assert "asks no schema registry" in item.failure.detail


def test_an_envelope_in_json_schema_is_opened_by_generated_code() -> None:
    decode = {"format": "json_schema", "envelope": "debezium"}
    plain = route(where={"$change.op": "insert"}, fields={"time": {"from": "$.at", "as": "timestamp"}})
    change = {"before": None, "after": IN_JSON, "source": {"table": "orders"}, "op": "c", "ts_ms": NOW_MS}
    value = json.dumps(change).encode()
    made = bodies(decode, b"\0\0\0\0\7" + value, schemas_of(decode, Schema("JSON", decode_json)), plain)
    assert len(made) == 1
    assert made == bodies({"envelope": "debezium"}, value, None, plain)
    chinese = json.dumps({**change, "after": {**IN_JSON, "city": "北京"}}, ensure_ascii=False)
    assert bodies({"envelope": "debezium", "charset": "gb18030"}, chinese.encode("gbk"), None, plain) == made
