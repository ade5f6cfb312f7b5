"""`GET /tap` on a real socket: a place is given back however the response ends."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from connector.observe import tap_response
from connector.observe.tap import MAX_LISTENERS
from connector.runtime.connection_guard import ConnectionLimits, guarded_protocol
from connector.runtime.web import bind, running_server
from tests.unit.observe.examples import request
from tests.unit.observe.test_tap import Harness

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

GET = b"GET /tap HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def until_detached(harness: Harness) -> None:
    async with asyncio.timeout(10):
        while harness.is_attached():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


def test_a_place_is_given_back_when_the_listener_goes_or_does_not_read_or_the_tap_ends() -> None:
    async def scene() -> None:
        harness = Harness()

        async def tap(asked: Request) -> Response:
            return tap_response.respond(harness.tap, asked, {})

        sock = bind("127.0.0.1:0")
        limits = ConnectionLimits(read_within_s=0.1)
        app = Starlette(routes=[Route("/tap", tap)])
        async with running_server(app, sock, guarded_protocol(limits)):
            address = sock.getsockname()
            for _ in range(MAX_LISTENERS + 1):
                reader, writer = await asyncio.open_connection(*address)
                writer.write(GET)
                assert b"listening" in await reader.readuntil(b"}\n")
                assert harness.is_attached()
                writer.close()
                await until_detached(harness)

            reader, writer = await asyncio.open_connection(*address, limit=1024)
            writer.write(GET)
            await reader.readuntil(b"}\n")
            harness.padding = 3_000_000
            for _ in range(3):
                harness.emit(request(offsets=range(3)))
                await asyncio.sleep(0.05)
            await until_detached(harness)
            writer.close()

            harness.padding = 0
            reader, writer = await asyncio.open_connection(*address)
            writer.write(GET)
            await reader.readuntil(b"}\n")
            harness.tap.end()
            last = (await reader.readuntil(b"0\r\n\r\n")).splitlines()
            [end] = [line for line in last if line.startswith(b"{")]
            assert json.loads(end)["reason"] == "the connector stops"
            await until_detached(harness)
            writer.close()

    asyncio.run(scene())
