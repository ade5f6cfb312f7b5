from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.core.sink import TargetState, Verdict, VerdictKind
from connector.flow.back_pressure import Feed
from connector.flow.pipeline import Pipeline
from connector.observe.status import PartitionStatus, Status, StatusReader, TopicStatus, to_document, totals
from connector.tuzhan.stored_tokens import StaticToken
from tests.support.builders import item, record
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.unit.observe.examples import status

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_the_body_of_status_has_the_documented_shape() -> None:
    assert orjson.loads(orjson.dumps(to_document(status()))) == {
        "version": "0.1.0",
        "config": {"file": "config/connector.yaml", "sha256": "0123456789abcdef" * 4},
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
                "queued": 1,
                "last_reply": "403",
                "import_batches": [],
                "attempts": 3,
                "next_try_s": 1.5,
                "suspects": 0,
            },
        ],
        "token": {"source": "app", "expires_in_s": 7000.0},
    }


def test_without_any_topic_every_total_is_zero() -> None:
    zero = totals(status(topics=()))
    assert list(zero) == ["consumed", "delivered", "skipped", "dead_lettered", "released", "in_flight"]
    assert set(zero.values()) == {0}


class StatusHarness:
    """A reader of one target and of a pipeline whose leases the test makes. Made on the event loop."""

    def __init__(self, sink: FakeSink) -> None:
        self.pipeline = Pipeline(lambda _: [])
        self.target = TargetHarness(sink).target
        self.topic_counts = {"orders": TopicCounts(), "members": TopicCounts()}
        tokens = StaticToken("a-token", lambda _: None, 1.0)
        self.started_at = asyncio.get_running_loop().time()
        self.reader = StatusReader(
            "connector.yaml",
            "0123456789abcdef" * 4,
            self.pipeline,
            {"sink": self.target},
            self.topic_counts,
            tokens,
            self.started_at,
        )

    def lease(self, partition: int, start: int, offsets: Sequence[int]) -> Lease:
        """Make a lease of `orders` with a record of one item at each of these offsets."""
        lease = Lease(TopicPartition("orders", partition), start, self.topic_counts["orders"])
        for offset in offsets:
            lease.track(offset, self.started_at, 1)
        self.pipeline.leases[lease] = Feed(lease, [], lambda _: ())
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
        TopicStatus("members", 0, delivered=0, skipped=0, dead_lettered=0, released=0, in_flight=0),
    ]
    assert read.partitions == [
        PartitionStatus("orders", 0, None, 5, None, in_flight=2, oldest_unsettled_s=2.5, paused=False),
        PartitionStatus("orders", 1, 7, 4, 3, in_flight=0, oldest_unsettled_s=0.0, paused=False),
        PartitionStatus("orders", 2, 2, 7, None, in_flight=0, oldest_unsettled_s=0.0, paused=True),
    ]


def test_a_target_is_read_with_its_state_and_its_queue() -> None:
    async def main() -> Status:
        verdict = Verdict(VerdictKind.HELD, "403", http_status=403, remedy="grant it", import_batch="b1")
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


def test_the_counts_of_the_mapper_are_read_once_it_is_built() -> None:
    async def main() -> tuple[Status, Status]:
        harness = StatusHarness(FakeSink())
        before = harness.reader.read(harness.started_at)
        harness.reader.state = "running"
        harness.reader.identity_invalid = {("orders", "phone"): 3}
        harness.reader.items_skipped = {("orders", "sink"): 2}
        harness.reader.values_omitted = {("orders", "intid"): 1}
        return before, harness.reader.read(harness.started_at)

    before, after = run_virtual(main())
    assert (before.state, before.identity_invalid, before.items_skipped) == ("starting", {}, {})
    assert (after.state, after.identity_invalid) == ("running", {("orders", "phone"): 3})
    assert after.items_skipped == {("orders", "sink"): 2}
    assert (before.values_omitted, after.values_omitted) == ({}, {("orders", "intid"): 1})
    assert (after.token_source, after.token_expires_in_s) == ("token", None)
    assert after.config_id == "0123456789ab"
