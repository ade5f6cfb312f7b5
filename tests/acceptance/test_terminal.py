"""`run` on a real terminal (a pty): a summary instead of lines, unless nobody can read it or the config wants lines."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import httpx
import pytest
from rich.cells import cell_len

from tests.kafka.processes import free_ports

CONFIG = """\
kafka: {bootstrap_servers: "127.0.0.1:1", group_id: g}
platform: {auth: {app_id: a, app_secret: "${NO_SUCH_VARIABLE:-s}"}, base_url: "http://127.0.0.1:2/api/open"}
admin: {listen: "127.0.0.1:0"}
targets: {purchases: {endpoint: event/v2/batchAdd}}
routes: [{name: orders, topics: [t], to: purchases, event_key: c_buy, identity: [{type: openid, value: $.o}]}]
"""
TIMEOUT_S = 60.0


class Screen:
    """`run` on a terminal of its own."""

    def __init__(self, folder: Path, config: str, environ: dict[str, str]) -> None:
        (folder / "c.yaml").write_text(config, encoding="utf-8")
        self._ours, theirs = os.openpty()
        self.resize(100)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connector", "run", "-c", "c.yaml"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", **environ},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that Ctrl-C is typed
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self.text = ""

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))

    def until(self, pattern: str) -> None:
        """Read until the pattern stands in what came since the last call."""
        self.text, deadline = "", time.monotonic() + TIMEOUT_S
        while not re.search(pattern, re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.text))):
            assert time.monotonic() < deadline, self.text
            self._read()
            time.sleep(0.05)

    def interrupt(self) -> int:
        """Type Ctrl-C, read what still comes, and return the exit code."""
        self.type(b"\x03")
        deadline = time.monotonic() + TIMEOUT_S
        while (code := self.process.poll()) is None and time.monotonic() < deadline:
            self._read()
            time.sleep(0.05)
        self._read()
        return -1 if code is None else code

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nothing yet, or the end
            self.text += os.read(self._ours, 1 << 16).decode(errors="replace")


def test_a_terminal_shows_why_it_is_not_ready_and_what_to_do_and_ctrl_c_stops(tmp_path: Path) -> None:
    screen = Screen(tmp_path, CONFIG, {"NO_COLOR": "1", "LC_ALL": "C", "PYTHONUTF8": "0"})
    try:
        screen.until("WARNING not ready code=kafka_unreachable")
        screen.until(
            "NOT READY c.yaml, starting.* kafka_unreachable, for .* 127.0.0.1:1: nothing listens there; check the port"
            ".* records consumed 0, .* no partition assigned target purchases"
        )
        assert "\x1b[31" not in screen.text
        assert "\x1b[?25l" not in screen.text  # a process that is killed would leave the cursor hidden
        screen.resize(30)
        screen.until("NOT READY c.yaml.* consumed 0")
        assert screen.interrupt() == 0
        assert '{"at"' not in screen.text
        assert "Traceback" not in screen.text
    finally:
        screen.close()


@pytest.mark.parametrize("environ", [{"TUZHAN_LANG": "zh"}, {"TUZHAN_LANG": "", "LANG": "zh_CN.UTF-8", "LC_ALL": ""}])
def test_in_chinese_the_summary_fits_the_terminal_and_remedies_are_chinese(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    screen = Screen(tmp_path, CONFIG, {"NO_COLOR": "1", "PYTHONUTF8": "1", **environ})
    try:
        screen.until("WARNING not ready code=kafka_unreachable remedy=.?127.0.0.1:1：该地址没有服务在监听；请检查")
        screen.resize(60)
        screen.until("未就绪 c.yaml，启动中，已运行 .*kafka_unreachable，已持续 .*记录 消费 0，.*目标 purchases 正常")
        screen.until("未就绪")  # what is drawn from now on knows the width
        shown = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen.text).splitlines()
        assert max(map(cell_len, shown)) <= 60
        assert screen.interrupt() == 0
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("config", "environ"), [(f"{CONFIG}log: {{level: info}}\n", {}), (CONFIG, {"TERM": "dumb"})], ids=["log", "dumb"]
)
def test_lines_are_written_if_the_config_says_how_or_the_terminal_is_dumb(
    tmp_path: Path, config: str, environ: dict[str, str]
) -> None:
    screen = Screen(tmp_path, config, environ)
    try:
        screen.until('"event":"started"')
        assert "NOT READY" not in screen.text
        assert screen.interrupt() == 0
    finally:
        screen.close()


def test_a_terminal_that_is_paused_holds_nothing_up(tmp_path: Path) -> None:
    [port] = free_ports(1)
    screen = Screen(tmp_path, CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}"), {})
    try:
        screen.until("NOT READY")
        screen.type(b"\x13")  # Ctrl-S
        time.sleep(2)  # for a drawing to begin, which the terminal blocks
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=10).status_code == 200
        screen.process.terminate()
        assert screen.process.wait(TIMEOUT_S) == 0
    finally:
        screen.close()
