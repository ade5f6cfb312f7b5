"""The demo as a user runs it: its steps, its tables, its exit code."""

from __future__ import annotations

import os
import pty
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


STEPS = (
    "The demo sends 50 shop orders",
    "Starting the embedded Kafka",
    "Starting the sandbox",
    "Starting the connector",
    "Waiting until it has joined its consumer group",
    "Sending 50 orders",
    "Fault: the platform answers 503",
    "Fault: every token expires",
    "Waiting until every order has its outcome",
    "Stopping the connector",
    "Comparing what was sent",
)


def test_each_step_is_named_in_order_on_a_pipe() -> None:
    with _demo("--records", "50") as process:
        _, progress = process.communicate(timeout=90)
    assert process.returncode == 0, progress
    positions = [progress.find(step) for step in STEPS]
    assert positions[0] == 0
    assert -1 not in positions, progress
    assert positions == sorted(positions)


def test_each_step_is_named_in_order_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "connector", "demo", "--records", "50"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        progress = b""
        try:
            while read := os.read(ours, 65536):
                progress += read
        except OSError:
            pass  # how Linux tells the end of a terminal
    os.close(ours)
    assert process.returncode == 0, progress
    positions = [progress.find(step.encode()) for step in STEPS]
    assert positions[0] == 0
    assert -1 not in positions, progress
    assert positions == sorted(positions)


def test_the_first_line_does_not_wait_for_the_imports() -> None:
    """The first import takes seconds on a slow machine."""
    command = "import sys; from connector.demo import main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.split()
    assert not {"confluent_kafka", "rich", "starlette"} & set(loaded)


def test_without_faults_nothing_is_dead_lettered() -> None:
    with _demo("--records", "200", "--faults", "off") as process:
        table, progress = process.communicate(timeout=90)
    assert process.returncode == 0, f"{table}\n{progress}"
    assert _cell(table, "dead-lettered") == "+ 0 0"
    assert _cell(table, "… of which refused") == "0"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(signum: signal.Signals) -> None:
    with _demo("--records", "100000") as process:
        assert process.stderr is not None
        while not (found := re.search(r"Connector (http://\S+)\.", line := process.stderr.readline())):
            assert line, "the demo has ended"
        process.send_signal(signum)
        process.communicate(timeout=60)
    assert process.returncode == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{found[1]}/livez")


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
