"""`explain` of records on a real broker, beside a connector that runs; its secrets are not needed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.cluster import order
from tests.kafka.dead_letter_commands import DeadLetterCommands
from tests.kafka.test_formats import ORDER, avro, config_of, value_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness
    from tests.kafka.registry import Registry
    from tests.kafka.registry_door import RegistryDoor

pytestmark = pytest.mark.kafka


def explain(config: dict[str, Any], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `explain` with a config that names secrets which do not exist."""
    away = {"auth": {"app_id": "${NO_SUCH_ID}", "app_secret": "${file:/no/such/secret}"}}
    file = folder / "explain.yaml"
    file.write_text(json.dumps({**config, "platform": away}, ensure_ascii=False))
    done = subprocess.run(
        [sys.executable, "-m", "connector", "explain", "-c", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def place(topic: str, offset: int) -> list[str]:
    return ["--topic", topic, "--partition", "0", "--offset", str(offset)]


def test_a_record_is_explained_by_its_place_while_the_connector_runs_and_keeps_its_partition(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_all(harness.topic, [{"value": order(0)}, {"value": order(1, status="NEW")}])
    connector = harness.start_connector()
    harness.wait_committed()
    sent = harness.sandbox.items()
    found = json.loads(
        explain(harness.config(), tmp_path, *place(harness.topic, 0), "--json", "--unmask", "--yes").stdout
    )
    [part] = found["routes"][0]["parts"]
    assert part["item"]["uuid"] == sent[0]["uuid"]  # the same as `run` has sent: of the same cluster
    other = explain(harness.config(), tmp_path, *place(harness.topic, 1))
    assert (other.returncode, other.stderr) == (0, "")
    assert "→ no item: `where` does not hold" in other.stdout
    assert connector.metric("rebalances_total", kind="assigned") == 1
    assert kafka.members(harness.group) == 1
    assert not kafka.exists(f"{harness.group}.dead-letter")


def test_a_place_that_holds_nothing_is_told_with_what_there_is(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_all(harness.topic, [{"value": order(0)}])
    for arguments, message in (
        (place(harness.topic, 7), f"no record at {harness.topic}[0]@7: the partition holds 0 to 0"),
        (["--topic", harness.topic, "--partition", "3", "--offset", "0"], "has no partition 3: it has 0 to 0"),
        (place("no.such.topic", 0), "there is no topic no.such.topic"),
        (["--letter", "0:0"], f"there is no topic {harness.group}.dead-letter"),
    ):
        done = explain(harness.config(), tmp_path, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr


def test_a_dead_letter_is_explained_by_todays_config(kafka: Cluster, harness: KafkaHarness, tmp_path: Path) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_all(harness.topic, [{"value": order(0, buyer={"mobile": "none"})}])
    connector = harness.start_connector()
    harness.wait_committed()
    connector.terminate()
    [letter] = DeadLetterCommands(harness.config(), tmp_path).list()
    for named in (letter["place"], f"{harness.topic}[0]@0"):
        done = explain(harness.config(), tmp_path, "--letter", named)
        assert done.returncode == 0, done.stderr
        assert f"dead letter {letter['place']}: route orders, reason identity_missing" in done.stdout
        assert f"{harness.topic}[0]@0" in done.stdout
        assert "→ a dead letter, identity_missing of identity" in done.stdout
    mended = harness.config()
    mended["routes"][0]["identity"] = [{"type": "uid", "value": "$.order_id"}]
    found = json.loads(explain(mended, tmp_path, "--letter", letter["place"], "--json").stdout)
    assert found["letter"]["reason"] == "identity_missing"
    assert found["routes"][0]["parts"][0]["outcome"] == "item"
    nothing = explain(mended, tmp_path, "--letter", "0:9")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "is empty" in nothing.stderr or "no dead letter at" in nothing.stderr


def test_a_record_in_avro_is_explained_by_its_schema(
    kafka: Cluster, harness: KafkaHarness, registry: Registry, door: RegistryDoor, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    write = avro(registry, topic, ORDER)
    kafka.produce(topic, write(value_of(0)), partition=0)
    kafka.produce(topic, b"\0\0\0\x27\x0f" + write(value_of(1))[5:], partition=0)
    config = config_of(harness, door.url, {topic: "avro"})
    found = json.loads(explain(config, tmp_path, *place(topic, 0), "--json").stdout)
    assert found["routes"][0]["parts"][0]["outcome"] == "item"
    assert found["record"]["value"]["buyer"] == {"mobile": "99999999999"}
    unknown = explain(config, tmp_path, *place(topic, 1))
    assert (unknown.returncode, unknown.stderr) == (0, "")
    assert "a dead letter, decode_failed" in unknown.stdout
    assert "9999" in unknown.stdout  # the id of the schema
    door.close()
    away = explain(config, tmp_path, *place(topic, 0))
    assert (away.returncode, away.stdout) == (1, "")
    assert "can't be reached" in away.stderr
