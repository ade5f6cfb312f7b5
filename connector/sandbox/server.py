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
from starlette.routing import Route

from connector.core.errors import StartError
from connector.runtime import web
from connector.runtime.process import stop_on_signals
from connector.sandbox.console import console_routes
from connector.sandbox.controls import ControlError, change_switches, faults_schema, parse_faults, parse_query
from connector.sandbox.documents import ENDPOINTS, TOKEN_ENDPOINT
from connector.sandbox.guard import SandboxGuard, own_names
from connector.sandbox.platform import Sandbox
from connector.sandbox.switches import Switches
from connector.sandbox.wire import WireProtocol, json_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    MoreRoutes = contextlib.AbstractAsyncContextManager[Sequence[BaseRoute]]


class _Controls:
    """The handlers of one sandbox's controls."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def stats(self, _: Request) -> Response:
        return json_response(self._sandbox.stats())

    async def items(self, request: Request) -> Response:
        return json_response(self._sandbox.store.find(parse_query(request.query_params)))

    async def faults(self, request: Request) -> Response:
        """PUT takes the whole list; return it, each entry with its hits."""
        if request.method == "PUT":
            self._sandbox.faults.replace(parse_faults(await request.body()))
        elif request.method == "DELETE":
            self._sandbox.faults.replace([])
        return json_response(self._sandbox.faults.report())

    async def faults_schema(self, _: Request) -> Response:
        return json_response(faults_schema())

    async def switches(self, request: Request) -> Response:
        """PUT takes those to be changed, DELETE restores the defaults; return all of them."""
        if request.method == "PUT":
            self._sandbox.switches = change_switches(self._sandbox.switches, await request.body())
        elif request.method == "DELETE":
            self._sandbox.switches = Switches()
        return json_response(self._sandbox.switches.model_dump())

    async def expire_tokens(self, _: Request) -> Response:
        return json_response({"expired": self._sandbox.tokens.expire_all()})

    async def reset(self, _: Request) -> Response:
        self._sandbox.reset()
        return json_response(self._sandbox.stats())


def build_app(sandbox: Sandbox, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Build the application that serves the platform's endpoints and the controls of `sandbox`, and `more`."""
    controls = _Controls(sandbox)
    routes: list[BaseRoute] = [
        *more,
        *console_routes(sandbox, has_playground=bool(more)),
        Route("/_sandbox/stats", controls.stats, methods=["GET"]),
        Route("/_sandbox/items", controls.items, methods=["GET"]),
        Route("/_sandbox/faults", controls.faults, methods=["GET", "PUT", "DELETE"]),
        Route("/_sandbox/faults/schema", controls.faults_schema, methods=["GET"]),
        Route("/_sandbox/switches", controls.switches, methods=["GET", "PUT", "DELETE"]),
        Route("/_sandbox/expire-tokens", controls.expire_tokens, methods=["POST"]),
        Route("/_sandbox/reset", controls.reset, methods=["POST"]),
    ]
    for root in ("/api/open", "/api/integrate"):
        routes.append(Route(f"{root}/{TOKEN_ENDPOINT}", sandbox.handle_token, methods=["GET"]))
        routes.extend(
            Route(f"{root}/{path}", functools.partial(sandbox.handle_import, endpoint), methods=["POST"])
            for path, endpoint in ENDPOINTS.items()
        )
    return Starlette(routes=routes, exception_handlers={ControlError: _refuse_control})


@contextlib.asynccontextmanager
async def running_sandbox(
    sandbox: Sandbox,
    listen: str = "127.0.0.1:0",
    more: Sequence[BaseRoute] = (),
    allowed_hosts: Collection[str] = (),
) -> AsyncIterator[str]:
    """Serve `sandbox`, and `more` routes, while the block runs; yield its base URL.

    platform.base_url is that and `/api/open`. `allowed_hosts`: more names by which browsers may ask (`guard.py`).

    Raise StartError if `listen` is not host:port or the port is taken.
    """
    sock = web.bind(listen)
    app = SandboxGuard(build_app(sandbox, more), own_names(listen, allowed_hosts))
    async with web.running_server(app, sock, WireProtocol):
        try:
            yield web.base_url(sock)
        finally:
            sandbox.closing.set()


def serve(
    listen: str, app_id: str, app_secret: str, more: MoreRoutes | None = None, allowed_hosts: Collection[str] = ()
) -> int:
    """Serve a sandbox, and `more` routes, until SIGTERM or SIGINT; return the process's exit code.

    The first line on stderr is `sandbox listening on <base URL>`.
    """
    try:
        with contextlib.suppress(KeyboardInterrupt):
            sandbox, routes = Sandbox(app_id, app_secret), more or contextlib.nullcontext(())
            asyncio.run(_serve_until_signal(sandbox, listen, routes, allowed_hosts))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _serve_until_signal(sandbox: Sandbox, listen: str, more: MoreRoutes, allowed_hosts: Collection[str]) -> None:
    stop_requested = stop_on_signals()
    async with more as routes, running_sandbox(sandbox, listen, routes, allowed_hosts) as base_url:
        sys.stderr.write(f"sandbox listening on {base_url}\n")
        sys.stderr.write(f"platform.base_url: {base_url}/api/open, app_id: {sandbox.app_id}\n")
        await stop_requested.wait()


async def _refuse_control(_: Request, error: Exception) -> Response:
    return json_response({"errors": str(error).splitlines()}, 400)
