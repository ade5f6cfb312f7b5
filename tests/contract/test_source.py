"""What a source promises the pipeline, played on the fake one and on the real one with both group protocols."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.sources import PARTITIONS, Stage, play_on_fake, play_on_real, until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Theatre = Callable[[Callable[[Stage], Coroutine[object, object, None]]], None]

KIP848 = {"group.protocol": "consumer"}


@pytest.fixture(
    params=[
        "fake",
        pytest.param({}, marks=pytest.mark.kafka, id="classic"),
        pytest.param(KIP848, marks=pytest.mark.kafka, id="kip848"),
    ]
)
def theatre(request: pytest.FixtureRequest) -> Theatre:
    """Where the play is given."""
    if request.param == "fake":
        return play_on_fake
    properties: dict[str, Any] = request.param
    return partial(play_on_real, request.getfixturevalue("kafka"), properties)


async def _all_come(stage: Stage, count: int) -> None:
    await until(lambda: len({(one.partition, one.offset) for one in stage.member.records()}) >= count)


def test_a_new_lease_comes_first_with_no_record_and_then_its_records_in_order(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        for partition in range(PARTITIONS):
            stage.produce(500, partition)
        await _all_come(stage, 500 * PARTITIONS)
        for lease in stage.member.leases:
            first = next(records for owner, records in stage.member.chunks if owner is lease)
            assert list(first) == []
            assert [one.offset for one in stage.member.records(lease)] == list(range(500))
            assert (lease.start, lease.next_offset) == (0, 500)
        await stage.stop(5.0)

    theatre(play)


def test_a_commit_is_seen_from_outside_and_counts_when_the_broker_has_answered(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        stage.produce(300, 0)
        await _all_come(stage, 300)
        [lease] = [lease for lease in stage.member.leases if lease.partition.partition == 0]
        assert stage.committed().get(0) is None
        stage.source.commit(stage.member.live)
        await until(lambda: lease.committed == 300)
        assert stage.committed()[0] == 300
        await stage.stop(5.0)

    theatre(play)


def test_only_the_watermark_is_committed_while_something_is_in_flight(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        stage.produce(100, 0)
        await _all_come(stage, 100)
        stage.member.settling = False
        stage.produce(100, 0)
        await _all_come(stage, 200)
        [lease] = [lease for lease in stage.member.leases if lease.partition.partition == 0]
        stage.source.commit(stage.member.live)
        await until(lambda: lease.committed == 100)
        assert stage.committed()[0] == 100
        await stage.stop(5.0)
        assert stage.committed()[0] == 100

    theatre(play)


def test_a_paused_lease_brings_nothing_more_until_it_is_resumed_while_others_go_on(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        [lease] = [lease for lease in stage.member.leases if lease.partition.partition == 0]
        stage.source.pause([lease])
        await asyncio.sleep(0.5)
        stage.produce(50, 0)
        stage.produce(50, 1)
        await _all_come(stage, 50)
        await asyncio.sleep(0.5)
        assert stage.member.records(lease) == []
        stage.source.resume([lease])
        await _all_come(stage, 100)
        await stage.stop(5.0)

    theatre(play)


def test_leases_that_are_taken_away_are_closed_and_committed_before_they_go(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        for partition in range(PARTITIONS):
            stage.produce(100, partition)
        await _all_come(stage, 100 * PARTITIONS)
        stage.member.closing_takes_s = 1.0
        await stage.take_away()
        gone = [lease for lease in stage.member.leases if lease.ended]
        assert 0 < len(gone) < PARTITIONS
        assert {lease for lease, _ in stage.member.closed} == set(gone)
        assert all(deadline_s > 1 for _, deadline_s in stage.member.closed)
        committed = stage.committed()
        assert {lease.partition.partition: 100 for lease in gone}.items() <= committed.items()
        await stage.stop(5.0)

    theatre(play)


def test_a_partition_that_comes_back_is_a_new_lease_from_what_was_committed(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        for partition in range(PARTITIONS):
            stage.produce(100, partition)
        await _all_come(stage, 100 * PARTITIONS)
        await stage.take_away()
        gone = {lease.partition: lease for lease in stage.member.leases if lease.ended}
        await stage.give_back()
        for partition in range(PARTITIONS):
            stage.produce(10, partition)
        await _all_come(stage, 110 * PARTITIONS)
        again = {lease.partition: lease for lease in stage.member.live}
        for moved, old in gone.items():
            new = again[moved]
            assert new is not old
            assert new.start == 100
            assert [one.offset for one in stage.member.records(new)] == list(range(100, 110))
        await stage.stop(5.0)

    theatre(play)


def test_a_commit_for_a_lease_that_has_ended_commits_nothing(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        stage.member.settling = False
        for partition in range(PARTITIONS):
            stage.produce(100, partition)
        await _all_come(stage, 100 * PARTITIONS)
        await stage.take_away()
        gone = [lease for lease in stage.member.leases if lease.ended]
        before = stage.committed()
        for lease in gone:
            lease.watermark = 77  # what a late outcome must never do
        stage.source.commit(gone)
        await asyncio.sleep(1.0)
        assert stage.committed() == before
        await stage.stop(5.0)

    theatre(play)


def test_a_partition_that_was_paused_when_it_went_is_not_paused_when_it_comes_back(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        stage.source.pause(stage.member.live)
        await asyncio.sleep(0.5)
        await stage.take_away()
        await stage.give_back()
        gone = {lease.partition.partition for lease in stage.member.leases if lease.ended}
        for partition in gone:
            stage.produce(10, partition)
        await _all_come(stage, 10 * len(gone))
        await stage.stop(5.0)

    theatre(play)


def test_a_stop_closes_all_leases_by_its_deadline_commits_and_ends_the_iteration(theatre: Theatre) -> None:
    async def play(stage: Stage) -> None:
        for partition in range(PARTITIONS):
            stage.produce(100, partition)
        await _all_come(stage, 100 * PARTITIONS)
        await stage.stop(7.0)
        assert stage.member.live == []
        assert {deadline_s for _, deadline_s in stage.member.closed} == {7.0}
        assert stage.committed() == dict.fromkeys(range(PARTITIONS), 100)

    theatre(play)
