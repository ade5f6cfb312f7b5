"""Every metric of the connector, one row each: name, meaning, labels, and where its samples come from.

The samples of a row are read from the snapshot (`read`), counted from events (`counts`), or both. To add a metric,
add a row: how rows are counted and written is the same for all (`metrics.py`).

The names are a contract with dashboards and alerts; a test compares them with a literal list. Durations are seconds,
sizes are bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from connector.core.events import (
    CommitAnswered,
    CommitResult,
    ConfigReload,
    ReasonCode,
    Rebalanced,
    RebalanceKind,
    ReloadResult,
    RenewalResult,
    RequestDone,
    RetentionGap,
    TokenRenewed,
)
from connector.core.letters import REASONS
from connector.core.record import DEAD_LETTERS, Outcome
from connector.core.sink import TargetState, VerdictKind
from connector.observe.metric import (
    BYTES,
    ITEMS,
    SECONDS,
    EventRule,
    Metric,
    per_partition,
    per_request,
    per_target,
    per_topic,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.observe.metric import Labels, Samples
    from connector.observe.snapshot import Status


def _requests(status: Status) -> Samples:
    return {(one.name, kind.value): 0 for one in status.targets for kind in VerdictKind}


def _settled(status: Status) -> Samples:
    return {(one.topic, outcome.value): getattr(one, outcome.value) for one in status.topics for outcome in Outcome}


def _items(status: Status) -> Samples:
    samples: dict[Labels, float | None] = {}
    for route in status.routes:
        if route.target:
            samples[route.name, route.target, Outcome.DELIVERED.value] = route.delivered
            samples[route.name, route.target, Outcome.SKIPPED.value] = route.skipped
        if route.dead_lettered or (route.name, DEAD_LETTERS, Outcome.DEAD_LETTERED.value) not in samples:
            samples[route.name, DEAD_LETTERS, Outcome.DEAD_LETTERED.value] = route.dead_lettered
    return samples


def _dead_letters(status: Status) -> Samples:
    samples: dict[Labels, float | None] = {("", "decode_failed"): 0}
    for route in status.routes:
        known = REASONS if route.name else ()
        samples |= {(route.name, reason): route.reasons.get(reason, 0) for reason in (*known, *route.reasons)}
    return samples


def _reasons(status: Status) -> Samples:
    codes = [reason.code for reason in status.reasons]
    return {(code,): codes.count(code) for code in get_args(ReasonCode)}


def _is_up(status: Status) -> bool:
    return status.kafka_connected and all(reason.code != "kafka_unreachable" for reason in status.reasons)


def _each(literal: object) -> Callable[[Status], Samples]:
    """Return a 0 for each value of a `Literal`, the metric's one label."""
    return lambda _: {(value,): 0 for value in get_args(literal)}


METRICS = (
    Metric("ready", "1 while /readyz answers 200.", read=lambda status: {(): status.ready}),
    Metric("not_ready_reasons", "Reasons of /readyz that stand, by code.", ("code",), _reasons),
    Metric(
        "kafka_up",
        "1 while Kafka answers: brokers, and the group's coordinator.",
        read=lambda status: {(): _is_up(status)},
    ),
    per_topic("records_consumed_total", "Records received from Kafka.", lambda one: one.consumed),
    Metric(
        "records_settled_total",
        "Records whose items all have an outcome: delivered, skipped or dead_lettered.",
        ("topic", "outcome"),
        _settled,
    ),
    per_topic(
        "records_released_total",
        "Records that were unsettled when their partition was taken away: its next owner gets them again.",
        lambda one: one.released,
    ),
    per_topic("records_in_flight", "Records received and not yet settled.", lambda one: one.in_flight),
    Metric(
        "items_total",
        "Items by outcome; those that are dead-lettered have the target dead-letters.",
        ("route", "target", "outcome"),
        _items,
    ),
    Metric(
        "requests_total",
        "Requests by the verdict on their reply.",
        ("target", "verdict"),
        _requests,
        EventRule(RequestDone, lambda event: {(event.target, event.verdict.value): 1}),
    ),
    per_request("request_duration_seconds", "From sending to the verdict.", SECONDS, lambda event: event.seconds),
    per_request("batch_items", "Items per request.", ITEMS, lambda event: len(event.items)),
    per_request("batch_bytes", "Bytes of a request's body.", BYTES, lambda event: event.body_bytes),
    per_target(
        "target_up", "1 while the target is up, 0 while it is down or held.", lambda one: one.state is TargetState.UP
    ),
    per_target(
        "target_held", "1 while only probes are sent: an operator must act.", lambda one: one.state is TargetState.HELD
    ),
    per_target("requests_in_flight", "Requests that wait for their reply.", lambda one: one.in_flight),
    per_target(
        "requests_in_flight_limit",
        "How many requests may wait for their reply now: max_in_flight, or what auto has made of it.",
        lambda one: one.in_flight_limit,
    ),
    per_target(
        "suspect_batches",
        "Batches that are searched for an item that makes them fail, and items that wait alone.",
        lambda one: one.suspects,
    ),
    per_target("queued_items", "Items that wait to be sent or for their reply.", lambda one: one.queued),
    per_target("queued_bytes", "Bytes of the items in queued_items.", lambda one: one.queued_bytes),
    per_partition(
        "oldest_unsettled_seconds",
        "How long ago the oldest record without an outcome was consumed; 0 if there is none.",
        lambda one: one.oldest_unsettled_s,
    ),
    per_partition("partition_lag", "Records in Kafka that the group has not committed.", lambda one: one.lag),
    per_partition(
        "partition_lag_seconds",
        "How long ago the oldest record that is not settled was written, by its timestamp; 0 if all are settled.",
        lambda one: one.lag_s,
    ),
    Metric(
        "partitions_assigned",
        "Partitions that this process owns.",
        read=lambda status: {(): len(status.partitions)},
    ),
    Metric(
        "partitions_paused",
        "Owned partitions that wait for a target with a full queue.",
        read=lambda status: {(): sum(one.paused for one in status.partitions)},
    ),
    Metric(
        "commits_total",
        "Commits by the broker's answer.",
        ("result",),
        _each(CommitResult),
        EventRule(CommitAnswered, lambda event: {(event.result,): 1}),
    ),
    Metric(
        "rebalances_total",
        "Times that partitions were assigned, revoked or lost.",
        ("kind",),
        _each(RebalanceKind),
        EventRule(Rebalanced, lambda event: {(event.kind,): 1}),
    ),
    per_topic(
        "settled_ahead_skipped_total",
        "Records that were passed over: they were settled before their partition was assigned, as its commit said.",
        lambda one: one.passed_over,
    ),
    Metric(
        "records_lost_to_retention_total",
        "Records that Kafka deleted before they were consumed.",
        ("topic",),
        lambda status: {(one.topic,): 0 for one in status.topics},
        counts=EventRule(RetentionGap, lambda event: {(event.topic,): event.records}),
    ),
    Metric(
        "dead_letters_total",
        "Dead letters that Kafka acknowledged; without a route if the record could not be decoded.",
        ("route", "reason"),
        _dead_letters,
    ),
    Metric(
        "identity_invalid_total",
        "Identity values that could not be converted and count as absent.",
        ("route", "type"),
        lambda status: {
            (route.name, kind): count for route in status.routes for kind, count in route.identity_invalid.items()
        },
    ),
    Metric(
        "values_omitted_total",
        "Values that could not be converted and were left out, because of on_error: omit.",
        ("route", "field"),
        lambda status: {(*labels,): count for labels, count in status.values_omitted.items()},
    ),
    Metric(
        "token_renewals_total",
        "Times that the token endpoint was asked.",
        ("result",),
        _each(RenewalResult),
        EventRule(TokenRenewed, lambda event: {(event.result,): 1}),
    ),
    Metric(
        "token_expires_seconds",
        "Remaining life of the token; no sample if that is unknown.",
        read=lambda status: {(): status.token_expires_in_s},
    ),
    per_target(
        "last_delivery_timestamp_seconds",
        "When the target last delivered something, in seconds since 1970.",
        lambda one: one.last_delivery,
    ),
    Metric(
        "config_reloads_total",
        "Times that the config was read again while the process ran: it took over, or was refused.",
        ("result",),
        _each(ReloadResult),
        EventRule(ConfigReload, lambda event: {(event.result,): 1}),
    ),
    Metric(
        "build_info",
        "Always 1: the version, and 12 hex digits of the config's sha256.",
        ("version", "config"),
        lambda status: {(status.version, status.config_id): 1},
    ),
)
