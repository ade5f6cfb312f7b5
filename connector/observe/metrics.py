"""`/metrics`: counts events, reads the snapshot at the moment of the scrape, writes both as Prometheus text.

Which metrics there are is `metric_table.py`. Counts of records and most gauges come from one `Status` per scrape, so
that at every scrape, for every topic, ``consumed = settled + released + in flight``. The rest is counted from events:
an addition to a dict, cheap enough for the event loop. Nothing is global: each `Metrics` has its own numbers.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics

from connector.observe.metric_table import METRICS, Labels, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric as Family

    from connector.core.events import Event
    from connector.observe.status import Status

_COUNTED = [(metric, metric.counts) for metric in METRICS if metric.counts is not None]
PREFIX = "tuzhan_connector_"
_OPENMETRICS = "application/openmetrics-text"


class Histogram:
    """Counts observed values by upper bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value; a value equal to a bound is in its bucket."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return each upper bound with the number of values up to it."""
        names = [*map(str, self._bounds), "+Inf"]
        return list(zip(names, accumulate(self._counts), strict=True))


class Metrics:
    """Listener that counts events; writes all metrics. Used on the event loop only."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._samples: dict[str, dict[Labels, float]] = {metric.name: {} for metric in METRICS}
        self._histograms: dict[str, defaultdict[Labels, Histogram]] = {
            metric.name: defaultdict(partial(Histogram, metric.bounds)) for metric in METRICS
        }
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)

    def on(self, event: Event) -> None:
        """Count one event; never raises."""
        now = self._wall_clock()
        for metric, rule in _COUNTED:
            if not isinstance(event, rule.event):
                continue
            for labels, value in rule.samples(event, now).items():
                if metric.kind == "histogram":
                    self._histograms[metric.name][labels].observe(value)
                elif metric.kind == "counter":
                    self._samples[metric.name][labels] = self._samples[metric.name].get(labels, 0) + value
                else:
                    self._samples[metric.name][labels] = value

    def render(self, accept: str, status: Status) -> tuple[bytes, str]:
        """Return all metrics and their content type: OpenMetrics if `accept` prefers it, else Prometheus text."""
        scrape = _Scrape([*self._families(status), *self._process.collect()])
        if _prefers_openmetrics(accept):
            body: bytes = openmetrics.generate_latest(scrape)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(scrape), CONTENT_TYPE_PLAIN_0_0_4

    def _families(self, status: Status) -> Iterator[Family]:
        for metric in METRICS:
            self._start_known(metric, status)
            if metric.kind == "histogram":
                yield self._histogram_family(metric)
            else:
                yield self._family(metric, status)

    def _start_known(self, metric: Metric, status: Status) -> None:
        for labels in metric.counts.known(status) if metric.counts else ():
            if metric.kind == "histogram":
                self._histograms[metric.name][labels]  # a defaultdict: this makes it
            else:
                self._samples[metric.name].setdefault(labels, 0)

    def _family(self, metric: Metric, status: Status) -> Family:
        of_kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = of_kind(PREFIX + metric.name, metric.meaning, labels=metric.labels)
        for labels, value in {**self._samples[metric.name], **metric.read(status)}.items():
            family.add_metric(labels, value)
        return family

    def _histogram_family(self, metric: Metric) -> Family:
        family = HistogramMetricFamily(PREFIX + metric.name, metric.meaning, labels=metric.labels)
        for labels, histogram in self._histograms[metric.name].items():
            family.add_metric(labels, histogram.buckets(), histogram.sum)
        return family


class _Scrape:
    """The metric families of one scrape, in the interface that the writers of prometheus_client read."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> list[Family]:
        return self._families


def _prefers_openmetrics(accept: str) -> bool:
    """Return whether `accept` names OpenMetrics with a quality of at least that of plain text."""
    qualities: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        qualities[kind] = max(qualities.get(kind, 0.0), _quality(parameters))
    quality = qualities.get(_OPENMETRICS, 0.0)
    return quality > 0 and quality >= qualities.get("text/plain", 0.0)


def _quality(parameters: list[str]) -> float:
    """Return the `q` of one media range: 1 if it has none, 0 if it isn't a number."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
