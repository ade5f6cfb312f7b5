"""What a source promises the pipeline: run on the fake one, and on a broker with both group protocols."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from connector.core.ledger import Lease
from connector.core.progress import Progress
from tests.contract.sources import PARTITIONS, Scenario, SourceHarness, run_on_fake, run_on_kafka, until

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[Scenario], None]

KIP848 = {"group.protocol": "consumer"}


@pytest.fixture(
    params=[
        "fake",
        pytest.param({}, marks=pytest.mark.kafka, id="classic"),
        pytest.param(KIP848, marks=pytest.mark.kafka, id="kip848"),
    ]
)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a scenario on one of the sources."""
    if request.param == "fake":
        return run_on_fake
    properties: dict[str, Any] = request.param
    return partial(run_on_kafka, request.getfixturevalue("kafka"), properties)


async def _wait_received(harness: SourceHarness, count: int) -> None:
    await until(lambda: len({(one.partition, one.offset) for one in harness.pipeline.records()}) >= count)


def test_a_new_lease_arrives_without_records_and_then_with_its_records_in_order(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        for partition in range(PARTITIONS):
            harness.produce(500, partition)
        await _wait_received(harness, 500 * PARTITIONS)
        for lease in harness.pipeline.leases:
            first = next(records for owner, records in harness.pipeline.chunks if owner is lease)
            assert list(first) == []
            assert [one.offset for one in harness.pipeline.records(lease)] == list(range(500))
            assert (lease.start, lease.next_offset) == (0, 500)
        await harness.stop(5.0)

    run(scenario)


def test_a_commit_is_made_at_the_broker_and_counts_when_the_broker_has_confirmed_it(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        harness.produce(300, 0)
        await _wait_received(harness, 300)
        [lease] = [lease for lease in harness.pipeline.leases if lease.partition.partition == 0]
        assert harness.committed().get(0, 0) == 0, "nothing but the start"
        harness.source.commit(harness.pipeline.live)
        await until(lambda: lease.committed == 300)
        assert harness.committed()[0] == 300
        await harness.stop(5.0)

    run(scenario)


def test_only_the_watermark_is_committed_while_something_is_in_flight(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        harness.produce(100, 0)
        await _wait_received(harness, 100)
        harness.pipeline.settling = False
        harness.produce(100, 0)
        await _wait_received(harness, 200)
        [lease] = [lease for lease in harness.pipeline.leases if lease.partition.partition == 0]
        harness.source.commit(harness.pipeline.live)
        await until(lambda: lease.committed == 100)
        assert harness.committed()[0] == 100
        await harness.stop(5.0)
        assert harness.committed()[0] == 100

    run(scenario)


def test_a_paused_lease_receives_nothing_until_it_is_resumed_while_others_go_on(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        [lease] = [lease for lease in harness.pipeline.leases if lease.partition.partition == 0]
        harness.source.pause([lease])
        await asyncio.sleep(0.5)
        harness.produce(50, 0)
        harness.produce(50, 1)
        await _wait_received(harness, 50)
        await asyncio.sleep(0.5)
        assert harness.pipeline.records(lease) == []
        harness.source.resume([lease])
        await _wait_received(harness, 100)
        await harness.stop(5.0)

    run(scenario)


def test_revoked_leases_are_closed_and_committed_before_their_partitions_go(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        for partition in range(PARTITIONS):
            harness.produce(100, partition)
        await _wait_received(harness, 100 * PARTITIONS)
        harness.pipeline.closing_takes_s = 1.0
        await harness.revoke_some()
        revoked = [lease for lease in harness.pipeline.leases if lease.ended]
        assert 0 < len(revoked) < PARTITIONS
        assert {lease for lease, _ in harness.pipeline.closed} == set(revoked)
        assert all(left_s > 1 for _, left_s in harness.pipeline.closed)
        committed = harness.committed()
        assert {lease.partition.partition: 100 for lease in revoked}.items() <= committed.items()
        await harness.stop(5.0)

    run(scenario)


def test_a_partition_that_is_assigned_again_is_a_new_lease_from_the_committed_offset(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        for partition in range(PARTITIONS):
            harness.produce(100, partition)
        await _wait_received(harness, 100 * PARTITIONS)
        await harness.revoke_some()
        revoked = {lease.partition: lease for lease in harness.pipeline.leases if lease.ended}
        await harness.assign_all()
        for partition in range(PARTITIONS):
            harness.produce(10, partition)
        await _wait_received(harness, 110 * PARTITIONS)
        again = {lease.partition: lease for lease in harness.pipeline.live}
        for moved, old in revoked.items():
            new = again[moved]
            assert new is not old
            assert new.start == 100
            assert [one.offset for one in harness.pipeline.records(new)] == list(range(100, 110))
        await harness.stop(5.0)

    run(scenario)


def test_a_commit_for_an_ended_lease_commits_nothing(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        harness.pipeline.settling = False
        for partition in range(PARTITIONS):
            harness.produce(100, partition)
        await _wait_received(harness, 100 * PARTITIONS)
        await harness.revoke_some()
        revoked = [lease for lease in harness.pipeline.leases if lease.ended]
        before = harness.committed()
        with patch.object(Lease, "progress", lambda _: Progress(77)):  # as a late outcome must never do
            harness.source.commit(revoked)
            await asyncio.sleep(1.0)
        await asyncio.sleep(1.0)
        assert harness.committed() == before
        await harness.stop(5.0)

    run(scenario)


def test_a_partition_that_was_revoked_while_paused_is_not_paused_when_it_is_assigned_again(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        harness.source.pause(harness.pipeline.live)
        await asyncio.sleep(0.5)
        await harness.revoke_some()
        await harness.assign_all()
        revoked = {lease.partition.partition for lease in harness.pipeline.leases if lease.ended}
        for partition in revoked:
            harness.produce(10, partition)
        await _wait_received(harness, 10 * len(revoked))
        await harness.stop(5.0)

    run(scenario)


def test_a_stop_closes_all_leases_by_its_deadline_commits_and_ends_the_iteration(run: Run) -> None:
    async def scenario(harness: SourceHarness) -> None:
        for partition in range(PARTITIONS):
            harness.produce(100, partition)
        await _wait_received(harness, 100 * PARTITIONS)
        await harness.stop(7.0)
        assert harness.pipeline.live == []
        assert all(6.0 < left_s <= 7.0 for _, left_s in harness.pipeline.closed)
        assert harness.committed() == dict.fromkeys(range(PARTITIONS), 100)

    run(scenario)
