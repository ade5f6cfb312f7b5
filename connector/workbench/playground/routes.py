"""The page and what it asks: `POST /playground/preview`."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from connector.pages.files import HEADERS, page_routes
from connector.workbench.playground.evaluator import Evaluator, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

MOST_BYTES: Final = 1 << 20
"""Of a request."""
PATH: Final = "/playground"


@dataclass(frozen=True, slots=True)
class Texts:
    """What the page shows at first."""

    config: str
    records: str
    topic: str = ""
    home: bool = False
    """Whether the page links to one at `/`."""


class _Question(BaseModel, frozen=True, extra="forbid", strict=True):
    config: str
    records: str
    topic: str = ""


def example(*, home: bool = False) -> Texts:
    """Return texts that show what there is: an item, a record that is skipped, a dead letter. `home` as in `Texts`."""
    folder = files(__package__ or "").joinpath("static")
    config, records = (folder.joinpath(name).read_text("utf-8") for name in ("example.yaml", "example.jsonl"))
    return Texts(config, records, home=home)


@contextlib.asynccontextmanager
async def playground(path: str = PATH, texts: Texts | None = None) -> AsyncIterator[list[Route]]:
    """Yield the routes of the page, which is at `path` and shows `texts` at first, or an example.

    They answer while the block runs.
    """
    first = orjson.dumps(asdict(texts or example()))
    async with Evaluator() as evaluator:

        async def start(_: Request) -> Response:
            return _json(first)

        async def preview(request: Request) -> Response:
            return await _preview(evaluator, request)

        yield [
            *page_routes(__package__ or "", {path: "playground.html"}),
            Route(f"{PATH}/start", start, methods=["GET"]),
            Route(f"{PATH}/preview", preview, methods=["POST"]),
        ]


async def _preview(evaluator: Evaluator, request: Request) -> Response:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _error("expected application/json", 415)  # which a page from elsewhere can't send unasked
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return _error(f"more than {MOST_BYTES >> 10} KiB", 413)
    try:
        question = _Question.model_validate_json(bytes(body))
    except ValidationError:
        return _error('expected {"config": text, "records": text, "topic": text}', 400)
    try:
        return _json(await evaluator.ask(orjson.dumps(question.model_dump())))
    except NoAnswerError as error:
        return _json(orjson.dumps({"error": error.code}))


def _error(message: str, status: int) -> Response:
    return _json(orjson.dumps({"error": message}), status)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, headers={**HEADERS, "cache-control": "no-store"}, media_type="application/json")
