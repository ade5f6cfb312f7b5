"""`tap` of a running connector: a real broker, the real command line, and readers that read nothing."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from connector.observe.tap import MAX_LISTENERS
from tests.kafka.cluster import order
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

CUSTOMER = 7
"""The number of the order, and of the customer, that is followed."""
MOBILE = f"138{CUSTOMER:08d}"


class TapCommand:
    """Runs `tap --json` as a subprocess."""

    def __init__(self, connector: ConnectorProcess, *arguments: str) -> None:
        command = [sys.executable, "-m", "connector", "tap", "--url", connector.admin_url, "--json", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        first = self._process.stderr.readline()
        assert first.startswith("listening at "), first

    def ended(self) -> tuple[int, list[dict[str, Any]], str]:
        """Wait until it has ended; return its exit code, the items, and what it says on stderr."""
        out, err = self._process.communicate(timeout=60)
        assert MOBILE not in out
        return self._process.returncode, [json.loads(line) for line in out.splitlines()], err


def test_the_tap_shows_what_came_what_was_made_and_how_it_ended(kafka: Cluster, harness: KafkaHarness) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    connector = harness.start_connector().wait_ready()
    everything = TapCommand(connector, "--rate", "1000", "--limit", "103")
    one_customer = TapCommand(connector, "--value", MOBILE, "--limit", "2")
    letters = TapCommand(connector, "--outcome", "dead_lettered", "--limit", "1")
    kafka.produce_orders(topic, range(100))
    kafka.produce(topic, order(CUSTOMER, status="OPEN"), partition=1)
    kafka.produce(topic, b"no json " + MOBILE.encode(), partition=0)
    kafka.produce(topic, None, partition=0)
    code, items, _ = everything.ended()
    assert code == 0
    by_outcome = {
        outcome: [each for each in items if each["outcome"] == outcome] for outcome in ("delivered", "skipped")
    }
    assert [len(each) for each in by_outcome.values()] == [100, 2]
    one = by_outcome["delivered"][0]
    assert (one["route"], one["target"], one["endpoint"]) == ("orders", "purchases", "event/v2/batchAdd")
    assert one["record"]["value"]["buyer"] == {"mobile": "9" * 11}
    assert one["item"]["identities"] == [{"identityType": "phone", "identityValue": "9" * 11}]
    assert one["item"]["time"] in {item["time"] for item in harness.sandbox.items()}
    code, items, _ = one_customer.ended()
    assert code == 0
    assert {(each["outcome"], each["record"]["value"]["seq"]) for each in items} == {
        ("delivered", CUSTOMER),
        ("skipped", CUSTOMER),
    }
    code, [letter], _ = letters.ended()
    assert (letter["reason"], letter["record"]["value"]) == ("decode_failed", "aa aaaa 99999999999")


def test_a_stop_ends_the_tap_after_what_was_still_delivered(kafka: Cluster, harness: KafkaHarness) -> None:
    topic = kafka.create_topic(harness.topic, 1)
    harness.sandbox.set_faults({"kind": "latency", "ms": 1500})
    connector = harness.start_connector().wait_ready()
    tap = TapCommand(connector)
    kafka.produce_orders(topic, [1])
    until(lambda: connector.status()["targets"][0]["in_flight"], "a request on its way")
    connector.terminate()
    code, items, err = tap.ended()
    assert connector.exit_code() == 0
    assert (code, [each["outcome"] for each in items]) == (0, ["delivered"])
    assert err.splitlines() == ["ended: the connector stops", "1 of 1 item shown"]


@contextlib.contextmanager
def frozen_readers(connector: ConnectorProcess) -> Iterator[None]:
    """Have as many listeners as there is room for, that ask for as much as they may and read none of it."""
    url = httpx.URL(connector.admin_url)
    with contextlib.ExitStack() as sockets:
        for _ in range(MAX_LISTENERS):
            one = sockets.enter_context(socket.create_connection((url.host, url.port or 0)))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.sendall(b"GET /tap?rate=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: _tap_status(connector) == httpx.codes.SERVICE_UNAVAILABLE, "all places to be taken")
        yield


def _tap_status(connector: ConnectorProcess) -> int:
    with httpx.stream("GET", f"{connector.admin_url}/tap") as answer:
        return answer.status_code


def cpu_seconds(connector: ConnectorProcess) -> float:
    """Return the CPU time that the process has taken."""
    fields = Path(f"/proc/{connector.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_frozen_readers_cost_no_record_and_next_to_no_time(kafka: Cluster, harness: KafkaHarness) -> None:
    topic = kafka.create_topic(harness.topic, 3)
    connector = harness.start_connector().wait_ready()
    produced, taken = 0, list[float]()

    def flow(records: int) -> None:
        nonlocal produced
        before = cpu_seconds(connector)
        kafka.produce_orders(topic, range(produced, produced + records))
        produced += records
        harness.wait_stored(produced)
        taken.append(cpu_seconds(connector) - before)

    flow(10_000)
    flow(10_000)
    with frozen_readers(connector):
        flow(10_000)
        assert min(taken[2:]) < 2 * max(taken[:2]), taken
        harness.wait_committed()
        assert lost_and_repeated(harness.sandbox.orders(), range(produced)) == (0, 0)
        assert_conserved(connector)
        connector.terminate()
        assert connector.exit_code() == 0
    assert "Traceback" not in connector.stderr
