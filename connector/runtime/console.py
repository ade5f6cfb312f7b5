"""The terminal that stderr is, if it is one: for what is drawn again and again."""

from __future__ import annotations

import os
import sys

from rich.console import Console


def is_screen() -> bool:
    """Return whether stderr is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}


def stderr_console() -> Console:
    """Return a console for stderr, which shows texts as they are."""
    return _PlainCursorConsole(stderr=True, highlight=False, markup=False, emoji=False)


class _PlainCursorConsole(Console):
    """Never hides the cursor: a process that is killed can't show it again."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - as its base says
        return False
