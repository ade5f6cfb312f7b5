"""`GET /tap`: the lines of a feed as one response that does not end, as newline-delimited JSON.

JSON lines and not server-sent events: `curl -N … | jq` and `tuzhan-connector tap` read them as they are. A browser is
not meant to listen: its EventSource connects again by itself, and would take up one of the few places for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from connector.observe.tap import Tap
    from connector.observe.tap_feed import TapFeed

MEDIA_TYPE: Final = "application/x-ndjson"


class _FeedResponse(StreamingResponse):
    """Closes its feed however it ends."""

    def __init__(self, feed: TapFeed, close: Callable[[TapFeed], None], headers: Mapping[str, str]) -> None:
        super().__init__(feed.chunks(), headers=headers, media_type=MEDIA_TYPE)
        self._feed = feed
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close(self._feed)


def respond(tap: Tap, request: Request, headers: Mapping[str, str]) -> Response:
    """Return the response to a request for the tap. Raises TapRefusedError."""
    if request.method == "HEAD":
        return Response(headers=headers, media_type=MEDIA_TYPE)
    return _FeedResponse(tap.open(request.query_params.multi_items()), tap.close, headers)
