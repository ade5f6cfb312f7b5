"""Avro and JSON Schema, written by the producers' own serializers, a real registry, a real broker, the real command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.kafka.cluster import fresh, order
from tests.kafka.harness import assert_conserved, lost_and_repeated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness
    from tests.kafka.registry import Registry

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
