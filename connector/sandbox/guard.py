"""Keeps pages of other servers, open in somebody's browser, from switching faults on or reading what was stored.

The sandbox knows no users, and clients that are no browsers are never refused: not the connector, not curl or a test,
by whatever name they ask. Nor is the platform's API, where a request needs a token. Of what a browser sends besides:

- It is refused if it asks by a name that somebody outside may have (`core/host_names.py`): the page may be theirs, and
  its name lead here (DNS rebinding). That it is a browser shows in headers that no page can keep it from sending.
- It is refused if another server's page makes it, unless somebody follows a link. What changes something has the page's
  origin, also in browsers that say no more.
"""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from connector.core.addresses import HostPort, parse_host_port
from connector.core.host_names import is_from_a_foreign_page, may_be_asked_for
from connector.sandbox.wire import json_response

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

_PLATFORM: Final = ("/api/open/", "/api/integrate/")
_OF_BROWSERS: Final = ("accept-language", "origin", "referer", "sec-fetch-site")
_READS: Final = ("GET", "HEAD")
_MOST_SHOWN: Final = 80


def own_names(listen: str, allowed_hosts: Collection[str]) -> frozenset[str]:
    """Return the names by which browsers may ask: that of `listen`, the machine's, and those allowed."""
    address = parse_host_port(listen) or HostPort("", 0)
    return frozenset({address.host, socket.gethostname(), *allowed_hosts})


class SandboxGuard:
    """An ASGI application around that of the sandbox."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        refusal = None if scope["path"].startswith(_PLATFORM) else self._refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else json_response({"errors": [refusal[1]]}, refusal[0])
        await app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> tuple[HTTPStatus, str] | None:
        if not _is_of_a_browser(headers):
            return None
        host = headers.get("host", "")
        if not may_be_asked_for(host, self._names):
            shown = "".join(each for each in host if each.isprintable())[:_MOST_SHOWN]
            return HTTPStatus.MISDIRECTED_REQUEST, f"no sandbox for '{shown}' in browsers: allow it by --allowed-host"
        if is_from_a_foreign_page(headers, reads=method in _READS) or self._has_a_foreign_origin(headers, host):
            return HTTPStatus.FORBIDDEN, "not for pages of other servers"
        return None

    def _has_a_foreign_origin(self, headers: Headers, host: str) -> bool:
        """Return whether the page is of another server, for a browser that says nothing but that."""
        origin = headers.get("origin")
        if origin is None or "sec-fetch-site" in headers:
            return False
        return urlsplit(origin).netloc.lower() != host.lower()


def _is_of_a_browser(headers: Headers) -> bool:
    return "mozilla/" in headers.get("user-agent", "").lower() or any(name in headers for name in _OF_BROWSERS)
