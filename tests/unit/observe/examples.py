"""Snapshots and events for these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.events import RequestDone
from connector.core.record import Item, Record, TopicPartition
from connector.core.sink import TargetState, VerdictKind
from connector.language.message import verbatim
from connector.observe.snapshot import (
    ConfigRefused,
    DeadLetterStatus,
    PartitionStatus,
    Reason,
    RouteStatus,
    Status,
    TargetStatus,
    TopicStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRET = "s3cr3t-of-the-app"  # noqa: S105 - no real secret: the tests assert that it is never written
MOBILE = "13812345678"

TOPICS = (
    TopicStatus("shop.orders", 100, delivered=50, skipped=20, dead_lettered=5, released=10, in_flight=15),
    TopicStatus("crm.tags", 7, delivered=7, skipped=0, dead_lettered=0, released=0, in_flight=0),
)
PARTITIONS = (
    PartitionStatus(
        "shop.orders", 0, 15, watermark=85, committed=80, in_flight=15, oldest_unsettled_s=2.5, lag_s=60.0, paused=True
    ),
    PartitionStatus(
        "crm.tags", 3, None, watermark=7, committed=None, in_flight=0, oldest_unsettled_s=0.0, lag_s=None, paused=False
    ),
)
TARGETS = (
    TargetStatus(
        "purchases",
        "event/v2/batchAdd",
        TargetState.UP,
        reason="",
        since=1_700_000_000.0,
        in_flight=2,
        in_flight_limit=8,
        queued=30,
        queued_bytes=4096,
        last_reply="200 ok",
        last_delivery=1_700_000_777.0,
        import_batches=("b1", "b2"),
        attempts=0,
        next_try_s=None,
        suspects=1,
    ),
    TargetStatus(
        "tags",
        "audience/tag/batchAdd",
        TargetState.HELD,
        reason="403",
        since=1_700_000_100.5,
        in_flight=0,
        in_flight_limit=11,
        queued=1,
        queued_bytes=99,
        last_reply="403",
        last_delivery=None,
        import_batches=(),
        attempts=3,
        next_try_s=1.5,
        suspects=0,
    ),
)

ROUTES = (
    RouteStatus(
        "orders",
        "purchases",
        delivered=50,
        skipped=20,
        dead_lettered=4,
        identity_invalid={"phone": 3, "unionid": 0},
        reasons={"identity_missing": 3, "refused": 1},
    ),
    RouteStatus("tags", "tags", delivered=0, skipped=0, dead_lettered=0, identity_invalid={"phone": 0}, reasons={}),
    RouteStatus("", "", 0, 0, dead_lettered=1, identity_invalid={}, reasons={"decode_failed": 1}),
)
DEAD_LETTER = DeadLetterStatus(
    1_700_000_200.5, "shop.orders", 3, 4711, "orders", "purchases", "identity_missing", "identity", "no phone"
)
REASON = Reason("target_held", "tags", 1_700_000_100.5, verbatim("grant it"))


def status(
    topics: tuple[TopicStatus, ...] = TOPICS,
    partitions: tuple[PartitionStatus, ...] = PARTITIONS,
    targets: tuple[TargetStatus, ...] = TARGETS,
    expires_in_s: float | None = 7_000.0,
    reasons: tuple[Reason, ...] = (REASON,),
) -> Status:
    return Status(
        version="0.1.0",
        config_file="config/connector.yaml",
        config_sha256="0123456789abcdef" * 4,
        uptime_s=12.3456,
        topics=topics,
        partitions=partitions,
        targets=targets,
        token_source="app",  # noqa: S106 - no token
        token_expires_in_s=expires_in_s,
        routes=ROUTES,
        values_omitted={("orders", "eventargs.c_num"): 2},
        dead_letters=(DEAD_LETTER,),
        reasons=reasons,
        kafka_connected=True,
        config_loaded_at=1_700_000_000.5,
        config_generation=3,
        config_refused=ConfigRefused(1_700_000_300.5, "fedcba9876543210" * 4, ["a.yaml:1:1: wrong"]),
    )


def record(offset: int, partition: int = 3, topic: str = "shop.orders") -> Record:
    value = b'{"mobile": "' + MOBILE.encode() + b'"}'
    return Record(topic, partition, offset, 1_700_000_000_000, MOBILE.encode(), value, ())


def offsets_of(records: Iterable[Record]) -> list[tuple[TopicPartition, list[int]]]:
    """Return the records' offsets as an event has them."""
    return [(TopicPartition(one.topic, one.partition), [one.offset]) for one in records]


def request(
    verdict: VerdictKind = VerdictKind.DELIVERED,
    *,
    target: str = "purchases",
    offsets: range = range(100, 103),
    http_status: int | None = 200,
    detail: str = "",
    import_batch: str = "",
) -> RequestDone:
    return RequestDone(
        target=target,
        verdict=verdict,
        items=[Item(target, "orders", b"{}", b"{}", (), record(offset)) for offset in offsets],
        offsets=offsets_of(record(offset) for offset in offsets),
        body_bytes=1000,
        seconds=0.0123,
        http_status=http_status,
        code="200" if verdict is VerdictKind.DELIVERED else "",
        detail=detail,
        import_batch=import_batch,
    )
