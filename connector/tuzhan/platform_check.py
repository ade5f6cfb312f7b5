"""The platform, for `check --connect`: that base_url is the platform's, that there is a token, and what its clock says.

Sends nothing but a request for a token. One token more may end the life of the one before it (the platform's documents
do not say); a connector that runs then fetches another at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from typing import TYPE_CHECKING, Final

from connector.core.errors import TransportError
from connector.core.events import ReasonRaised
from connector.core.findings import Finding, apart
from connector.language.message import message, verbatim
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.replies import parse_envelope
from connector.tuzhan.token_providers import FetchedToken, TokenEndpoint, build_token_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.events import Event
    from connector.core.findings import Report
    from connector.language.message import Message
    from connector.settings.models import Platform
    from connector.tuzhan.replies import Reply

MAX_REQUEST_S: Final = 8.0
_PROVIDER_S: Final = 2.0
"""How long the provider of a token may take beside its request."""
MAX_CLOCK_DIFFERENCE_S: Final = 60.0
_ADDRESS: Final = message(
    "check platform.base_url: it must end in /api/open or /api/integrate, as the app's own settings show"
)


@dataclass(slots=True)
class _Recorder:
    """Implements `TokenEndpoint`: asks another one, and keeps what came of it."""

    endpoint: TokenEndpoint
    wall_clock: Callable[[], float] = time.time
    reply: Reply | None = field(default=None, repr=False)
    failure: Message | None = None
    asked_at: float = 0.0
    answered_at: float = 0.0
    """Seconds since the epoch, by this machine's clock."""

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        self.asked_at = self.wall_clock()
        try:
            reply = await self.endpoint.get_token(app_id, app_secret)
        except TransportError as error:
            self.failure = verbatim(error.told)
            raise
        self.reply, self.answered_at = reply, self.wall_clock()
        return reply


async def check_platform(platform: Platform, report: Report) -> None:
    """Report a finding for base_url, the token and the clock. Takes some 10 s at most."""
    timeout_s = min(platform.request_timeout, MAX_REQUEST_S)
    client = PlatformClient.build(platform.base_url, timeout_s, 1)
    try:
        await check_endpoint(platform, client, report, timeout_s + _PROVIDER_S)
    finally:
        await client.aclose()


async def check_endpoint(platform: Platform, endpoint: TokenEndpoint, report: Report, timeout_s: float) -> None:
    """Do the same with a client that is there already; `timeout_s` is for all of it."""
    recorder = _Recorder(endpoint)
    token = await _token(platform, recorder, timeout_s)
    if platform.auth.app_id is None:
        await _ask_without_credentials(recorder, timeout_s)
    reached = _base_url(recorder)
    report(reached)
    if token.verdict == "failed" and reached.verdict != "ok" and platform.auth.app_id is not None:
        told = message("not fetched, because base_url does not answer as the platform would")
        token = Finding("token", "", "unknown", told)
    report(token)
    report(_clock(recorder))


async def _token(platform: Platform, recorder: _Recorder, timeout_s: float) -> Finding:
    """Return whether the provider that a connector would use comes to a token; the first failure ends it."""
    ended = asyncio.Event()
    remedies: list[Message] = []

    def on_event(event: Event) -> None:
        if isinstance(event, ReasonRaised) and not event.is_expected:
            remedies.append(event.remedy)
            ended.set()

    provider = build_token_provider(platform, recorder, on_event, Random())  # noqa: S311 - for the waits of retries
    running = asyncio.create_task(provider.run(), name="token")
    waiting = [asyncio.create_task(ended.wait(), name="a failure"), asyncio.create_task(provider.wait(object()))]
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, *waiting):
            task.cancel()
        await asyncio.gather(running, *waiting, return_exceptions=True)
    if provider.current is not None:
        is_fetched = isinstance(provider, FetchedToken)
        told = message("fetched" if is_fetched else "there is one; only sending shows if it is taken")
        if provider.expires_in_s is not None:
            told = message("{told}, lives {seconds:.0f} s", told=told, seconds=provider.expires_in_s)
        return Finding("token", provider.source, "ok", told)
    none = message("none within {seconds:g} s", seconds=timeout_s)
    found, remedy = apart(remedies[0]) if remedies else (none, _ADDRESS)
    return Finding("token", provider.source, "failed", found, remedy)


async def _ask_without_credentials(recorder: _Recorder, timeout_s: float) -> None:
    """Ask for a token without an app id, where none is to be fetched: how it is refused shows whose address it is."""
    with contextlib.suppress(TransportError, TimeoutError):  # the recorder keeps what came of it
        await asyncio.wait_for(recorder.get_token("", ""), timeout_s)


def _base_url(recorder: _Recorder) -> Finding:
    reply = recorder.reply
    if reply is None:
        remedy = message("check platform.base_url, the network's way out, and HTTPS_PROXY")
        return Finding("platform", "base_url", "failed", recorder.failure or message("no answer in time"), remedy)
    if not parse_envelope(reply.body).code:
        detail = message(
            "it answers HTTP {status} with something that is no reply of the platform", status=reply.http_status
        )
        return Finding("platform", "base_url", "failed", detail, _ADDRESS)
    return Finding("platform", "base_url", "ok", message("it answers as the platform does"))


def _clock(recorder: _Recorder) -> Finding:
    theirs = _timestamp(recorder.reply.date if recorder.reply else None)
    if theirs is None:
        return Finding("clock", "", "unknown", message("no reply that names the platform's time"))
    # Date is cut to seconds; the reply was written somewhere between the question and its arrival.
    ahead_s = (recorder.asked_at + recorder.answered_at) / 2 - (theirs + 0.5)
    if abs(ahead_s) <= MAX_CLOCK_DIFFERENCE_S:
        told = message("differs from the platform's by {seconds:.0f} s", seconds=abs(ahead_s))
        return Finding("clock", "", "ok", told)
    detail = message(
        "this machine is {seconds:.0f} s ahead of the platform"
        if ahead_s > 0
        else "this machine is {seconds:.0f} s behind the platform",
        seconds=abs(ahead_s),
    )
    remedy = message(
        "set the clock by NTP: event times that are far from the platform's are wrong there, or refused (bad_time)"
    )
    return Finding("clock", "", "warning", detail, remedy)


def _timestamp(date: str | None) -> float | None:
    try:
        found = parsedate_to_datetime(date or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
