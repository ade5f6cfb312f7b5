"""A real Prometheus, scraping what the tests name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.kafka.processes import end, free_ports, start
from tests.kafka.waiting import until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

SCRAPE_S = 1


class Prometheus:
    """Started by `with`. Scrapes and evaluates every SCRAPE_S; `rules` is the text of a file of rules."""

    def __init__(self, program: str, folder: Path, addresses: Sequence[str], rules: str) -> None:
        [self._port] = free_ports(1)
        self._folder = folder
        self._program = program
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}/api/v1", timeout=30)
        self._process: subprocess.Popen[bytes] | None = None
        config = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "tuzhan-connector", "static_configs": [{"targets": list(addresses)}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        (folder / "rules.yml").write_text(rules, encoding="utf-8")

    def __enter__(self) -> Self:
        command = [
            self._program,
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = start(command, log, log)
        until(self._is_ready, "Prometheus to answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        if self._process is not None:
            end(self._process)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples that an expression has now. Fails if it is none."""
        answer = self._http.get("/query", params={"query": expression}).json()
        assert answer["status"] == "success", (expression, answer)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = self._http.get("/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def _is_ready(self) -> bool:
        log = (self._folder / "prometheus.log").read_text(errors="replace")
        assert self._process is not None
        assert self._process.poll() is None, log[-3000:]
        try:
            return self._http.get("/status/runtimeinfo").is_success
        except httpx.TransportError:
            return False
