"""Whether files have changed, found by looking: that works on every file system, those of containers among them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Stamp = tuple[int, ...] | None
"""What tells a changed file from the one before; None for a file that is not there."""


def stamp(file: str) -> Stamp:
    """Return the stamp of a file.

    Links are followed: Kubernetes exchanges a link to the folder in which the files of a ConfigMap are.
    """
    try:
        status = os.stat(file)  # noqa: PTH116 - the files are text
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def stamps(files: Iterable[str]) -> Mapping[str, Stamp]:
    """Return the stamp of each file."""
    return {file: stamp(file) for file in files}
