from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from connector.core.events import (
    CommitAnswered,
    Notice,
    ReasonCode,
    Rebalanced,
    RetentionGap,
    TokenRenewed,
)
from connector.core.letters import REASONS
from connector.core.sink import VerdictKind
from connector.language.message import verbatim
from connector.observe.metric_table import METRICS
from connector.observe.metrics import PREFIX, Metrics
from connector.observe.snapshot import Reason, TopicStatus
from tests.unit.observe.examples import TOPICS, request, status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric as Family

    from connector.observe.snapshot import Status

CONTRACT = {
    "ready": ("gauge", ()),
    "not_ready_reasons": ("gauge", ("code",)),
    "kafka_up": ("gauge", ()),
    "records_consumed_total": ("counter", ("topic",)),
    "records_settled_total": ("counter", ("topic", "outcome")),
    "records_released_total": ("counter", ("topic",)),
    "records_in_flight": ("gauge", ("topic",)),
    "items_total": ("counter", ("route", "target", "outcome")),
    "requests_total": ("counter", ("target", "verdict")),
    "request_duration_seconds": ("histogram", ("target",)),
    "batch_items": ("histogram", ("target",)),
    "batch_bytes": ("histogram", ("target",)),
    "target_up": ("gauge", ("target",)),
    "target_held": ("gauge", ("target",)),
    "requests_in_flight": ("gauge", ("target",)),
    "requests_in_flight_limit": ("gauge", ("target",)),
    "suspect_batches": ("gauge", ("target",)),
    "queued_items": ("gauge", ("target",)),
    "queued_bytes": ("gauge", ("target",)),
    "oldest_unsettled_seconds": ("gauge", ("topic", "partition")),
    "partition_lag": ("gauge", ("topic", "partition")),
    "partition_lag_seconds": ("gauge", ("topic", "partition")),
    "partitions_assigned": ("gauge", ()),
    "partitions_paused": ("gauge", ()),
    "commits_total": ("counter", ("result",)),
    "config_reloads_total": ("counter", ("result",)),
    "rebalances_total": ("counter", ("kind",)),
    "settled_ahead_skipped_total": ("counter", ("topic",)),
    "records_lost_to_retention_total": ("counter", ("topic",)),
    "dead_letters_total": ("counter", ("route", "reason")),
    "identity_invalid_total": ("counter", ("route", "type")),
    "values_omitted_total": ("counter", ("route", "field")),
    "token_renewals_total": ("counter", ("result",)),
    "token_expires_seconds": ("gauge", ()),
    "last_delivery_timestamp_seconds": ("gauge", ("target",)),
    "build_info": ("gauge", ("version", "config")),
}


class Scrape:
    """The samples of one answer of /metrics."""

    def __init__(self, metrics: Metrics, snapshot: Status | None = None) -> None:
        body, _ = metrics.render("", snapshot or status())
        self.families: dict[str, Family] = {
            family.name: family for family in text_string_to_metric_families(body.decode())
        }
        self.samples = {
            (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    def number(self, name: str, **labels: str) -> float:
        return self.samples[name, frozenset(labels.items())]


def test_the_table_has_the_documented_names_kinds_and_labels() -> None:
    assert {metric.name: (metric.kind, metric.labels) for metric in METRICS} == CONTRACT
    assert len(METRICS) == len(CONTRACT), "two rows have the same name"


def every_event(metrics: Metrics) -> None:
    for event in (
        request(VerdictKind.DELIVERED),
        request(VerdictKind.AGAIN, http_status=503),
        Rebalanced("lost", ["shop.orders[0]"], unsettled=3),
        CommitAnswered("ok"),
        TokenRenewed("failed"),
        RetentionGap("shop.orders", 0, 12),
        Notice("info", "said", {}),
    ):
        metrics.on(event)


def test_every_metric_of_the_table_is_written_with_its_kind_and_labels_and_no_other() -> None:
    metrics = Metrics()
    every_event(metrics)
    scrape = Scrape(metrics)
    own = {name.removeprefix(PREFIX): family for name, family in scrape.families.items() if name.startswith(PREFIX)}
    assert set(own) == {name.removesuffix("_total") for name in CONTRACT}
    for name, (kind, labels) in CONTRACT.items():
        family = own[name.removesuffix("_total")]
        assert family.type == kind, name
        assert family.samples, name
        assert {tuple(sorted(set(sample.labels) - {"le"})) for sample in family.samples} == {tuple(sorted(labels))}


def test_each_sample_comes_from_its_event_or_from_the_snapshot() -> None:
    metrics = Metrics()
    every_event(metrics)
    scrape = Scrape(metrics)
    assert scrape.value("requests_total", target="purchases", verdict="delivered") == 1
    assert scrape.value("requests_total", target="purchases", verdict="again") == 1
    assert scrape.value("items_total", route="orders", target="purchases", outcome="delivered") == 50
    assert scrape.value("items_total", route="orders", target="purchases", outcome="skipped") == 20
    assert scrape.value("items_total", route="orders", target="dead-letters", outcome="dead_lettered") == 4
    assert scrape.value("items_total", route="", target="dead-letters", outcome="dead_lettered") == 1
    assert scrape.value("dead_letters_total", route="orders", reason="identity_missing") == 3
    assert scrape.value("dead_letters_total", route="", reason="decode_failed") == 1
    assert scrape.value("rebalances_total", kind="lost") == 1
    assert scrape.value("commits_total", result="ok") == 1
    assert scrape.value("token_renewals_total", result="failed") == 1
    assert scrape.value("records_lost_to_retention_total", topic="shop.orders") == 12
    assert scrape.value("identity_invalid_total", route="orders", type="phone") == 3
    assert scrape.value("values_omitted_total", route="orders", field="eventargs.c_num") == 2
    assert scrape.value("last_delivery_timestamp_seconds", target="purchases") == 1_700_000_777
    assert scrape.value("target_up", target="purchases") == 1
    assert scrape.value("target_up", target="tags") == 0
    assert scrape.value("target_held", target="tags") == 1
    assert scrape.value("queued_items", target="purchases") == 30
    assert scrape.value("suspect_batches", target="purchases") == 1
    assert scrape.value("queued_bytes", target="purchases") == 4096
    assert scrape.value("requests_in_flight", target="purchases") == 2
    assert scrape.value("requests_in_flight_limit", target="purchases") == 8
    assert scrape.value("oldest_unsettled_seconds", topic="shop.orders", partition="0") == 2.5
    assert scrape.value("partition_lag", topic="shop.orders", partition="0") == 15
    assert scrape.value("partition_lag_seconds", topic="shop.orders", partition="0") == 60
    assert scrape.value("ready") == 0
    assert scrape.value("not_ready_reasons", code="target_held") == 1
    assert scrape.value("kafka_up") == 1
    assert scrape.value("partitions_assigned") == 2
    assert scrape.value("partitions_paused") == 1
    assert scrape.value("token_expires_seconds") == 7000
    assert scrape.value("build_info", version="0.1.0", config="0123456789ab") == 1


def test_a_request_is_observed_by_seconds_items_and_bytes() -> None:
    metrics = Metrics()
    metrics.on(request(offsets=range(500)))
    metrics.on(request(offsets=range(3)))
    scrape = Scrape(metrics)
    assert scrape.value("batch_items_count", target="purchases") == 2
    assert scrape.value("batch_items_sum", target="purchases") == 503
    assert scrape.value("batch_items_bucket", target="purchases", le="400.0") == 1
    assert scrape.value("batch_items_bucket", target="purchases", le="500.0") == 2
    assert scrape.value("batch_items_bucket", target="purchases", le="+Inf") == 2
    assert scrape.value("batch_bytes_bucket", target="purchases", le="512.0") == 0
    assert scrape.value("batch_bytes_bucket", target="purchases", le="1024.0") == 2
    assert scrape.value("request_duration_seconds_sum", target="purchases") == pytest.approx(0.0246)


def test_series_whose_labels_are_known_start_at_zero() -> None:
    scrape = Scrape(Metrics())
    for verdict in ("delivered", "again", "token", "held", "split", "refused"):
        assert scrape.value("requests_total", target="tags", verdict=verdict) == 0
    for result in ("ok", "refused", "failed"):
        assert scrape.value("commits_total", result=result) == 0
    for kind in ("assigned", "revoked", "lost"):
        assert scrape.value("rebalances_total", kind=kind) == 0
    for result in ("ok", "failed"):
        assert scrape.value("token_renewals_total", result=result) == 0
    assert scrape.value("request_duration_seconds_count", target="tags") == 0
    for outcome in ("delivered", "skipped"):
        assert scrape.value("items_total", route="tags", target="tags", outcome=outcome) == 0
    assert scrape.value("items_total", route="tags", target="dead-letters", outcome="dead_lettered") == 0
    for reason in REASONS:
        assert scrape.value("dead_letters_total", route="tags", reason=reason) == 0
    assert scrape.value("identity_invalid_total", route="tags", type="phone") == 0
    assert scrape.value("records_lost_to_retention_total", topic="crm.tags") == 0
    for code in get_args(ReasonCode):
        assert scrape.value("not_ready_reasons", code=code) == (code == "target_held")


def test_kafka_is_up_once_a_broker_has_answered_and_while_no_reason_says_otherwise() -> None:
    sound = status(reasons=())
    silent = status(reasons=(Reason("kafka_unreachable", "group coordinator", 0.0, verbatim("check it")),))
    scrapes = [Scrape(Metrics(), one) for one in (replace(sound, kafka_connected=False), sound, silent)]
    assert [scrape.value("kafka_up") for scrape in scrapes] == [0, 1, 0]
    assert [scrape.value("ready") for scrape in scrapes] == [1, 1, 0]


def test_an_unknown_value_has_no_sample() -> None:
    scrape = Scrape(Metrics(), status(expires_in_s=None))
    assert scrape.value("token_expires_seconds") is None
    assert scrape.value("partition_lag", topic="crm.tags", partition="3") is None
    assert scrape.value("last_delivery_timestamp_seconds", target="tags") is None


def assert_conserved(scrape: Scrape, topics: Iterable[TopicStatus]) -> None:
    for topic in (counts.topic for counts in topics):
        settled = [
            scrape.number("records_settled_total", topic=topic, outcome=outcome)
            for outcome in ("delivered", "skipped", "dead_lettered")
        ]
        released = scrape.number("records_released_total", topic=topic)
        in_flight = scrape.number("records_in_flight", topic=topic)
        assert scrape.number("records_consumed_total", topic=topic) == sum(settled) + released + in_flight


NUMBERS = some.integers(min_value=0, max_value=2**50)


@given(some.lists(some.tuples(some.text(), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), unique_by=lambda row: row[0]))
def test_consumed_is_settled_plus_released_plus_in_flight_at_every_scrape(
    rows: list[tuple[str, int, int, int, int, int]],
) -> None:
    topics = tuple(TopicStatus(name, sum(parts), *parts) for name, *parts in rows)
    scraped = Scrape(Metrics(), status(topics=topics))
    assert_conserved(scraped, topics)


def test_records_that_were_passed_over_are_counted_apart() -> None:
    topic = TopicStatus("orders", 1, delivered=1, skipped=0, dead_lettered=0, released=0, in_flight=0, passed_over=7)
    scrape = Scrape(Metrics(), status(topics=(topic,)))
    assert scrape.number("settled_ahead_skipped_total", topic="orders") == 7
    assert_conserved(scrape, [topic])


def test_counts_of_a_topic_remain_when_its_partitions_are_taken_away() -> None:
    scrape = Scrape(Metrics(), status(partitions=()))
    assert_conserved(scrape, TOPICS)
    assert scrape.value("partitions_assigned") == 0
    assert scrape.value("partition_lag", topic="shop.orders", partition="0") is None


def test_two_instances_share_no_samples() -> None:
    one, other = Metrics(), Metrics()
    one.on(CommitAnswered("ok"))
    assert Scrape(one).value("commits_total", result="ok") == 1
    assert Scrape(other).value("commits_total", result="ok") == 0


def test_the_metrics_of_the_process_are_included() -> None:
    body, _ = Metrics().render("", status())
    assert b"process_resident_memory_bytes" in body
    assert b"python_gc_objects_collected_total" in body


PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/plain;version=0.0.4", False),
        (PROMETHEUS, True),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0", True),
        ("text/plain;q=1, application/openmetrics-text;q=0.5", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=none", False),
        (";;,,=;q", False),
    ],
)
def test_the_format_is_the_one_that_accept_prefers(accept: str, openmetrics: bool) -> None:  # noqa: FBT001 - a parameter of the test
    metrics = Metrics()
    every_event(metrics)
    body, content_type = metrics.render(accept, status())
    if openmetrics:
        assert content_type.startswith("application/openmetrics-text; version=1.0.0")
        families = list(openmetrics_parser.text_string_to_metric_families(body.decode()))  # type: ignore[no-untyped-call]
        assert body.endswith(b"# EOF\n")
    else:
        assert content_type.startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(body.decode()))
    names = {family.name for family in families}
    assert {PREFIX + name.removesuffix("_total") for name in CONTRACT} <= names
