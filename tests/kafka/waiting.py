"""Waiting for a condition: tests do not assert how long something took, unless that is what they test."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

TIMEOUT_S = 60.0
"""Far longer than any condition here takes on a slow machine."""


def until(condition: Callable[[], T], what: str, *, timeout_s: float = TIMEOUT_S, every_s: float = 0.05) -> T:
    """Call `condition` until its result is true, and return it. Raises AssertionError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s for {what}; the last result was {result!r}")
        time.sleep(every_s)
    return result
