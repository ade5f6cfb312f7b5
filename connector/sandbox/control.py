"""The sandbox over HTTP: the platform under both of its addresses, and the controls under /_sandbox.

A control that is not understood is answered with 400 and `{"errors": [...]}`, and changes nothing.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connector.sandbox import faults, page
from connector.sandbox.documents import ENDPOINTS, TOKEN_ENDPOINT
from connector.sandbox.store import Wanted
from connector.sandbox.switches import Switches, change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from connector.sandbox.platform import Sandbox

_ROOTS = ("/api/open", "/api/integrate")


class Control:
    """The controls of one sandbox, as handlers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def stats(self) -> dict[str, Any]:
        """What was stored, refused and noticed, and the token endpoint's own counts."""
        return {**self._sandbox.store.report(), "tokens": self._sandbox.tokens.report()}

    async def get_stats(self, _: Request) -> Response:
        """GET /_sandbox/stats."""
        return _json(self.stats())

    async def get_items(self, request: Request) -> Response:
        """GET /_sandbox/items?endpoint=&uuid=&identity=&limit=."""
        query = request.query_params
        limit = query.get("limit") or "100"
        unknown = sorted(set(query) - {"endpoint", "uuid", "identity", "limit"})
        endpoint = query.get("endpoint", "")
        if unknown or not limit.isdecimal() or (endpoint and endpoint not in ENDPOINTS):
            return _errors(["items takes endpoint (a known one), uuid, identity, and limit (a number)"])
        wanted = Wanted(endpoint, query.get("uuid", ""), query.get("identity", ""), int(limit))
        return _json(self._sandbox.store.find(wanted))

    async def get_faults(self, _: Request) -> Response:
        """GET /_sandbox/faults: the list, each entry with its hits."""
        return _json(self._sandbox.faults.report())

    async def put_faults(self, request: Request) -> Response:
        """PUT /_sandbox/faults: the whole list."""
        try:
            self._sandbox.faults.put(faults.parse(await request.body()))
        except ValueError as error:
            return _errors(str(error).splitlines())
        return _json(self._sandbox.faults.report())

    async def delete_faults(self, _: Request) -> Response:
        """DELETE /_sandbox/faults."""
        self._sandbox.faults.put([])
        return _json([])

    async def get_switches(self, _: Request) -> Response:
        """GET /_sandbox/switches: the values."""
        return _json(self._sandbox.switches.model_dump())

    async def put_switches(self, request: Request) -> Response:
        """PUT /_sandbox/switches: those that are named change; the others stay."""
        try:
            self._sandbox.switches = change(self._sandbox.switches, await request.body())
        except ValidationError as error:
            return _errors(faults.explain(error, "switches"))
        return _json(self._sandbox.switches.model_dump())

    async def delete_switches(self, _: Request) -> Response:
        """DELETE /_sandbox/switches: the defaults again."""
        self._sandbox.switches = Switches()
        return _json(self._sandbox.switches.model_dump())

    async def expire_tokens(self, _: Request) -> Response:
        """POST /_sandbox/expire-tokens: no token given so far is valid any more."""
        return _json({"expired": self._sandbox.tokens.expire_all()})

    async def reset(self, _: Request) -> Response:
        """POST /_sandbox/reset: as new, but for the tokens."""
        self._sandbox.reset()
        return _json(self.stats())

    async def get_page(self, _: Request) -> Response:
        """GET /."""
        return Response(page.render(self._sandbox, self.stats()), media_type="text/html")

    async def post_page(self, request: Request) -> Response:
        """POST /: one of the page's forms; what is wrong with it is shown on the page."""
        errors = page.act(self._sandbox, await request.body())
        if errors:
            text = page.render(self._sandbox, self.stats(), errors)
            return Response(text, 400, media_type="text/html")
        return RedirectResponse("/", 303)


def build(sandbox: Sandbox) -> Starlette:
    """Put the platform's endpoints and the controls of `sandbox` into one app."""
    control = Control(sandbox)
    routes = [
        Route("/", control.get_page, methods=["GET"]),
        Route("/", control.post_page, methods=["POST"]),
        Route("/_sandbox/stats", control.get_stats, methods=["GET"]),
        Route("/_sandbox/items", control.get_items, methods=["GET"]),
        Route("/_sandbox/faults", control.get_faults, methods=["GET"]),
        Route("/_sandbox/faults", control.put_faults, methods=["PUT"]),
        Route("/_sandbox/faults", control.delete_faults, methods=["DELETE"]),
        Route("/_sandbox/switches", control.get_switches, methods=["GET"]),
        Route("/_sandbox/switches", control.put_switches, methods=["PUT"]),
        Route("/_sandbox/switches", control.delete_switches, methods=["DELETE"]),
        Route("/_sandbox/expire-tokens", control.expire_tokens, methods=["POST"]),
        Route("/_sandbox/reset", control.reset, methods=["POST"]),
    ]
    for root in _ROOTS:
        routes.append(Route(f"{root}/{TOKEN_ENDPOINT}", sandbox.token, methods=["GET"]))
        routes.extend(
            Route(f"{root}/{path}", functools.partial(sandbox.imports, endpoint), methods=["POST"])
            for path, endpoint in ENDPOINTS.items()
        )
    return Starlette(routes=routes)


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _errors(errors: Sequence[str]) -> Response:
    return _json({"errors": list(errors)}, 400)
