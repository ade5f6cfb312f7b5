"""`/metrics`: counts events, reads the snapshot at the moment of the scrape, writes both as Prometheus text.

Which metrics there are is `metric_table.py`. Counts of records and the gauges come from one `Status` per scrape, so
that at every scrape, for every topic, ``consumed = settled + released + in flight``. The rest is counted from events:
an addition to a dict, cheap enough for the event loop. Nothing is global: each `Metrics` has its own numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from contextlib import suppress
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics

from connector.observe.metric import Labels
from connector.observe.metric_table import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.events import Event
    from connector.observe.metric import Metric
    from connector.observe.snapshot import Status

PREFIX = "tuzhan_connector_"


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

    def __init__(self) -> None:
        self._counts = {metric.name: defaultdict[Labels, float](float) for metric in METRICS}
        self._histograms = {
            metric.name: defaultdict[Labels, Histogram](partial(Histogram, metric.bounds)) for metric in METRICS
        }
        self._counted_by: dict[type, list[tuple[Metric, Callable[[Any], Mapping[Labels, float]]]]] = defaultdict(list)
        """By the type of an event: each metric that it changes, with the function that returns the samples."""
        for metric in METRICS:
            if metric.counts is not None:
                self._counted_by[metric.counts.event].append((metric, metric.counts.samples))
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)

    def on(self, event: Event) -> None:
        """Count one event; never raises."""
        for metric, samples in self._counted_by.get(type(event), ()):
            for labels, value in samples(event).items():
                if metric.kind == "histogram":
                    self._histograms[metric.name][labels].observe(value)
                else:
                    self._counts[metric.name][labels] += value

    def render(self, accept: str, status: Status) -> tuple[bytes, str]:
        """Return all metrics and their content type: OpenMetrics if `accept` prefers it, else Prometheus text."""
        families = _Families(self._family(metric, status) for metric in METRICS)
        families.extend(self._process.collect())
        if _quality(accept, "text/plain") <= _quality(accept, "application/openmetrics-text") > 0:
            body: bytes = openmetrics.generate_latest(families)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(families), CONTENT_TYPE_PLAIN_0_0_4

    def _family(self, metric: Metric, status: Status) -> Family:
        name, read = PREFIX + metric.name, metric.read(status)
        if metric.kind == "histogram":
            histogram_family = HistogramMetricFamily(name, metric.meaning, labels=metric.labels)
            histograms = self._histograms[metric.name]
            for labels in {**read, **histograms}:
                histogram_family.add_metric(labels, histograms[labels].buckets(), histograms[labels].sum)
            return histogram_family
        of_kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = of_kind(name, metric.meaning, labels=metric.labels)
        for labels, value in {**read, **self._counts[metric.name]}.items():
            if value is not None:
                family.add_metric(labels, value)
        return family


class _Families(list[Family]):
    """The metric families of one scrape, as what the writers of prometheus_client read from."""

    def collect(self) -> list[Family]:
        return self


def _quality(accept: str, kind: str) -> float:
    """Return the `q` of a media type in `accept`: 1 if it has none, 0 if it isn't a number or the type isn't named."""
    qualities = [0.0]
    for media_range in "".join(accept.lower().split()).split(","):
        name, *parameters = media_range.split(";")
        if name == kind:
            q = dict(parameter.partition("=")[::2] for parameter in parameters).get("q", "1")
            with suppress(ValueError):
                qualities.append(float(q))
    return max(qualities)
