"""`test --watch`: the tests run again each time a file changes that they depend on.

Each run is a process of its own, so that the Python of a `transform` is read again too. Changes are found by looking,
twice a second: that works on every file system, those of containers and networks among them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from connector.core.errors import UsageError
from connector.runtime.files import stamps
from connector.workbench.testing.finding import find
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import BrokenFileError, read_cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_INTERVAL_S: Final = 0.5


def watch(paths: Sequence[Path], arguments: Sequence[str]) -> int:
    """Run `test` with these arguments, now and after each change, until Ctrl-C. Return the last exit code."""
    command = [sys.executable, "-m", "connector", "test", *arguments]
    code = 2
    known: set[str] = set()
    try:
        while True:
            known |= _dependencies(paths)
            before = stamps(known)
            code = subprocess.run(command, check=False).returncode  # noqa: S603 - this program, with its own options
            print("waiting for a change; Ctrl-C ends it", file=sys.stderr, flush=True)  # noqa: T201 - a complaint
            while stamps(known) == before and _found(paths) <= known:
                time.sleep(_INTERVAL_S)
    except KeyboardInterrupt:
        return code


def _dependencies(paths: Sequence[Path]) -> set[str]:
    """Return the files of tests, and the configs, plans, values and modules that they name."""
    mappings = Mappings()
    known = _found(paths)
    for file in list(known):
        try:
            known.update(read_cases(file, mappings, may_be_open=True).value_files)
        except BrokenFileError:
            continue
    known.update(checked.file for checked in mappings.checked)
    known.update(checked.plan.file for checked in mappings.checked if checked.plan is not None and checked.plan.file)
    for tested in mappings.tested:
        names = {route.transform.partition(":")[0] for route in tested.config.routes if route.transform}
        modules = [sys.modules[name] for name in names if name in sys.modules]
        known.update(module.__file__ for module in modules if module.__file__)
    return known


def _found(paths: Sequence[Path]) -> set[str]:
    try:
        return set(find(paths))
    except UsageError:  # there is none just now
        return set()
