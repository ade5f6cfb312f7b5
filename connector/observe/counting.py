"""What is counted as events pass, for `/metrics`: plain dicts, an addition or two per event.

A counter that can only have known labels is there from the start with 0, so that an alert on its first step
fires; a target's series start when the target is known, not when its first reply comes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from connector.core.events import (
    CommitAnswered,
    DeadLettered,
    ItemsSettled,
    Rebalanced,
    RequestDone,
    RetentionGap,
    TokenRenewed,
)
from connector.core.record import Outcome
from connector.core.sink import VerdictKind
from connector.observe.metric_table import METRICS

if TYPE_CHECKING:
    from connector.core.events import Event

Labels = tuple[str, ...]
_BOUNDS = {metric.name: metric.bounds for metric in METRICS if metric.kind == "histogram"}


class Histogram:
    """Counts observations by upper bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value; a value equal to a bound is under it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Give each upper bound with the number of observations up to it."""
        names = [*map(str, self._bounds), "+Inf"]
        return list(zip(names, accumulate(self._counts), strict=True))


class EventCounts:
    """What is counted as events pass, by metric name and label values."""

    def __init__(self) -> None:
        self.samples: defaultdict[str, Counter[Labels]] = defaultdict(Counter)
        self.last_delivery: dict[Labels, float] = {}
        """Seconds since 1970, by target."""
        self.histograms: dict[str, dict[Labels, Histogram]] = {name: {} for name in _BOUNDS}
        self._add("commits_total", *((result,) for result in ("ok", "refused", "failed")))
        self._add("rebalances_total", *((kind,) for kind in ("assigned", "revoked", "lost")))
        self._add("token_renewals_total", *((result,) for result in ("ok", "failed")))

    def _add(self, name: str, *labels: Labels, by: int = 0) -> None:
        for values in labels:
            self.samples[name][values] += by

    def count(self, event: Event, now: float) -> None:
        """Count one event; `now` is in seconds since 1970."""
        match event:
            case RequestDone():
                self._request(event)
                if event.verdict is VerdictKind.DELIVERED:
                    self.last_delivery[(event.target,)] = now
            case ItemsSettled():
                self._items(event)
            case DeadLettered():
                self._add("dead_letters_total", (event.route, event.reason), by=event.count)
            case Rebalanced():
                self._add("rebalances_total", (event.kind,), by=1)
            case CommitAnswered():
                self._add("commits_total", (event.result,), by=1)
            case TokenRenewed():
                self._add("token_renewals_total", (event.result,), by=1)
            case RetentionGap():
                self._add("records_lost_to_retention_total", (event.topic,), by=event.records)
            case _:
                pass

    def _request(self, event: RequestDone) -> None:
        self._add("requests_total", (event.target, event.verdict.value), by=1)
        self._histogram("request_duration_seconds", event.target).observe(event.seconds)
        self._histogram("batch_items", event.target).observe(len(event.records))
        self._histogram("batch_bytes", event.target).observe(event.body_bytes)

    def _histogram(self, name: str, target: str) -> Histogram:
        known = self.histograms[name]
        if (target,) not in known:
            known[(target,)] = Histogram(_BOUNDS[name])
        return known[(target,)]

    def _items(self, event: ItemsSettled) -> None:
        # Skipped items never come near a target: the mapper counts them, and the snapshot has the number.
        if event.outcome is not Outcome.SKIPPED:
            for route, count in event.by_route.items():
                self._add("items_total", (route, event.target, event.outcome.value), by=count)

    def know(self, target: str) -> None:
        """Let a target's series start at 0 instead of at their first event."""
        self._add("requests_total", *((target, kind.value) for kind in VerdictKind))
        for name in self.histograms:
            self._histogram(name, target)
