"""The token that every request carries: one for all targets. Here, the one that the connector fetches itself.

Lifetime: built before the targets; `run` is a background task that never returns; nothing is closed. All on one
event loop.

The rules
- `wait` gives the token at hand, and waits for ever where there is none: while the token endpoint is down nothing is
  sent, so nothing is acknowledged and nothing lost.
- `refuse` names the token that was refused. Only the one at hand counts: of a hundred requests under way that were
  refused together, the first asks for another, and the rest find it under way (single flight).
- A token at hand is used past its computed life while no other is to be had: only the platform knows when it dies.
"""

from __future__ import annotations

import abc
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, Protocol

from connector.core.errors import TransportError
from connector.core.events import ReasonCleared, ReasonRaised, TokenRenewed
from connector.tuzhan.renewal import Grant, NoGrant, Renewal, read_grant

if TYPE_CHECKING:
    from connector.core.events import Emit
    from connector.tuzhan.replies import Reply

_CONTESTED = (
    "another process seems to fetch tokens for the same app, and each new token kills the other's: "
    "let one process fetch, write the token to a file, and give that to the others as auth.token_file"
)


class TokenEndpoint(Protocol):
    """What `FetchedToken` needs of the client."""

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Ask for a token. Raises TransportError."""


class Tokens(abc.ABC):
    """What the sinks need; see the rules above."""

    source = ""
    """For people: where the token comes from."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._current: str | None = None
        self._at_hand = asyncio.Event()
        self._refused = asyncio.Event()
        self._complaint = ""

    @property
    def current(self) -> str | None:
        """The token at hand, if there is one."""
        return self._current

    @property
    def expires_in_s(self) -> float | None:
        """Seconds of its life that are left; None if nobody says."""
        return None

    async def wait(self) -> str:
        """Give the token at hand; wait for one, for ever if need be."""
        while self._current is None:
            await self._at_hand.wait()
        return self._current

    def refuse(self, token: str) -> None:
        """Note that the platform refused `token`: another is sought at once, unless one is at hand already."""
        if token != self._current:
            return
        self._current = None
        self._at_hand.clear()
        self._on_refusal(token)

    def accept(self, token: str) -> None:
        """Note that a request with `token` was delivered: whatever was wrong with it no longer is."""
        if self._complaint and token == self._current:
            self._complaint = ""
            self._emit(ReasonCleared("no_token", ""))

    @abc.abstractmethod
    async def run(self) -> NoReturn:
        """Keep a token at hand; a background task."""

    def _on_refusal(self, token: str) -> None:  # noqa: ARG002 - for those that remember it
        """Do what can be done at once: wake the background task."""
        self._refused.set()

    def _offer(self, token: str) -> None:
        self._current = token
        self._at_hand.set()
        self._refused.clear()

    def _complain(self, remedy: str) -> None:
        if remedy == self._complaint:
            return
        self._complaint = remedy
        self._emit(ReasonRaised("no_token", "", remedy))

    async def _until_refused(self, seconds: float) -> None:
        """Sleep, or wake earlier because the token at hand was refused."""
        try:
            async with asyncio.timeout(seconds):
                await self._refused.wait()
        except TimeoutError:
            pass
        self._refused.clear()


class FetchedToken(Tokens):
    """Fetches and renews the token itself (page 986242)."""

    source = "app_id and app_secret"

    def __init__(self, credentials: tuple[str, str], endpoint: TokenEndpoint, emit: Emit, renewal: Renewal) -> None:
        super().__init__(emit)
        self._app_id, self._app_secret = (text.strip() for text in credentials)
        self._endpoint = endpoint
        self._renewal = renewal
        self._dies_s: float | None = None
        self._contested = False

    @property
    def expires_in_s(self) -> float | None:
        """Seconds of its computed life that are left."""
        if self._dies_s is None or self._current is None:
            return None
        return max(0.0, self._dies_s - _now_s())

    async def run(self) -> NoReturn:
        """Renew at 85 % of the token's life, at once on a refusal, with backoff while the endpoint is down."""
        self._complain("none needed: the first token is being fetched")
        while True:
            now_s = _now_s()
            self._tell_contest(now_s)
            if self._renewal.due_s(now_s) <= now_s:
                await self._fetch()
            else:
                await self._until_refused(self._renewal.look_again_s(now_s) - now_s)

    async def _fetch(self) -> None:
        try:
            reply = await self._endpoint.get_token(self._app_id, self._app_secret)
            result: Grant | NoGrant = read_grant(reply, datetime.now(UTC))
        except TransportError as error:
            result = NoGrant(f"the token endpoint can't be reached: {error}", "check base_url and the network")
        if isinstance(result, Grant):
            self._take(result)
            return
        self._renewal.failed(_now_s(), result.retry_after_s)
        self._emit(TokenRenewed("failed", result.detail))
        if self._current is None:
            self._complain(f"{result.detail}; {result.remedy}")

    def _take(self, grant: Grant) -> None:
        now_s = _now_s()
        self._renewal.issued(now_s, grant.life_s)
        self._dies_s = now_s + grant.life_s
        self._offer(grant.token)
        self._emit(TokenRenewed("ok", expires_in_s=grant.life_s))
        self.accept(grant.token)

    def _on_refusal(self, token: str) -> None:
        super()._on_refusal(token)
        self._renewal.refused(_now_s())

    def _tell_contest(self, now_s: float) -> None:
        contested = self._renewal.contested(now_s)
        if contested != self._contested:
            self._contested = contested
            self._emit(
                ReasonRaised("token_contested", "", _CONTESTED) if contested else ReasonCleared("token_contested", "")
            )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
