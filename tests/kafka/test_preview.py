"""`preview` of a topic: a real broker, a real registry, the real command line, beside a connector of the same group."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from tests.kafka.cluster import fresh, order
from tests.kafka.test_formats import JSON_ORDER, ORDER, avro, config_of, json_schema, value_of
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness
    from tests.kafka.registry import Registry
    from tests.kafka.registry_door import RegistryDoor

pytestmark = pytest.mark.kafka


class PreviewCommand:
    """Runs `preview` with a config that has none of the platform's secrets."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        without = copy.deepcopy(config)
        without["platform"]["auth"] = {"app_id": "${NO_SUCH_ID}", "app_secret": "${file:/no/such/secret}"}
        self._file = folder / "preview.yaml"
        self._file.write_text(json.dumps(without, ensure_ascii=False))  # JSON is YAML

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end; there is no traceback, whatever happens."""
        command = [sys.executable, "-m", "connector", "preview", "-c", str(self._file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env={**os.environ})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def data(self, *arguments: str) -> dict[str, Any]:
        """Return what `preview --json` prints."""
        done = self.run("--json", *arguments)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document


def sequence(document: dict[str, Any]) -> list[int]:
    """Return the numbers of the orders that were previewed."""
    return [each["record"]["value"]["seq"] for each in document["records"]]


def test_a_preview_beside_the_connector_shows_what_it_sends_and_moves_nothing(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 3)
    for number in range(300):
        kafka.produce(topic, order(number), partition=number % 3, timestamp_ms=1_700_000_000_000 + number)
    kafka.produce(topic, b"no json", partition=1, timestamp_ms=1_700_000_001_000)
    kafka.produce(topic, None, partition=2, timestamp_ms=1_700_000_001_001)
    connector = harness.start_connector().wait_ready()
    harness.wait_committed()
    committed = kafka.committed(harness.group, topic)
    rebalances = connector.metric("rebalances_total")
    preview = PreviewCommand(tmp_path, harness.config())

    newest = preview.data("--newest", "12", "--unmask", "--yes")
    assert newest["source"] == f"the newest 12 records of {topic}"
    assert sequence({"records": newest["records"][:10]}) == list(range(290, 300))
    assert [kind["kind"] for kind in newest["kinds"]] == [
        ["orders → purchases: c_buy"],
        ["dead letter: decode_failed"],
        ["skipped: a tombstone: the record has no value"],
    ]
    sent = {item["uuid"]: item for item in harness.sandbox.items()}
    previewed = [made["item"] for each in newest["records"][:10] for made in each["becomes"]]
    assert len(previewed) == 10
    assert all(sent[item["uuid"]] == item for item in previewed)

    assert sequence(preview.data("--oldest", "7")) == list(range(7))
    everything = preview.data("--oldest", "1000")
    assert everything["source"] == f"all 302 records of {topic}"
    assert everything["counts"]["items"] == 300
    text = preview.run()
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.startswith(f"the newest 50 records of {topic}, as ")

    assert kafka.committed(harness.group, topic) == committed
    assert kafka.members(harness.group) == 1
    assert connector.metric("rebalances_total") == rebalances
    assert kafka.committed(f"{harness.group}.replay", topic) == {}
    kafka.produce(topic, order(300), partition=0)
    harness.wait_stored(301)


def test_only_committed_records_are_previewed_however_many_offsets_are_none(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": fresh("t"), "log_level": 0})
    producer.init_transactions(30)
    for number in range(20):
        for commit in (True, False):
            producer.begin_transaction()
            value = order(number) if commit else b"aborted"
            producer.produce(topic, value, partition=number % 2, timestamp=1_700_000_000_000 + number)
            producer.flush(30)
            (producer.commit_transaction if commit else producer.abort_transaction)(30)
    preview = PreviewCommand(tmp_path, harness.config())
    assert sequence(preview.data("--newest", "6")) == list(range(14, 20))
    assert sequence(preview.data("--newest", "20")) == list(range(20))


def test_a_typo_and_a_change_are_seen_before_the_config_runs(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    kafka.produce_orders(topic, range(60))
    config = harness.config()
    old = tmp_path / "old.yaml"
    old.write_text(json.dumps(config))
    config["routes"][0]["identity"][0]["value"]["from"] = "$.buyer.moblie"
    preview = PreviewCommand(tmp_path, config)
    [typo] = [each for each in preview.data()["references"] if "moblie" in each["reference"]]
    assert (typo["found"], typo["of"], typo["nearest"]) == (0, 50, "$.buyer.mobile")
    changed = preview.data("--against", str(old))
    assert changed["counts"] == {"records": 50, "changed": 50, "unchanged": 0}
    assert kafka.members(harness.group) == 0


@pytest.mark.parametrize("which", ["--newest", "--oldest"])
def test_an_empty_topic_is_said_to_be_empty(kafka: Cluster, harness: KafkaHarness, tmp_path: Path, which: str) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    done = PreviewCommand(tmp_path, harness.config()).run(which, "5")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{topic} is empty: there is no record to preview\n"


def test_a_topic_that_does_not_exist_is_an_error_and_is_not_created(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    done = PreviewCommand(tmp_path, harness.config()).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"tuzhan-connector: there is no topic {harness.topic}\n"
    assert not kafka.exists(harness.topic)


def test_a_topic_that_a_pattern_matches_is_previewed_by_its_name(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    kafka.produce_orders(topic, range(3))
    preview = PreviewCommand(tmp_path, harness.config(f"^{topic[:-2]}.*"))
    assert sequence(preview.data("--topic", topic)) == [0, 1, 2]
    unnamed = preview.run()
    assert unnamed.returncode == 2
    assert "--topic: name the topic" in unnamed.stderr


def test_topics_with_a_schema_are_previewed_and_saved_as_a_test(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, tmp_path: Path
) -> None:
    in_avro, in_json_schema = kafka.create_topic(fresh("orders"), 1), kafka.create_topic(fresh("orders"), 1)
    kafka.produce(in_avro, avro(registry, in_avro, ORDER)(value_of(1)))
    kafka.produce(in_avro, b"no avro")
    kafka.produce(in_json_schema, json_schema(registry, in_json_schema, JSON_ORDER)(value_of(2)))
    formats = {in_avro: "avro", in_json_schema: "json_schema"}
    preview = PreviewCommand(tmp_path, config_of(harness, registry.url, formats))
    avro_seen = preview.data("--topic", in_avro, "--save", str(tmp_path / "seen.yaml"))
    assert sequence({"records": avro_seen["records"][:1]}) == [1]
    assert [len(each["becomes"]) for each in avro_seen["records"]] == [1, 1]
    assert avro_seen["records"][0]["becomes"][0]["item"]["eventargs"]["seq"] == 1
    assert avro_seen["records"][1]["becomes"][0]["dead_letter"]["reason"] == "decode_failed"
    assert sequence(preview.data("--topic", in_json_schema)) == [2]
    command = [sys.executable, "-m", "connector", "test", str(tmp_path / "seen.yaml")]
    tested = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_registry_that_is_away_is_a_clear_error(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    kafka.produce(topic, avro(registry, topic, ORDER)(value_of(1)))
    door.close()
    done = PreviewCommand(tmp_path, config_of(harness, door.url, {topic: "avro"})).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "registry" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_connector_that_holds_its_records_keeps_them_while_they_are_previewed(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    harness.sandbox.set_faults({"kind": "status", "status": 503})
    connector = harness.start_connector().wait_ready()
    kafka.produce_orders(topic, range(10))
    until(lambda: connector.records()["in_flight"] == 10, "ten records in flight")
    committed = kafka.committed(harness.group, topic)
    assert sequence(PreviewCommand(tmp_path, harness.config()).data("--newest", "10")) == list(range(10))
    assert kafka.committed(harness.group, topic) == committed
    harness.sandbox.clear_faults()
    harness.wait_stored(10)
    assert harness.sandbox.count("repeated") == 0
