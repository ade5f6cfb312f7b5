"""What the status page shows, as server-sent events (`GET /live`): a `status` each second, a `history` every five.

Theory of operation
1. `watch`, a background task, keeps a sample for the charts every SAMPLE_S, so that a page that is opened shows the
   last ten minutes at once. Nothing else is done while nobody looks.
2. A viewer's stream waits a second between two events and never queues any: a slow reader gets fewer. What is sent is
   made once a second for all viewers, in turn with the other answers of the port (`paced.py`).
3. Partitions are cut to the MOST_PARTITIONS that lag most, and no id of an import is sent: with 400 partitions an event
   has about 30 kB.
4. A page is in the language of its reader, whatever the process speaks: each reason has its remedy in all of them.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, get_args

import orjson
from starlette.responses import Response, StreamingResponse

from connector.language.choice import Language
from connector.language.message import in_language
from connector.observe.history import SAMPLE_S, History
from connector.observe.paced import BusyError
from connector.observe.status import to_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from connector.observe.last_requests import LastRequests
    from connector.observe.paced import Paced
    from connector.observe.snapshot import Status

MAX_VIEWERS: Final = 8
EVERY_S: Final = 1.0
MOST_PARTITIONS: Final = 100
MEDIA_TYPE: Final = "text/event-stream"
_LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


@dataclass(frozen=True, slots=True)
class _Made:
    at: float
    event: bytes


class Live:
    """Lives as long as the process; used on the event loop only. `snapshot` returns the state of now."""

    def __init__(
        self,
        snapshot: Callable[[], Status],
        requests: LastRequests,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._snapshot = snapshot
        self._requests = requests
        self._wall_clock = wall_clock
        self._history = History()
        self._viewers = 0
        self._ended = asyncio.Event()
        self._made = _Made(0.0, b"")

    async def watch(self) -> NoReturn:
        """Keep samples; the background task."""
        while True:
            self._history.add(self._wall_clock(), self._snapshot())
            await asyncio.sleep(SAMPLE_S)

    def end(self) -> None:
        """End all streams, because the process stops; none is opened any more."""
        self._ended.set()

    def respond(self, request: Request, paced: Paced, headers: Mapping[str, str]) -> Response:
        """Return a stream of events; HTTP 503 if there are MAX_VIEWERS already, or the process stops."""
        if request.method == "HEAD":
            return Response(headers=dict(headers), media_type=MEDIA_TYPE)
        if self._ended.is_set() or self._viewers >= MAX_VIEWERS:
            error = "the connector stops" if self._ended.is_set() else f"{MAX_VIEWERS} status pages are open already"
            return Response(
                orjson.dumps({"error": error}), 503, {**headers, "retry-after": "5"}, media_type="application/json"
            )
        return _Stream(self, paced, headers)

    @contextmanager
    def viewing(self) -> Iterator[None]:
        """Take the place of one viewer meanwhile."""
        self._viewers += 1
        try:
            yield
        finally:
            self._viewers -= 1

    async def events(self, paced: Paced) -> AsyncIterator[bytes]:
        """Yield events until the process stops."""
        shown: float | None = None
        while not self._ended.is_set():
            if (samples := self._history.samples) and samples[-1].at != shown:
                shown = samples[-1].at
                yield _event("history", {"samples": samples, "catch_up": self._history.catch_up()})
            try:
                yield await paced.make(self._status)
            except BusyError:
                yield b": busy\n\n"
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(EVERY_S):
                await self._ended.wait()
        except TimeoutError:
            pass

    def _status(self) -> bytes:
        now = self._wall_clock()
        if not self._made.at <= now < self._made.at + EVERY_S / 2:
            self._made = _Made(now, _event("status", live_document(now, self._snapshot(), self._requests)))
        return self._made.event


class _Stream(StreamingResponse):
    """Gives back the viewer's place however it ends."""

    def __init__(self, live: Live, paced: Paced, headers: Mapping[str, str]) -> None:
        super().__init__(live.events(paced), headers=dict(headers), media_type=MEDIA_TYPE)
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._live.viewing():
            await super().__call__(scope, receive, send)


def live_document(now: float, status: Status, requests: LastRequests) -> dict[str, object]:
    """Return what the page shows: `/status`, but for what is too long, with the last requests."""
    partitions = sorted(status.partitions, key=lambda one: (-(one.lag or 0), one.topic, one.partition))
    document: dict[str, Any] = to_document(status)
    document["targets"] = [
        {name: value for name, value in target.items() if name != "import_batches"} for target in document["targets"]
    ]
    told = [
        (reason, {language: in_language(reason.remedy, language) for language in _LANGUAGES})
        for reason in status.reasons
    ]
    return {
        **document,
        "at": now,
        "reasons": [{**reason.document("en"), "remedies": remedies} for reason, remedies in told],
        "partitions": [asdict(one) for one in partitions[:MOST_PARTITIONS]],
        "partition_count": len(partitions),
        "requests": requests.requests,
    }


def _event(name: str, document: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(document))
