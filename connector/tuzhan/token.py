"""The access token that every request carries (header X-Token, document 000): what the sinks need of it.

Which refusals make the provider look for another token, and which are the target's own fault, is decided in
`token_evidence.py`. Worked example: targets A and B, whose requests were sent with tok1, which has died.

    A is refused       on_refused("tok1", A)   A waits; the provider looks for another token
    B is refused       on_refused("tok1", B)   B waits too: one renewal for both
    tok2 arrives                               wait() of A and B returns
    A is refused       on_refused("tok1", A)   ignored: the reply to an earlier request says nothing about tok2
"""

from __future__ import annotations

import abc
import asyncio
import math
from typing import TYPE_CHECKING, ClassVar, NoReturn

from connector.core.events import ReasonCleared, ReasonRaised
from connector.language.message import NOTHING
from connector.tuzhan.token_evidence import Fault, TokenEvidence

if TYPE_CHECKING:
    from connector.core.events import Emit
    from connector.core.retry import Backoff
    from connector.language.message import Message


class TokenProvider(abc.ABC):
    """Provides one token to all sinks. Not thread-safe: all calls are made on one event loop.

    Lifetime: built before the targets; `run` is a background task until another one takes over; nothing to close.
    A target is any object; targets are told apart by identity.

    Subclasses implement `run`, call `_set_token` for each new token and `_report_missing` while one is needed. A token
    stays current past its computed life until it is replaced, because only the platform knows if it works.
    """

    source: ClassVar[str]
    """Where the token comes from, in the words of the config."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._current: str | None = None
        self._evidence = TokenEvidence()
        self._may_send = asyncio.Event()
        """Set, and replaced, when a target may have a token to send with; wakes `wait`."""
        self._changed = asyncio.Event()
        """Set when the evidence has changed; wakes `run`."""
        self._retired = False
        self._reported_remedy = NOTHING
        """The remedy of the reason `no_token` that stands; empty: the reason was cleared or never raised."""

    @property
    def current(self) -> str | None:
        """The newest token; None until the first. Targets send with `token_for`."""
        return self._current

    @property
    def expires_in_s(self) -> float | None:
        """Seconds until the token expires; None if that is not known."""
        return None

    def token_for(self, target: object) -> str | None:
        """Return the token that `target` sends with now; None while there is none, or it waits for another."""
        return self._current if self._evidence.retry_s(target) <= now_s() else None

    async def wait(self, target: object) -> None:
        """Wait until `token_for` returns a token, or until `retire`. No time limit: without one nothing can be sent."""
        while self.token_for(target) is None and not self._retired:
            retry_s = math.inf if self._current is None else self._evidence.retry_s(target)
            await _wait_for(self._may_send, retry_s - now_s())

    def retire(self) -> None:
        """Called when another provider takes over. It is not ready for no reason any more, and nothing waits for it."""
        self._report_found()
        self._retired = True
        self._wake()

    def on_refused(self, token: str, target: object) -> bool:
        """Called when the platform refused `token` at `target` (code 100200 or HTTP 401).

        Return whether the target itself is at fault, so that another token would not help.
        """
        if token != self._current:
            return False
        fault = self._evidence.on_refused(target, now_s())
        self._on_fault(fault, target)
        self._changed.set()
        return fault is Fault.TARGET

    def on_delivered(self, token: str, target: object, sent_s: float) -> None:
        """Called when a request that was sent at `sent_s` with `token` was delivered to `target`."""
        if token != self._current:
            self._evidence.on_delivered_with_older(target, now_s())
            return
        was_in_doubt = self._evidence.in_doubt
        self._evidence.on_delivered(target, sent_s, now_s())
        if was_in_doubt:
            self._wake()
        if not self._evidence.in_doubt:
            self._report_found()

    def set_retry(self, backoff: Backoff) -> None:  # noqa: B027 - not all of them try again
        """Wait by another backoff, from the next failure or refusal on."""

    @abc.abstractmethod
    async def run(self) -> NoReturn:
        """Obtain tokens and replace refused ones; the background task."""

    def _on_fault(self, fault: Fault, target: object) -> None:  # noqa: B027 - most need no account
        """Called when the current token was refused at `target`; for subclasses that keep an account of it."""

    @property
    def _is_needed(self) -> bool:
        """Whether something can't be sent for want of a token."""
        return self._current is None or self._evidence.in_doubt

    def _set_token(self, token: str) -> None:
        self._current = token
        self._evidence.on_token(now_s())
        self._wake()

    def _wake(self) -> None:
        self._may_send.set()
        self._may_send = asyncio.Event()

    def _report_missing(self, remedy: Message, *, is_expected: bool = False) -> None:
        """Raise the reason `no_token`, once per remedy, if a token is needed."""
        if self._is_needed and not self._retired and remedy != self._reported_remedy:
            self._reported_remedy = remedy
            self._emit(ReasonRaised("no_token", "", remedy, is_expected))

    def _report_found(self) -> None:
        """Clear the reason `no_token`."""
        if self._reported_remedy:
            self._reported_remedy = NOTHING
            self._emit(ReasonCleared("no_token", ""))

    async def _sleep_until_changed(self, seconds: float) -> None:
        """Sleep; return early if the evidence changes."""
        await _wait_for(self._changed, seconds)
        self._changed.clear()


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds if math.isfinite(seconds) else None):
            await event.wait()
    except TimeoutError:
        pass


def now_s() -> float:
    """Return the time of the event loop: seconds of a monotonic clock."""
    return asyncio.get_running_loop().time()
