"""One endpoint of the platform as a sink: items in, one request, a verdict out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from connector.core.errors import TransportError
from connector.core.sink import Verdict, VerdictKind
from connector.tuzhan.replies import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item
    from connector.tuzhan.replies import Reply
    from connector.tuzhan.token import Tokens

_BEFORE_PARAMS = b'{"publicParams":'
_BEFORE_ITEMS = b',"data":['
_END = b"]}"
_FRAME_BYTES = len(_BEFORE_PARAMS) + len(_BEFORE_ITEMS) + len(_END)


class Poster(Protocol):
    """What the sink needs of the client."""

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Make one exchange. Raises TransportError."""


class HttpSink:
    """Sends to one endpoint; the client and the token are shared by all."""

    def __init__(self, path: str, client: Poster, tokens: Tokens) -> None:
        self._path = path
        self._client = client
        self._tokens = tokens

    async def ready(self) -> None:
        """Wait until a token is at hand."""
        await self._tokens.wait()

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Post the items as one request; see `connector.core.sink.Sink`."""
        token = self._tokens.current
        if token is None:
            return Verdict(VerdictKind.TOKEN, "the token was refused to another request")
        try:
            reply = await self._client.post(self._path, request_body(items), token)
        except TransportError as error:
            return Verdict(VerdictKind.AGAIN, str(error))
        verdict = judge(reply, datetime.now(UTC))
        if verdict.kind is VerdictKind.TOKEN:
            self._tokens.refuse(token)
        elif verdict.kind is VerdictKind.DELIVERED:
            self._tokens.accept(token)
        return verdict

    def item_size(self, item: Item) -> int:
        """The bytes of the item and of its comma."""
        return len(item.body) + 1

    def request_overhead(self, params: bytes) -> int:
        """The bytes around the items, less the one comma that the first item lacks: so the sum is exact."""
        return _FRAME_BYTES + len(params) - 1


def request_body(items: Sequence[Item]) -> bytes:
    """Join what was encoded when the items were mapped; nothing is encoded again."""
    return b"".join((_BEFORE_PARAMS, items[0].params, _BEFORE_ITEMS, b",".join([item.body for item in items]), _END))
