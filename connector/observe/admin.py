"""The admin port: probes, metrics, status and the status page. It only reads.

Every handler is a coroutine, so it runs on the event loop, where a snapshot is consistent. Starlette runs a plain
function in a thread, which would see the connector in the middle of a change.
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

    from connector.observe.health import Health, HeartbeatMonitor
    from connector.observe.metrics import Metrics
    from connector.observe.status import Status

_ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PAGE = {**_ALWAYS, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}


def build_admin(
    snapshot: Callable[[], Status], metrics: Metrics, health: Health, monitor: HeartbeatMonitor
) -> Starlette:
    """Return the application of the admin port; it must be served on the connector's own loop."""

    async def livez(_: Request) -> Response:
        liveness = monitor.liveness()
        return _json(liveness.to_json(), 200 if liveness.live else 503)

    async def readyz(_: Request) -> Response:
        readiness = health.readiness()
        return _json(readiness.to_json(), 200 if readiness.ready else 503)

    async def status(_: Request) -> Response:
        return _json(to_json(snapshot()))

    async def metrics_(request: Request) -> Response:
        body, content_type = metrics.render(",".join(request.headers.getlist("accept")), snapshot())
        # A header and not `media_type`, to which Starlette would add a second charset.
        return Response(body, headers={**_ALWAYS, "content-type": content_type, "vary": "accept"})

    async def front(_: Request) -> Response:
        return HTMLResponse(page.render(snapshot(), health.readiness()), headers=_PAGE)

    handlers = {"/livez": livez, "/readyz": readyz, "/status": status, "/metrics": metrics_, "/": front}
    application = Starlette(
        routes=[Route(path, handler, methods=["GET"]) for path, handler in handlers.items()],
        exception_handlers={HTTPException: _http_error},
    )
    application.router.redirect_slashes = False
    return application


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers={**_ALWAYS, **(headers or {})}, media_type="application/json")


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _json(orjson.dumps({"error": error.detail}), error.status_code, error.headers)
