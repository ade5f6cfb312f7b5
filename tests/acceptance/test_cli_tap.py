"""`tap` as a subprocess, against a stand-in for a connector, which goes on and on: how it ends, and with what code."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_cli_check import command
from tests.unit.workbench.tap.test_command import COUNTS, ITEM, LISTENING, NDJSON

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = [json.dumps(each).encode() + b"\n" for each in (LISTENING, ITEM, {"type": "counts", **COUNTS})]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of what sends an item again and again, and refuses the route `nope`."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_refused = "nope" in self.path
            self.send_response(400 if is_refused else 200)
            self.send_header("content-type", "application/json" if is_refused else NDJSON)
            self.end_headers()
            with contextlib.suppress(OSError):
                if is_refused:
                    self.wfile.write(b'{"error": "route: no such route \'nope\'; there are orders"}')
                    return
                self.wfile.write(LINES[0])
                while not over.wait(0.02):
                    self.wfile.write(LINES[1] + LINES[2])

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("form", [["--json"], []])
def test_ctrl_c_ends_it_quietly_with_what_was_shown(url: str, form: list[str]) -> None:
    tap = subprocess.Popen(
        [sys.executable, "-m", "connector", "tap", "--url", url, *form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert tap.stdout is not None
    assert "delivered" in tap.stdout.readline()
    tap.send_signal(signal.SIGINT)
    _, err = tap.communicate(timeout=30)
    assert tap.returncode == 0
    first, *counts = err.splitlines()
    assert first == f"listening at {url}; Ctrl-C ends"
    assert counts in ([], ["1 of 9 items shown; 8 not in the sample (--sample, --rate)"])


def test_a_reader_that_has_read_enough_ends_it_quietly(url: str) -> None:
    script = f"{sys.executable} -m connector tap --url {url} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines()[-1] == "0"
    assert "Error" not in done.stderr


def test_what_is_wrong_is_one_line_and_a_code(url: str) -> None:
    unknown = command(Path(), "tap", "--url", url, "--route", "nope")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "tuzhan-connector: tap: route: no such route 'nope'; there are orders\n"
    absent = command(Path(), "tap", "--url", "127.0.0.1:1")
    assert (absent.returncode, absent.stdout) == (1, "")
    assert absent.stderr.startswith("tuzhan-connector: can't reach http://127.0.0.1:1 (")
    assert absent.stderr.count("\n") == 1
