"""The admin port: probes, metrics, status and the status page. It only reads.

Every handler is a coroutine, so it runs on the event loop, where a snapshot is consistent. Starlette runs a plain
function in a thread, which would see the connector in the middle of a change. What takes a while is answered in turn
(`paced.py`); the probes, which are cheap, at once. Who may ask: `admin_guard.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from connector.observe import tap_response
from connector.observe.paced import AbandonedError, BusyError, Paced
from connector.observe.snapshot import is_ready
from connector.observe.status import to_document
from connector.observe.tap_request import TapRefusedError
from connector.pages.files import page_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from connector.language.choice import Language
    from connector.observe.health import Health
    from connector.observe.live import Live
    from connector.observe.metrics import Metrics
    from connector.observe.snapshot import Status
    from connector.observe.tap import Tap

_ALWAYS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Streams:
    """The answers of the port that do not end by themselves."""

    tap: Tap
    live: Live

    def end(self) -> None:
        """End all of them, because the process stops."""
        self.tap.end()
        self.live.end()


def build_admin(  # noqa: PLR0913 - all that the port shows, and in which language
    snapshot: Callable[[], Status],
    metrics: Metrics,
    health: Health,
    silent_parts: Callable[[], Mapping[str, float]],
    streams: Streams,
    *,
    language: Language = "en",
) -> Starlette:
    """Return the application of the admin port; it must be served on the connector's own loop.

    `silent_parts` is called for `/livez`: see `health.silent_parts`. The shapes of the JSON documents are a contract;
    remedies are in `language`.
    """

    async def livez(_: Request) -> Response:
        silent = [{"part": part, "seconds": seconds} for part, seconds in silent_parts().items()]
        return _json({"live": not silent, "silent": silent}, 503 if silent else 200)

    async def readyz(_: Request) -> Response:
        reasons = health.reasons
        ready = is_ready(reasons)
        told = [reason.document(language) for reason in reasons]
        return _json({"ready": ready, "reasons": told}, 200 if ready else 503)

    def status(_: Request) -> Response:
        return _json(to_document(snapshot(), language))

    def metrics_(request: Request) -> Response:
        body, content_type = metrics.render(",".join(request.headers.getlist("accept")), snapshot())
        # A header and not `media_type`, to which Starlette would add a second charset.
        return Response(body, headers={**_ALWAYS, "content-type": content_type, "vary": "accept"})

    async def live_(request: Request) -> Response:
        return streams.live.respond(request, paced, _ALWAYS)

    def tap_(request: Request) -> Response:
        try:
            return tap_response.respond(streams.tap, request, _ALWAYS)
        except TapRefusedError as error:
            return _json({"error": str(error)}, error.status)

    paced = Paced()
    handlers = {
        "/livez": livez,
        "/readyz": readyz,
        "/status": _in_turn(status, paced),
        "/metrics": _in_turn(metrics_, paced),
        "/tap": _in_turn(tap_, paced),
        "/live": live_,
    }
    application = Starlette(
        routes=[
            *(Route(path, handler, methods=["GET"]) for path, handler in handlers.items()),
            *page_routes("connector.observe", {"/": "status.html"}),
        ],
        exception_handlers={HTTPException: _http_error},
    )
    application.router.redirect_slashes = False
    return application


def _in_turn(answer: Callable[[Request], Response], paced: Paced) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return await paced.make(partial(answer, request), request.is_disconnected)
        except AbandonedError:
            return Response(status_code=503)  # which nobody reads
        except BusyError:
            return _json({"error": "too many requests wait for an answer"}, 503, {"retry-after": "1"})

    return handle


def _json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps(document)
    return Response(body, status, headers={**_ALWAYS, **(headers or {})}, media_type="application/json")


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _json({"error": error.detail}, error.status_code, error.headers)
