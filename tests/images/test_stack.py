"""The stack of compose.yaml and the sidecar, run by Docker; Kafka, Prometheus and Grafana are stand-ins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.images.daemon import Stack
from tests.images.workshop import CommandFailedError
from tests.kafka.waiting import until
from tests.unit.compose.files import COMPOSE

if TYPE_CHECKING:
    from pathlib import Path

ORDER = {
    "status": "PAID",
    "amount_fen": 142000,
    "paid_at": 1605490615673,
    "buyer": {"mobile": "13800000000"},
    "items": [{"title": "TV"}],
}
PRODUCE = ["/opt/kafka/bin/kafka-console-producer.sh", "--bootstrap-server", "kafka:9092", "--topic", "shop.orders"]
ASK = ["exec", "--no-TTY", "connector", "tuzhan-connector", "health", "--ready", "-c", "/etc/tuzhan/connector.yaml"]


def stored(stack: Stack) -> int:
    count: int = stack.daemon.get_json("http://127.0.0.1:9100/_sandbox/stats")["stored"]
    return count


def query(stack: Stack, expression: str) -> list[float]:
    url = f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"
    found: list[dict[str, Any]] = stack.daemon.get_json(url)["data"]["result"]
    return [float(series["value"][1]) for series in found]


def produce(stack: Stack, count: int) -> None:
    stack.compose("exec", "--no-TTY", "kafka", *PRODUCE, given=f"{json.dumps(ORDER)}\n" * count)


def test_everything_is_healthy(stack: Stack) -> None:
    states = {each["Name"]: each["State"]["Health"]["Status"] for each in stack.containers()}
    assert len(states) == 5
    assert set(states.values()) == {"healthy"}


def test_an_order_of_the_console_arrives_at_the_sandbox_and_is_seen_by_prometheus(stack: Stack) -> None:
    before = stored(stack)
    produce(stack, 10)
    until(lambda: stored(stack) == before + 10, "the orders to be stored", every_s=0.5)
    delivered = 'sum(tuzhan_connector_records_settled_total{outcome="delivered"})'
    until(lambda: query(stack, delivered) == [before + 10], "Prometheus to have seen it", every_s=1)
    assert query(stack, 'up{job="tuzhan-connector"}') == [1]


def test_the_pages_are_published_on_this_host(stack: Stack) -> None:
    for port in (8080, 9100):
        assert "<html" in stack.daemon.get(f"http://127.0.0.1:{port}/")
    assert stack.compose(*ASK) == "ready\n"


def test_no_container_of_ours_can_write_or_has_a_capability(stack: Stack) -> None:
    for service in ("connector", "sandbox"):
        with pytest.raises(CommandFailedError, match="Read-only file system"):
            stack.compose("exec", "--no-TTY", service, "touch", "/opt/connector/x")
        status = stack.compose("exec", "--no-TTY", service, "cat", "/proc/1/status")
        assert "CapEff:\t0000000000000000\n" in status
        assert "Uid:\t10001\t" in status


def test_more_connectors_share_the_partitions_and_prometheus_finds_them(stack: Stack) -> None:
    try:
        stack.up("--scale", "connector=3", "--no-recreate", ADMIN_PORT="8080-8083")
        until(lambda: query(stack, 'up{job="tuzhan-connector"}') == [1, 1, 1], "three targets", every_s=1)
        shares = "tuzhan_connector_partitions_assigned"
        until(lambda: sorted(query(stack, shares)) == [1, 1, 2], "each to have partitions", every_s=1)
    finally:
        stack.up("--scale", "connector=1")


def test_a_stop_drains_and_ends_with_0(stack: Stack) -> None:
    try:
        stack.compose("stop", "connector")
        [state] = [each["State"] for each in stack.containers("connector")]
        assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
    finally:
        stack.up()


def test_the_sidecar_runs_beside_a_kafka_of_another_stack(stack: Stack, tmp_path: Path) -> None:
    config = tmp_path / "orders.yaml"
    text = (COMPOSE / "connector.yaml").read_text(encoding="utf-8").replace("group_id: tuzhan", "group_id: sidecar")
    config.write_text(text.replace("0.0.0.0:8080", "127.0.0.1:8077"), encoding="utf-8")
    (tmp_path / "secret").write_text("sandbox-secret\n", encoding="utf-8")
    variables = {
        "KAFKA_NETWORK": "tuzhan-connector_default",
        "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "TUZHAN_CONFIG": str(config),
        "TUZHAN_APP_ID": "sandbox-app",
        "TUZHAN_APP_SECRET_FILE": str(tmp_path / "secret"),
        "TUZHAN_BASE_URL": "http://sandbox:9100/api/open",
        "TUZHAN_ALLOW_HTTP": "true",
        "ADMIN_PORT": "8090",
    }

    def is_ready() -> bool:
        try:
            return sidecar.compose(*ASK) == "ready\n"
        except CommandFailedError:
            return False

    with Stack(stack.daemon, "compose.sidecar.yaml", **variables) as sidecar:
        until(is_ready, "the sidecar to be ready", every_s=1)


def test_a_config_that_is_not_there_is_an_error_and_no_folder(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sandbox-secret\n", encoding="utf-8")
    missing = tmp_path / "typo.yaml"
    variables = {"TUZHAN_CONFIG": str(missing), "TUZHAN_APP_SECRET_FILE": str(tmp_path / "secret")}
    others = {"KAFKA_NETWORK": "tuzhan-connector_default", "KAFKA_BOOTSTRAP_SERVERS": "k:9092", "TUZHAN_APP_ID": "a"}
    sidecar = Stack(stack.daemon, "compose.sidecar.yaml", ADMIN_PORT="8090", **variables, **others)
    with pytest.raises(CommandFailedError, match=r"typo\.yaml"), sidecar:
        pass
    assert not missing.exists()
