"""The access token that every request carries (header X-Token, document 000): what the sinks need of it.

Worked example, three requests that were sent with tok1:

    A is refused    on_refused("tok1")    current becomes None; the provider looks for another token
    B is refused    on_refused("tok1")    ignored: tok1 is no longer current (one renewal for all)
    tok2 arrives                          current is "tok2"; wait() of A and B returns it
    C is refused    on_refused("tok1")    ignored: says nothing about tok2
"""

from __future__ import annotations

import abc
import asyncio
from typing import TYPE_CHECKING, ClassVar, NoReturn

from connector.core.events import ReasonCleared, ReasonRaised

if TYPE_CHECKING:
    from connector.core.events import Emit


class TokenProvider(abc.ABC):
    """Provides one token to all sinks. Not thread-safe: all calls are made on one event loop.

    Lifetime: built before the targets; `run` is a background task for the life of the process; nothing to close.

    Subclasses implement `run`, call `_set_token` for each new token and `_report_missing` while there is none. A token
    stays current past its computed life until it is refused or replaced, because only the platform knows if it works.
    """

    source: ClassVar[str]
    """Where the token comes from, in the words of the config."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._current: str | None = None
        self._available = asyncio.Event()
        self._refused = asyncio.Event()
        self._reported_remedy = ""
        """The remedy of the reason `no_token` that stands; empty: the reason was cleared or never raised."""

    @property
    def current(self) -> str | None:
        """The token to send now; None from a refusal until the next token."""
        return self._current

    @property
    def expires_in_s(self) -> float | None:
        """Seconds until the token expires; None if that is not known."""
        return None

    async def wait(self) -> str:
        """Return the current token, as soon as there is one. No time limit: without a token nothing can be sent."""
        while self._current is None:
            await self._available.wait()
        return self._current

    def on_refused(self, token: str) -> None:
        """Called when the platform refused `token` (code 100200 or HTTP 401); ignored if it is not current."""
        if token != self._current:
            return
        self._current = None
        self._available.clear()
        self._on_current_refused(token)

    def on_delivered(self, token: str) -> None:
        """Called when a request with `token` was delivered: clears the reason `no_token` if it is current."""
        if self._reported_remedy and token == self._current:
            self._reported_remedy = ""
            self._emit(ReasonCleared("no_token", ""))

    @abc.abstractmethod
    async def run(self) -> NoReturn:
        """Obtain tokens and replace refused ones; the background task."""

    def _on_current_refused(self, token: str) -> None:  # noqa: ARG002 - for subclasses that remember it
        self._refused.set()

    def _set_token(self, token: str) -> None:
        self._current = token
        self._available.set()
        self._refused.clear()

    def _report_missing(self, remedy: str) -> None:
        """Raise the reason `no_token`, once per remedy."""
        if remedy != self._reported_remedy:
            self._reported_remedy = remedy
            self._emit(ReasonRaised("no_token", "", remedy))

    async def _sleep_until_refused(self, seconds: float) -> None:
        """Sleep; return early if the current token is refused."""
        try:
            async with asyncio.timeout(seconds):
                await self._refused.wait()
        except TimeoutError:
            pass
        self._refused.clear()
