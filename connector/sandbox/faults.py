"""Faults: how the sandbox misbehaves on request. Each kind is a class; to add a kind, add a class to this file.

A class that names its `kind` is accepted by `PUT /_sandbox/faults`, appears in its JSON Schema and on the
page. Its fields are the JSON keys; its docstring and the descriptions of its fields are the help on the page, where
`example` is what one click switches on:

    class TeapotFault(RequestFault):
        "Reply with HTTP 418."

        kind: Literal["teapot"] = "teapot"
        example = {"count": 1}

        async def respond(self, _: asyncio.Event) -> ASGIApp | None:
            return complete_response("teapot", 418)
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.sandbox.documents import ENDPOINTS, TOKEN_ENDPOINT
from connector.sandbox.validation import RefusalError
from connector.sandbox.wire import complete_response, hang_until, reply_body, reset, truncate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp

FAULT_ENDPOINTS = [*ENDPOINTS, TOKEN_ENDPOINT]
_GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

HttpStatus = Annotated[int, Field(ge=200, le=599)]
NonEmpty = Annotated[str, Field(min_length=1)]
HeaderText = Annotated[str, Field(pattern="^[!-~]+( [!-~]+)*$")]

KINDS: dict[str, type[Fault]] = {}
"""Every kind of fault, by name."""


class Fault(BaseModel):
    """One entry of the list; the fields below are common to all kinds and say which requests it hits."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    example: ClassVar[Mapping[str, Any]] = {}
    """Fields with which it is seen at once and passes by itself, where that is possible."""

    kind: str
    share: float = Field(default=1.0, gt=0, le=1, description="Fraction of the requests that it hits.")
    count: int | None = Field(default=None, ge=1, description="Requests that it hits before it is used up.")
    endpoint: str | None = Field(
        default=None,
        description="Only requests to this endpoint; by default all but the token endpoint.",
        json_schema_extra={"enum": [*FAULT_ENDPOINTS, None]},
    )
    match: dict[str, str | int | float | bool] | None = Field(
        default=None,
        description="Only requests with an item that has all these fields; a path has dots, values compare as text.",
        examples=['{"eventargs.c_goods": "x"}'],
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_unused(cls, entry: object) -> object:
        """Drop what has no meaning for this kind: null, and fields that other kinds have."""
        if not isinstance(entry, dict):
            return entry
        others = {name for kind in KINDS.values() for name in kind.model_fields} - set(cls.model_fields)
        return {name: value for name, value in entry.items() if value is not None and name not in others}

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        if self.endpoint is not None and self.endpoint not in FAULT_ENDPOINTS:
            raise ValueError(f"unknown endpoint '{self.endpoint}', one of {', '.join(FAULT_ENDPOINTS)}")
        if self.endpoint == TOKEN_ENDPOINT and (isinstance(self, RefuseFault) or self.match):
            raise ValueError("the token endpoint has no items to refuse or to match")
        return self

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Add a class that names its kind to KINDS."""
        kind = cls.model_fields["kind"].default
        if isinstance(kind, str):
            KINDS[kind] = cls

    def covers(self, endpoint: str) -> bool:
        """Whether requests to `endpoint` can be hit; the token endpoint only if it is named."""
        return endpoint == self.endpoint if self.endpoint else endpoint != TOKEN_ENDPOINT

    def matches(self, item: object) -> bool:
        """Whether `item` has every field of `match` with its value."""
        return all(_equal_as_text(_value_at(item, path), value) for path, value in (self.match or {}).items())

    def to_json(self) -> dict[str, Any]:
        """The entry as it was put."""
        return {"kind": self.kind, **self.model_dump(exclude_unset=True)}


class RequestFault(Fault, abc.ABC):
    """A fault that acts before the request is handled."""

    ends_request: ClassVar[bool] = True
    """If False, the request goes on to the next fault and is then handled as usual."""
    breaks_reply: ClassVar[bool] = False
    """Whether the client can't tell if the request was stored; the switch `broken_reply_stores` decides if it is."""

    @abc.abstractmethod
    async def respond(self, closing: asyncio.Event) -> ASGIApp | None:
        """Return the response that replaces the platform's; None if `ends_request` is False.

        `closing` is set when the sandbox stops: a response that waits must end then.
        """


class _CompleteReply(RequestFault):
    """A reply that arrives whole."""

    status: HttpStatus = Field(default=200, description="HTTP status of the reply.")
    retry_after: Annotated[int, Field(ge=0)] | HeaderText | None = Field(
        default=None, description="The header Retry-After: seconds, or a date."
    )

    def _reply(self, body: bytes | str, media_type: str) -> Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return complete_response(body, self.status, media_type, headers)


class StatusFault(_CompleteReply):
    """Reply with an HTTP status and a short text instead of JSON."""

    kind: Literal["status"] = "status"
    example = {"status": 503, "retry_after": 1, "count": 3}
    status: HttpStatus = Field(description="HTTP status of the reply.")

    async def respond(self, _: asyncio.Event) -> ASGIApp | None:
        return self._reply(f"fault: {self.status}", "text/plain")


class CodeFault(_CompleteReply):
    """Reply in the documented JSON form with this code."""

    kind: Literal["code"] = "code"
    example = {"code": "100200", "count": 1}
    code: NonEmpty | int = Field(description="The reply's code, such as 100200.")

    async def respond(self, _: asyncio.Event) -> ASGIApp | None:
        return self._reply(orjson.dumps(reply_body(str(self.code))), "application/json")


class LatencyFault(RequestFault):
    """Delay the request; it then goes on as usual."""

    kind: Literal["latency"] = "latency"
    example = {"ms": 2000, "count": 10}
    ends_request = False
    ms: int = Field(ge=0, le=600_000, description="Milliseconds of delay.")

    async def respond(self, closing: asyncio.Event) -> ASGIApp | None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), self.ms / 1000)
        return None


class HangFault(RequestFault):
    """Send no reply until the client disconnects."""

    kind: Literal["hang"] = "hang"
    example = {"count": 1}
    breaks_reply = True

    async def respond(self, closing: asyncio.Event) -> ASGIApp | None:
        return hang_until(closing)


class ResetFault(RequestFault):
    """Reset the connection without a reply."""

    kind: Literal["reset"] = "reset"
    example = {"share": 0.2, "count": 5}
    breaks_reply = True

    async def respond(self, _: asyncio.Event) -> ASGIApp | None:
        return reset


class TruncateFault(RequestFault):
    """Close the connection in the middle of a successful reply's body."""

    kind: Literal["truncate"] = "truncate"
    example = {"count": 1}
    breaks_reply = True

    async def respond(self, _: asyncio.Event) -> ASGIApp | None:
        return truncate


class HtmlFault(_CompleteReply):
    """Reply with a gateway's HTML error page."""

    kind: Literal["html"] = "html"
    example = {"status": 502, "count": 3}

    async def respond(self, _: asyncio.Event) -> ASGIApp | None:
        return self._reply(_GATEWAY_PAGE, "text/html")


class RefuseFault(Fault):
    """Refuse the items that match, and with them their request, as if they broke a rule."""

    kind: Literal["refuse"] = "refuse"
    example = {"match": {"eventKey": "c_buy"}, "count": 1}
    status: HttpStatus | None = Field(default=None, description="HTTP status of the reply; by default as switched.")
    code: NonEmpty | int = Field(default="400", description="The reply's code.")

    def refusal(self, place: str) -> RefusalError:
        """Return the error that refuses the item at `place`, such as `data[3]`."""
        field = next(iter(self.match or ["*"]))
        return RefusalError(f"{place}.{field} is refused", self.status, str(self.code))


def _value_at(item: object, path: str) -> object:
    """Return what stands at a dotted path, such as `identities.0.identityValue`; None if there is nothing."""
    for part in path.split("."):
        if isinstance(item, list) and part.isdigit() and int(part) < len(item):
            item = item[int(part)]
        elif isinstance(item, dict):
            item = item.get(part)
        else:
            return None
    return item


def _equal_as_text(found: object, value: object) -> bool:
    return found is not None and (found == value or _as_text(found) == _as_text(value))


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
