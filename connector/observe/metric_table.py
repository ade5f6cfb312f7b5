"""Every metric of the connector, named once: what kind it is, its labels, what it means.

The names are a contract with dashboards and alerts outside; a test holds them against a literal list. Durations
are seconds, sizes are bytes. Where the numbers come from, events or the snapshot, is `metrics.py`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIX = "tuzhan_connector_"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a platform next door to the longest sensible `request_timeout`."""
ITEMS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0)
"""A request holds 500 items at most (document 000): the last bucket is a full batch."""
BYTES = tuple(float(1 << power) for power in range(9, 23))
"""512 bytes to 4 MiB."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family, without its prefix."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """A histogram's upper bounds, ascending, +Inf left out."""


METRICS = (
    Metric("records_consumed_total", "counter", "Records received from Kafka.", ("topic",)),
    Metric(
        "records_settled_total",
        "counter",
        "Records whose items all have an outcome: delivered, skipped or dead_lettered.",
        ("topic", "outcome"),
    ),
    Metric(
        "records_released_total",
        "counter",
        "Records that were unsettled when their partition left: the next owner has them.",
        ("topic",),
    ),
    Metric("records_in_flight", "gauge", "Records received and not yet settled.", ("topic",)),
    Metric("items_total", "counter", "Items by how they ended.", ("route", "target", "outcome")),
    Metric("requests_total", "counter", "Requests by what their reply meant.", ("target", "verdict")),
    Metric("request_duration_seconds", "histogram", "From sending to the verdict.", ("target",), SECONDS),
    Metric("batch_items", "histogram", "Items per request.", ("target",), ITEMS),
    Metric("batch_bytes", "histogram", "Bytes of a request's body.", ("target",), BYTES),
    Metric("target_up", "gauge", "1 while the target flows, 0 while it is down or held.", ("target",)),
    Metric("target_held", "gauge", "1 while nothing but a probe is sent: an operator must act.", ("target",)),
    Metric("requests_in_flight", "gauge", "Requests on the wire.", ("target",)),
    Metric("queued_items", "gauge", "Items that wait or are on the wire.", ("target",)),
    Metric("queued_bytes", "gauge", "Bytes of the items that wait or are on the wire.", ("target",)),
    Metric(
        "oldest_unsettled_seconds",
        "gauge",
        "Age of the oldest record without an outcome; 0 if there is none.",
        ("topic", "partition"),
    ),
    Metric("partition_lag", "gauge", "Records in Kafka that the group has not committed.", ("topic", "partition")),
    Metric("partitions_assigned", "gauge", "Partitions that this process owns."),
    Metric("partitions_paused", "gauge", "Owned partitions that wait for a target with a full queue."),
    Metric("commits_total", "counter", "Commits by the broker's answer.", ("result",)),
    Metric("rebalances_total", "counter", "Times that partitions came or went.", ("kind",)),
    Metric("records_lost_to_retention_total", "counter", "Records that Kafka deleted before a read.", ("topic",)),
    Metric("dead_letters_total", "counter", "Dead letters that Kafka acknowledged.", ("route", "reason")),
    Metric(
        "identity_invalid_total",
        "counter",
        "Identity values that could not be converted and count as absent.",
        ("route", "type"),
    ),
    Metric("token_renewals_total", "counter", "Times that the token endpoint was asked.", ("result",)),
    Metric("token_expires_seconds", "gauge", "Life left in the token; no sample if that is unknown."),
    Metric(
        "last_delivery_timestamp_seconds",
        "gauge",
        "When the target last delivered something, in seconds since 1970.",
        ("target",),
    ),
    Metric("build_info", "gauge", "Always 1: the version, and the config's sha256.", ("version", "config")),
)
