"""The demo as a user starts it: a process, its tables, its exit code."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

import httpx
import pytest


def _demo(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "connector", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=None,
    )


def _cell(table: str, name: str) -> str:
    row = re.search(rf"^[│┃] {re.escape(name)} +[│┃](.*)[│┃]$", table, re.MULTILINE)
    assert row, f"no row '{name}' in\n{table}"
    return " ".join(row[1].replace("│", " ").split())


def test_the_demo_ends_within_a_minute_with_numbers_that_agree() -> None:
    begin = time.monotonic()
    with _demo("--records", "1000") as process:
        table, progress = process.communicate(timeout=90)
    assert process.returncode == 0, f"{table}\n{progress}"
    assert time.monotonic() - begin < 60
    assert _cell(table, "consumed") == "1,000 1,000"
    assert _cell(table, "dead-lettered") == "+ 2 2"
    assert _cell(table, "missing") == "0"
    assert _cell(table, "came twice") == "0"
    assert _cell(table, "out of order for one customer") == "0"
    assert _cell(table, "dead letters, by reason") == "decode_failed, refused"
    assert "All numbers agree." in table
    assert "the platform answers 503" in progress
    assert "every token expires" in progress


def test_without_faults_nothing_is_a_dead_letter() -> None:
    with _demo("--records", "200", "--faults", "off") as process:
        table, progress = process.communicate(timeout=90)
    assert process.returncode == 0, f"{table}\n{progress}"
    assert _cell(table, "dead-lettered") == "+ 0 0"
    assert _cell(table, "… of which refused") == "0"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(signum: signal.Signals) -> None:
    with _demo("--records", "100000") as process:
        assert process.stderr is not None
        told = re.search(r"connector (http://\S+)", process.stderr.readline())
        assert told
        process.send_signal(signum)
        process.communicate(timeout=60)
    assert process.returncode == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{told[1]}/livez")


def test_keep_leaves_everything_running_until_a_signal() -> None:
    with _demo("--records", "100", "--faults", "off", "--keep") as process:
        assert process.stderr is not None
        while "until Ctrl-C" not in (line := process.stderr.readline()):
            assert line, "the demo has ended"
        sandbox = re.search(r"sandbox (http://\S+),", line)
        connector = re.search(r"connector (http://\S+),", line)
        assert sandbox
        assert connector
        assert httpx.get(connector[1]).json()["records"]["consumed"] >= 100
        assert httpx.get(f"{sandbox[1]}/_sandbox/stats").json()["stored"] > 50
        process.send_signal(signal.SIGINT)
        table, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "All numbers agree." in table
