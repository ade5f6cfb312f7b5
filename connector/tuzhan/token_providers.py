"""The three ways to a token that the config offers: fetched from the platform, static, or read from a file.

A static token that was refused, and a file that still holds the refused token, are tried again after a while: the cause
may have been corrected on the platform. Until a request is delivered the reason `no_token` stays.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from connector.core.errors import TransportError
from connector.core.events import Notice, ReasonCleared, ReasonRaised, TokenRenewed
from connector.core.retry import Backoff
from connector.tuzhan.renewal import IssuedToken, RenewalSchedule, TokenFailure, parse_token, parse_token_reply
from connector.tuzhan.token import TokenProvider

if TYPE_CHECKING:
    from random import Random

    from connector.core.events import Emit
    from connector.settings.models import Platform
    from connector.tuzhan.replies import Reply

FILE_POLL_S = 1.0
"""Seconds between two looks at a token file's stat; it is read only if that changed."""
MAX_FILE_BYTES = 64 << 10

_CONTESTED_REMEDY = (
    "another process seems to fetch tokens for the same app, and each new token invalidates the other's: "
    "let one process fetch, write the token to a file, and give that to the others as auth.token_file"
)


class TokenEndpoint(Protocol):
    """What `FetchedToken` needs of `PlatformClient`."""

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Request a token (page 986242). Raise TransportError if no complete reply arrives."""


def build_token_provider(platform: Platform, endpoint: TokenEndpoint, emit: Emit, random: Random) -> TokenProvider:
    """Build the provider for the one way that `platform.auth` names; the config's checks ensure that it names one."""
    auth = platform.auth
    if auth.token is not None:
        return StaticToken(auth.token.get_secret_value(), emit, platform.retry.max)
    if auth.token_file is not None:
        return TokenFile(auth.token_file, emit, platform.retry.max)
    secret = auth.app_secret.get_secret_value() if auth.app_secret is not None else ""
    schedule = RenewalSchedule(Backoff(platform.retry.first, platform.retry.max), random)
    return FetchedToken((auth.app_id or "", secret), endpoint, emit, schedule)


class FetchedToken(TokenProvider):
    """Fetches and renews the token (page 986242), when `RenewalSchedule` says so.

    A failed renewal does not take away a token that still works.
    """

    source = "app_id and app_secret"

    def __init__(
        self, credentials: tuple[str, str], endpoint: TokenEndpoint, emit: Emit, schedule: RenewalSchedule
    ) -> None:
        super().__init__(emit)
        self._app_id, self._app_secret = (text.strip() for text in credentials)
        self._endpoint = endpoint
        self._schedule = schedule
        self._expires_s: float | None = None
        self._contested = False

    @property
    def expires_in_s(self) -> float | None:
        """Seconds until the token's computed life ends."""
        if self._expires_s is None or self._current is None:
            return None
        return max(0.0, self._expires_s - _now_s())

    async def run(self) -> NoReturn:
        """Fetch a token whenever one is due."""
        self._report_missing("none needed: the first token is being fetched")
        while True:
            now_s = _now_s()
            self._report_contest(now_s)
            if self._schedule.next_request_s(now_s) <= now_s:
                await self._fetch()
            else:
                await self._sleep_until_refused(self._schedule.next_change_s(now_s) - now_s)

    async def _fetch(self) -> None:
        try:
            reply = await self._endpoint.get_token(self._app_id, self._app_secret)
            result = parse_token_reply(reply, datetime.now(UTC))
        except TransportError as error:
            result = TokenFailure(f"the token endpoint can't be reached: {error}", "check base_url and the network")
        if isinstance(result, IssuedToken):
            self._on_issued(result)
            return
        self._schedule.on_failed(_now_s(), result.retry_after_s)
        self._emit(TokenRenewed("failed", result.detail))
        if self._current is None:
            self._report_missing(f"{result.detail}; {result.remedy}")

    def _on_issued(self, issued: IssuedToken) -> None:
        now_s = _now_s()
        self._schedule.on_issued(now_s, issued.life_s)
        self._expires_s = now_s + issued.life_s
        self._set_token(issued.token)
        self._emit(TokenRenewed("ok", expires_in_s=issued.life_s))
        self.on_delivered(issued.token)

    def _on_current_refused(self, token: str) -> None:
        super()._on_current_refused(token)
        self._schedule.on_refused(_now_s())

    def _report_contest(self, now_s: float) -> None:
        contested = self._schedule.is_contested(now_s)
        if contested is self._contested:
            return
        self._contested = contested
        raised = ReasonRaised("token_contested", "", _CONTESTED_REMEDY)
        self._emit(raised if contested else ReasonCleared("token_contested", ""))


class StaticToken(TokenProvider):
    """The token in the config, which is never renewed."""

    source = "token"

    def __init__(self, token: str, emit: Emit, retry_refused_after_s: float) -> None:
        super().__init__(emit)
        self._token = parse_token(token)
        self._retry_refused_after_s = retry_refused_after_s

    async def run(self) -> NoReturn:
        """Provide the token; after a refusal, provide it again `retry_refused_after_s` later."""
        while self._token is None:
            self._report_missing("auth.token is empty or has characters that no token has: put a valid one there")
            await asyncio.sleep(self._retry_refused_after_s)
        while True:
            self._set_token(self._token)
            await self._refused.wait()
            self._report_missing(
                "the platform refuses auth.token: put a valid one there, or let the connector "
                "fetch its own with app_id and app_secret"
            )
            await asyncio.sleep(self._retry_refused_after_s)


class TokenFile(TokenProvider):
    """A file that another process renews. Read when it changes, and at once when its token is refused.

    A file that is missing or half written for a moment does not take away a token that still works.
    """

    source = "token_file"

    def __init__(self, path: str, emit: Emit, retry_refused_after_s: float) -> None:
        super().__init__(emit)
        self._path = Path(path)
        self._retry_refused_after_s = retry_refused_after_s
        self._last_read: tuple[int, int, int] | None = None
        """mtime, inode and size of the file when it was last read."""
        self._refused_token = ""
        self._retry_refused_at_s = 0.0

    async def run(self) -> NoReturn:
        """Check the file every FILE_POLL_S, and at once on a refusal."""
        while True:
            self._check(_now_s())
            await self._sleep_until_refused(FILE_POLL_S)

    def _on_current_refused(self, token: str) -> None:
        super()._on_current_refused(token)
        self._last_read = None
        self._refused_token = token
        self._retry_refused_at_s = _now_s() + self._retry_refused_after_s

    def _check(self, now_s: float) -> None:
        try:
            stat = self._path.stat()
            version = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if version == self._last_read and self._current is not None:
                return
            token = parse_token(self._path.read_text("utf-8")) if stat.st_size <= MAX_FILE_BYTES else None
        except OSError as error:
            self._report_unusable(f"can't be read ({error.strerror})")
            return
        except UnicodeDecodeError:
            token = None
        self._last_read = version
        if token is None:
            self._report_unusable("holds no token")
        elif token == self._refused_token and now_s < self._retry_refused_at_s:
            self._report_unusable("holds a token that the platform refuses")
        elif token != self._current:
            self._on_read(token)

    def _on_read(self, token: str) -> None:
        self._set_token(token)
        if token != self._refused_token:
            self._emit(Notice("info", "the token file was read", {"file": str(self._path)}))
            self.on_delivered(token)

    def _report_unusable(self, problem: str) -> None:
        if self._current is None:
            self._report_missing(f"the token file {self._path} {problem}: write a valid token there")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
