"""What every request to the admin port has to be, and what every response to one says to browsers.

The port only reads, and knows no users: who reaches it may read it. So what is kept out is what others send through
somebody's browser, who reaches it: foreign pages, by their own name (`core/host_names.py`) or across origins. Clients
that are no browsers are let in: they could send any header.
"""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from connector.core.addresses import HostPort, parse_host_port
from connector.core.events import Notice
from connector.core.host_names import is_from_a_foreign_page, may_be_asked_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from connector.core.events import Emit

LIVENESS: Final = "/livez"
"""Is asked by whatever name: no process must be killed because of one, and it tells nothing."""
NOTICE_S: Final = 60.0
_MOST_SHOWN: Final = 80
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every response that does not say otherwise."""


def own_names(listen: str, allowed_hosts: Collection[str]) -> frozenset[str]:
    """Return the names by which the admin port may be asked for: that of `listen`, the machine's, and those allowed."""
    address = parse_host_port(listen) or HostPort("", 0)
    return frozenset({address.host, socket.gethostname(), *allowed_hosts})


class AdminGuard:
    """An ASGI application around that of the admin port."""

    def __init__(
        self, app: ASGIApp, names: Collection[str], emit: Emit, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._names = names
        self._emit = emit
        self._clock = clock
        self._noticed_at = -NOTICE_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        app = self._app if refusal is None else _refuse(*refusal)
        await app(scope, receive, send_protected)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers = Headers(scope=scope)
        if scope["method"] not in {"GET", "HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.METHOD_NOT_ALLOWED.phrase
        if headers.get("content-length", "0").strip("0") or "transfer-encoding" in headers:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request has no body here"
        if scope["path"] == LIVENESS:
            return None
        host = headers.get("host", "")
        if not may_be_asked_for(host, self._names):
            shown = "".join(each for each in host if each.isprintable())[:_MOST_SHOWN]
            self._notice(shown)
            return HTTPStatus.MISDIRECTED_REQUEST, f"no server for '{shown}': add the name to admin.allowed_hosts"
        if is_from_a_foreign_page(headers, reads=True):
            return HTTPStatus.FORBIDDEN, "not for pages of other servers"
        return None

    def _notice(self, host: str) -> None:
        now = self._clock()
        if now - self._noticed_at >= NOTICE_S:
            self._noticed_at = now
            remedy = "if that is its name, add it to admin.allowed_hosts"
            self._emit(Notice("warning", f"the admin port was asked for by a foreign name: {remedy}", {"host": host}))


def _refuse(status: HTTPStatus, error: str) -> Response:
    headers = {"allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}
    return Response(
        orjson.dumps({"error": error}), status, {**headers, "connection": "close"}, media_type="application/json"
    )
