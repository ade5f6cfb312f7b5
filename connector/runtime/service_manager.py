"""What systemd is told of the process (`Type=notify`): that it has started, how it is doing, and that it lives.

The protocol is that of sd_notify(3): lines of text in a datagram to the socket that NOTIFY_SOCKET names. It takes fewer
lines than a binding would, and none is maintained that is not a part of systemd itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping

_PERIOD_S: Final = 1.0
_MAX_STATUS: Final = 400
"""What is told of a status, in characters: it is one line of `systemctl status`."""


def notifications(
    environ: Mapping[str, str], silent_parts: Callable[[], Collection[str]], status: Callable[[], str]
) -> dict[str, Callable[[], Coroutine[object, object, None]]]:
    """Return the background task that tells the manager by which the process was started; none if it wants nothing.

    `silent_parts` returns what shows no sign of life, `status` a line for people; both are called on the event loop.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return {}
    return {"service manager": ServiceManager(address, _watchdog_s(environ), silent_parts, status).run}


class ServiceManager:
    """Tells the service manager; `run` never returns."""

    def __init__(
        self,
        address: str,
        watchdog_s: float | None,
        silent_parts: Callable[[], Collection[str]],
        status: Callable[[], str],
    ) -> None:
        """`watchdog_s` is the longest time without a sign of life; None if none is expected. See `notifications`."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_s = watchdog_s
        self._silent_parts = silent_parts
        self._status = status
        self._started = False
        self._told_status = ""
        self._next_sign = 0.0

    async def run(self) -> None:
        """Tell that the process has started, then what changes, and twice per watchdog period that it lives.

        The signs of life end as soon as `/livez` would fail: the manager then restarts the process.
        """
        while True:
            self._tell_state(time.monotonic())
            await asyncio.sleep(_PERIOD_S)

    def _tell_state(self, now: float) -> None:
        if not self._started:
            self._started = self._tell("READY=1")
        status = " ".join(self._status().split())[:_MAX_STATUS]
        if status != self._told_status and self._tell(f"STATUS={status}"):
            self._told_status = status
        if self._watchdog_s is None or now < self._next_sign or self._silent_parts():
            return
        if self._tell("WATCHDOG=1"):
            self._next_sign = now + self._watchdog_s / 2 - _PERIOD_S

    def _tell(self, line: str) -> bool:
        """Send a line; return whether the manager has it. It may be too busy to take it now."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.sendto(line.encode(), self._address)
            return True
        return False


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return within how many seconds a sign of life is expected from this very process; None if none is."""
    own = str(os.getpid())
    period = environ.get("WATCHDOG_USEC", "")
    return int(period) / 1e6 if period.isdecimal() and environ.get("WATCHDOG_PID", own) == own else None
