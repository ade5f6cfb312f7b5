"""The tap: tells listeners at the admin port what flows, item by item, as each gets its outcome.

Theory of operation
1. Without a listener the tap is not attached: no event reaches it, and the pipeline tests one attribute per stretch of
   records.
2. It sees items when their request was answered (`RequestDone`, that of dead letters too), and records of which
   nothing was made when they were mapped (`on_mapped`). So one line says what came, what was made and how it ended.
3. It never waits, and what it does in the flow takes microseconds. Searching and masking is done by the listeners'
   tasks, in at most SHARE of the time of the event loop; what is left out is counted (`tap_feed.py`).
4. Only what the `View` has masked leaves the process.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

from connector.core.events import RequestDone
from connector.core.time_budget import TimeBudget
from connector.observe.tap_feed import FeedDependencies, TapFeed
from connector.observe.tap_request import TapRefusedError, parse
from connector.observe.tapped import Answered, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.core.events import Event
    from connector.core.record import Record
    from connector.observe.tapped import Batch, View

    OnMapped = Callable[[Sequence[Record], Sequence[int]], None]

MAX_LISTENERS: Final = 4
SHARE: Final = 0.05
"""The share of the event loop's time that all listeners together may take."""
BURST_S: Final = 0.005
"""What they may take at once."""


class EventListener(Protocol):
    """Takes the connector's events."""

    def on(self, event: Event, /) -> None:
        """Take one. Never raises."""


class TappedPipeline(Protocol):
    """The pipeline, as the tap knows it."""

    on_mapped: OnMapped | None
    """Called with records and how many items each of the first of them has become. Never raises."""


class Tap:
    """Lives as long as the process; used on the event loop only.

    `view` returns what the config of the moment says, and is called for each new listener; `listeners` are those of the
    connector's events.
    """

    def __init__(
        self,
        view: Callable[[], View],
        listeners: list[EventListener],
        pipeline: TappedPipeline,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._view = view
        self._listeners = listeners
        self._pipeline = pipeline
        self._deps = FeedDependencies(TimeBudget(SHARE, BURST_S), Random(), now)  # noqa: S311 - samples, no secrets
        self._feeds: list[TapFeed] = []
        self._has_ended = False

    def open(self, query: Iterable[tuple[str, str]]) -> TapFeed:
        """Begin to listen; the feed must be closed. Raises TapRefusedError."""
        if self._has_ended:
            raise TapRefusedError(503, "the connector stops")
        if len(self._feeds) >= MAX_LISTENERS:
            raise TapRefusedError(503, f"this connector has {MAX_LISTENERS} listeners already: end one of them")
        view = self._view()
        feed = TapFeed(parse(query, view.routes, view.targets), view, self._deps)
        if not self._feeds:
            self._listeners.append(self)
            self._pipeline.on_mapped = self._on_mapped
        self._feeds.append(feed)
        return feed

    def close(self, feed: TapFeed) -> None:
        """Stop listening."""
        self._feeds.remove(feed)
        if not self._feeds:
            self._listeners.remove(self)
            self._pipeline.on_mapped = None

    def end(self) -> None:
        """End all feeds, because the process stops; none is opened any more."""
        self._has_ended = True
        for feed in self._feeds:
            feed.end("the connector stops")

    def on(self, event: Event, /) -> None:
        """Take the items of a request that was answered."""
        if isinstance(event, RequestDone):
            self._offer(Answered(event))

    def _on_mapped(self, records: Sequence[Record], counts: Sequence[int]) -> None:
        if 0 in counts:
            skipped = [record for record, count in zip(records, counts, strict=False) if not count]
            self._offer(Skipped(skipped))

    def _offer(self, batch: Batch) -> None:
        for feed in self._feeds:
            feed.offer(batch)
