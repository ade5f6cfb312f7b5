"""`init` of a topic: a real broker and the real command line, up to a preview by what it has written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import fresh

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka


def run(folder: Path, kafka: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.address}
    command = [sys.executable, "-m", "connector", *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_from_a_topic_to_a_config_whose_preview_maps_every_record(kafka: Cluster, tmp_path: Path) -> None:
    topic = kafka.create_topic(fresh("init"), 3)
    for number in range(30):
        order = {"order_id": f"SO{number}", "status": ["PAID", "REFUNDED"][number % 2], "amount_fen": 100 * number}
        value = json.dumps({**order, "time": 1717216200000, "buyer": {"mobile": f"138{number:08}"}})
        kafka.produce(topic, value.encode(), partition=number % 3)
    kafka.produce(topic, None, partition=0)
    kafka.produce(topic, b"oops", partition=1)

    done = run(tmp_path, kafka, "init", "--topic", topic)
    assert done.returncode == 0, done.stderr
    assert f"looked at all 32 records of {topic}" in done.stdout
    assert "1 record passed over: the value is not JSON" in done.stdout
    assert "1 tombstone (null) passed over" in done.stdout
    config = (tmp_path / "connector.yaml").read_text(encoding="utf-8")
    assert f"bootstrap_servers: ${{KAFKA_BOOTSTRAP_SERVERS:-{kafka.address}}}" in config
    assert f"topics: [{topic}]" in config

    tested = run(tmp_path, kafka, "test", "tests/connector.yaml")
    assert (tested.returncode, "2 passed" in tested.stdout) == (0, True)
    previewed = json.loads(run(tmp_path, kafka, "preview", "-c", "connector.yaml", "--topic", topic, "--json").stdout)
    kinds = {tuple(each["kind"]): each["records"] for each in previewed["kinds"]}
    assert sum(count for kind, count in kinds.items() if "c_todo_" in kind[0]) == 30

    planned = json.loads(run(tmp_path, kafka, "init", "--events", "plan.csv", "-c", "connector.yaml", "--json").stdout)
    assert planned["source"] == f"all 32 records of {topic}"
    assert {key: event["events"] for key, event in planned["events"].items()} == {
        "c_todo_paid": 15,
        "c_todo_refunded": 15,
    }


def test_of_an_empty_topic_of_none_and_of_avro_it_says_what_to_do(kafka: Cluster, tmp_path: Path) -> None:
    empty, avro, missing = kafka.create_topic(fresh("empty"), 1), kafka.create_topic(fresh("avro"), 1), fresh("none")
    kafka.produce(avro, b"\0\0\0\0\7\2\4\6")
    for topic, said in (
        (empty, f"{empty} is empty: there is no record to look at; produce one, or give some by --file"),
        (missing, f"there is no topic {missing} on {kafka.address}"),
        (avro, "in the format of a schema registry (a zero byte and the schema's id: 7)"),
    ):
        done = run(tmp_path, kafka, "init", "--topic", topic)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
