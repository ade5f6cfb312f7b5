"""The real commands `run` and `sandbox` as subprocesses: started, observed over HTTP, ended."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.kafka.processes import end, free_ports, start
from tests.kafka.waiting import until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

APP_ID, APP_SECRET = "app-of-the-tests", "secret-of-the-tests"
EVENTS = "event/v2/batchAdd"
Fault = dict[str, Any]


class CommandProcess:
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
            self._process = start([sys.executable, *self._arguments], output, errors)
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The started process."""
        if self._process is None:
            raise AssertionError(f"{self.name} was never started")
        return self._process

    @property
    def stderr(self) -> str:
        """What it has written to stderr so far: its log."""
        return self._errors.read_text(errors="replace")

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, and wait until it has ended."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Stop it (SIGSTOP) until `thaw`."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue after `freeze`."""
        self.process.send_signal(signal.SIGCONT)

    def exit_code(self, timeout_s: float = 60.0) -> int:
        """Wait until it has ended by itself, and return its exit code."""
        return self.process.wait(timeout_s)

    def close(self) -> None:
        """End it if it still runs."""
        if self._process is not None:
            end(self._process, timeout_s=5)

    def show(self) -> None:
        """Print the end of its log, which pytest shows only if a test fails."""
        print(f"--- {self.name}\n{self.stderr[-6000:]}")  # noqa: T201


class ConnectorProcess(CommandProcess):
    """`connector run` with a config of its own, observed through its admin port."""

    def __init__(
        self,
        config: dict[str, Any],
        folder: Path,
        name: str = "connector",
        constants: Mapping[str, float] = MappingProxyType({}),
        options: Sequence[str] = (),
    ) -> None:
        """`config` is written to a file as it is, with a free admin port added.

        `constants`, by `package.module.NAME`, have other values in this process: those that a test can't wait for.
        """
        [port] = free_ports(1)
        self._port = port
        self.file = folder / f"{name}.yaml"
        self.write_config(config)
        super().__init__(name, [*_entry(constants), "run", "-c", str(self.file), *options], folder)
        self.admin_url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.admin_url, timeout=30)

    def write_config(self, config: dict[str, Any]) -> None:
        """Write another config, for a reload."""
        # JSON is YAML.
        text = json.dumps({**config, "admin": {"listen": f"127.0.0.1:{self._port}"}}, ensure_ascii=False)
        self.file.write_text(text, encoding="utf-8")

    def reload(self, config: dict[str, Any] | None = None) -> None:
        """Send SIGHUP, with another config if one is given."""
        if config is not None:
            self.write_config(config)
        self.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """End it and close the connection."""
        super().close()
        self._http.close()

    def is_alive(self) -> bool:
        """Return whether /livez answers 200."""
        answer = self._get("/livez")
        return answer is not None and answer.status_code == 200

    def is_ready(self) -> bool:
        """Return whether /readyz answers 200."""
        answer = self._get("/readyz")
        return answer is not None and answer.status_code == 200

    def remedies(self) -> dict[tuple[str, str], str]:
        """Return the remedies of /readyz by code and target."""
        answer = self._get("/readyz")
        reasons = [] if answer is None else answer.json()["reasons"]
        return {(reason["code"], reason["target"]): reason["remedy"] for reason in reasons}

    def reasons(self) -> set[str]:
        """Return the codes of /readyz; `no answer` while the admin port does not answer."""
        answer = self._get("/readyz")
        if answer is None:
            return {"no answer"}
        return {str(reason["code"]) for reason in answer.json()["reasons"]}

    def readiness(self) -> dict[str, Any]:
        """Return the body of /readyz."""
        readiness: dict[str, Any] = self._http.get("/readyz").json()
        return readiness

    def status(self) -> dict[str, Any]:
        """Return /status."""
        answer = self._http.get("/status")
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return status

    def records(self) -> dict[str, int]:
        """Return how many records had which outcome, from /status."""
        return {name: int(count) for name, count in self.status()["records"].items()}

    def partitions(self) -> set[tuple[str, int]]:
        """Return the partitions that it owns, from /status."""
        return {(one["topic"], int(one["partition"])) for one in self.status()["partitions"]}

    def get_text(self, path: str) -> str:
        """Return what the admin port answers, as text."""
        return self._http.get(path).text

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels; `name` is without the prefix."""
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


def _entry(constants: Mapping[str, float]) -> list[str]:
    """Return the arguments with which Python runs the command line."""
    if not constants:
        return ["-m", "connector"]
    places = [(*place.rpartition(".")[::2], value) for place, value in constants.items()]
    set_all = [f"setattr(import_module({module!r}), {name!r}, {value!r})" for module, name, value in places]
    lines = ("from importlib import import_module", *set_all, "from connector.cli import main", "main()")
    return ["-c", "\n".join(lines)]


class SandboxProcess(CommandProcess):
    """`connector sandbox`, controlled over HTTP."""

    def __init__(self, folder: Path, name: str = "sandbox") -> None:
        credentials = ["--app-id", APP_ID, "--app-secret", APP_SECRET]
        super().__init__(name, ["-m", "connector", "sandbox", "--listen", "127.0.0.1:0", *credentials], folder)
        self.url = ""
        self._http = httpx.Client(timeout=60)

    def start(self) -> Self:
        """Start the process, and return when it listens."""
        super().start()
        found = until(lambda: re.search(r"listening on (http://\S+)", self.stderr), "the sandbox to listen")
        self.url = found[1].rstrip("/") if found else ""
        return self

    def close(self) -> None:
        """End it and close the connection."""
        super().close()
        self._http.close()

    def reset(self) -> None:
        """Delete everything stored and all faults."""
        self.clear_faults()
        self._request("POST", "reset")

    def set_faults(self, *faults: Fault) -> None:
        """Replace the faults."""
        self._request("PUT", "faults", faults)

    def clear_faults(self) -> None:
        """Remove the faults."""
        self._request("DELETE", "faults")

    def set_switches(self, **switches: object) -> None:
        """Set switches; `reset` restores their defaults."""
        self._request("PUT", "switches", switches)

    def token_requests(self) -> int:
        """Return how often a token was asked for since the sandbox started."""
        return int(self._request("GET", "stats")["tokens"]["requests"])

    def issue_token(self) -> str:
        """Ask for a token, as another process would."""
        params = {"instanceAppid": APP_ID, "instanceSecrect": APP_SECRET}
        answer = self._http.get(f"{self.url}/api/open/app/getOrgAccessToken", params=params)
        return str(answer.json()["data"]["orgAccessToken"])

    def expire_tokens(self) -> None:
        """Invalidate every token."""
        self._request("POST", "expire-tokens")

    def fault_hits(self) -> int:
        """Return how many requests met one of the faults."""
        return sum(int(fault["hits"]) for fault in self._request("GET", "faults"))

    def count(self, name: str) -> int:
        """Return one of the counts of /_sandbox/stats, over all endpoints."""
        return int(self._request("GET", "stats")[name])

    def items(self) -> list[dict[str, Any]]:
        """Return every stored item, as it was sent."""
        return [stored["item"] for stored in self._request("GET", "items?limit=1000000")]

    def orders(self) -> Counter[int]:
        """Return how often each order was stored, by its number."""
        return Counter(item["eventargs"]["seq"] for item in self.items())

    def _request(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        answer = self._http.request(method, f"{self.url}/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def orders_config(
    kafka: str, platform: str, topics: Iterable[str], group: str, properties: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a config for orders (`cluster.order`) that tests may change."""
    return {
        "kafka": {
            "bootstrap_servers": kafka,
            "group_id": group,
            "commit_interval": "200ms",
            "properties": {"topic.metadata.refresh.interval.ms": 1000, **(properties or {})},
        },
        "platform": {
            "base_url": f"{platform}/api/open",
            # Not in clear, which each command would warn of.
            "auth": {"app_id": APP_ID, "app_secret": f"${{NO_SUCH_VARIABLE:-{APP_SECRET}}}"},
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
