"""The process as a whole: its signals, its end, its garbage collector.

SIGHUP has two meanings: the terminal is gone, or a daemon should read its config again. They are told apart by looking
whether there still is a terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Hangups:
    """Keeps SIGHUP from ending the process, also before there is a loop that serves it, and after. Made early.

    The loop's own handler would not do: when the loop is closed, the next SIGHUP would end the process.
    """

    def __init__(self) -> None:
        self.stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        """Whether the process outlives its terminal: under `nohup`."""
        self.had_terminal = _has_terminal()
        self._came = False
        self._serve: Callable[[], object] | None = None
        signal.signal(signal.SIGHUP, self._on_signal)

    def serve(self, on_hangup: Callable[[], None]) -> None:
        """Call `on_hangup` on the running loop for each SIGHUP from now on; at once if one has come already."""
        loop = asyncio.get_running_loop()
        self._serve = partial(loop.call_soon_threadsafe, on_hangup)
        if self._came:
            on_hangup()

    def end(self) -> None:
        """Ignore SIGHUP from now on: the process ends by itself."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _on_signal(self, *_: object) -> None:
        self._came = True
        if self._serve is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._serve()

    @property
    def lost_terminal(self) -> bool:
        """Whether the terminal is gone."""
        return self.had_terminal and not _has_terminal()


def stop_on_signals(*, hangup: bool = True) -> asyncio.Event:
    """Return an event that SIGTERM, SIGINT and SIGHUP set; a second SIGTERM or SIGINT exits the process with 1.

    A second SIGHUP has no effect: a terminal that is closed may send two. Under `nohup` none has, nor without `hangup`.
    """
    requested = asyncio.Event()

    def on_signal() -> None:
        if requested.is_set():
            os._exit(1)
        requested.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if hangup and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, requested.set)
    return requested


def reload_on_hangup(hangups: Hangups, reload: Callable[[], None], stop: asyncio.Event) -> None:
    """Call `reload` on SIGHUP, also on one that has come already; if the terminal is gone, set `stop` instead."""

    def on_hangup() -> None:
        if not hangups.lost_terminal:
            reload()
        elif not hangups.stays:
            stop.set()

    hangups.serve(on_hangup)


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


def collect_garbage() -> None:
    """Free what is no longer needed and refers to itself: a mapping, for example. Takes a few milliseconds.

    By itself that would stay for very long: see `tune_garbage_collector`.
    """
    gc.collect()


def tune_garbage_collector() -> None:
    """Run the garbage collector less often, and never on the objects that exist now.

    Records are freed by reference counts, and the objects in the queues survive most collections: with Python's own
    thresholds these took a sixth of the process's time. No collection precedes `freeze`: the start leaves almost no
    garbage.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
