"""Replies that are none: reset, hang, half a reply.

An ASGI app never sees its connection. uvicorn copies the protocol's `app_state` into each request's scope, so a
protocol class that puts its transport there lets a response act on the connection itself.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


class WireProtocol(H11Protocol):
    """uvicorn's HTTP protocol, whose requests know their transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport where the requests of this connection find it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Reset(Response):
    """The connection is reset, without a reply."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's words
        """Close with RST: that is what a close with a zero linger time does."""
        transport: asyncio.Transport = scope["state"]["transport"]
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        transport.abort()
        await _disconnected(receive)


class Truncated(Response):
    """A success, cut in the middle of its body; its Content-Length promises all of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and half of the body, then close."""
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        scope["state"]["transport"].close()
        await _disconnected(receive)


class Hang(Response):
    """No reply at all; ends when the client has had enough, or the sandbox closes."""

    def __init__(self, closing: asyncio.Event) -> None:
        super().__init__()
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's words
        """Wait, then drop the connection."""
        gone = asyncio.create_task(_disconnected(receive))
        closing = asyncio.create_task(self._closing.wait())
        await asyncio.wait([gone, closing], return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        scope["state"]["transport"].abort()
        await gone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
