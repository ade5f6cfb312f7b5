"""Progress of the long work of a command, on stderr, with the time left.

Theory of operation
1. A terminal shows a line with a bar for each step, once the work has lasted BEGIN_S, and nothing of it is left at the
   end: what came of the work, the command says itself. Elsewhere a step has a line a minute, or nothing (`Shown`).
2. The work only counts, or is asked how far it is: what draws is a thread of its own, so a terminal that is paused
   (Ctrl-S) holds up nothing but the end. A terminal that is gone ends the drawing and nothing else.
3. Notes, and the log's lines, stand above the bars.
"""

from __future__ import annotations

import enum
import os
import sys
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Self, TypeVar

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from connector.core.time_left import TimeLeft
from connector.core.wording import counted, duration
from connector.language.choice import chosen
from connector.language.message import in_language, joined, message, verbatim
from connector.runtime.console import is_screen, stderr_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Measure = Callable[[], tuple[int, int | None]]
    """Returns how much is done, and of how much; None: that is not known. Called by another thread."""
    Counted = Callable[[int], str]
    """Returns a number with its noun, such as `records`."""

T = TypeVar("T")
BEGIN_S: Final = 1.0
LINE_S: Final = 60.0
FRAME_S: Final = 0.25
_END_S: Final = 2.0
"""How long a terminal may hold up the end."""
_BAR_WIDTH: Final = 30
_WIDTH_WITH_BAR: Final = 90


class Shown(enum.Enum):
    """How progress is shown."""

    BARS = enum.auto()
    LINES = enum.auto()
    """One a minute, if anything has changed: for a log."""
    NOTHING = enum.auto()

    @classmethod
    def on_stderr(cls, *, as_json: bool, elsewhere: Shown) -> Shown:
        """Return how: as bars on a terminal, `elsewhere` otherwise; and not at all with `--json`."""
        if as_json:
            return cls.NOTHING
        return cls.BARS if is_screen() else elsewhere


@dataclass(slots=True)
class _Step:
    """One part of the work."""

    name: str
    tell: Counted
    measure: Measure
    pace: TimeLeft = field(default_factory=TimeLeft)
    told: str = ""

    def text(self, now: float) -> tuple[str, int, int | None]:
        """Return how far it is in words, and in numbers."""
        done, total = self.measure()
        self.pace.add(now, done)
        much = self.tell(done)
        if total is not None:
            much = message("{done:,} of {total}", done=min(done, total), total=self.tell(total))
        told = joined("; ", filter(None, (much, self._rest(done, total))))
        return in_language(told, chosen(os.environ)), done, total

    @property
    def title(self) -> str:
        """What is done, in the language of the process."""
        return in_language(self.name, chosen(os.environ))

    def _rest(self, done: int, total: int | None) -> str:
        if total is not None and done >= total:
            return ""
        if still := self.pace.stalled_s():
            return message("no progress for {time}", time=duration(still))
        if total is None:
            speed = self.pace.per_second()
            return "" if speed is None else verbatim(f"{speed:,.0f}/s")
        seconds = self.pace.seconds(total)
        return "" if seconds is None else message("{time} left", time=duration(max(seconds, 1.0)))


def records(number: int) -> str:
    """Return a number of records."""
    return counted(number, "record")


def letters(number: int) -> str:
    """Return a number of dead letters."""
    return counted(number, "letter")


class Progress:
    """Shows the steps that are under way between `__enter__` and `__exit__`. As a stream it takes the log's lines."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._steps: list[_Step] = []
        self._ended = Event()
        self._writing = Lock()
        self._live: Live | None = None
        self._lines: deque[str] = deque()
        self._thread = Thread(target=self._draw_all, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._shown is not Shown.NOTHING:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._shown is not Shown.NOTHING:
            self._thread.join(_END_S)

    @property
    def is_drawing(self) -> bool:
        """Whether what there is to show is still shown."""
        return self._thread.is_alive()

    @contextmanager
    def step(self, name: str, tell: Counted, measure: Measure) -> Iterator[None]:
        """Show a step while the block runs: `name` says what is done, and `tell` tells a number of what it counts."""
        one = _Step(name, tell, measure)
        one.pace.add(time.monotonic(), measure()[0])
        with self._writing:
            self._steps = [*self._steps, one]
        try:
            yield
        finally:
            with self._writing:
                self._steps = [each for each in self._steps if each is not one]
                if not self._steps:
                    self._hide_bars()  # the terminal is the command's again

    def over(self, items: Sequence[T], name: str) -> Iterator[T]:
        """Yield the items, which are records; the step lasts until the last one is dealt with."""
        done = 0
        with self.step(name, records, lambda: (done, len(items))):
            for each in items:
                yield each
                done += 1

    def note(self, text: str) -> None:
        """Print a line; if there are bars, above them, with their next drawing."""
        with self._writing:
            if self._live is not None:
                self._lines.append(text)
                return
            sys.stdout.flush()  # so that a terminal shows both in order
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def write(self, data: bytes) -> None:
        """Take lines of the log."""
        self.note(data.decode(errors="replace").rstrip("\n"))

    def flush(self) -> None:
        """Nothing to do: lines are shown at once."""

    # -- the drawing thread -------------------------------------------------------------------------------------

    def _draw_all(self) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone, or the stream is closed
            if self._shown is Shown.LINES:
                self._tell_all()
            elif not self._ended.wait(BEGIN_S):
                self._show_bars()

    def _tell_all(self) -> None:
        while not self._ended.wait(LINE_S):
            for step in self._steps:
                told, _, _ = step.text(time.monotonic())
                if told != step.told:
                    step.told = told
                    self.note(f"{step.title}: {told}")

    def _show_bars(self) -> None:
        try:
            while not self._ended.wait(FRAME_S):
                with self._writing:
                    if (live := self._live) is None and self._steps:
                        live = self._live = _live()
                        live.start()
                if live is not None:
                    self._print_lines(live)
                    live.update(_bars(self._steps, live.console.width), refresh=True)
        finally:
            with self._writing:
                self._hide_bars()

    def _hide_bars(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError, ValueError):
                live.stop()
                self._print_lines(live)

    def _print_lines(self, live: Live) -> None:
        with suppress(IndexError):
            while True:
                live.console.print(Text(self._lines.popleft()), soft_wrap=True)


def _live() -> Live:
    return Live(
        console=stderr_console(), auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )


def _bars(steps: Sequence[_Step], width: int) -> Group:
    """Return a line for each step, no longer than the terminal is wide."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    is_wide = width >= _WIDTH_WITH_BAR
    if is_wide:
        table.add_column(width=_BAR_WIDTH)
    table.add_column(no_wrap=True, overflow="ellipsis")
    now = time.monotonic()
    for step in steps:
        told, done, total = step.text(now)
        bar = Text() if total is None else ProgressBar(max(total, 1), done, width=_BAR_WIDTH)
        table.add_row(step.title, *([bar] if is_wide else []), told)
    return Group(table)
