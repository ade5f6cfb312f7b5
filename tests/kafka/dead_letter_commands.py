"""The real command line `dead-letters …` as a subprocess."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.acceptance.test_progress import AT_ONCE
from tests.kafka.processes import leash
from tests.support.screen import Screen

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 100


class DeadLetterCommands:
    """Runs the commands with one config."""

    def __init__(self, config: dict[str, Any], folder: Path) -> None:
        self._file = folder / "dead-letters.yaml"
        self.configure(config)

    def configure(self, config: dict[str, Any]) -> None:
        """Change the config of what runs next."""
        self._file.write_text(json.dumps(config, ensure_ascii=False))  # JSON is YAML

    def arguments(self, *arguments: str) -> list[str]:
        """Return the command line of `dead-letters ARGUMENTS`."""
        command, *others = arguments
        return [sys.executable, "-m", "connector", "dead-letters", command, "-c", str(self._file), *others]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `dead-letters ARGUMENTS` to its end; there is no traceback, whatever happens."""
        done = subprocess.run(
            self.arguments(*arguments), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `dead-letters ARGUMENTS`; its stderr goes to the file NAME.stderr, its stdout nowhere."""
        with (self._file.parent / f"{name}.stderr").open("wb") as errors:
            return subprocess.Popen([*leash(), *self.arguments(*arguments)], stdout=subprocess.DEVNULL, stderr=errors)

    def on_a_terminal(self, *arguments: str) -> Screen:
        """Start `dead-letters ARGUMENTS` on a terminal, with progress at once."""
        command, *others = arguments
        options = ["dead-letters", command, "-c", str(self._file), *others]
        return Screen(self._file.parent, ["-c", AT_ONCE, *options], {"NO_COLOR": "1"})

    def list(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what `dead-letters list --json` lists."""
        done = self.run("list", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
