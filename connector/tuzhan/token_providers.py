"""Which provider the config asks for, and the one that fetches tokens from the platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, Protocol

from connector.core.errors import TransportError
from connector.core.events import Notice, ReasonCleared, ReasonRaised, TokenRenewed
from connector.core.retry import Backoff
from connector.language.message import NOTHING, message
from connector.tuzhan.renewal import IssuedToken, RenewalSchedule, TokenFailure, parse_token_reply
from connector.tuzhan.stored_tokens import StaticToken, TokenFile
from connector.tuzhan.token import TokenProvider, now_s
from connector.tuzhan.token_evidence import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from connector.core.events import Emit
    from connector.settings.models import Platform
    from connector.tuzhan.replies import Reply

_ONE_FETCHER = message(
    "let one process fetch, write the token to a file, and give that to the others as auth.token_file"
)
_CONTESTED_REMEDY = message(
    "another process seems to fetch tokens for the same app, and each new token invalidates the other's: {remedy}",
    remedy=_ONE_FETCHER,
)
_ALL_REFUSED_REMEDY = message(
    "the platform refuses each token that it has just issued: check in its app settings that the app is approved and "
    "has the permission of every endpoint in use; if another process fetches tokens for the same app, {remedy}",
    remedy=_ONE_FETCHER,
)


class TokenEndpoint(Protocol):
    """What `FetchedToken` needs of `PlatformClient`."""

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Request a token (page 986242). Raise TransportError if no complete reply arrives."""


def build_token_provider(platform: Platform, endpoint: TokenEndpoint, emit: Emit, random: Random) -> TokenProvider:
    """Build the provider for the one way that `platform.auth` names; the config's checks ensure that it names one."""
    auth = platform.auth
    if auth.token is not None:
        return StaticToken(auth.token.get_secret_value(), emit, platform.retry.max, auth.token.read_again)
    if auth.token_file is not None:
        return TokenFile(auth.token_file, emit, platform.retry.max)
    schedule = RenewalSchedule(Backoff(platform.retry.first, platform.retry.max), random)
    secret = auth.app_secret
    if secret is None:
        return FetchedToken((auth.app_id or "", ""), endpoint, emit, schedule)
    return FetchedToken((auth.app_id or "", secret.get_secret_value()), endpoint, emit, schedule, secret.read_again)


def _nothing_new() -> str | None:
    return None


class FetchedToken(TokenProvider):
    """Fetches and renews the token (page 986242), when `RenewalSchedule` says so.

    A failed renewal does not take away a token that still works. A secret that the token endpoint refuses is read again
    before the next request: somebody may have put the right one there.
    """

    source = "app_id and app_secret"

    def __init__(
        self,
        credentials: tuple[str, str],
        endpoint: TokenEndpoint,
        emit: Emit,
        schedule: RenewalSchedule,
        read_secret: Callable[[], str | None] = _nothing_new,
    ) -> None:
        """`read_secret` returns the secret as it is now, or None if it can't be read; it does not wait."""
        super().__init__(emit)
        self._app_id, self._app_secret = (text.strip() for text in credentials)
        self._endpoint = endpoint
        self._schedule = schedule
        self._read_secret = read_secret
        self._secret_refused = False
        self._expires_s: float | None = None
        self._failure = NOTHING
        """Why the last request failed, and the remedy; empty if it did not."""
        self._contest_remedy = NOTHING
        """That of the reason `token_contested` that stands."""

    @property
    def expires_in_s(self) -> float | None:
        """Seconds until the token's computed life ends; None if it was refused."""
        if self._expires_s is None or self._evidence.in_doubt:
            return None
        return max(0.0, self._expires_s - now_s())

    def set_retry(self, backoff: Backoff) -> None:
        """Repeat failed requests after other waits."""
        self._schedule.set_backoff(backoff)

    def retire(self) -> None:
        """Called when another provider takes over."""
        super().retire()
        if self._contest_remedy:
            self._emit(ReasonCleared("token_contested", ""))

    async def run(self) -> NoReturn:
        """Fetch a token whenever one is due."""
        self._report_missing(message("none needed: the first token is being fetched"), is_expected=True)
        while True:
            now, needed = now_s(), self._evidence.renew_s
            self._report_contest(now)
            if self._failure:
                self._report_missing(self._failure)
            if self._schedule.next_request_s(now, needed) <= now:
                await self._fetch()
            else:
                await self._sleep_until_changed(self._schedule.next_change_s(now, needed) - now)

    async def _fetch(self) -> None:
        if self._secret_refused:
            self._take_new_secret()
        try:
            reply = await self._endpoint.get_token(self._app_id, self._app_secret)
            result = parse_token_reply(reply, datetime.now(UTC))
        except TransportError as error:
            told = message("the token endpoint can't be reached: {why}", why=error.told)
            result = TokenFailure(told, message("check base_url and the network"))
        if isinstance(result, IssuedToken):
            self._on_issued(result)
            return
        self._secret_refused = result.refused
        self._schedule.on_failed(now_s(), result.retry_after_s)
        self._emit(TokenRenewed("failed", result.detail))
        self._failure = message("{found}; {remedy}", found=result.detail, remedy=result.remedy)

    def _take_new_secret(self) -> None:
        secret = (self._read_secret() or "").strip()
        if secret and secret != self._app_secret:
            self._app_secret = secret
            self._emit(Notice("info", "app_secret was read again, and has changed", {}))

    def _on_issued(self, issued: IssuedToken) -> None:
        now = now_s()
        self._secret_refused = False
        self._failure = NOTHING
        self._schedule.on_issued(now, issued.life_s)
        self._expires_s = now + issued.life_s
        self._set_token(issued.token)
        self._emit(TokenRenewed("ok", expires_in_s=issued.life_s))
        self._report_found()

    def _on_fault(self, fault: Fault, target: object) -> None:
        if fault is Fault.TOKEN:
            self._schedule.on_refused(target, now_s())
        else:
            self._schedule.on_target_at_fault(target)

    def _report_contest(self, now: float) -> None:
        remedy = NOTHING
        if self._schedule.is_contested(now):
            works = self._evidence.last_delivered_s > self._schedule.contest_began_s
            remedy = _CONTESTED_REMEDY if works or self._contest_remedy == _CONTESTED_REMEDY else _ALL_REFUSED_REMEDY
        if remedy != self._contest_remedy and not self._retired:
            self._contest_remedy = remedy
            raised = ReasonRaised("token_contested", "", remedy)
            self._emit(raised if remedy else ReasonCleared("token_contested", ""))
