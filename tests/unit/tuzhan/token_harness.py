"""A token endpoint in memory, and what tests ask of a token provider."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from connector.core.errors import TransportError
from connector.core.events import Event, ReasonCleared, ReasonRaised, TokenRenewed
from connector.core.retry import Backoff
from connector.tuzhan.renewal import RenewalSchedule
from connector.tuzhan.replies import Reply
from connector.tuzhan.token_providers import FetchedToken
from tests.support.builders import seeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from connector.tuzhan.token import TokenProvider

A, B = "target A", "target B"


class FakeTokenEndpoint:
    """Issues tok1, tok2, …, or answers with what `answer` returns or raises."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.secret = "secret"  # noqa: S105 - not a real one
        self.answer: Callable[[], Reply | None] = lambda: None
        self.takes_s = 0.1
        self.at_work = 0

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        assert app_id == "app"
        assert self.at_work == 0, "two requests for a token at once"
        self.calls.append(asyncio.get_running_loop().time())
        number = len(self.calls)
        self.at_work += 1
        await asyncio.sleep(self.takes_s)
        self.at_work -= 1
        if app_secret != self.secret:
            return wrong_secret()
        return self.answer() or granted(f"tok{number}")


def granted(token: str, expire: object = 0) -> Reply:
    """Return the reply with a token."""
    return Reply(200, json.dumps({"code": "200", "data": {"orgAccessToken": token, "expire": expire}}).encode())


def wrong_secret() -> Reply:
    """Return the documented reply to a wrong secret (page 986158)."""
    return Reply(200, b'{"code":"100100","errorCode":"APPID_SECRET_ERROR"}')


def refuse_connection() -> Reply:
    """Answer as an endpoint that is down."""
    raise TransportError("platform refused the connection")


def fetched(
    endpoint: FakeTokenEndpoint, events: list[Event], read_secret: Callable[[], str | None] = lambda: None
) -> FetchedToken:
    """Return the provider that fetches from `endpoint`."""
    schedule = RenewalSchedule(Backoff(0.25, 30.0), seeded(7))
    return FetchedToken((" app ", "secret\n"), endpoint, events.append, schedule, read_secret)


@contextlib.asynccontextmanager
async def running(tokens: TokenProvider) -> AsyncIterator[None]:
    """Run the provider's task while the block runs."""
    task = asyncio.create_task(tokens.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def token_of(tokens: TokenProvider, target: object = A) -> str:
    """Wait for the token of `target`."""
    await tokens.wait(target)
    token = tokens.token_for(target)
    assert token is not None
    return token


def remaining_s(tokens: TokenProvider) -> float | None:
    """Return the token's remaining life; a call, because mypy takes a property for unchanged after an assert."""
    return tokens.expires_in_s


def deliver(tokens: TokenProvider, target: object = A) -> None:
    """Report a delivery with the current token, of a request that was sent a millisecond ago."""
    tokens.on_delivered(tokens.current or "", target, asyncio.get_running_loop().time() - 0.001)


def refuse(tokens: TokenProvider, target: object = A) -> bool:
    """Report a refusal of the current token; return whether the target is at fault."""
    return tokens.on_refused(tokens.current or "", target)


def reasons(events: list[Event]) -> list[tuple[str, str]]:
    """Return the reasons that were raised and cleared, in order."""
    kept = [event for event in events if isinstance(event, ReasonRaised | ReasonCleared)]
    return [("raised" if isinstance(event, ReasonRaised) else "cleared", event.code) for event in kept]


def last_remedy(events: list[Event]) -> str:
    """Return the remedy that was given last."""
    return [event.remedy for event in events if isinstance(event, ReasonRaised)][-1]


def renewals(events: list[Event]) -> list[str]:
    """Return the results of all requests for a token."""
    return [event.result for event in events if isinstance(event, TokenRenewed)]
