"""A command on a terminal of its own (a pty), as somebody sees and uses it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 60.0
HIDE_CURSOR = "\x1b[?25l"
_SIZE = ("COLUMNS", "LINES")
"""Are set by pytest-xdist, and would count instead of the terminal's size."""
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """Lives until `close`. The terminal is stdin, stdout and stderr of the process."""

    def __init__(self, folder: Path, arguments: Sequence[str], environ: Mapping[str, str], **streams: int) -> None:
        """`arguments` are Python's; `streams` are those of the process that are no terminal."""
        inherited = {name: each for name, each in os.environ.items() if name not in _SIZE}
        self._ours, theirs = os.openpty()
        self.resize(100)
        stdin, stdout, stderr = (streams.get(name, theirs) for name in ("stdin", "stdout", "stderr"))
        # The width is that of this terminal: not of one that the tests were started from, as pytest-xdist tells it.
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", **environ},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that Ctrl-C is typed
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self.text = ""
        """What came since the last `until`."""

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))

    def until(self, pattern: str) -> None:
        """Read until the pattern stands in what came since the last call."""
        self.text, deadline = "", time.monotonic() + TIMEOUT_S
        while not re.search(pattern, re.sub(r"\s+", " ", _CONTROLS.sub("", self.text))):
            assert time.monotonic() < deadline, self.text
            self._read()
            time.sleep(0.02)

    def interrupt(self) -> int:
        """Type Ctrl-C, and return the exit code."""
        self.type(b"\x03")
        return self.wait()

    def wait(self) -> int:
        """Read what still comes, and return the exit code."""
        deadline = time.monotonic() + TIMEOUT_S
        while (code := self.process.poll()) is None and time.monotonic() < deadline:
            self._read()
            time.sleep(0.02)
        self._read()
        return -1 if code is None else code

    def modes(self) -> list[object]:
        """Return how the terminal is set: whether it echoes, and so on."""
        return list(termios.tcgetattr(self._ours))

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nothing yet, or the end
            self.text += os.read(self._ours, 1 << 16).decode(errors="replace")


def lines_left(text: str) -> list[str]:
    """Return what is to be read on a terminal at last.

    Follows carriage returns, line feeds, the cursor up, and the erasing of a line, as rich's Live uses them.
    """
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif part.startswith("\x1b"):
            if part.endswith("A"):
                row = max(0, row - int(part[2:-1] or 1))
            elif part.endswith("K"):
                lines[row] = ""
        else:
            lines[row] = lines[row].ljust(column)[:column] + part + lines[row][column + len(part) :]
            column += len(part)
    return lines
