"""The process as a whole: its signals, its end, its garbage collector."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM, SIGINT and SIGHUP set; a second SIGTERM or SIGINT exits the process with 1.

    A second SIGHUP has no effect: a terminal that is closed may send two. Under `nohup`, none has.
    """
    requested = asyncio.Event()

    def on_signal() -> None:
        if requested.is_set():
            os._exit(1)
        requested.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, requested.set)
    return requested


def exit_unless(ended: threading.Event, timeout_s: float, code: int) -> None:
    """Start a thread that exits the process with `code` unless `ended` is set within `timeout_s`.

    A process does not end while one of its threads waits for a broker or for DNS, and nothing can wake such a thread.
    """

    def wait() -> None:
        if not ended.wait(timeout_s):
            os._exit(code)

    threading.Thread(target=wait, name="exit timer", daemon=True).start()


def tune_garbage_collector() -> None:
    """Run the garbage collector less often, and never on the objects that exist now.

    Records are freed by reference counts, and the objects in the queues survive most collections: with Python's own
    thresholds these took a sixth of the process's time. No collection precedes `freeze`: the start leaves almost no
    garbage.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
