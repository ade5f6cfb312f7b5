"""The process as a whole: its signals, its end, its garbage collector.

SIGHUP has two meanings: the terminal is gone, or a daemon should read its config again. They are told apart by looking
whether there still is a terminal.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Hangups:
    """Keeps a SIGHUP from ending the process before there is a loop that serves it. Made as early as possible."""

    def __init__(self) -> None:
        self.came = False
        """Whether one came before the loop served it."""
        self.stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        """Whether the process outlives its terminal: under `nohup`."""
        self.had_terminal = _has_terminal()
        signal.signal(signal.SIGHUP, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        self.came = True

    @property
    def lost_terminal(self) -> bool:
        """Whether the terminal is gone."""
        return self.had_terminal and not _has_terminal()


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


def reload_on_hangup(hangups: Hangups, reload: Callable[[], None], stop: asyncio.Event) -> None:
    """Call `reload` on SIGHUP, also on one that has come already; if the terminal is gone, set `stop` instead."""

    def on_hangup() -> None:
        if not hangups.lost_terminal:
            reload()
        elif not hangups.stays:
            stop.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_hangup)
    if hangups.came:
        on_hangup()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


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
