"""Confines a process to what it needs for evaluating texts that may be anybody's.

The evaluation reads nothing on purpose (`connector.config.sealing`); this is the second wall, should the first have a
hole. Python's own files may be read, because modules, codecs and time zones are loaded when they are first needed.
"""

from __future__ import annotations

import os
import resource
import sys
import sysconfig
import time
import zoneinfo
from typing import Final

import connector

_MOST_BYTES: Final = 2 << 30
"""Of address space, most of which the libraries only map."""
_REFUSED: Final = (
    "ctypes.",
    "ftplib.",
    "http.",
    "os.",
    "pty.",
    "shutil.",
    "smtplib.",
    "socket.",
    "subprocess.",
    "tempfile.",
    "urllib.",
    "webbrowser.",
)
"""Events of `sys.addaudithook` that no evaluation raises, by how they begin."""
_LISTING: Final = ("os.listdir", "os.scandir")
"""What the import system does to its own folders."""


class ConfinedError(PermissionError):
    """Something was tried that the process may not do. Python's own modules take it for the system's refusal."""


def confine() -> None:
    """Refuse files but Python's own, other programs and the network from now on, and limit memory. Can't be undone."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # not for root, for whom only the hook stands in the way
    readable = tuple(_folder(name) for name in _own_folders())

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" or event in _LISTING:
            path = arguments[0]
            writes = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
            if isinstance(path, str) and not writes and os.path.realpath(path).startswith(readable):
                return
            raise ConfinedError(f"{event} is refused")
        if event.startswith(_REFUSED):
            raise ConfinedError(f"{event} is refused")

    sys.addaudithook(refuse)


_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit_cpu(seconds: int) -> None:
    """Let the process be killed after so many more seconds of work, even if nobody is left to end it."""
    used = int(time.process_time()) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def _own_folders() -> list[str]:
    paths = sysconfig.get_paths()
    own = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [*own, *zoneinfo.TZPATH, os.path.dirname(connector.__file__)]  # noqa: PTH120 - as `readable` compares


def _folder(name: str) -> str:
    return os.path.join(os.path.realpath(name), "")  # noqa: PTH118 - pathlib drops the slash at the end
