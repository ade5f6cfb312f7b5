"""docs/getting-started.md: its commands, in their order, do what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from tests.kafka.processes import end, free_ports, start
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/getting-started.md").read_text(encoding="utf-8")
TESTED_ELSEWHERE = {"make setup", "make broker"}
"""By tests/release and tests/kafka/test_broker.py."""


class Step(NamedTuple):
    """One block of the page's commands."""

    text: str
    keeps_the_terminal: bool


class NewUser:
    """Types what the page says, with the tests' broker, and ports that are free."""

    def __init__(self, folder: Path, brokers: str) -> None:
        self.sandbox_port, self.admin_port = free_ports(2)
        page = PAGE.replace("127.0.0.1:9100", f"127.0.0.1:{self.sandbox_port}")
        self.folder = folder
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TUZHAN", "KAFKA"))},
            "KAFKA_BOOTSTRAP_SERVERS": brokers,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "200",
        }
        blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        self.steps = iter([Step(text, "terminal" in info) for info, text in blocks if info.startswith("sh")])
        files = {info: text for info, text in blocks if info in {"json", "yaml"}}
        (folder / "orders.jsonl").write_text(files["json"], encoding="utf-8")
        listen = f"admin: {{listen: 127.0.0.1:{self.admin_port}}}\n"
        (folder / "orders.yaml").write_text(files["yaml"] + listen, encoding="utf-8")
        self._terminals: list[subprocess.Popen[bytes]] = []

    def next(self, command: str) -> str:
        """Type the next block, which begins with `command`, and return what it prints: to the screen, both streams."""
        step = next(self.steps)
        assert step.text.startswith(command), step.text
        lines = [line for line in step.text.splitlines() if line not in TESTED_ELSEWHERE]
        text = "\n".join(lines)
        if not text:
            return ""
        if step.keeps_the_terminal:
            self._start(shlex.split(text.replace("sandbox", f"sandbox --listen 127.0.0.1:{self.sandbox_port}")))
            return ""
        script = f"set -eo pipefail\n{text}\nenv -0 > environ"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self._environ, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (text, done.stdout, done.stderr)
        exported = (self.folder / "environ").read_text(encoding="utf-8").split("\0")
        self._environ = dict(line.split("=", 1) for line in exported if line)
        return done.stdout + done.stderr

    def items(self) -> list[dict[str, Any]]:
        """Return the events on the platform."""
        answer = httpx.get(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/items", timeout=10)
        items: list[dict[str, Any]] = answer.json()["items"] if isinstance(answer.json(), dict) else answer.json()
        return items

    def answers(self, port: int, path: str) -> bool:
        """Return whether something answers 200 there."""
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def dead_letters(self) -> int:
        """Return how many records have become dead letters."""
        records: dict[str, int] = httpx.get(f"http://127.0.0.1:{self.admin_port}/status", timeout=10).json()["records"]
        return records["dead_lettered"]

    def leave(self) -> None:
        """Close all terminals."""
        for process in reversed(self._terminals):
            end(process)

    def _start(self, words: list[str]) -> None:
        output = self.folder / f"terminal-{len(self._terminals)}"
        command = [sys.executable, "-m", "connector", *words[1:]]
        environ = [f"{name}={self._environ[name]}" for name in self._environ if name.startswith(("TUZHAN", "KAFKA"))]
        with output.open("wb") as stream:
            self._terminals.append(start(["env", *environ, *command], stream, stream, self.folder))


@pytest.fixture
def user(kafka: Cluster, tmp_path: Path) -> Iterator[NewUser]:
    if not kafka.exists("shop.orders"):
        kafka.create_topic("shop.orders")
    user = NewUser(tmp_path, kafka.address)
    yield user
    user.leave()


def test_the_page_leads_from_a_first_event_over_an_outage_to_a_dead_letter_that_is_sent_again(user: NewUser) -> None:
    user.next("make setup")
    user.next("make broker")
    user.next("tuzhan-connector sandbox")
    until(lambda: user.answers(user.sandbox_port, "/_sandbox/stats"), "the sandbox")

    assert "c_buy" in user.next("tuzhan-connector check")
    assert "2 records produced: shop.orders[" in user.next("tuzhan-connector produce")
    user.next("tuzhan-connector run")
    until(lambda: len(user.items()) == 2, "two events")
    assert user.next("curl").count("c_buy") == 2

    user.next("curl -s -X PUT")
    assert "1 record produced" in user.next("echo")
    until(lambda: not user.answers(user.admin_port, "/readyz"), "the outage to show")
    assert "target_down" in user.next("tuzhan-connector health")
    user.next("curl -s -X DELETE")
    until(lambda: len(user.items()) == 3, "the third event")
    until(lambda: user.answers(user.admin_port, "/readyz"), "readiness")

    user.next("echo")
    until(user.dead_letters, "a dead letter")
    assert "identity_missing" in user.next("tuzhan-connector dead-letters list")
    user.next("sed -i")
    user.next("tuzhan-connector dead-letters replay")
    until(lambda: len(user.items()) == 4, "the fourth event")
    assert list(user.steps) == []
