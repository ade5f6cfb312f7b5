"""The platform in memory: what it answers at which moment, what it accepted, and in which request.

It speaks HTTP as the client edge hands it on (`Reply`, `TransportError`), so that the real sink, the verdict table and
the token provider are a part of the simulation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connector.core.errors import TransportError
from connector.tuzhan.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.plan import Outage
    from tests.simulation.world import Process, World

MAX_BODY = 4_000
"""Bytes above which a request is answered 413."""


class ItemId(NamedTuple):
    """One item of one record, as it stands in a request."""

    partition: int
    offset: int
    place: int
    letter: str


@dataclass(eq=False)
class Request:
    """One request that has arrived."""

    process: Process
    endpoint: str
    items: list[ItemId]
    sent_at: float
    accepted_at: float | None = None
    answered_at: float | None = None
    """When the process received a reply; None if it never did."""
    reply: Reply | None = None


@dataclass(eq=False)
class Platform:
    """Endpoints that share one token."""

    world: World
    latency_s: float
    outages: list[Outage] = field(default_factory=list)
    """Those of now."""
    requests: list[Request] = field(default_factory=list)
    accepted: dict[ItemId, list[Request]] = field(default_factory=dict)
    """The requests with which each item was accepted, in order."""
    on_accept: Callable[[ItemId, Request], None] = lambda *_: None
    token_available: bool = True
    _tokens: int = 0
    _valid: str = ""

    def revoke_token(self) -> None:
        """Refuse all tokens that were given out."""
        self._valid = ""
        self.token_available = False

    def receive(self, request: Request, body: bytes, token: str, answer: Callable[[Reply | str], None]) -> None:
        """Decide on a request: reply, fail, or never answer."""
        random, world = self.world.random, self.world
        delay = random.uniform(0.0, self.latency_s)
        outage = next((one for one in self.outages if one.endpoint in {"", request.endpoint}), None)
        if outage is not None and random.random() >= outage.share:
            outage = None
        kind = "" if outage is None else outage.kind
        if kind in {"slow", "hang"}:
            delay += random.uniform(2.0, 20.0)
        reply = self._judge(request, body, token, kind)
        if kind == "hang" and random.random() < 0.5:
            return
        if reply.body == _SUCCESS:
            world.after(delay / 2, self._accept, request)
        result: Reply | str = "connection reset" if kind in {"reset", "lost"} else reply
        world.after(delay, answer, result)

    def _judge(self, request: Request, body: bytes, token: str, kind: str) -> Reply:
        if token != self._valid:
            return Reply(401, b"") if self.world.random.random() < 0.5 else _reply("100200")
        if kind.isdigit():
            retry_after = "7" if kind == "429" and self.world.random.random() < 0.5 else None
            return Reply(int(kind), b"", retry_after)
        if kind.startswith("code"):
            return _reply(kind.removeprefix("code "))
        if kind == "reset":
            return Reply(502, b"")
        if kind == "garbage":
            return Reply(200, b"<html>")
        return _reply_to(request, body)

    def _accept(self, request: Request) -> None:
        request.accepted_at = self.world.now
        for item in request.items:
            self.accepted.setdefault(item, []).append(request)
            self.on_accept(item, request)

    def give_token(self) -> Reply:
        """Answer the token endpoint."""
        if not self.token_available:
            return Reply(503, b"")
        if not self._valid:
            self._tokens += 1
            self._valid = f"token-{self._tokens}"
        return Reply(200, b'{"code":"200","data":{"orgAccessToken":"%s","expire":7200}}' % self._valid.encode())


class FakeClient:
    """In place of `PlatformClient`: one process's connections."""

    def __init__(self, process: Process, platform: Platform, timeout_s: float) -> None:
        self.sent: list[Request] = []
        """The requests that are on the wire."""
        self._process = process
        self._platform = platform
        self._timeout_s = timeout_s

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Send one request; wait for its reply, at most the timeout."""
        world = self._platform.world
        request = Request(self._process, path, _items(body), world.now)
        self._platform.requests.append(request)
        self.sent.append(request)
        answered: asyncio.Future[Reply] = self._process.loop.create_future()
        answer = partial(self._answer, answered)
        travel = world.random.uniform(0.0, 0.01)
        world.after(travel, self._arrive, request, body, token, answer)
        timer = self._process.loop.call_later(self._timeout_s, _fail, answered, "timed out")
        try:
            reply = await answered
        finally:
            timer.cancel()
            self.sent.remove(request)
            request.answered_at = world.now
        request.reply = reply
        return reply

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Request a token."""
        del app_id, app_secret
        await asyncio.sleep(self._platform.world.random.uniform(0.0, 0.1))
        return self._platform.give_token()

    async def aclose(self) -> None:
        """Close the connections."""

    def _arrive(self, request: Request, body: bytes, token: str, answer: Callable[[Reply | str], None]) -> None:
        if self._process.alive:  # else its connections are closed
            self._platform.receive(request, body, token, answer)

    def _answer(self, answered: asyncio.Future[Reply], result: Reply | str) -> None:
        if self._process.alive:
            if isinstance(result, str):
                self._process.loop.call_soon_threadsafe(_fail, answered, result)
            else:
                self._process.loop.call_soon_threadsafe(_succeed, answered, result)


def _succeed(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)


def _fail(answered: asyncio.Future[Reply], why: str) -> None:
    if not answered.done():
        answered.set_exception(TransportError(why))


def _reply_to(request: Request, body: bytes) -> Reply:
    """Return what a platform in good order answers."""
    letters = {item.letter for item in request.items}
    if len(body) > MAX_BODY:
        return Reply(413, b"")
    if "4" in letters:
        return Reply(403, b"")
    if letters & set("5S"):
        return Reply(500, b"")
    return _reply("400" if letters & set("ET") else "200")


def _reply(code: str) -> Reply:
    return Reply(200, b'{"code":"%s","msg":"","data":null}' % code.encode())


_SUCCESS = _reply("200").body


def _items(body: bytes) -> list[ItemId]:
    return [ItemId(*entry["id"]) for entry in orjson.loads(body)["data"]]
