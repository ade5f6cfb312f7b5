"""Every metric of the connector, one row each: name, kind, meaning, labels, and where its samples come from.

The samples of a row are read from the snapshot (`read`), counted from events (`counts`), or both. To add a metric,
add a row: how rows are counted and written is the same for all (`metrics.py`).

The names are a contract with dashboards and alerts; a test compares them with a literal list. Durations are seconds,
sizes are bytes. A value that isn't known has no sample: NaN or -1 would be drawn as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from connector.core.events import (
    CommitAnswered,
    CommitResult,
    DeadLettered,
    ItemsSettled,
    Rebalanced,
    RebalanceKind,
    RenewalResult,
    RequestDone,
    RetentionGap,
    TokenRenewed,
)
from connector.core.record import Outcome
from connector.core.sink import TargetState, VerdictKind

if TYPE_CHECKING:
    from connector.observe.status import PartitionStatus, Status, TargetStatus, TopicStatus

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of the row."""
Samples = Mapping[Labels, float]
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class EventRule:
    """How events of one type change a metric: built by `on`."""

    event: type[Any]
    samples: Callable[[Any, float], Samples]
    """The event's samples: added to a counter, observed by a histogram, set in a gauge.

    The second argument is the time of the event in seconds since 1970.
    """
    known: Callable[[Status], Iterable[Labels]]
    """Labels that are known before their first event: they start at 0, so that an alert on the first step fires."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family, without its prefix."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    read: Callable[[Status], Samples] = lambda _: {}
    counts: EventRule | None = None
    bounds: tuple[float, ...] = ()
    """A histogram's upper bounds, ascending, without +Inf."""


def on(
    event: type[E], samples: Callable[[E, float], Samples], known: Callable[[Status], Iterable[Labels]] = lambda _: ()
) -> EventRule:
    """Return a rule whose `samples` is checked against the type of its event."""
    return EventRule(event, samples, known)


SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a platform in the same rack to the longest sensible `request_timeout`."""
ITEMS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0)
"""A request has 500 items at most (document 001): the last bucket is a full batch."""
BYTES = tuple(float(1 << power) for power in range(9, 23))
"""512 bytes to 4 MiB."""


def _per_topic(
    name: str, kind: Literal["counter", "gauge"], meaning: str, value: Callable[[TopicStatus], int]
) -> Metric:
    return Metric(name, kind, meaning, ("topic",), lambda status: {(one.topic,): value(one) for one in status.topics})


def _per_partition(name: str, meaning: str, value: Callable[[PartitionStatus], float | None]) -> Metric:
    def read(status: Status) -> Samples:
        values = {(one.topic, str(one.partition)): value(one) for one in status.partitions}
        return {labels: known for labels, known in values.items() if known is not None}

    return Metric(name, "gauge", meaning, ("topic", "partition"), read)


def _per_target(name: str, meaning: str, value: Callable[[TargetStatus], float]) -> Metric:
    return Metric(
        name, "gauge", meaning, ("target",), lambda status: {(one.name,): value(one) for one in status.targets}
    )


def _per_request(name: str, meaning: str, bounds: tuple[float, ...], value: Callable[[RequestDone], float]) -> Metric:
    rule = on(
        RequestDone,
        lambda event, _: {(event.target,): value(event)},
        known=lambda status: [(target.name,) for target in status.targets],
    )
    return Metric(name, "histogram", meaning, ("target",), counts=rule, bounds=bounds)


def _settled(status: Status) -> Samples:
    return {(one.topic, outcome.value): getattr(one, outcome.value) for one in status.topics for outcome in Outcome}


def _skipped(status: Status) -> Samples:
    return {(*labels, Outcome.SKIPPED.value): count for labels, count in status.items_skipped.items()}


def _items(event: ItemsSettled, _: float) -> Samples:
    # Skipped items never reach a target: their number is in the snapshot.
    counted = {} if event.outcome is Outcome.SKIPPED else event.by_route
    return {(route, event.target, event.outcome.value): count for route, count in counted.items()}


def _each(literal: object) -> Callable[[Status], Iterable[Labels]]:
    """Return the labels of a metric whose one label has the values of a `Literal`."""
    return lambda _: [(value,) for value in get_args(literal)]


METRICS = (
    _per_topic("records_consumed_total", "counter", "Records received from Kafka.", lambda one: one.consumed),
    Metric(
        "records_settled_total",
        "counter",
        "Records whose items all have an outcome: delivered, skipped or dead_lettered.",
        ("topic", "outcome"),
        _settled,
    ),
    _per_topic(
        "records_released_total",
        "counter",
        "Records that were unsettled when their partition was taken away: its next owner gets them again.",
        lambda one: one.released,
    ),
    _per_topic("records_in_flight", "gauge", "Records received and not yet settled.", lambda one: one.in_flight),
    Metric(
        "items_total",
        "counter",
        "Items by outcome.",
        ("route", "target", "outcome"),
        _skipped,
        counts=on(ItemsSettled, _items),
    ),
    Metric(
        "requests_total",
        "counter",
        "Requests by the verdict on their reply.",
        ("target", "verdict"),
        counts=on(
            RequestDone,
            lambda event, _: {(event.target, event.verdict.value): 1},
            known=lambda status: [(target.name, kind.value) for target in status.targets for kind in VerdictKind],
        ),
    ),
    _per_request("request_duration_seconds", "From sending to the verdict.", SECONDS, lambda event: event.seconds),
    _per_request("batch_items", "Items per request.", ITEMS, lambda event: len(event.records)),
    _per_request("batch_bytes", "Bytes of a request's body.", BYTES, lambda event: event.body_bytes),
    _per_target(
        "target_up", "1 while the target is up, 0 while it is down or held.", lambda one: one.state is TargetState.UP
    ),
    _per_target(
        "target_held", "1 while only probes are sent: an operator must act.", lambda one: one.state is TargetState.HELD
    ),
    _per_target("requests_in_flight", "Requests that wait for their reply.", lambda one: one.in_flight),
    _per_target("queued_items", "Items that wait to be sent or for their reply.", lambda one: one.queued),
    _per_target("queued_bytes", "Bytes of the items in queued_items.", lambda one: one.queued_bytes),
    _per_partition(
        "oldest_unsettled_seconds",
        "Age of the oldest record without an outcome; 0 if there is none.",
        lambda one: one.oldest_unsettled_s,
    ),
    _per_partition("partition_lag", "Records in Kafka that the group has not committed.", lambda one: one.lag),
    Metric(
        "partitions_assigned",
        "gauge",
        "Partitions that this process owns.",
        read=lambda status: {(): len(status.partitions)},
    ),
    Metric(
        "partitions_paused",
        "gauge",
        "Owned partitions that wait for a target with a full queue.",
        read=lambda status: {(): sum(one.paused for one in status.partitions)},
    ),
    Metric(
        "commits_total",
        "counter",
        "Commits by the broker's answer.",
        ("result",),
        counts=on(CommitAnswered, lambda event, _: {(event.result,): 1}, known=_each(CommitResult)),
    ),
    Metric(
        "rebalances_total",
        "counter",
        "Times that partitions were assigned, revoked or lost.",
        ("kind",),
        counts=on(Rebalanced, lambda event, _: {(event.kind,): 1}, known=_each(RebalanceKind)),
    ),
    Metric(
        "records_lost_to_retention_total",
        "counter",
        "Records that Kafka deleted before they were consumed.",
        ("topic",),
        counts=on(RetentionGap, lambda event, _: {(event.topic,): event.records}),
    ),
    Metric(
        "dead_letters_total",
        "counter",
        "Dead letters that Kafka acknowledged.",
        ("route", "reason"),
        counts=on(DeadLettered, lambda event, _: {(event.route, event.reason): event.count}),
    ),
    Metric(
        "identity_invalid_total",
        "counter",
        "Identity values that could not be converted and count as absent.",
        ("route", "type"),
        lambda status: {(*labels,): count for labels, count in status.identity_invalid.items()},
    ),
    Metric(
        "token_renewals_total",
        "counter",
        "Times that the token endpoint was asked.",
        ("result",),
        counts=on(TokenRenewed, lambda event, _: {(event.result,): 1}, known=_each(RenewalResult)),
    ),
    Metric(
        "token_expires_seconds",
        "gauge",
        "Remaining life of the token; no sample if that is unknown.",
        read=lambda status: {} if (left := status.token.expires_in_s) is None else {(): max(left, 0.0)},
    ),
    Metric(
        "last_delivery_timestamp_seconds",
        "gauge",
        "When the target last delivered something, in seconds since 1970.",
        ("target",),
        counts=on(
            RequestDone,
            lambda event, now: {(event.target,): now} if event.verdict is VerdictKind.DELIVERED else {},
        ),
    ),
    Metric(
        "build_info",
        "gauge",
        "Always 1: the version, and 12 hex digits of the config's sha256.",
        ("version", "config"),
        lambda status: {(status.version, status.config_id): 1},
    ),
)
