"""`/metrics`: what was counted from events, and what the snapshot says at the moment of the scrape.

Rules
- Records and gauges come from one `Status` per scrape, so that at every scrape and for every topic
  ``consumed = settled + released + in flight``. Everything else is counted as its event passes: an addition
  to a dict, cheap enough for the event loop.
- Nothing is global: each `Metrics` has its own registry.
- A gauge that isn't known has no sample; NaN and -1 would be drawn as numbers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from connector.core.sink import TargetState
from connector.observe.counting import EventCounts
from connector.observe.metric_table import METRICS, PREFIX, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric as Family

    from connector.core.events import Event
    from connector.observe.counting import Histogram, Labels
    from connector.observe.status import Status, TargetStatus, TopicStatus

Samples = dict[tuple[str, ...], float]
_OPENMETRICS = "application/openmetrics-text"
_CONFIG_DIGITS = 12
"""As many of the sha256 as a dead letter's `dl-config` has."""


class Metrics:
    """Listens to events, reads the snapshot, writes both as Prometheus text. Lives on the event loop."""

    def __init__(self, snapshot: Callable[[], Status], wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._events = EventCounts()
        self._registry = CollectorRegistry()
        self._registry.register(_Families(snapshot, self._events))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def on(self, event: Event) -> None:
        """Count one event; never raises."""
        self._events.count(event, self._wall_clock())

    def render(self, accept: str) -> tuple[bytes, str]:
        """Write all metrics; gives the body and its content type: OpenMetrics if `accept` prefers it.

        Takes one snapshot: call it on the event loop.
        """
        if _prefers_openmetrics(accept):
            body: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4


class _Families(Collector):
    """Writes every metric of the table, in its order, from one snapshot."""

    def __init__(self, snapshot: Callable[[], Status], events: EventCounts) -> None:
        self._snapshot = snapshot
        self._events = events

    def describe(self) -> Iterator[Family]:
        """Tell the names without taking a snapshot: registering happens before there is anything to see."""
        for metric in METRICS:
            yield _histogram_family(metric, {}) if metric.kind == "histogram" else _family(metric, {})

    def collect(self) -> Iterator[Family]:
        status = self._snapshot()
        for target in status.targets:
            self._events.know(target.name)
        samples = self._samples(status)
        for metric in METRICS:
            if metric.kind == "histogram":
                yield _histogram_family(metric, self._events.histograms[metric.name])
            else:
                yield _family(metric, samples.get(metric.name, {}))

    def _samples(self, status: Status) -> Mapping[str, Mapping[Labels, float]]:
        items: Samples = {**self._events.samples["items_total"]}
        items.update({(route, target, "skipped"): count for (route, target), count in status.items_skipped.items()})
        expires = status.token.expires_in_s
        return {
            **self._events.samples,
            **_of_topics(status),
            **_of_targets(status),
            **_of_partitions(status),
            "items_total": items,
            "last_delivery_timestamp_seconds": self._events.last_delivery,
            "identity_invalid_total": {(*labels,): count for labels, count in status.identity_invalid.items()},
            "token_expires_seconds": {} if expires is None else {(): max(expires, 0.0)},
            "build_info": {(status.version, status.config_sha256[:_CONFIG_DIGITS]): 1.0},
        }


def _of_topics(status: Status) -> dict[str, Samples]:
    outcomes: dict[str, Callable[[TopicStatus], int]] = {
        "delivered": lambda topic: topic.delivered,
        "skipped": lambda topic: topic.skipped,
        "dead_lettered": lambda topic: topic.dead_lettered,
    }
    return {
        "records_consumed_total": {(topic.topic,): topic.consumed for topic in status.topics},
        "records_settled_total": {
            (topic.topic, outcome): count(topic) for topic in status.topics for outcome, count in outcomes.items()
        },
        "records_released_total": {(topic.topic,): topic.released for topic in status.topics},
        "records_in_flight": {(topic.topic,): topic.in_flight for topic in status.topics},
    }


def _of_targets(status: Status) -> dict[str, Samples]:
    gauges: dict[str, Callable[[TargetStatus], float]] = {
        "target_up": lambda target: target.state is TargetState.UP,
        "target_held": lambda target: target.state is TargetState.HELD,
        "requests_in_flight": lambda target: target.in_flight,
        "queued_items": lambda target: target.queued,
        "queued_bytes": lambda target: target.queued_bytes,
    }
    return {name: {(target.name,): float(value(target)) for target in status.targets} for name, value in gauges.items()}


def _of_partitions(status: Status) -> dict[str, Samples]:
    owned = {(partition.topic, str(partition.partition)): partition for partition in status.partitions}
    return {
        "oldest_unsettled_seconds": {labels: one.oldest_unsettled_s for labels, one in owned.items()},
        "partition_lag": {labels: one.lag for labels, one in owned.items() if one.lag is not None},
        "partitions_assigned": {(): len(owned)},
        "partitions_paused": {(): sum(one.paused for one in owned.values())},
    }


def _family(metric: Metric, samples: Mapping[Labels, float]) -> Family:
    of_kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = of_kind(PREFIX + metric.name, metric.meaning, labels=metric.labels)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def _histogram_family(metric: Metric, histograms: Mapping[Labels, Histogram]) -> Family:
    family = HistogramMetricFamily(PREFIX + metric.name, metric.meaning, labels=metric.labels)
    for labels, histogram in histograms.items():
        family.add_metric(labels, histogram.buckets(), histogram.sum)
    return family


def _prefers_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics is asked for, at least as much as plain text is."""
    wishes: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        wishes[kind] = max(wishes.get(kind, 0.0), _quality(parameters))
    wanted = wishes.get(_OPENMETRICS, 0.0)
    return wanted > 0 and wanted >= wishes.get("text/plain", 0.0)


def _quality(parameters: list[str]) -> float:
    """The `q` of one media range; 1 if there is none, 0 if it can't be read."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
