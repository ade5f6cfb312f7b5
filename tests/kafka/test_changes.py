"""Change data capture on a real broker: topics of Canal and of Debezium, the real command line, the sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.dead_letter_commands import DeadLetterCommands
from tests.kafka.harness import assert_conserved
from tests.unit.decode.changes import canal, canal_ddl, debezium, with_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

CHANGED = {"$change.op": ["insert", "update"]}


def config_of(harness: KafkaHarness, decode: dict[str, str], where: dict[str, Any]) -> dict[str, Any]:
    config = harness.config()
    config["decode"] = {harness.topic: decode}
    [route] = config["routes"]
    route["where"] = where
    route["identity"] = [{"type": "phone", "value": {"from": "$.mobile", "as": "phone"}}]
    route["fields"] = {
        "eventargs": {
            "id": {"from": "$.id", "as": "integer"},
            "op": "$change.op",
            "was": {"from": "$change.before.level", "as": "integer"},
            "city": "$.city",
        }
    }
    return config


def row(number: int, **changed: object) -> dict[str, Any]:
    return {"id": number, "mobile": f"138{number:08d}", "level": 2, **changed}


def texts(number: int, **changed: object) -> dict[str, Any]:
    """Return a row as Canal writes it."""
    return {name: None if each is None else str(each) for name, each in row(number, **changed).items()}


def arguments(harness: KafkaHarness) -> list[tuple[int, str, object]]:
    found = [item["eventargs"] for item in harness.sandbox.items()]
    return sorted((each["id"], each["op"], each.get("was")) for each in found)


def produce(
    kafka: Cluster, harness: KafkaHarness, *values: bytes | dict[str, Any] | None, codec: str = "utf-8"
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    for value in values:
        data = None if value is None else json.dumps(value, ensure_ascii=False).encode(codec)
        kafka.produce(harness.topic, data, key=b"1")


def test_the_rows_of_canal_flow_and_of_several_only_the_one_that_failed_is_replayed(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    changes = [
        canal_ddl("CREATE"),
        canal("INSERT", texts(1), texts(2, mobile=None), texts(3, city="北京")),
        canal("UPDATE", texts(1), old=[{"level": "1"}]),
        canal("DELETE", texts(1)),
        {"id": 9, "mobile": "13800000009"},
    ]
    produce(kafka, harness, *changes, codec="gb18030")
    decode = {"envelope": "canal", "charset": "gb18030"}
    config = config_of(harness, decode, CHANGED)
    connector = harness.start_connector(config)
    harness.wait_committed()
    assert arguments(harness) == [(1, "insert", None), (1, "update", 1), (3, "insert", None)]
    assert [item["eventargs"]["city"] for item in harness.sandbox.items() if "city" in item["eventargs"]] == ["北京"]
    records = connector.records()
    assert (records["delivered"], records["skipped"], records["dead_lettered"]) == (1, 2, 2)
    assert_conserved(connector)
    connector.terminate()
    assert connector.exit_code() == 0
    assert "cdc_without_op" not in connector.stderr

    config["routes"][0]["identity"][0]["value"]["default"] = "13900000000"
    commands = DeadLetterCommands(config, tmp_path)
    listed = sorted(commands.list(), key=lambda one: one["offset"])
    assert [(one["reason"], one["route"]) for one in listed] == [("identity_missing", "orders"), ("decode_failed", "")]
    shown = json.loads(commands.run("show", listed[0]["place"], "--json").stdout)
    assert (shown["part"], shown["detail"].partition(":")[0]) == ("row=1", "row 1 of the change")
    assert commands.run("replay", "--yes", "--reason", "identity_missing").returncode == 0
    assert arguments(harness) == [(1, "insert", None), (1, "update", 1), (2, "insert", None), (3, "insert", None)]
    assert harness.sandbox.count("repeated") == 0
    undecodable = json.loads(commands.run("show", listed[1]["place"], "--json").stdout)
    assert "expected a Canal message (type, table, data)" in undecodable["detail"]
    failed_again = json.loads(commands.run("replay", "--yes", "--json").stdout)
    assert failed_again["dead_lettered"] == 1


def test_the_events_of_debezium_flow_without_the_snapshot(kafka: Cluster, harness: KafkaHarness) -> None:
    produce(
        kafka,
        harness,
        *(debezium("r", None, row(number)) for number in range(20)),
        with_schema(debezium("c", None, row(30))),
        debezium("u", row(30, level=1), row(30)),
        {**row(31), "__op": "u", "__deleted": "false", "__table": "member"},
        debezium("d", row(30)),
        None,
        {"op": "t", "source": debezium()["source"], "ts_ms": 1},
    )
    connector = harness.start_connector(config_of(harness, {"envelope": "debezium"}, CHANGED))
    harness.wait_committed()
    assert arguments(harness) == [(30, "insert", None), (30, "update", 1), (31, "update", None)]
    records = connector.records()
    assert (records["delivered"], records["skipped"], records["dead_lettered"]) == (3, 23, 0)
    assert_conserved(connector)


def test_a_route_that_sends_the_snapshot_is_warned_of_at_the_start(kafka: Cluster, harness: KafkaHarness) -> None:
    produce(kafka, harness, *(debezium("r", None, row(number)) for number in range(5)))
    connector = harness.start_connector(config_of(harness, {"envelope": "debezium"}, {"$.level": 2}))
    harness.wait_committed()
    assert len(arguments(harness)) == 5
    assert "a snapshot would send history as new events" in connector.stderr
    assert "[cdc_without_op]" in connector.stderr
