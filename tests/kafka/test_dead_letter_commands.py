"""`dead-letters list | show` on a real broker: letters of a real `run`, read by the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from tests.kafka.cluster import fresh
from tests.kafka.dead_letter_commands import DeadLetterCommands
from tests.unit.dead_letters.letters import RECORD, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

NO_IDENTITY = b'{"order_id": "o1", "seq": 1, "status": "PAID", "note": "Anna 13800000000"}'


@pytest.fixture
def commands(harness: KafkaHarness, tmp_path: Path) -> DeadLetterCommands:
    """The commands with the config of the harness."""
    return DeadLetterCommands(harness.config(), tmp_path)


def produce_letters(kafka: Cluster, harness: KafkaHarness, *values: bytes, partitions: int = 1) -> str:
    """Produce records that can't be mapped, let a connector make dead letters of them; return their topic."""
    letters = kafka.create_topic(f"{harness.group}.dead-letter", partitions)
    kafka.create_topic(harness.topic, partitions=1)
    connector = harness.start_connector().wait_ready()
    for number, value in enumerate(values):
        kafka.produce(harness.topic, value, key=b"k%d" % number, headers=[("trace", b"t%d" % number)])
    harness.wait_committed()
    connector.terminate()
    assert connector.exit_code() == 0
    return letters


def test_letters_of_a_run_are_listed_filtered_and_shown(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    letters = produce_letters(kafka, harness, b"no json", NO_IDENTITY, b"no json either", partitions=3)
    listed = sorted(commands.list(), key=lambda one: one["offset"])  # all are of the same millisecond
    assert [(one["reason"], one["route"], one["offset"]) for one in listed] == [
        ("decode_failed", "", 0),
        ("identity_missing", "orders", 1),
        ("decode_failed", "", 2),
    ]
    assert sorted(one["offset"] for one in commands.list("--reason", "decode_failed")) == [0, 2]
    assert [one["offset"] for one in commands.list("--route", "orders")] == [1]
    assert len(commands.list("--topic", harness.topic, "--limit", "2")) == 2
    assert commands.list("--topic", letters) == []
    assert len(commands.list("--since", "1h")) == 3
    none = commands.run("list", "--since", "2099-01-01")
    assert (none.returncode, none.stdout) == (0, "")
    assert "no dead letters since 2098-12-31T16:00:00+00:00" in none.stderr

    table = commands.run("list")
    assert table.returncode == 0
    assert f"{harness.topic}[0]@1" in table.stdout
    assert "1  orders, identity_missing" in table.stdout

    place = listed[1]["place"]
    masked = commands.run("show", place)
    assert masked.returncode == 0
    assert '"note": "Aaaa 99999999999"' in masked.stdout
    assert "13800000000" not in masked.stdout
    document = json.loads(commands.run("show", f"{harness.topic}[0]@1", "--unmask", "--json").stdout)
    assert document["value"] == json.loads(NO_IDENTITY)
    assert (document["key"], document["headers"], document["place"]) == ("k1", [["trace", "t1"]], place)


def test_a_value_that_was_left_out_is_shown_from_the_record_while_it_exists(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "2000"})
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce(harness.topic, b"no json" * 1000)
    harness.start_connector()
    harness.wait_committed()
    document = json.loads(commands.run("show", "0:0", "--unmask", "--json").stdout)
    assert (document["value"], document["omitted"]) == ("no json" * 1000, ["dl-value-omitted"])
    kafka.delete_before(harness.topic, 0, 1)
    gone = commands.run("show", "0:0")
    assert gone.returncode == 0
    assert "value: the record no longer exists" in gone.stdout


def test_letters_of_many_partitions_are_listed_in_the_order_of_time_without_aborted_ones(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 4)
    now_ms = time.time_ns() // 1_000_000
    for number in range(60):
        letter = written(record=RECORD.replace(offset=number))
        # Partition 0 holds the oldest half; the others take turns.
        partition = 0 if number < 30 else 1 + number % 3
        headers: list[tuple[str, str | bytes | None]] = list(letter.headers)
        timestamp_ms = now_ms - (60 - number) * 600_000 + 300_000
        kafka.produce(letters, letter.value, headers=headers, partition=partition, timestamp_ms=timestamp_ms)
    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": fresh("t"), "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    for partition in range(4):
        producer.produce(letters, b"aborted", partition=partition)
    producer.flush(30)
    producer.abort_transaction(30)
    assert [one["offset"] for one in commands.list()] == list(range(60))
    assert [one["offset"] for one in commands.list("--limit", "3")] == [57, 58, 59]
    assert [one["offset"] for one in commands.list("--since", "100m")] == list(range(50, 60))


def test_a_reader_of_the_list_that_goes_away_leaves_no_traceback(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1)
    for _ in range(200):  # more than stdout buffers
        letter = written(record=RECORD)
        kafka.produce(letters, letter.value, headers=list(letter.headers))
    reading, writing = os.pipe()
    os.close(reading)
    arguments = commands.arguments("list", "--json")
    done = subprocess.run(arguments, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_without_letters_the_list_is_empty_and_says_so(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    missing = commands.run("list")
    assert (missing.returncode, missing.stdout) == (0, "")
    assert f"there is no topic {harness.group}.dead-letter" in missing.stderr
    assert commands.run("show", "0:0").returncode == 2
    replayed = json.loads(commands.run("replay", "--json", "--yes").stdout)
    assert (replayed["letters"], replayed["delivered"]) == (0, 0), "one document, as always"
    kafka.create_topic(f"{harness.group}.dead-letter", 1)
    empty = commands.run("list")
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "no dead letters" in empty.stderr
    nothing = commands.run("show", "0:0")
    assert nothing.returncode == 1
    assert "is empty" in nothing.stderr


def test_a_broker_that_does_not_answer_is_named_with_the_remedy(
    harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    config = harness.config()
    config["kafka"]["bootstrap_servers"] = "127.0.0.1:1"
    commands.configure(config)
    started = time.monotonic()
    done = commands.run("list")
    assert done.returncode == 1
    assert "check kafka.bootstrap_servers" in done.stderr
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--reason", "refuesd"], "did you mean 'refused'?"),
        (["list", "--since", "yesterday"], "expected 30m, 2h, 7d or a time"),
        (["list", "--limit", "0"], "--limit"),
        (["show", "here"], "expected a place such as 0:12"),
        (["show"], "LETTER"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_expected(
    commands: DeadLetterCommands, arguments: list[str], said: str
) -> None:
    done = commands.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
