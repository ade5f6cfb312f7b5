"""The processes of a round that the schedule kills, stops and freezes: the platform and the members."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from tests.chaos.records import STANDING_FAULTS
from tests.kafka.commands import APP_ID, APP_SECRET, CommandProcess, ConnectorProcess
from tests.kafka.processes import free_ports
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTROL_TIMEOUT_S = 20.0


class Platform:
    """The sandbox with a journal, on one port from start to end. Its faults and switches outlive its process.

    Several tracks of the schedule use it at the same time.
    """

    def __init__(self, folder: Path) -> None:
        [self.port] = free_ports(1)
        self.journal = folder / "journal.jsonl"
        self._state = folder / "platform.json"
        arguments = ["-m", "tests.chaos.platform", str(self.port), str(self.journal), str(self._state)]
        self._command = CommandProcess("platform", arguments, folder)
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=CONTROL_TIMEOUT_S)
        self._lock = threading.RLock()
        self._faults: dict[str, list[dict[str, Any]]] = {}
        self._switches: dict[str, dict[str, Any]] = {}
        self._answers = False

    def url(self, host: str) -> str:
        """Return its base URL at one of the loopback addresses."""
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Start it, with the faults and switches of now; return when it answers."""
        with self._lock:
            self._state.write_bytes(orjson.dumps({"faults": self._all_faults(), "switches": self._all_switches()}))
            self._command.start()
            until(self._is_up, "the platform to answer")
            self._answers = True

    def kill(self) -> None:
        """SIGKILL; what was stored stays in the journal."""
        with self._lock:
            self._answers = False
            self._command.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing is answered."""
        with self._lock:
            self._answers = False
            self._command.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after `pause`."""
        with self._lock:
            self._command.process.send_signal(signal.SIGCONT)
            self._answers = True
            self._apply()

    def misbehave(self, track: str, faults: list[dict[str, Any]], switches: dict[str, Any]) -> None:
        """Replace the faults and switches that a track of the schedule has set."""
        with self._lock:
            self._faults[track], self._switches[track] = faults, switches
            self._apply()

    def expire_tokens(self) -> None:
        """Invalidate all tokens; nothing happens if it is down, since its tokens are gone then."""
        with self._lock:
            if self._answers:
                self._http.post("/_sandbox/expire-tokens").raise_for_status()

    def stats(self) -> dict[str, Any]:
        """Return the sandbox's own counts, since its last start."""
        stats: dict[str, Any] = self._http.get("/_sandbox/stats").json()
        return stats

    def close(self) -> None:
        """End it."""
        self._command.close()
        self._http.close()

    @property
    def stderr(self) -> str:
        """What it wrote to stderr."""
        return self._command.stderr

    def _apply(self) -> None:
        if self._answers:
            self._http.put("/_sandbox/faults", json=self._all_faults()).raise_for_status()
            self._http.delete("/_sandbox/switches").raise_for_status()
            self._http.put("/_sandbox/switches", json=self._all_switches()).raise_for_status()

    def _all_faults(self) -> list[dict[str, Any]]:
        # The standing ones first: a broken reply after which the items are stored would store the poisonous ones too.
        return [*STANDING_FAULTS, *(fault for faults in self._faults.values() for fault in faults)]

    def _all_switches(self) -> dict[str, Any]:
        return {name: value for switches in self._switches.values() for name, value in switches.items()}

    def _is_up(self) -> bool:
        assert self._command.process.poll() is None, f"the platform ended: {self.stderr[-2000:]}"
        try:
            return self._http.get("/_sandbox/stats").is_success
        except httpx.TransportError:
            return False


@dataclass(frozen=True, slots=True)
class MemberEnd:
    """How a member's process ended."""

    asked: float
    """When it was told to; for one that died, when that was noticed."""
    ended: float
    how: str
    """`killed`, `stopped` (SIGTERM), or `died`: by itself."""
    code: int


class Member:
    """One process of the connector, from start to end, and what the harness did to it. Never started again."""

    def __init__(self, number: int, config: dict[str, Any], folder: Path) -> None:
        """`config` lacks the credentials and the address, by which the platform knows the member: see `host`."""
        self.name = f"member-{number}"
        self.host = host_of(number)
        secret = folder / "app_secret"
        if number == 1:  # the others may be reading it
            secret.write_text(APP_SECRET)
        config["platform"] |= {"auth": {"app_id": APP_ID, "app_secret": f"${{file:{secret}}}"}}
        self._config = config
        self.connector = ConnectorProcess(config, folder, self.name)
        self.config_path, self.log_path = folder / f"{self.name}.yaml", folder / f"{self.name}.stderr"
        self.admin_url = self.connector.admin_url
        self.configs = [self._config_id()]
        """12 hex digits of the sha256 of each config that it had."""
        self.started_at = 0.0
        self.end: MemberEnd | None = None
        self.freezes: list[tuple[float, float]] = []
        """When it was frozen, and when it went on."""
        self._frozen_at: float | None = None

    def start(self) -> None:
        """Start it; return at once."""
        self.started_at = time.time()
        self.connector.start()

    @property
    def frozen(self) -> bool:
        """Whether it is frozen now."""
        return self._frozen_at is not None

    @property
    def running(self) -> bool:
        """Whether it has not ended, by itself or by the harness."""
        if self.end is None and (code := self.connector.process.poll()) is not None:
            self.end = MemberEnd(time.time(), time.time(), "died", code)
        return self.end is None

    def freeze(self) -> None:
        """SIGSTOP."""
        self._frozen_at = time.time()
        self.connector.process.send_signal(signal.SIGSTOP)

    def reload(self, more: Mapping[str, Any]) -> None:
        """Let it read a config with other settings of its targets (SIGHUP); while it is frozen, once it wakes."""
        targets = {name: {**target, **more} for name, target in self._config["targets"].items()}
        self.connector.write_config({**self._config, "targets": targets})
        self.configs.append(self._config_id())
        self.connector.reload()

    def _config_id(self) -> str:
        return hashlib.sha256(self.config_path.read_bytes()).hexdigest()[:12]

    def thaw(self) -> None:
        """SIGCONT, if it is frozen."""
        if self._frozen_at is not None:
            self.connector.process.send_signal(signal.SIGCONT)
            self.freezes.append((self._frozen_at, time.time()))
            self._frozen_at = None

    def kill(self) -> None:
        """SIGKILL."""
        if self.running:
            at = time.time()
            self.connector.kill()
            self.end = MemberEnd(at, time.time(), "killed", -signal.SIGKILL)

    def stop(self, timeout_s: float) -> None:
        """SIGTERM, and wait until it has ended; killed if that takes longer than `timeout_s`."""
        if not self.running:
            return
        asked = time.time()
        self.connector.terminate()
        try:
            code = self.connector.exit_code(timeout_s)
        except subprocess.TimeoutExpired:
            self.connector.kill()
            code = -signal.SIGKILL
        self.end = MemberEnd(asked, time.time(), "stopped", code)

    def close(self) -> None:
        """End it, whatever state it is in."""
        self.thaw()
        self.connector.close()


def host_of(number: int) -> str:
    """Return the loopback address that the process with this number, from 1 on, uses for the platform."""
    return f"127.0.{number // 250}.{number % 250 + 2}"
