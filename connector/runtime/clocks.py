"""Clocks that go on while the process is stopped or the machine sleeps, and work that is repeated."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""On Linux the one that also counts while the machine is suspended."""


def wake_clocks() -> tuple[float, ...]:
    """Return the readings of several clocks, in seconds: after a pause at least one of them has jumped.

    A hypervisor that pauses a machine may stop all clocks but the wall clock, which is set when the machine goes on.
    """
    return time.clock_gettime(_BOOT_CLOCK), time.time()


async def call_every(seconds: float, call: Callable[[], object]) -> NoReturn:
    """Call a function again and again, for a background task."""
    while True:
        call()
        await asyncio.sleep(seconds)
