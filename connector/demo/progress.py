"""Progress on stderr: bars on a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_LINE_INTERVAL_S = 2.0


class Display(Protocol):
    """Where the demo reports its steps and its progress."""

    def note(self, text: str) -> None:
        """Report a step."""

    def advance(self, sent: int, settled: int) -> None:
        """Report how many orders were sent, and how many of them have their outcome."""


@contextlib.contextmanager
def displaying(console: Console, total: int) -> Iterator[Display]:
    """Display progress towards `total` orders while the block runs."""
    if not console.is_terminal:
        yield _Lines(console, total)
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress, total)


class _Bars:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._sent = progress.add_task("orders", total=total, visible=False)
        self._settled = progress.add_task("settled", total=total, visible=False)

    def note(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False)

    def advance(self, sent: int, settled: int) -> None:
        self._progress.update(self._sent, completed=sent, visible=True)
        self._progress.update(self._settled, completed=settled, visible=True)


class _Lines:
    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._next_line_s = 0.0

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def advance(self, sent: int, settled: int) -> None:
        now = time.monotonic()
        if now >= self._next_line_s:
            self._next_line_s = now + _LINE_INTERVAL_S
            self.note(f"{sent:,} of {self._total:,} orders sent, {settled:,} settled")
