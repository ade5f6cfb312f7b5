"""Waiting for what must come to be true: tests never assert on how long something took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_S = 60.0
"""Far more than anything here takes on a slow machine; passing it is a failure, not a slow success."""


def until(condition: Callable[[], T], what: str, *, patience_s: float = PATIENCE_S, every_s: float = 0.05) -> T:
    """Ask `condition` until its answer is true, and return that answer. Raises AssertionError."""
    deadline = time.monotonic() + patience_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s:g} s in vain: {what}; at the end: {answer!r}")
        time.sleep(every_s)
    return answer
