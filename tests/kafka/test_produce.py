"""`produce` on a real broker: what it says is where the records are, and what it refuses is told."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_cli_check import command
from tests.kafka.cluster import fresh

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka


def test_a_file_of_every_form_is_produced_and_its_places_are_printed(kafka: Cluster, tmp_path: Path) -> None:
    topic = kafka.create_topic(fresh("produce"), 1)
    lines = (
        '{"a": 12345678901234567890123}',
        '{"topic": "another", "key": "k", "payload": "plain text", "headers": ["h", "v"]}',
        '{"topic": "another", "value": null, "key": "gone"}',
    )
    (tmp_path / "records.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    arguments = ("produce", "--topic", topic, "--file", "records.jsonl", "--json")
    done = command(tmp_path, *arguments, KAFKA_BOOTSTRAP_SERVERS=kafka.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "topic": topic,
        "records": 3,
        "partitions": [{"partition": 0, "first": 0, "last": 2}],
    }
    produced = [(each.key(), each.value(), each.headers()) for each in kafka.read(topic)]
    assert produced == [
        (None, lines[0].encode(), None),
        (b"k", b"plain text", [("h", b"v")]),
        (b"gone", None, None),
    ]


def test_a_topic_that_the_broker_does_not_make_is_told(kafka: Cluster, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text("{}", encoding="utf-8")
    topic = fresh("absent")
    done = command(tmp_path, "produce", "--topic", topic, "--file", "one.jsonl", "--bootstrap-servers", kafka.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no topic {topic}, and the brokers make none by themselves: create it first" in done.stderr


def test_a_record_that_is_too_large_for_its_topic_is_told(kafka: Cluster, tmp_path: Path) -> None:
    topic = kafka.create_topic(fresh("small"), 1, {"max.message.bytes": "1000"})
    (tmp_path / "two.jsonl").write_text('{}\n"' + "x" * 2000 + '"', encoding="utf-8")
    done = command(tmp_path, "produce", "--topic", topic, "--file", "two.jsonl", "--bootstrap-servers", kafka.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"a record is larger than {topic} takes: look at its max.message.bytes" in done.stderr


def test_of_standard_input_what_came_before_a_wrong_line_is_produced_and_that_is_told(kafka: Cluster) -> None:
    topic = kafka.create_topic(fresh("typed"), 1)
    produce = [sys.executable, "-m", "connector", "produce", "--topic", topic, "--bootstrap-servers", kafka.address]
    typed = '{"a": 1}\n{"a": 2}\noops 13800000000\n{"a": 3}\n'
    done = subprocess.run(produce, input=typed, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--file: standard input: line 3: " in done.stderr
    assert "--raw produces lines as they are; 2 records before it went into the topic" in done.stderr
    assert "13800000000" not in done.stderr
    assert [message.value() for message in kafka.read(topic)] == [b'{"a": 1}', b'{"a": 2}']
