from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.ledger import Lease, TopicCounts
from connector.core.record import DEAD_LETTERS, Outcome, TopicPartition
from connector.core.sink import TargetState, Verdict, VerdictKind
from connector.flow.feed import Feed
from connector.flow.pipeline import Pipeline
from connector.flow.plan import Plan
from connector.language.message import verbatim
from connector.observe.health import Health
from connector.observe.routes import RouteCounts, RouteFacts
from connector.observe.snapshot import PartitionStatus, TopicStatus
from connector.observe.status import FLOWING_S, ConfigFacts, StatusReader, to_document, totals
from connector.tuzhan.stored_tokens import StaticToken
from tests.support.builders import item, record
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.flow_oracle import PlanMapper
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.unit.observe.examples import MOBILE, status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.observe.snapshot import Status


def test_the_body_of_status_has_the_documented_shape() -> None:
    assert orjson.loads(orjson.dumps(to_document(status()))) == {
        "version": "0.1.0",
        "ready": False,
        "config": {
            "file": "config/connector.yaml",
            "sha256": "0123456789abcdef" * 4,
            "loaded_at": 1_700_000_000.5,
            "generation": 3,
            "refused": {"at": 1_700_000_300.5, "sha256": "fedcba9876543210" * 4, "errors": ["a.yaml:1:1: wrong"]},
        },
        "state": "running",
        "uptime_s": 12.346,
        "records": {
            "consumed": 107,
            "delivered": 57,
            "skipped": 20,
            "dead_lettered": 5,
            "released": 10,
            "in_flight": 15,
        },
        "partitions": [
            {
                "topic": "shop.orders",
                "partition": 0,
                "lag": 15,
                "watermark": 85,
                "committed": 80,
                "in_flight": 15,
                "oldest_unsettled_s": 2.5,
                "lag_s": 60.0,
                "paused": True,
            },
            {
                "topic": "crm.tags",
                "partition": 3,
                "lag": None,
                "watermark": 7,
                "committed": None,
                "in_flight": 0,
                "oldest_unsettled_s": 0.0,
                "lag_s": None,
                "paused": False,
            },
        ],
        "targets": [
            {
                "name": "purchases",
                "endpoint": "event/v2/batchAdd",
                "state": "up",
                "reason": "",
                "since": 1_700_000_000.0,
                "in_flight": 2,
                "in_flight_limit": 8,
                "queued": 30,
                "last_reply": "200 ok",
                "import_batches": ["b1", "b2"],
                "attempts": 0,
                "next_try_s": None,
                "suspects": 1,
            },
            {
                "name": "tags",
                "endpoint": "audience/tag/batchAdd",
                "state": "held",
                "reason": "403",
                "since": 1_700_000_100.5,
                "in_flight": 0,
                "in_flight_limit": 11,
                "queued": 1,
                "last_reply": "403",
                "import_batches": [],
                "attempts": 3,
                "next_try_s": 1.5,
                "suspects": 0,
            },
        ],
        "routes": [
            {
                "name": "orders",
                "target": "purchases",
                "items": {"delivered": 50, "skipped": 20, "dead_lettered": 4},
                "identity_invalid": {"phone": 3, "unionid": 0},
                "reasons": {"identity_missing": 3, "refused": 1},
            },
            {
                "name": "tags",
                "target": "tags",
                "items": {"delivered": 0, "skipped": 0, "dead_lettered": 0},
                "identity_invalid": {"phone": 0},
                "reasons": {},
            },
            {
                "name": "",
                "target": "",
                "items": {"delivered": 0, "skipped": 0, "dead_lettered": 1},
                "identity_invalid": {},
                "reasons": {"decode_failed": 1},
            },
        ],
        "dead_letters": [
            {
                "at": 1_700_000_200.5,
                "topic": "shop.orders",
                "partition": 3,
                "offset": 4711,
                "route": "orders",
                "target": "purchases",
                "reason": "identity_missing",
                "field": "identity",
                "detail": "no phone",
            }
        ],
        "reasons": [{"code": "target_held", "target": "tags", "since": 1_700_000_100.5, "remedy": "grant it"}],
        "token": {"source": "app", "expires_in_s": 7000.0},
    }


def test_without_any_topic_every_total_is_zero() -> None:
    zero = totals(status(topics=()))
    assert list(zero) == ["consumed", "delivered", "skipped", "dead_lettered", "released", "in_flight"]
    assert set(zero.values()) == {0}


class StatusHarness:
    """A reader of one target and of a pipeline whose leases the test makes. Made on the event loop."""

    def __init__(self, sink: FakeSink) -> None:
        self.pipeline = Pipeline()
        self.target = TargetHarness(sink).target
        self.topic_counts = {"orders": TopicCounts(), "members": TopicCounts()}
        tokens = StaticToken("a-token", lambda _: None, 1.0)
        self.started_at = asyncio.get_running_loop().time()
        self.health = Health()
        self.reader = StatusReader(
            config=ConfigFacts("connector.yaml", "0123456789abcdef" * 4),
            pipeline=self.pipeline,
            targets={"sink": self.target},
            topics=["orders", "not.yet", "^any.*"],
            topic_counts=self.topic_counts,
            routes=RouteCounts([RouteFacts("orders", "sink")]),
            health=self.health,
            tokens=tokens,
            started_at=self.started_at,
            wall_clock=lambda: 1_000.0,
        )

    def lease(self, partition: int, start: int, offsets: Sequence[int]) -> Lease:
        """Make a lease of `orders` with a record of one item at each of these offsets."""
        lease = Lease(TopicPartition("orders", partition), start, self.topic_counts["orders"])
        for offset in offsets:
            lease.track(offset, self.started_at, 1)
        self.pipeline.leases[lease] = Feed(lease, Plan(PlanMapper(), lambda _: [], {DEAD_LETTERS: self.target}))
        return lease


def test_topics_and_partitions_are_read_from_the_leases() -> None:
    async def main() -> Status:
        harness = StatusHarness(FakeSink())
        harness.lease(0, start=5, offsets=[5, 6])
        committed = harness.lease(1, start=0, offsets=[])
        committed.track(3, harness.started_at, 0)
        committed.committed, committed.end_offset = 3, 10
        fresh = harness.lease(2, start=7, offsets=[])
        fresh.end_offset = 9
        harness.pipeline.paused.add(fresh)
        return harness.reader.read(harness.started_at + 2.5)

    read = run_virtual(main())
    assert read.uptime_s == 2.5
    assert read.topics == [
        TopicStatus("orders", 3, delivered=0, skipped=1, dead_lettered=0, released=0, in_flight=2),
        TopicStatus("not.yet", 0, delivered=0, skipped=0, dead_lettered=0, released=0, in_flight=0),
        TopicStatus("members", 0, delivered=0, skipped=0, dead_lettered=0, released=0, in_flight=0),
    ]
    assert read.partitions == [
        PartitionStatus("orders", 0, None, 5, None, 2, oldest_unsettled_s=2.5, lag_s=None, paused=False),
        PartitionStatus("orders", 1, 7, 4, 3, 0, oldest_unsettled_s=0.0, lag_s=None, paused=False),
        PartitionStatus("orders", 2, 2, 7, None, 0, oldest_unsettled_s=0.0, lag_s=None, paused=True),
    ]


def test_a_target_is_read_with_its_state_and_its_queue() -> None:
    async def main() -> Status:
        verdict = Verdict(VerdictKind.HELD, "403", http_status=403, remedy=verbatim("grant it"), import_batch="b1")
        harness = StatusHarness(FakeSink(lambda _: verdict))
        lease = harness.lease(0, start=0, offsets=[])
        lease.track(0, harness.started_at, 1)
        harness.target.put(item(record(0, value=b"12345"), body=b"123"), lease)
        await asyncio.sleep(0.201)
        return harness.reader.read(harness.started_at + 0.201)

    (target,) = run_virtual(main()).targets
    assert (target.name, target.state, target.reason) == ("sink", TargetState.HELD, "403")
    assert (target.in_flight, target.queued, target.queued_bytes) == (0, 1, 8)
    assert (target.attempts, target.suspects) == (1, 0)
    assert target.next_try_s is not None
    assert 0 < target.next_try_s <= SETTINGS.backoff.first_s
    assert (target.last_reply, target.last_delivery, set(target.import_batches)) == ("403", None, {"b1"})


def test_the_age_of_what_is_not_settled_is_told_by_the_records_timestamps() -> None:
    async def main() -> list[float | None]:
        harness = StatusHarness(FakeSink())
        lease = harness.lease(0, start=5, offsets=[])
        now = harness.started_at
        read: list[float | None] = []

        def look(end_offset: int, after_s: float = 0.0) -> None:
            lease.end_offset = end_offset
            (partition,) = harness.reader.read(now + after_s).partitions
            read.append(partition.lag_s)

        look(5)  # nothing was there
        look(6)  # nothing was consumed yet
        lease.track_all([5, 6], now, [1, 1], 940_000)
        look(7)
        lease.track_all([7], now + 1, [0], 990_000)
        look(8, 1)  # 5 is the oldest
        lease.settle_all([5, 6], Outcome.DELIVERED)
        look(8, 1)
        look(9, 1)  # 8 is on its way
        look(9, 2 + FLOWING_S)  # it has been for long: the record before it says nothing of its age
        return read

    assert run_virtual(main()) == [0.0, None, 60.0, 60.0, 0.0, 10.0, None]


def test_records_that_wait_before_the_pipeline_or_in_its_backlog_are_old_too() -> None:
    async def main() -> list[float | None]:
        harness = StatusHarness(FakeSink())
        lease, other = harness.lease(0, start=5, offsets=[]), harness.lease(1, start=5, offsets=[])
        waiting = record(5).replace(timestamp_ms=930_000)
        harness.pipeline.leases[lease].backlog.append(waiting)
        harness.reader.held = {other: [waiting]}
        return [partition.lag_s for partition in harness.reader.read(harness.started_at).partitions]

    assert run_virtual(main()) == [70.0, 70.0]


def test_what_the_platform_says_is_shown_without_what_may_be_a_value() -> None:
    """It may quote the record."""
    said = f"手机号 {MOBILE} 格式错误"

    async def main() -> Status:
        harness = StatusHarness(
            FakeSink(lambda _: Verdict(VerdictKind.HELD, said, http_status=403, remedy=verbatim(said)))
        )
        lease = harness.lease(0, start=0, offsets=[0])
        harness.target.put(item(record(0)), lease)
        await asyncio.sleep(0.3)
        harness.health.on(ReasonRaised("target_held", "sink", verbatim(said)))
        return harness.reader.read(harness.started_at)

    read = run_virtual(main())
    (target,) = read.targets
    shown = (target.reason, target.last_reply, read.reasons[-1].remedy)
    assert shown == ("手机号 1… 格式错误",) * 3


def test_the_state_follows_from_the_reasons() -> None:
    async def main() -> list[str]:
        harness = StatusHarness(FakeSink())
        states = [harness.reader.read(harness.started_at).state]
        for event in (
            ReasonCleared("starting", ""),
            ReasonRaised("starting", "", verbatim("wait: the partitions were lost")),
            ReasonRaised("draining", "", verbatim("none needed")),
        ):
            harness.health.on(event)
            states.append(harness.reader.read(harness.started_at).state)
        return states

    assert run_virtual(main()) == ["starting", "running", "starting", "draining"]


def test_the_rest_is_read_from_its_own_places() -> None:
    async def main() -> Status:
        harness = StatusHarness(FakeSink())
        harness.reader.values_omitted = {("orders", "intid"): 1}
        harness.reader.kafka_connected = True
        return harness.reader.read(harness.started_at)

    read = run_virtual(main())
    assert (read.values_omitted, read.kafka_connected) == ({("orders", "intid"): 1}, True)
    assert [route.name for route in read.routes] == ["orders"]
    assert [reason.code for reason in read.reasons] == ["starting"]
    assert (read.token_source, read.token_expires_in_s) == ("token", None)
    assert read.config_id == "0123456789ab"
