"""Virtual environments that hold one artifact and what it needs, as a user's would."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]


class ReleaseError(Exception):
    """Something keeps this from being released; the message says what."""


def run(command: Sequence[str | Path], folder: Path | None = None, *, codes: Sequence[int] = (0,)) -> str:
    """Run a program to its end and return what it wrote to stdout.

    It sees no source of ours: neither by its folder nor by PYTHONPATH. Raises ReleaseError for an unexpected exit code.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TUZHAN", "KAFKA"))}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode not in codes:
        told = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ReleaseError(f"{' '.join(words)}: exit code {done.returncode}\n{told}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment; `folder` is its own."""

    folder: Path

    @classmethod
    def with_packages(cls, folder: Path, *requirements: str | Path) -> Environment:
        """Make an environment with nothing but these, at the versions of constraints.txt."""
        venv.create(folder, with_pip=True)
        made = cls(folder)
        pip = [str(made.program("python")), "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", "--constraint", ROOT / "constraints.txt", *requirements], folder)
        run([*pip, "check"], folder)
        return made

    def program(self, name: str) -> Path:
        """Return the path of a program that was installed."""
        return self.folder / "bin" / name

    def frozen(self) -> list[str]:
        """Return the libraries as `name==version`, without the connector itself and without pip."""
        lines = run([self.program("python"), "-m", "pip", "freeze", "--exclude", "tuzhan-connector"], self.folder)
        return lines.splitlines()

    def remove_installers(self) -> None:
        """Remove pip and setuptools, which are no part of the connector."""
        pip = [str(self.program("python")), "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "uninstall", "--quiet", "--yes", "setuptools", "pip"], self.folder)


def tool(name: str) -> Path:
    """Return the path of a program of the extra `release`, beside the Python that runs this."""
    return Path(sys.executable).parent / name
