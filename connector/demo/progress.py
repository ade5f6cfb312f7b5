"""Progress on stderr: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_LINE_EVERY_S = 2.0


class Show(Protocol):
    """Where the demo tells how far it is."""

    def advance(self, sent: int, settled: int) -> None:
        """Tell how many orders were sent and how many of them have their outcome."""

    def note(self, words: str) -> None:
        """Tell that something happened."""


@contextlib.contextmanager
def showing(console: Console, total: int) -> Iterator[Show]:
    """Show progress for the length of the block."""
    if not console.is_terminal:
        yield _Lines(console, total)
        return
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress, total)


class _Bars:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._sent = progress.add_task("orders", total=total)
        self._settled = progress.add_task("settled", total=total)

    def advance(self, sent: int, settled: int) -> None:
        self._progress.update(self._sent, completed=sent)
        self._progress.update(self._settled, completed=settled)

    def note(self, words: str) -> None:
        self._progress.console.print(words, highlight=False)


class _Lines:
    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._next_s = 0.0

    def advance(self, sent: int, settled: int) -> None:
        now = time.monotonic()
        if now >= self._next_s:
            self._next_s = now + _LINE_EVERY_S
            self.note(f"{sent:,} of {self._total:,} orders sent, {settled:,} settled")

    def note(self, words: str) -> None:
        self._console.print(words, highlight=False, markup=False, soft_wrap=True)
