"""Where a command prints: what was asked for to stdout, everything else to stderr."""

from __future__ import annotations

import sys


class Output:
    """Prints lines. A reader of stdout that has gone (`| head`) ends the command, without a traceback: exit code 1."""

    def print(self, line: str) -> None:
        """Print a line of what was asked for."""
        sys.stdout.write(line + "\n")

    def note(self, line: str) -> None:
        """Print a line about it."""
        sys.stdout.flush()  # so that a terminal shows both in order
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
