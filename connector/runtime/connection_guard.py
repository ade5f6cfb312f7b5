"""Bounds what the clients of an HTTP server that shares its event loop can make it do.

uvicorn bounds neither the number of its connections nor the time that a request may take to arrive, and the size of its
head only while it is not there as a whole. So here
1. there are at most `max_connections`; one more takes the place of another, of the client that has the most: that which
   has waited longest for its request, or else has longest not read its response. A probe is let in, however many
   connections somebody else holds open;
2. a connection is closed whose next request is not there in time, or that does not read its response;
3. each client's requests are handled at `rate` at most; those that would wait too long are not;
4. a head has MAX_HEAD_BYTES and MAX_HEAD_LINES at most: its lines are what takes time to be parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.core.time_budget import TimeBudget

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable, Iterator

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

MAX_HEAD_BYTES: Final = 16 << 10
MAX_HEAD_LINES: Final = 100
"""The request's own among them. Browsers and proxies send about thirty."""
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The bounds; times in seconds."""

    max_connections: int = 64
    request_within_s: float = 10.0
    """From the connection, or from the response before, to the end of a request's headers."""
    read_within_s: float = 30.0
    """How long a client may take nothing of what is sent to it."""
    rate: float = 200.0
    """Pieces of requests per second and client; a request is two at least: itself, and what follows its response."""
    burst: float = 100.0
    longest_delay_s: float = 2.0


def guarded_protocol(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """Return uvicorn's HTTP/1.1 protocol for one server, with these limits."""
    return type("LimitedProtocol", (GuardedProtocol,), {"limits": limits, "budgets": {}})


class GuardedProtocol(H11Protocol):
    """One connection. Used through `guarded_protocol`, which makes a subclass for each server."""

    limits: ClassVar[ConnectionLimits]
    budgets: ClassVar[dict[str, TimeBudget]]
    """Of the clients that are connected, by address: what they may still send."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **named)
        self.peer = ""
        self.waiting_since: float | None = None
        """When it began to wait for a request; None while there is one without its whole response."""
        self.stalled_since: float | None = None
        """When its client stopped reading; None while it reads."""
        self._between_requests = self.conn.their_state
        """h11's state of a connection whose client has begun no request, or none since the last response."""
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._turn: asyncio.TimerHandle | None = None
        """Set while what has arrived waits for its turn."""

    # -- what asyncio calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, and the place of another one if there are too many."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        if len(self.connections) > self.limits.max_connections:
            others = [each for each in self._open() if each is not self]
            if len(others) >= self.limits.max_connections:
                (to_close(others) or self).transport.abort()
        self._note_progress()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        for timer in (self._deadline, self._stall, self._turn):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        if not any(isinstance(each, GuardedProtocol) and each.peer == self.peer for each in self.connections):
            self.budgets.pop(self.peer, None)

    def pause_writing(self) -> None:
        """Called when the client does not read what was sent to it."""
        super().pause_writing()
        self.stalled_since = self.loop.time()
        self._stall = self.loop.call_later(self.limits.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Called when it has read."""
        super().resume_writing()
        self.stalled_since = None
        if self._stall is not None:
            self._stall.cancel()

    # -- what uvicorn's own protocol calls ----------------------------------------------------------------------

    def handle_events(self) -> None:
        """Handle what has arrived, when it is this client's turn."""
        if self._turn is None:
            delay_s = self._reserve()
            if not delay_s:
                self._handle()
                return
            if delay_s > self.limits.longest_delay_s:
                self.transport.abort()
                return
            self._turn = self.loop.call_later(delay_s, self._on_turn)
        self.flow.pause_reading()

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        super().on_response_complete()
        self._note_progress()

    def _open(self) -> Iterator[GuardedProtocol]:
        """Yield the server's connections that are not being closed."""
        for each in self.connections:
            if isinstance(each, GuardedProtocol) and not each.transport.is_closing():
                yield each

    def _on_turn(self) -> None:
        self._turn = None
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._handle()

    def _handle(self) -> None:
        try:
            if self._is_head_too_large():
                self.send_400_response("the request has too many headers, or too long ones")
            else:
                super().handle_events()
        except Exception:  # noqa: BLE001 - uvicorn fails on garbage that follows a request whose response is not complete
            self.transport.abort()
        self._note_progress()

    def _is_head_too_large(self) -> bool:
        """Return whether what has arrived begins with a head, of a request, that is too large to be parsed."""
        if self.conn.their_state is not self._between_requests:
            return False
        arrived, _ = self.conn.trailing_data
        head = arrived[:MAX_HEAD_BYTES]
        end = _END_OF_HEAD.search(head)
        if end is None and len(arrived) > MAX_HEAD_BYTES:
            return True
        return head.count(b"\n", 0, end and end.start()) >= MAX_HEAD_LINES

    def _reserve(self) -> float:
        """Return how long what has arrived has to wait."""
        limits, now = self.limits, self.loop.time()
        budget = self.budgets.setdefault(self.peer, TimeBudget(1.0, limits.burst / limits.rate))
        delay_s = budget.wait_s(now)
        budget.spend(now, 1.0 / limits.rate)
        return delay_s

    def _note_progress(self) -> None:
        """Set or cancel the time limit for the next request."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.waiting_since = None
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif self._deadline is None:
            self.waiting_since = self.loop.time()
            self._deadline = self.loop.call_later(self.limits.request_within_s, self.transport.abort)


def to_close(connections: Iterable[GuardedProtocol]) -> GuardedProtocol | None:
    """Return which connection may be closed for a new one; None: each of them has a response that is being read."""
    idle = [each for each in connections if each.waiting_since is not None or each.stalled_since is not None]
    if not idle:
        return None
    held = Counter(each.peer for each in idle)

    def rank(each: GuardedProtocol) -> tuple[int, bool, float]:
        since = each.stalled_since if each.waiting_since is None else each.waiting_since
        return -held[each.peer], each.waiting_since is None, since or 0.0

    return min(idle, key=rank)
