"""The sandbox with a journal: `python -m tests.chaos.platform PORT JOURNAL STATE`.

It is the sandbox as users run it, on every loopback address, so that each member can have an address of its own and
be known by it. What it receives, stores and replies is appended to the journal before the reply leaves: the journal
survives a kill. STATE is a file with the faults and switches to begin with. A line of the journal is one of

    ["request", id, at, host, endpoint, [seq, …]]     a request has arrived whole
    ["stored", id, at, [seq, …]]                      its items were accepted
    ["reply", id, at, status]                         its reply was given to the network, whole
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from connector.runtime import web
from connector.runtime.process import stop_on_signals
from connector.sandbox.controls import change_switches, parse_faults
from connector.sandbox.platform import Sandbox
from connector.sandbox.server import build_app
from connector.sandbox.store import Store
from connector.sandbox.wire import WireProtocol
from tests.kafka.commands import APP_ID, APP_SECRET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from connector.sandbox.documents import Endpoint

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")


class JournalFile:
    """Appends lines; each is with the kernel when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, kind: str, request_id: str, *rest: object) -> None:
        """Append one line."""
        os.write(self._file, orjson.dumps([kind, request_id, time.time(), *rest]) + b"\n")


class JournaledStore(Store):
    """The sandbox's store, which writes down what it accepts."""

    def __init__(self, journal: JournalFile) -> None:
        super().__init__()
        self._journal = journal

    def add(self, endpoint: Endpoint, params: object, items: Sequence[dict[str, Any]], now_ms: int) -> None:
        """Store the accepted items of one request, in order."""
        self._journal.write("stored", _request_id.get(), _numbers(items))
        super().add(endpoint, params, items, now_ms)


class JournaledApp:
    """The sandbox's application, which writes down requests and replies."""

    def __init__(self, app: ASGIApp, journal: JournalFile) -> None:
        self._app = app
        self._journal = journal
        self._ids = (f"{os.getpid()}-{number}" for number in itertools.count())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        request_id = next(self._ids)
        _request_id.set(request_id)
        host = dict(scope["headers"]).get(b"host", b"").decode().partition(":")[0]
        endpoint = scope["path"].removeprefix("/api/open/")
        body = bytearray()
        status = 0

        async def journaled_receive() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    self._journal.write("request", request_id, host, endpoint, _numbers_of_body(body))
            return message

        async def journaled_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._journal.write("reply", request_id, status)
            await send(message)

        await self._app(scope, journaled_receive, journaled_send)


def _numbers_of_body(body: bytearray) -> list[object]:
    return _numbers(orjson.loads(body)["data"]) if body else []


def _numbers(items: Sequence[dict[str, Any]]) -> list[object]:
    return [item["eventargs"]["seq"] for item in items]


async def _serve(port: int, journal: JournalFile, state: dict[str, Any]) -> None:
    sandbox = Sandbox(APP_ID, APP_SECRET)
    sandbox.store = JournaledStore(journal)
    sandbox.faults.replace(parse_faults(orjson.dumps(state["faults"])))
    sandbox.switches = change_switches(sandbox.switches, orjson.dumps(state["switches"]))
    stop_requested = stop_on_signals()
    app = JournaledApp(build_app(sandbox), journal)
    async with web.running_server(app, web.bind(f"0.0.0.0:{port}"), WireProtocol):
        await stop_requested.wait()
        sandbox.closing.set()


if __name__ == "__main__":
    _, port_text, journal_path, state_path = sys.argv
    asyncio.run(
        _serve(int(port_text), JournalFile(Path(journal_path)), orjson.loads(Path(state_path).read_bytes())),
    )
