"""The real command line as a subprocess, with what it talks to: started, watched over HTTP, ended."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.kafka.processes import end, free_ports, leash
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

APP_ID, APP_SECRET = "app-of-the-tests", "secret-of-the-tests"
EVENTS = "event/v2/batchAdd"
Fault = dict[str, Any]


class Child:
    """A subprocess of this Python, its output kept in files; it does not outlive the tests."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._output = folder / f"{name}.stdout"
        self._errors = folder / f"{name}.stderr"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process; returns at once."""
        with self._output.open("ab") as output, self._errors.open("ab") as errors:
            self._process = subprocess.Popen([*leash(), sys.executable, *self._arguments], stdout=output, stderr=errors)
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, which was started."""
        if self._process is None:
            raise AssertionError(f"{self.name} was never started")
        return self._process

    @property
    def stderr(self) -> str:
        """All that it complained and logged so far."""
        return self._errors.read_text(errors="replace")

    def terminate(self) -> None:
        """Ask it to stop: SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def exit_code(self, patience_s: float = 60.0) -> int:
        """Wait until it has ended by itself, and give its exit code."""
        return self.process.wait(patience_s)

    def close(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None:
            end(self._process, patience_s=5)

    def show(self) -> None:
        """Print the end of its log, which pytest shows only if a test fails."""
        print(f"--- {self.name}\n{self.stderr[-6000:]}")  # noqa: T201


class Connector(Child):
    """`connector run` with a config of its own, watched through its admin port."""

    def __init__(self, config: dict[str, Any], folder: Path, name: str = "connector") -> None:
        """`config` is written as it is, but for the admin port, which is a free one."""
        [port] = free_ports(1)
        file = folder / f"{name}.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({**config, "admin": {"listen": f"127.0.0.1:{port}"}}, ensure_ascii=False))
        super().__init__(name, ["-m", "connector", "run", "-c", str(file)], folder)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def close(self) -> None:
        """End it for good."""
        super().close()
        self._http.close()

    def is_alive(self) -> bool:
        """What /livez says."""
        answer = self._get("/livez")
        return answer is not None and answer.status_code == 200

    def is_ready(self) -> bool:
        """What /readyz says."""
        answer = self._get("/readyz")
        return answer is not None and answer.status_code == 200

    def reasons(self) -> set[str]:
        """The codes for which it is not ready; `no answer` while the admin port is silent."""
        answer = self._get("/readyz")
        if answer is None:
            return {"no answer"}
        return {str(reason["code"]) for reason in answer.json()["reasons"]}

    def status(self) -> dict[str, Any]:
        """What /status says."""
        answer = self._http.get("/status")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def records(self) -> dict[str, int]:
        """The law of conservation's numbers, from /status."""
        return {name: int(count) for name, count in self.status()["records"].items()}

    def partitions(self) -> set[tuple[str, int]]:
        """The partitions that it owns, from /status."""
        return {(one["topic"], int(one["partition"])) for one in self.status()["partitions"]}

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric (without its prefix) that have these labels."""
        wanted = labels.items()
        return sum(
            sample.value
            for family in text_string_to_metric_families(self._http.get("/metrics").text)
            for sample in family.samples
            if sample.name == f"tuzhan_connector_{name}" and wanted <= sample.labels.items()
        )

    def wait_ready(self) -> Self:
        """Wait until it is ready; raises AssertionError if it ends before."""
        until(self._is_ready_or_dead, f"{self.name} to be ready")
        return self

    def _is_ready_or_dead(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended: {self.stderr[-3000:]}"
        return self.is_ready()

    def _get(self, path: str) -> httpx.Response | None:
        try:
            return self._http.get(path)
        except httpx.TransportError:
            return None


class Sandbox(Child):
    """`connector sandbox`, controlled over HTTP."""

    def __init__(self, folder: Path, name: str = "sandbox") -> None:
        secrets = ["--app-id", APP_ID, "--app-secret", APP_SECRET]
        super().__init__(name, ["-m", "connector", "sandbox", "--listen", "127.0.0.1:0", *secrets], folder)
        self.url = ""
        self._http = httpx.Client(timeout=60)

    def start(self) -> Self:
        """Start, and return when it listens."""
        super().start()
        found = until(lambda: re.search(r"listening on (http://\S+)", self.stderr), "the sandbox to listen")
        self.url = found[1].rstrip("/") if found else ""
        return self

    def close(self) -> None:
        """End it for good."""
        super().close()
        self._http.close()

    def reset(self) -> None:
        """As new: nothing stored, no faults."""
        self.behave()
        self._ask("POST", "reset")

    def misbehave(self, *faults: Fault) -> None:
        """Have these faults, and no others."""
        self._ask("PUT", "faults", faults)

    def behave(self) -> None:
        """Have no faults."""
        self._ask("DELETE", "faults")

    def hits(self) -> int:
        """How many requests met one of the faults."""
        return sum(int(fault["hits"]) for fault in self._ask("GET", "faults"))

    def count(self, name: str) -> int:
        """One of the counts of /_sandbox/stats, over all endpoints."""
        return int(self._ask("GET", "stats")[name])

    def items(self) -> list[dict[str, Any]]:
        """Every stored item, as it was sent."""
        return [stored["item"] for stored in self._ask("GET", "items?limit=1000000")]

    def seen(self) -> Counter[int]:
        """How often each order was stored, by its number."""
        return Counter(item["eventargs"]["seq"] for item in self.items())

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        answer = self._http.request(method, f"{self.url}/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def write_config(
    kafka: str, platform: str, topics: Iterable[str], group: str, properties: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A config for orders (`cluster.order`), to be changed by the test that wants another."""
    return {
        "kafka": {
            "bootstrap_servers": kafka,
            "group_id": group,
            "commit_interval": "200ms",
            "properties": {"topic.metadata.refresh.interval.ms": 1000, **(properties or {})},
        },
        "platform": {
            "base_url": f"{platform}/api/open",
            "auth": {"app_id": APP_ID, "app_secret": APP_SECRET},
            "retry": {"first": "50ms", "max": "500ms"},
        },
        "targets": {"purchases": {"endpoint": EVENTS, "batch": {"max_wait": "50ms"}}},
        "routes": [
            {
                "name": "orders",
                "topics": list(topics),
                "where": {"$.status": "PAID"},
                "to": "purchases",
                "event_key": "c_buy",
                "identity": [{"type": "phone", "value": {"from": "$.buyer.mobile", "as": "phone"}}],
                "fields": {
                    "eventargs": {"seq": "$.seq", "c_order": "$.order_id", "c_note": "$.note"},
                },
            }
        ],
        "log": {"format": "text", "level": "info"},
    }
