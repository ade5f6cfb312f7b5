"""The last requests, for the status page: a listener."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.events import RequestDone
from connector.observe.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.events import Event

KEPT_REQUESTS: Final = 20


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """One request that was answered, or failed; holds no value of a record."""

    at: float
    """Seconds since 1970."""
    target: str
    verdict: str
    items: int
    bytes: int
    """Of the body."""
    seconds: float
    http_status: int | None
    code: str
    detail: str
    import_batch: str


class LastRequests:
    """Listener that keeps the last KEPT_REQUESTS. Used on the event loop only."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._last: deque[RequestFacts] = deque(maxlen=KEPT_REQUESTS)

    @property
    def requests(self) -> Sequence[RequestFacts]:
        """What is kept, the newest last."""
        return tuple(self._last)

    def on(self, event: Event) -> None:
        """Keep a request; never raises."""
        if isinstance(event, RequestDone):
            self._last.append(
                RequestFacts(
                    at=self._wall_clock(),
                    target=event.target,
                    verdict=event.verdict.value,
                    items=len(event.items),
                    bytes=event.body_bytes,
                    seconds=event.seconds,
                    http_status=event.http_status,
                    code=event.code,
                    detail=scrub(event.detail),
                    import_batch=event.import_batch,
                )
            )
