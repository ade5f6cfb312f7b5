"""The sink for one endpoint of the platform: items in, one request, a verdict out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from connector.core.errors import TransportError
from connector.core.sink import Subject, Verdict, VerdictKind
from connector.language.message import message
from connector.tuzhan.endpoints import ENDPOINTS
from connector.tuzhan.replies import NO_PERMISSION_REMEDY, classify
from connector.tuzhan.token import now_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item
    from connector.tuzhan.replies import Reply

_BEFORE_PARAMS = b'{"publicParams":'
_BEFORE_ITEMS = b',"data":['
_END = b"]}"
_ENVELOPE_BYTES = len(_BEFORE_PARAMS) + len(_BEFORE_ITEMS) + len(_END)


class ImportClient(Protocol):
    """What the sink needs of `PlatformClient`."""

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Post one request. Raise TransportError if no complete reply arrives."""


class Tokens(Protocol):
    """What the sink needs of a `TokenProvider`, where each method is described."""

    def token_for(self, target: object) -> str | None: ...  # noqa: D102
    async def wait(self, target: object) -> None: ...  # noqa: D102
    def on_refused(self, token: str, target: object) -> bool: ...  # noqa: D102
    def on_delivered(self, token: str, target: object, sent_s: float) -> None: ...  # noqa: D102


class HttpSink:
    """Implements `connector.core.sink.Sink` for one endpoint; client and token are shared by all sinks."""

    def __init__(self, path: str, client: ImportClient, tokens: Tokens) -> None:
        self._path = path
        self._client = client
        self._tokens = tokens
        permission = ENDPOINTS[path].permission
        self._remedy = message(
            "{remedy}: {path}: {permission}", remedy=NO_PERMISSION_REMEDY, path=path, permission=permission
        )

    @property
    def is_ready(self) -> bool:
        """Whether there is a token for this endpoint."""
        return self._tokens.token_for(self) is not None

    async def ready(self) -> None:
        """Wait until `is_ready`."""
        await self._tokens.wait(self)

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Post the items as one request and report to the token provider whether the token was accepted."""
        token = self._tokens.token_for(self)
        if token is None:
            return Verdict(VerdictKind.TOKEN, message("the token was refused for another request"))
        sent_s = now_s()
        try:
            reply = await self._client.post(self._path, request_body(items), token)
        except TransportError as error:
            return Verdict(VerdictKind.AGAIN, error.told)
        verdict = classify(reply, datetime.now(UTC), self._remedy)
        if verdict.kind is VerdictKind.DELIVERED:
            self._tokens.on_delivered(token, self, sent_s)
        elif verdict.kind is VerdictKind.TOKEN and self._tokens.on_refused(token, self):
            return self._held(verdict)
        return verdict

    def _held(self, refusal: Verdict) -> Verdict:
        """Return the verdict for a token that is refused at this endpoint alone."""
        detail = message("{reply}: the token is refused at this endpoint, and works at others", reply=refusal.detail)
        return replace(refusal, kind=VerdictKind.HELD, subject=Subject.TARGET, detail=detail, remedy=self._remedy)

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        """Return the bytes of each item and its comma."""
        return [len(item.body) + 1 for item in items]

    def request_overhead(self, params: bytes) -> int:
        """Return the bytes around the items, less the comma that the first item does not have."""
        return _ENVELOPE_BYTES + len(params) - 1


def request_body(items: Sequence[Item]) -> bytes:
    """Join items that were encoded when they were mapped into the documented body (document 001)."""
    return b"".join((_BEFORE_PARAMS, items[0].params, _BEFORE_ITEMS, b",".join([item.body for item in items]), _END))
