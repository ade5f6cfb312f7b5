"""The admin port: probes, metrics, status. Reads, and changes nothing.

Every handler is a coroutine: it runs on the event loop, where a snapshot is whole. A plain function would be sent
to a thread, and see the connector between two steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connector.observe import page
from connector.observe.status import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from connector.observe.health import Health, Liveness
    from connector.observe.metrics import Metrics
    from connector.observe.status import Status

_ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PAGE = {**_ALWAYS, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}


def build_admin(snapshot: Callable[[], Status], metrics: Metrics, health: Health, liveness: Liveness) -> Starlette:
    """Give the application for the admin port; serve it on the connector's own loop."""

    async def livez(_: Request) -> Response:
        view = liveness.live()
        return _json(view.to_json(), 200 if view.live else 503)

    async def readyz(_: Request) -> Response:
        view = health.ready()
        return _json(view.to_json(), 200 if view.ready else 503)

    async def status(_: Request) -> Response:
        return _json(to_json(snapshot()))

    async def metrics_(request: Request) -> Response:
        body, content_type = metrics.render(",".join(request.headers.getlist("accept")))
        # Not media_type: that would add a second charset.
        return Response(body, headers={**_ALWAYS, "content-type": content_type, "vary": "accept"})

    async def front(_: Request) -> Response:
        return HTMLResponse(page.render(snapshot(), health.ready()), headers=_PAGE)

    handlers = {"/livez": livez, "/readyz": readyz, "/status": status, "/metrics": metrics_, "/": front}
    application = Starlette(
        routes=[Route(path, handler, methods=["GET"]) for path, handler in handlers.items()],
        exception_handlers={HTTPException: _refusal},
    )
    application.router.redirect_slashes = False
    return application


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers={**_ALWAYS, **(headers or {})}, media_type="application/json")


async def _refusal(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _json(orjson.dumps({"error": error.detail}), error.status_code, error.headers)
