"""`health` against a connector that runs: what a health check of a container sees, and a person who asks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from connector.runtime.web import bind
from tests.acceptance.test_cli_check import command
from tests.unit.config.files import SOUND

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")


def eventually(check: Callable[[], subprocess.CompletedProcess[str]], text: str) -> subprocess.CompletedProcess[str]:
    deadline = time.monotonic() + 60
    while text not in (done := check()).stdout and time.monotonic() < deadline:
        time.sleep(0.2)
    assert text in done.stdout, done
    return done


def test_health_tells_live_from_ready_and_names_each_reason(tmp_path: Path) -> None:
    sock = bind("127.0.0.1:0")
    port = sock.getsockname()[1]
    sock.close()
    text = SOUND.replace("localhost:9092", "127.0.0.1:1")
    text = text.replace("platform:\n", "platform:\n  base_url: https://127.0.0.1:1/\n")
    text += f'admin: {{listen: "0.0.0.0:{port}"}}\nshutdown_timeout: 1s\n'
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")

    def health(*options: str) -> subprocess.CompletedProcess[str]:
        return command(tmp_path, "health", "-c", "c.yaml", *options)

    before = health()
    assert (before.returncode, before.stdout) == (1, "")
    assert f"no connector answers at 127.0.0.1:{port} (admin.listen of c.yaml)" in before.stderr
    running = subprocess.Popen(
        [sys.executable, "-m", "connector", "run", "-c", "c.yaml"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "SECRET": "not-a-real-secret"},
        stderr=subprocess.DEVNULL,
    )
    try:
        live = eventually(health, "live")
        assert (live.returncode, live.stdout, live.stderr) == (0, "live\n", "")
        not_ready = eventually(lambda: health("--ready"), "no_token")
        first, *reasons = not_ready.stdout.splitlines()
        assert (not_ready.returncode, first, not_ready.stderr) == (1, "not ready", "")
        [example] = re.findall(r"^```text\nnot ready\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)
        codes = [line.partition(": ")[0] for line in example.splitlines()]
        assert codes == [line.partition(": ")[0] for line in reasons][: len(codes)]
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0
