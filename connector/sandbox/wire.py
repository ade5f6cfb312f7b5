"""What the sandbox puts on the wire: the documented JSON replies, and broken responses.

Broken responses: connection reset, hang, truncated body. An ASGI app never sees its connection, but uvicorn copies the
protocol's `app_state` into the scope of each request; `WireProtocol` puts the transport there, and a response can act
on it.
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

    from starlette.types import Receive, Scope, Send

_NO_LINGER = struct.pack("ii", 1, 0)
"""A `struct linger` for SO_LINGER: on, zero seconds. A close with it sends RST instead of FIN."""


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `content` as a JSON response."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def reply_body(code: str) -> dict[str, str]:
    """Return the platform's body for `code`, with the documented `errorCode` and `msg` if there are any."""
    error_code, message = REPLIES.get(code, ("ERROR", f"fault: code {code}"))
    return {"code": code, "errorCode": error_code, "msg": message}


def refusal(message: str, status: int, code: str = "400") -> Response:
    """Return the reply to a request that was refused for its content. No document shows one: code and status vary."""
    return json_response({"code": code, "errorCode": "PARAM_ERROR", "msg": message}, status)


class ResetResponse(Response):
    """Resets the connection without a reply."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Close with RST."""
        transport: asyncio.Transport = scope["state"]["transport"]
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        await _disconnected(receive)


class TruncatedResponse(Response):
    """Sends the headers, whose Content-Length promises the whole body, and half of the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half, then close."""
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        scope["state"]["transport"].close()
        await _disconnected(receive)


class HangResponse(Response):
    """Sends nothing until the client disconnects or the sandbox closes."""

    def __init__(self, closing: asyncio.Event) -> None:
        super().__init__()
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Wait, then drop the connection."""
        disconnected = asyncio.create_task(_disconnected(receive))
        closing = asyncio.create_task(self._closing.wait())
        await asyncio.wait([disconnected, closing], return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        scope["state"]["transport"].abort()
        await disconnected


class WireProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, which gives each request access to its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the transport in the state that each request's scope receives."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
