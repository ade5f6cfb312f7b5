"""An asyncio loop whose clock jumps: hours of backoff pass in milliseconds, and every run is the same.

When nothing is ready to run, the loop would sleep until its next timer; this one moves its clock there
instead. Code under test must take its time from ``loop.time()`` and ``asyncio.sleep`` only, and use no threads
and no sockets: the loop does not wait for them.

If nothing is ready and no timer is set, nothing can ever happen again: a real loop would hang there,
this one raises `StuckError`.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")

START_S = 1_000.0
"""Where the clock starts: not at zero, so that a time used as a truth value is noticed."""
LIMIT_S = 7 * 24 * 3600.0
"""The default limit of virtual time in one run."""


class StuckError(AssertionError):
    """Nothing is ready and nothing will ever be, or too much virtual time has passed."""


class _JumpingSelector(selectors.SelectSelector):
    """Adds the time that it was asked to wait to `now_s`, and returns at once."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self.now_s = START_S
        self._end_s = START_S + limit_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise StuckError("every task waits, and no timer is set: nothing can ever happen again")
        self.now_s += timeout
        if self.now_s > self._end_s:
            raise StuckError(f"more than {self._end_s - START_S:.0f} s of virtual time have passed")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._jumping = _JumpingSelector(limit_s)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._jumping.now_s

    def pass_blocked(self, seconds: float) -> None:
        """Let time pass in which the loop does nothing else, as a long computation does."""
        self._jumping.now_s += seconds


def run_virtual(coroutine: Coroutine[Any, Any, Result], *, limit_s: float = LIMIT_S) -> Result:
    """Run like `asyncio.run`, on virtual time; tasks that are left at the end are cancelled.

    Raises:
        StuckError: every task waits without a timer, or `limit_s` of virtual time has passed.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit_s)) as runner:
        return runner.run(coroutine)
