"""What the sandbox puts on the wire: the documented JSON replies, and broken responses.

Broken responses: connection reset, hang, truncated body. An ASGI app never sees its connection, but uvicorn copies the
protocol's `app_state` into the scope of each request; `WireProtocol` puts the transport there. A broken response is an
ASGI app that acts on it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.sandbox.documents import REPLIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

_NO_LINGER = struct.pack("ii", 1, 0)
"""A `struct linger` for SO_LINGER: on, zero seconds. A close with it sends RST instead of FIN."""


def complete_response(
    body: bytes | str, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response that arrives whole; without a body if the status does not allow one (RFC 9110)."""
    return Response("" if status in {204, 304} else body, status, headers, media_type)


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `content` as a JSON response."""
    return complete_response(orjson.dumps(content), status, "application/json", headers)


def reply_body(code: str) -> dict[str, str]:
    """Return the platform's body for `code`, with the documented `errorCode` and `msg` if there are any."""
    error_code, message = REPLIES.get(code, ("ERROR", f"fault: code {code}"))
    return {"code": code, "errorCode": error_code, "msg": message}


async def reset(scope: Scope, receive: Receive, _send: Send) -> None:
    """Reset the connection without a reply: close with RST."""
    transport: asyncio.Transport = scope["state"]["transport"]
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    await _disconnected(receive)


async def truncate(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a successful reply's headers, whose Content-Length promises the whole body, and half of the body."""
    reply = json_response(reply_body("200"))
    half = bytes(reply.body)[: len(reply.body) // 2]
    await send({"type": "http.response.start", "status": 200, "headers": reply.raw_headers})
    await send({"type": "http.response.body", "body": half, "more_body": True})
    scope["state"]["transport"].close()
    await _disconnected(receive)


def hang_until(closing: asyncio.Event) -> ASGIApp:
    """Send nothing until the client disconnects or the sandbox closes, then drop the connection."""

    async def hang(scope: Scope, receive: Receive, _send: Send) -> None:
        disconnected = asyncio.create_task(_disconnected(receive))
        closed = asyncio.create_task(closing.wait())
        await asyncio.wait([disconnected, closed], return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        scope["state"]["transport"].abort()
        await disconnected

    return hang


class WireProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, which gives each request access to its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the transport in the state that each request's scope receives."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
