"""No command that reads Kafka, nor the log, shows personal data: as text and as JSON, on stdout and stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_scripts_page import MARKS
from tests.kafka.cluster import order
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def test_marked_values_are_shown_by_no_command_that_reads_them(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, partitions=1)
    connector = harness.start_connector().wait_ready()
    tap = [sys.executable, "-m", "connector", "tap", "--url", connector.admin_url, "--limit", "1"]
    taps = [
        subprocess.Popen([*tap, *form], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for form in ([], ["--json"])
    ]
    for each in taps:
        assert each.stderr is not None
        each.stderr.readline()  # it listens
    buyer = {"mobile": "+86 139-8765-4321", "name": "王小明", "mail": "zhangsan@example.com"}
    mapped = {**json.loads(order(0)), "buyer": buyer, "mobile": "13987654321"}
    text = json.dumps(mapped, ensure_ascii=False).encode()
    headers = [("who", "王小明".encode()), ("mail", b"zhangsan")]
    kafka.produce_all(
        topic,
        [
            {"value": text, "key": "13987654321", "headers": headers},
            {"value": b'{"mobile": "13987654321", name: Zhang San}', "key": "Zhang San"},
            {"value": json.dumps({**mapped, "mobile": "人民路"}, ensure_ascii=False).encode(), "headers": headers},
        ],
    )
    harness.wait_committed()
    letters = f"{harness.group}.dead-letter"
    until(lambda: kafka.exists(letters), "there is a dead letter")
    for each in taps:
        out, err = each.communicate(timeout=60)
        assert out
        _has_no_marks(out + err)

    config = tmp_path / "c.yaml"
    config.write_text(json.dumps(harness.config(), ensure_ascii=False))
    environ_broker = ("--bootstrap-servers", kafka.address)
    of_config = ("-c", str(config))
    for arguments in (
        ("preview", *of_config, "--topic", topic, "--all"),
        ("explain", *of_config, "--topic", topic, "--partition", "0", "--offset", "0"),
        ("explain", *of_config, "--letter", f"{topic}[0]@1"),
        ("dead-letters", "list", *of_config),
        ("dead-letters", "show", *of_config, f"{topic}[0]@1"),
        ("dead-letters", "replay", *of_config),
        ("init", "--topic", topic, *environ_broker, "-o", "-"),
        ("init", "--topic", topic, *of_config, "--events", "-"),
    ):
        for form in ((), ("--json",)):
            command = [sys.executable, "-m", "connector", *arguments, *form]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=100, check=False)
            assert done.returncode == 0, done.stderr.decode()
            _has_no_marks(done.stdout + done.stderr)
            if form:
                lines = arguments[:2] in (("dead-letters", "list"), ("dead-letters", "show"))
                assert [json.loads(part) for part in (done.stdout.splitlines() if lines else [done.stdout])]
    _has_no_marks(connector.stderr.encode())


def _has_no_marks(said: bytes) -> None:
    text = said.decode()
    assert not [mark for mark in MARKS if mark in text], text
