"""The sandbox as an HTTP server: the platform under both of its addresses, and its controls under /_sandbox.

A control that is not understood gets HTTP 400 with `{"errors": [...]}` and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connector.core.errors import StartError
from connector.runtime import web
from connector.runtime.process import stop_on_signals
from connector.sandbox import page
from connector.sandbox.documents import ENDPOINTS, TOKEN_ENDPOINT
from connector.sandbox.fault_list import json_schema, parse_faults
from connector.sandbox.platform import Sandbox
from connector.sandbox.store import ItemQuery
from connector.sandbox.switches import Switches, change
from connector.sandbox.wire import WireProtocol, json_response

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request

_ROOTS = ("/api/open", "/api/integrate")


class Controls:
    """The handlers of one sandbox's page and controls."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def stats(self, _: Request) -> Response:
        """GET /_sandbox/stats."""
        return json_response(self._sandbox.stats())

    async def items(self, request: Request) -> Response:
        """GET /_sandbox/items?endpoint=&uuid=&identity=&limit=."""
        query = request.query_params
        limit = query.get("limit") or "100"
        unknown = sorted(set(query) - {"endpoint", "uuid", "identity", "limit"})
        endpoint = query.get("endpoint", "")
        if unknown or not limit.isdecimal() or (endpoint and endpoint not in ENDPOINTS):
            return _errors(["items takes endpoint (a known one), uuid, identity, and limit (a number)"])
        wanted = ItemQuery(endpoint, query.get("uuid", ""), query.get("identity", ""), int(limit))
        return json_response(self._sandbox.store.find(wanted))

    async def faults(self, request: Request) -> Response:
        """GET, PUT (the whole list) and DELETE /_sandbox/faults; return the list, each entry with its hits."""
        try:
            if request.method == "PUT":
                self._sandbox.faults.replace(parse_faults(await request.body()))
        except ValueError as error:
            return _errors(str(error).splitlines())
        if request.method == "DELETE":
            self._sandbox.faults.replace([])
        return json_response(self._sandbox.faults.report())

    async def faults_schema(self, _: Request) -> Response:
        """GET /_sandbox/faults/schema: the JSON Schema of the list."""
        return json_response(json_schema())

    async def switches(self, request: Request) -> Response:
        """GET, PUT (those to be changed) and DELETE (restore the defaults) /_sandbox/switches; return all of them."""
        try:
            if request.method == "PUT":
                self._sandbox.switches = change(self._sandbox.switches, await request.body())
        except ValueError as error:
            return _errors(str(error).splitlines())
        if request.method == "DELETE":
            self._sandbox.switches = Switches()
        return json_response(self._sandbox.switches.model_dump())

    async def expire_tokens(self, _: Request) -> Response:
        """POST /_sandbox/expire-tokens: invalidate every token."""
        return json_response({"expired": self._sandbox.tokens.expire_all()})

    async def reset(self, _: Request) -> Response:
        """POST /_sandbox/reset: remove everything but the tokens."""
        self._sandbox.reset()
        return json_response(self._sandbox.stats())

    async def page(self, request: Request) -> Response:
        """GET /, and POST / for the page's forms, whose errors are shown on the page."""
        errors = page.apply_form(self._sandbox, await request.body()) if request.method == "POST" else []
        if request.method == "POST" and not errors:
            return RedirectResponse("/", 303)
        return Response(page.render(self._sandbox, errors), 400 if errors else 200, media_type="text/html")


def build_app(sandbox: Sandbox) -> Starlette:
    """Build the application that serves the platform's endpoints and the controls of `sandbox`."""
    controls = Controls(sandbox)
    routes = [
        Route("/", controls.page, methods=["GET", "POST"]),
        Route("/_sandbox/stats", controls.stats, methods=["GET"]),
        Route("/_sandbox/items", controls.items, methods=["GET"]),
        Route("/_sandbox/faults", controls.faults, methods=["GET", "PUT", "DELETE"]),
        Route("/_sandbox/faults/schema", controls.faults_schema, methods=["GET"]),
        Route("/_sandbox/switches", controls.switches, methods=["GET", "PUT", "DELETE"]),
        Route("/_sandbox/expire-tokens", controls.expire_tokens, methods=["POST"]),
        Route("/_sandbox/reset", controls.reset, methods=["POST"]),
    ]
    for root in _ROOTS:
        routes.append(Route(f"{root}/{TOKEN_ENDPOINT}", sandbox.handle_token, methods=["GET"]))
        routes.extend(
            Route(f"{root}/{path}", functools.partial(sandbox.handle_import, endpoint), methods=["POST"])
            for path, endpoint in ENDPOINTS.items()
        )
    return Starlette(routes=routes)


@contextlib.asynccontextmanager
async def running_sandbox(sandbox: Sandbox, listen: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """Serve `sandbox` while the block runs; yield its base URL (platform.base_url is that and `/api/open`).

    Raise StartError if `listen` is not host:port or the port is taken.
    """
    async with _running(sandbox, web.bind(listen)) as base_url:
        yield base_url


def serve(listen: str, app_id: str, app_secret: str) -> int:
    """Serve a sandbox until SIGTERM or SIGINT; return the process's exit code.

    The first line on stderr is `sandbox listening on <base URL>`.
    """
    try:
        sock = web.bind(listen)
    except StartError as error:
        _print(str(error))
        return 1
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_until_signal(Sandbox(app_id, app_secret), sock))
    return 0


async def _serve_until_signal(sandbox: Sandbox, sock: socket.socket) -> None:
    stop_requested = stop_on_signals()
    async with _running(sandbox, sock) as base_url:
        _print(f"sandbox listening on {base_url}")
        _print(f"platform.base_url: {base_url}/api/open, app_id: {sandbox.app_id}")
        await stop_requested.wait()


@contextlib.asynccontextmanager
async def _running(sandbox: Sandbox, sock: socket.socket) -> AsyncIterator[str]:
    async with web.running_server(build_app(sandbox), sock, WireProtocol) as base_url:
        try:
            yield base_url
        finally:
            sandbox.closing.set()


def _errors(errors: Sequence[str]) -> Response:
    return json_response({"errors": list(errors)}, 400)


def _print(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
