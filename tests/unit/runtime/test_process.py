from __future__ import annotations

import subprocess
import sys
import time

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


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)


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
