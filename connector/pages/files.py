"""Serves the files of pages out of their packages, read once."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of everything that a page consists of."""


def page_routes(package: str, pages: Mapping[str, str]) -> list[Route]:
    """Return the routes of the pages of a package; `pages` names the HTML file of each path.

    What else is in the package's folder `static`, and the shared files, are at `/static/…`.
    """
    shared, own = _read(__package__ or ""), _read(package)
    served = {f"/static/{name}": (name, content) for name, content in (shared | own).items() if _ending(name) != "html"}
    served |= {path: (name, own[name]) for path, name in pages.items()}
    return [_route(path, name, content) for path, (name, content) in served.items()]


def _read(package: str) -> dict[str, bytes]:
    folder = files(package).joinpath("static")
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if _ending(entry.name) in _TYPES}


def _route(path: str, name: str, content: bytes) -> Route:
    async def serve(_: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=_TYPES[_ending(name)])

    return Route(path, serve, methods=["GET"])


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
