from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

STOP_TWICE = """
import asyncio, os, signal
from connector.runtime.process import stop_on_signals

for ignored in (signal.SIGINT, signal.SIGHUP):  # what a shell in the background, or nohup, lets its children inherit
    signal.signal(ignored, signal.SIG_DFL)

async def main() -> None:
    stop_requested = stop_on_signals()
    os.kill(os.getpid(), signal.{first})
    await asyncio.wait_for(stop_requested.wait(), 10)
    print("stopping", flush=True)
    os.kill(os.getpid(), signal.{second})
    await asyncio.sleep(10)

asyncio.run(main())
"""
HANG_UP = """
import asyncio, os, signal
from connector.runtime.process import stop_on_signals

async def main() -> None:
    signal.signal(signal.SIGHUP, signal.{before})
    stop_requested = stop_on_signals()
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0.2)
    print(stop_requested.is_set())

asyncio.run(main())
"""
RELOAD = """
import asyncio, os, signal, sys
from connector.runtime.process import Hangups, reload_on_hangup, stop_on_signals

signal.signal(signal.SIGHUP, signal.{before})
hangups = Hangups()
print("terminal" if hangups.had_terminal else "none", flush=True)
if {early}:
    os.kill(os.getpid(), signal.SIGHUP)

async def main() -> None:
    stop, reloads = stop_on_signals(hangup=False), []
    reload_on_hangup(hangups, lambda: reloads.append(1), stop)
    print("ready", flush=True)
    if {late}:
        os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.wait([asyncio.ensure_future(stop.wait())], timeout={wait_s})
    with open("{file}", "w") as file:
        file.write(f"{{len(reloads)}} {{stop.is_set()}}")

asyncio.run(main())
os.kill(os.getpid(), signal.SIGHUP)  # the loop is closed
hangups.end()
os.kill(os.getpid(), signal.SIGHUP)
"""
STUCK_THREAD = """
import threading, time
from connector.runtime.process import exit_unless

threading.Thread(target=time.sleep, args=(30,)).start()
exit_unless(threading.Event(), 0.1, 7)
"""
ENDED = """
import threading, time
from connector.runtime.process import exit_unless

ended = threading.Event()
exit_unless(ended, 1, 7)
ended.set()
time.sleep(1.5)
"""


def run_script(script: str, *, new_session: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a script; in a new session it has no terminal."""
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, start_new_session=new_session
    )


def test_the_first_signal_requests_a_stop_and_the_second_exits_with_1() -> None:
    for first, second in (("SIGTERM", "SIGINT"), ("SIGINT", "SIGTERM"), ("SIGHUP", "SIGTERM")):
        done = run_script(STOP_TWICE.format(first=first, second=second))
        assert (done.returncode, done.stdout, done.stderr) == (1, "stopping\n", "")


def test_a_terminal_that_hangs_up_twice_requests_a_stop_but_not_under_nohup() -> None:
    for before, stops in (("SIG_DFL", "True\n"), ("SIG_IGN", "False\n")):
        done = run_script(HANG_UP.format(before=before))
        assert (done.returncode, done.stdout, done.stderr) == (0, stops, "")


def test_a_process_that_a_thread_keeps_from_ending_exits_with_its_code() -> None:
    started = time.monotonic()
    assert run_script(STUCK_THREAD).returncode == 7
    assert time.monotonic() - started < 20


def test_a_process_that_has_ended_in_time_is_not_exited() -> None:
    assert run_script(ENDED).returncode == 0


@pytest.mark.parametrize(("early", "late"), [(True, False), (False, True), (True, True)])
def test_a_hangup_reloads_also_one_that_comes_before_the_loop_runs(early: bool, late: bool, tmp_path: Path) -> None:  # noqa: FBT001
    file = tmp_path / "result"
    done = run_script(RELOAD.format(before="SIG_DFL", early=early, late=late, wait_s=0.3, file=file), new_session=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "none\nready\n", "")
    assert file.read_text() == f"{early + late} False"


@pytest.mark.parametrize(("before", "result"), [("SIG_DFL", "0 True"), ("SIG_IGN", "0 False")])
def test_a_terminal_that_is_gone_stops_unless_nohup_keeps_the_process(before: str, result: str, tmp_path: Path) -> None:
    file = tmp_path / "result"
    script = RELOAD.format(before=before, early=False, late=False, wait_s=2, file=file)
    master, slave = pty.openpty()
    attach = "import fcntl, sys, termios; fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)\n"
    with subprocess.Popen(
        [sys.executable, "-c", attach + script, str(slave)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[slave],
        start_new_session=True,
        text=True,
    ) as process:
        os.close(slave)
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["terminal\n", "ready\n"]
        os.close(master)  # the window is closed: the kernel sends SIGHUP
        assert process.wait(30) == 0
    assert file.read_text() == result
