"""The live summary of `run` on a terminal; warnings and errors scroll above it.

Theory of operation
1. Only one thread at a time writes to the terminal, and never the event loop while records flow: one that is paused
   (Ctrl-S) blocks whoever writes to it. The log's lines wait in a queue for the next drawing.
2. A drawing that fails, or a terminal that is gone, ends the summary and nothing else.
3. The cursor is never hidden: a process that is killed can't show it again.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Final, NoReturn

from rich.live import Live
from rich.text import Text

from connector.observe.history import SAMPLE_S, History
from connector.observe.scrub import printable
from connector.observe.summary import summary
from connector.runtime.console import is_screen, stderr_console

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from connector.language.choice import Language
    from connector.observe.snapshot import Status

EVERY_S: Final = 1.0
RATE_S: Final = 5.0
"""Over how long the speed is measured."""
_MOST_LINES: Final = 1000


def wants_summary() -> bool:
    """Return whether stderr is a terminal with a person at it, and one that can move its cursor.

    The main process of a container or a service, and a child of its init, is looked at by nobody, whatever it is given.
    """
    is_main = 1 in {os.getpid(), os.getppid()}
    return is_screen() and not is_main and sys.stdin.isatty()


class Terminal:
    """Lives as long as the process. As a stream it takes the log's lines, from any thread."""

    def __init__(self, console: Console | None = None, language: Language = "en") -> None:
        self._language = language
        self._console = console or stderr_console()
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._history = History()
        self._sampled_at = 0.0
        self._counts: deque[tuple[float, int, int]] = deque()
        self._drawing = Lock()
        self._is_over = False

    def write(self, data: bytes) -> None:
        """Take lines of the log, to be shown above the summary."""
        self._lines.append(data.decode(errors="replace").rstrip("\n"))
        if self._is_over:
            self._print_lines()

    def flush(self) -> None:
        """Nothing to do: lines are shown with the next drawing."""

    async def show(self, snapshot: Callable[[], Status]) -> NoReturn:
        """Draw the summary until the task is cancelled."""
        try:
            while True:
                await asyncio.to_thread(self.draw, snapshot(), time.time())
                await asyncio.sleep(EVERY_S)
        finally:
            self.draw(snapshot(), time.time())
            self.close()

    def draw(self, status: Status, now: float) -> None:
        """Print the lines that wait, and the summary below them; never raises."""
        if self._is_over:
            return
        try:
            with self._drawing:
                if not self._live.is_started:
                    self._live.start()
                self._print_lines()
                self._sample(status, now)
                shown = summary(status, self._per_second(), self._history.catch_up(), now, self._language)
                self._live.update(shown, refresh=True)
        except Exception:  # noqa: BLE001 - records flow on, whatever the terminal is
            self.close()

    def close(self) -> None:
        """End the summary, as it stands; lines that come later are printed at once."""
        self._is_over = True
        with suppress(OSError, ValueError):
            self._live.stop()
        self._print_lines()

    def _print_lines(self) -> None:
        with suppress(OSError, ValueError, IndexError):
            while True:
                line = printable(self._lines.popleft())
                style = "red" if " ERROR " in line else "yellow"
                self._console.print(Text(line, style), soft_wrap=True)

    def _sample(self, status: Status, now: float) -> None:
        if now >= self._sampled_at + SAMPLE_S:
            self._sampled_at = now
            self._history.add(now, status)
        settled = sum(topic.delivered + topic.skipped + topic.dead_lettered for topic in status.topics)
        self._counts.append((now, sum(topic.consumed for topic in status.topics), settled))
        while self._counts[0][0] < now - RATE_S and len(self._counts) > 2:
            self._counts.popleft()

    def _per_second(self) -> tuple[float, float] | None:
        (before, consumed, settled), (now, *after) = self._counts[0], self._counts[-1]
        if now <= before:
            return None
        return (after[0] - consumed) / (now - before), (after[1] - settled) / (now - before)
