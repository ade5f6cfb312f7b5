"""What a metric is: a name, labels, and where its samples come from. The table of them: `metric_table.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from connector.core.events import RequestDone

if TYPE_CHECKING:
    from connector.observe.snapshot import PartitionStatus, Status, TargetStatus, TopicStatus

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of the row."""
Samples = Mapping[Labels, float | None]
"""A value by its labels; None if it isn't known: it has no sample then, as NaN or -1 would be drawn as a number."""
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class EventRule(Generic[E]):
    """How events of one type change a metric."""

    event: type[E]
    samples: Callable[[E], Mapping[Labels, float]]
    """The event's samples: added to a counter, observed by a histogram."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family, without its prefix."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    read: Callable[[Status], Samples] = lambda _: {}
    """The samples of the snapshot. Of a counted metric: where its counts start, at 0, if the labels are known before
    the first event, so that an alert on the first step fires."""
    counts: EventRule[Any] | None = None
    bounds: tuple[float, ...] = ()
    """A histogram's upper bounds, ascending, without +Inf."""

    @property
    def kind(self) -> Literal["counter", "gauge", "histogram"]:
        """A metric with bounds is a histogram, one whose name ends as a counter's must is a counter."""
        if self.bounds:
            return "histogram"
        return "counter" if self.name.endswith("_total") else "gauge"


SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a platform in the same rack to the longest sensible `request_timeout`."""
ITEMS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0)
"""A request has 500 items at most (document 001): the last bucket is a full batch."""
BYTES = tuple(float(1 << power) for power in range(9, 23))
"""512 bytes to 4 MiB."""


def per_topic(name: str, meaning: str, value: Callable[[TopicStatus], int]) -> Metric:
    """Return a metric with a value of the snapshot for each topic."""
    return Metric(name, meaning, ("topic",), lambda status: {(one.topic,): value(one) for one in status.topics})


def per_partition(name: str, meaning: str, value: Callable[[PartitionStatus], float | None]) -> Metric:
    """Return a gauge with a value of the snapshot for each partition that this process owns."""

    def read(status: Status) -> Samples:
        return {(one.topic, str(one.partition)): value(one) for one in status.partitions}

    return Metric(name, meaning, ("topic", "partition"), read)


def per_target(name: str, meaning: str, value: Callable[[TargetStatus], float | None]) -> Metric:
    """Return a gauge with a value of the snapshot for each target."""
    return Metric(name, meaning, ("target",), lambda status: {(one.name,): value(one) for one in status.targets})


def per_request(name: str, meaning: str, bounds: tuple[float, ...], value: Callable[[RequestDone], float]) -> Metric:
    """Return a histogram by target that observes a value of each request."""
    rule = EventRule(RequestDone, lambda event: {(event.target,): value(event)})
    return Metric(name, meaning, ("target",), lambda status: {(one.name,): 0 for one in status.targets}, rule, bounds)
