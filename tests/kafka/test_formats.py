"""Avro and JSON Schema, written by the producers' own serializers, a real registry, a real broker, the real command."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.kafka.cluster import fresh, order
from tests.kafka.dead_letter_commands import DeadLetterCommands
from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness
    from tests.kafka.registry import Registry
    from tests.kafka.registry_door import RegistryDoor

pytestmark = pytest.mark.kafka

Value = dict[str, Any]
Serialize: TypeAlias = "Callable[[Value], bytes]"

ORDER: Value = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "seq", "type": "long"},
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["PAID", "REFUNDED"]}},
        {
            "name": "buyer",
            "type": {"type": "record", "name": "Buyer", "fields": [{"name": "mobile", "type": ["null", "string"]}]},
        },
    ],
}
JSON_ORDER: Value = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object"}


def with_fields(schema: Value, *fields: Value) -> Value:
    return {**schema, "fields": [*schema["fields"], *fields]}


def avro(registry: Registry, topic: str, schema: Value | Schema) -> Serialize:
    """Return what writes values as a producer does, which registers the schema."""
    text = schema if isinstance(schema, Schema) else json.dumps(schema)
    serializer = AvroSerializer(registry.client(), text, conf={"subject.name.strategy.type": "TOPIC"})
    return lambda value: serializer(value, SerializationContext(topic, MessageField.VALUE)) or b""


def json_schema(registry: Registry, topic: str, schema: Value) -> Serialize:
    """The same for JSON Schema."""
    conf = {"subject.name.strategy.type": "TOPIC"}
    serializer = JSONSerializer(json.dumps(schema), registry.client(), conf=conf)
    return lambda value: serializer(value, SerializationContext(topic, MessageField.VALUE)) or b""


def value_of(number: int, **more: object) -> Value:
    """Return the value of an order, as `cluster.order` has it."""
    value: Value = json.loads(order(number))
    return {**value, **more}


def config_of(harness: KafkaHarness, url: str, formats: dict[str, str], **eventargs: object) -> Value:
    """Return a config for topics by their formats."""
    config = harness.config(*formats)
    config["kafka"]["schema_registry"] = {"url": url}
    config["decode"] = {topic: {"format": name} for topic, name in formats.items()}
    config["routes"][0]["fields"]["eventargs"].update(eventargs)
    return config


def test_what_the_producers_serializers_write_is_delivered(
    kafka: Cluster, harness: KafkaHarness, registry: Registry
) -> None:
    in_avro, in_json_schema, in_json = (kafka.create_topic(fresh("orders"), 2) for _ in range(3))
    write = avro(registry, in_avro, ORDER)
    write_json = json_schema(registry, in_json_schema, JSON_ORDER)
    formats = {in_avro: "avro", in_json_schema: "json_schema", in_json: "json"}
    connector = harness.start_connector(config_of(harness, registry.url, formats)).wait_ready()
    kafka.produce_all(in_avro, [{"value": write(value_of(number))} for number in range(1000)])
    kafka.produce_all(in_json_schema, [{"value": write_json(value_of(number))} for number in range(1000, 2000)])
    kafka.produce_all(in_json, [{"value": order(number)} for number in range(2000, 3000)])
    harness.wait_stored(3000)
    for topic in formats:
        harness.wait_committed(topic)
    assert lost_and_repeated(harness.sandbox.orders(), range(3000)) == (0, 0)
    assert connector.records()["dead_lettered"] == 0
    assert_conserved(connector)


def test_values_of_every_kind_reach_the_platform_as_docs_formats_says(
    kafka: Cluster, harness: KafkaHarness, registry: Registry
) -> None:
    schema = with_fields(
        ORDER,
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "born", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "rate", "type": "float"},
        {"name": "tags", "type": {"type": "map", "values": {"type": "array", "items": "string"}}},
        {"name": "gift_to", "type": ["null", "shop.Buyer"], "default": None},
    )
    topic = kafka.create_topic(harness.topic, 1)
    config = config_of(
        harness,
        registry.url,
        {topic: "avro"},
        c_price={"from": "$.amount", "as": "number", "multiply": 100},
        c_born="$.born",
        c_rate="$.rate",
        c_tag="$.tags.vip.0",
        c_gift="$.gift_to.mobile",
        c_state="$.status",
    )
    config["routes"][0]["fields"]["time"] = {"from": "$.paid_at", "as": "timestamp"}
    connector = harness.start_connector(config).wait_ready()
    paid_at = datetime(2026, 11, 16, 13, 20, 15, 673_000, tzinfo=UTC)
    more = {
        "amount": Decimal("1420.50"),
        "paid_at": paid_at,
        "born": date(1990, 1, 31),
        "rate": 19.9,
        "tags": {"vip": ["gold"]},
        "gift_to": {"mobile": "13900000000"},
    }
    timestamp_ms = int(paid_at.timestamp() * 1000)
    kafka.produce(topic, avro(registry, topic, schema)(value_of(1, **more)), timestamp_ms=timestamp_ms)
    harness.wait_stored(1)
    [item] = harness.sandbox.items()
    assert item["time"] == timestamp_ms
    assert item["eventargs"] == {
        "seq": 1,
        "c_order": "o1",
        "c_price": 142_050,
        "c_born": "1990-01-31",
        "c_rate": 19.9,
        "c_tag": "gold",
        "c_gift": "13900000000",
        "c_state": "PAID",
    }
    assert connector.records()["dead_lettered"] == 0


def test_records_of_an_older_and_a_newer_schema_and_of_referred_schemas_stand_side_by_side(
    kafka: Cluster, harness: KafkaHarness, registry: Registry
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    harness.start_connector(config_of(harness, registry.url, {topic: "avro"})).wait_ready()
    note = {"name": "note", "type": "string", "default": "none"}
    renamed = {**ORDER, "fields": [note, *reversed(ORDER["fields"])]}
    subject = fresh("shop.Person")
    person = {"type": "record", "name": "Person", "namespace": "shop", "fields": [{"name": "mobile", "type": "string"}]}
    registry.client().register_schema(subject, Schema(json.dumps(person), "AVRO"))
    referring = {**ORDER, "fields": [*ORDER["fields"][:3], {"name": "buyer", "type": "shop.Person"}]}
    referred = Schema(json.dumps(referring), "AVRO", [SchemaReference("shop.Person", subject, 1)])
    old, new, refers = (
        avro(registry, topic, ORDER),
        avro(registry, topic, renamed),
        avro(registry, fresh("t"), referred),
    )
    values = [old(value_of(1)), new(value_of(2, note="new")), refers(value_of(3)), old(value_of(4))]
    kafka.produce_all(topic, [{"value": value} for value in values])
    harness.wait_stored(4)
    assert lost_and_repeated(harness.sandbox.orders(), range(1, 5)) == (0, 0)
    assert sorted(item["eventargs"].get("c_note", "") for item in harness.sandbox.items()) == ["", "", "", "new"]


def test_a_schema_is_found_by_its_guid_in_a_header(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor, tmp_path: Path
) -> None:
    """Apicurio has no GUIDs: the door stands for a registry that has, and passes on what it answers."""
    topic = kafka.create_topic(harness.topic, 1)
    value = avro(registry, topic, ORDER)(value_of(1))
    guid = uuid.uuid4()
    door.guids[str(guid)] = int.from_bytes(value[1:5], "big")
    config = config_of(harness, door.url, {topic: "avro"})
    connector = harness.start_connector(config).wait_ready()
    kafka.produce(topic, value[5:], headers=[("__value_schema_id", b"\1" + guid.bytes)])
    kafka.produce(topic, value[5:], headers=[("__value_schema_id", b"\1" + uuid.uuid4().bytes)])
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), [1]) == (0, 0)
    assert connector.records()["dead_lettered"] == 1
    [letter] = DeadLetterCommands(config, tmp_path).list()
    assert letter["detail"].startswith("the schema registry has no schema with GUID")


def test_a_registry_that_is_stopped_and_started_loses_nothing_and_stops_nobody_else(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor
) -> None:
    in_avro, in_json = kafka.create_topic(fresh("orders"), 2), kafka.create_topic(fresh("orders"), 2)
    old, new = avro(registry, in_avro, ORDER), avro(registry, in_avro, with_fields(ORDER, {"name": "x", "type": "int"}))
    newer = new(value_of(0, x=1))  # registers the schema, of which the connector does not know yet
    config = config_of(harness, door.url, {in_avro: "avro", in_json: "json"})
    connector = harness.start_connector(config).wait_ready()
    kafka.produce_all(in_avro, [{"value": old(value_of(number))} for number in range(1000)], partition=0)
    harness.wait_stored(1000)

    door.close()
    kafka.produce_all(in_avro, [{"value": old(value_of(number))} for number in range(1000, 2000)], partition=1)
    harness.wait_stored(2000)
    assert connector.is_ready(), "of what is known nobody is asked"
    mixed = [new(value_of(number, x=1)) if number % 2 else old(value_of(number)) for number in range(2000, 6000)]
    kafka.produce_all(in_avro, [{"value": value} for value in mixed], partition=0)
    kafka.produce_all(in_json, [{"value": order(number)} for number in range(6000, 8000)])
    harness.wait_stored(4001)
    until(lambda: connector.reasons() == {"registry_unavailable"}, "the connector to say why it is not ready")
    assert f"the schema registry at {door.url.removeprefix('http://')} can't be reached" in next(
        iter(connector.remedies().values())
    )
    harness.wait_committed(in_json)
    assert harness.sandbox.count("stored") == 4001
    assert kafka.committed(harness.group, in_avro)[0] == 1001, "the first of the waiting ones is of the known schema"
    assert connector.is_alive()
    [held] = [one for one in connector.status()["partitions"] if (one["topic"], one["partition"]) == (in_avro, 0)]
    assert held["paused"]
    assert_conserved(connector)

    door.open()
    harness.wait_stored(8000)
    connector.wait_ready()
    harness.wait_committed(in_avro)
    assert lost_and_repeated(harness.sandbox.orders(), range(8000)) == (0, 0)
    assert connector.records()["dead_lettered"] == 0
    assert_conserved(connector)
    asked = [path for path in door.requests if "/ids/" in path]
    assert {door.requests[path] for path in asked} == {1}, "each schema is fetched once"
    assert f"/schemas/ids/{int.from_bytes(newer[1:5], 'big')}" in asked


def test_a_stop_while_records_wait_for_a_schema_leaves_them_to_the_next_start(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor
) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    write = avro(registry, topic, ORDER)
    door.close()
    config = config_of(harness, door.url, {topic: "avro"})
    first = harness.start_connector(config)
    until(lambda: first.reasons() == {"registry_unavailable"}, "the start to notice that the registry is away")
    kafka.produce_all(topic, [{"value": write(value_of(number))} for number in range(500)])
    until(lambda: any(one["paused"] for one in first.status()["partitions"]), "records to wait")
    first.terminate()
    assert first.exit_code(30) == 0
    assert harness.sandbox.count("stored") == 0
    door.open()
    harness.start_connector(config).wait_ready()
    harness.wait_stored(500)
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(500)) == (0, 0)


def test_a_registry_that_hangs_or_refuses_is_a_reason_and_records_wait_until_it_answers(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    config = config_of(harness, door.url, {topic: "avro"})
    config["kafka"]["schema_registry"]["properties"] = {"timeout": 1, "basic.auth.user.info": "${NO_SUCH:-user:secret}"}
    connector = harness.start_connector(config).wait_ready()
    kafka.produce(topic, avro(registry, topic, ORDER)(value_of(1)))
    harness.wait_stored(1)
    write = avro(registry, topic, with_fields(ORDER, {"name": "x", "type": "int"}))
    value = write(value_of(2, x=1))

    def says(text: str) -> bool:
        return text in connector.remedies().get(("registry_unavailable", ""), "")

    door.status = 401
    kafka.produce(topic, value)
    until(lambda: says("refuses the credentials (HTTP 401)"), "401 to be told")
    for status, told in [(403, "forbids reading schemas"), (404, "has no such API (HTTP 404)"), (503, "HTTP 503")]:
        door.status = status
        until(partial(says, told), f"{status} to be told")
    door.status = 0
    registry.freeze()
    try:
        until(lambda: says("does not answer within 1 s"), "the silence to be told")
    finally:
        registry.thaw()
    harness.wait_stored(2)
    connector.wait_ready()
    assert connector.records()["dead_lettered"] == 0
    assert "secret" not in connector.stderr


def test_what_can_t_be_read_by_its_schema_is_a_dead_letter_that_says_why(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, tmp_path: Path
) -> None:
    topic, in_json = kafka.create_topic(harness.topic, 1), kafka.create_topic(fresh("orders"), 1)
    config = config_of(harness, registry.url, {topic: "avro", in_json: "json_schema"})
    connector = harness.start_connector(config).wait_ready()
    good = avro(registry, topic, ORDER)(value_of(1))
    in_json_schema = json_schema(registry, in_json, JSON_ORDER)(value_of(2))
    values = [
        b"\0\0\0\x27\x0f" + good[5:],
        order(1),
        b"",
        in_json_schema,
        good[:-3],
        good + b"more",
        good,
    ]
    kafka.produce_all(topic, [{"value": value} for value in values], partition=0)
    kafka.produce_all(in_json, [{"value": value} for value in (good, in_json_schema[:-2], in_json_schema)], partition=0)
    kafka.produce(topic, None, key=b"tombstone")
    for name in (topic, in_json):
        harness.wait_committed(name)
    letters = DeadLetterCommands(config, tmp_path).list()
    assert {letter["reason"] for letter in letters} == {"decode_failed"}
    found = {(letter["topic"], letter["offset"]): letter["detail"] for letter in letters}
    avro_id, json_id = (int.from_bytes(value[1:5], "big") for value in (good, in_json_schema))
    expected = {
        (topic, 0): "the schema registry has no schema with id 9999",
        (topic, 1): "the value is not in the schema registry's format: it does not begin with",
        (topic, 2): "the value is not in the schema registry's format: it is empty",
        (topic, 3): f"the schema with id {json_id} is JSON, the topic's format is avro",
        (topic, 4): "the value does not fit its schema: it ends too early",
        (topic, 5): "the value does not fit its schema: it is 4 bytes longer",
        (in_json, 0): f"the schema with id {avro_id} is AVRO, the topic's format is json_schema",
        (in_json, 1): "the value is not JSON",
    }
    assert found.keys() == expected.keys()
    assert {place: found[place][: len(text)] for place, text in expected.items()} == expected
    assert lost_and_repeated(harness.sandbox.orders(), [1, 2]) == (0, 0)
    assert connector.is_ready()
    assert_conserved(connector)


def test_a_dead_letter_in_avro_is_shown_and_replayed_by_its_schema(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    config = config_of(harness, door.url, {topic: "avro"})
    broken = copy.deepcopy(config)
    broken["routes"][0]["identity"][0]["value"]["from"] = "$.buyer.mobil"
    connector = harness.start_connector(broken).wait_ready()
    write = avro(registry, topic, ORDER)
    kafka.produce_all(topic, [{"value": write(value_of(number))} for number in range(3)], partition=0)
    kafka.produce(topic, b"\0\0\0\x27\x0f" + write(value_of(3))[5:], partition=0)
    harness.wait_committed()
    assert connector.records()["dead_lettered"] == 4
    connector.terminate()
    assert connector.exit_code() == 0

    commands = DeadLetterCommands(config, tmp_path)
    listed = commands.list()
    assert sorted(one["reason"] for one in listed) == ["decode_failed", *["identity_missing"] * 3]
    shown = commands.run("show", f"{topic}[0]@0")
    assert shown.returncode == 0, shown.stderr
    assert "13800000000" not in shown.stdout
    document = json.loads(commands.run("show", f"{topic}[0]@0", "--unmask", "--json").stdout)
    assert document["value"] == value_of(0)

    door.close()
    away = commands.run("replay", "--yes")
    assert away.returncode == 1
    assert "can't be reached" in away.stderr
    shown = commands.run("show", f"{topic}[0]@0")
    assert shown.returncode == 0
    assert "the value is shown as it is: the schema registry at" in shown.stderr
    assert "13800000000" not in shown.stdout
    door.open()
    dry = commands.run("replay")
    assert dry.returncode == 0, dry.stderr
    sent = commands.run("replay", "--yes")
    assert "3" in sent.stdout
    assert lost_and_repeated(harness.sandbox.orders(), range(3)) == (0, 0)


def test_members_that_join_and_leave_while_records_wait_for_a_schema_lose_and_repeat_nothing(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor
) -> None:
    topic = kafka.create_topic(harness.topic, 4)
    old, new = avro(registry, topic, ORDER), avro(registry, topic, with_fields(ORDER, {"name": "x", "type": "int"}))
    new(value_of(0, x=1))  # registers the schema
    config = config_of(harness, door.url, {topic: "avro"})
    config["kafka"]["properties"].update(SHORT_SESSION)
    first = harness.start_connector(config).wait_ready()
    kafka.produce_all(topic, [{"value": old(value_of(number))} for number in range(1000)])
    harness.wait_stored(1000)
    door.close()
    kafka.produce_all(topic, [{"value": new(value_of(number, x=1))} for number in range(1000, 5000)])
    until(lambda: "registry_unavailable" in first.reasons(), "records to wait")
    second = harness.start_connector(config)
    until(lambda: len(second.status()["partitions"]) == 2 if second.is_alive() else None, "the second to get its part")
    third = harness.start_connector(config)
    until(lambda: third.is_alive() and third.status()["partitions"], "the third to get its part")
    first.terminate()
    assert first.exit_code() == 0
    third.kill()
    door.open()
    harness.wait_stored(5000)
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(5000)) == (0, 0)
    assert_conserved(second)
