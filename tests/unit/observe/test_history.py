"""The last ten minutes, and whether the process keeps up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.language.message import verbatim
from connector.observe.history import KEPT_S, SAMPLE_S, CatchUp, History
from connector.observe.snapshot import PartitionStatus, Reason, Status, TopicStatus
from tests.unit.observe.examples import status


def at(settled: int, lag: int | None) -> Status:
    topic = TopicStatus("t", settled, delivered=settled, skipped=0, dead_lettered=0, released=0, in_flight=0)
    partition = PartitionStatus(
        "t", 0, lag, watermark=0, committed=0, in_flight=0, oldest_unsettled_s=0.0, lag_s=None, paused=False
    )
    return status(topics=(topic,), partitions=(partition,))


def history(*samples: tuple[float, int, int | None]) -> History:
    kept = History()
    for seconds, settled, lag in samples:
        kept.add(seconds, at(settled, lag))
    return kept


def test_ten_minutes_are_kept() -> None:
    kept = History()
    for number in range(1000):
        kept.add(number * SAMPLE_S, at(number, 0))
    assert (kept.samples[0].at, kept.samples[-1].at) == (999 * SAMPLE_S - KEPT_S, 999 * SAMPLE_S)


def test_the_lag_of_all_partitions_is_known_when_that_of_each_is() -> None:
    kept = History()
    known, unknown = at(1, 5).partitions[0], at(1, None).partitions[0]
    kept.add(0.0, status(partitions=(known, replace(known, partition=1))))
    kept.add(5.0, status(partitions=(known, unknown)))
    assert [sample.lag for sample in kept.samples] == [10, None]


def test_a_process_without_partitions_or_without_kafka_does_not_know_a_lag_and_has_not_caught_up() -> None:
    away = replace(at(1, 0), reasons=(Reason("kafka_unreachable", "", 0.0, verbatim("start the broker")),))
    for unknown in (replace(at(1, 0), partitions=()), away):
        kept = history((0, 1, 0))
        kept.add(SAMPLE_S, unknown)
        assert kept.samples[-1].lag is None
        assert kept.catch_up() == CatchUp("unknown")


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], CatchUp("unknown")),
        ([(0, 0, 100)], CatchUp("unknown")),
        ([(0, 0, None), (5, 10, 100)], CatchUp("unknown")),
        ([(0, 0, 0), (5, 0, 0)], CatchUp("caught_up")),
        ([(0, 0, 60_000), (60, 20_000, 40_000)], CatchUp("catching_up", 120.0)),
        ([(0, 0, 40_000), (60, 20_000, 40_000)], CatchUp("behind")),
        ([(0, 0, 100), (60, 0, 101)], CatchUp("behind")),
        # 1,000 a second: what is settled in five seconds is no lag.
        ([(0, 0, 4000), (60, 60_000, 5000)], CatchUp("caught_up")),
        ([(0, 0, 4000), (60, 60_000, 5001)], CatchUp("behind")),
        # Nothing is settled any more, because the target is down.
        ([(0, 0, 0), (5, 300, 0), (10, 300, 100)], CatchUp("behind")),
        # Only the last minute counts.
        ([(0, 0, 0), (300, 0, 90_000), (360, 30_000, 60_000)], CatchUp("catching_up", 120.0)),
        # The platform is away for fifteen seconds: how fast it was before that is no promise.
        ([(0, 0, 90_000), (40, 30_000, 60_000), (50, 30_000, 60_000)], CatchUp("catching_up", 100.0)),
        ([(0, 0, 90_000), (40, 30_000, 60_000), (50, 30_000, 60_000), (55, 30_000, 60_000)], CatchUp("behind")),
        # Three records a minute of a million: no number of months.
        ([(0, 0, 1_000_003), (60, 3, 1_000_000)], CatchUp("behind")),
    ],
)
def test_whether_it_keeps_up(samples: list[tuple[float, int, int | None]], expected: CatchUp) -> None:
    assert history(*samples).catch_up() == expected


def test_a_lag_that_went_to_another_member_with_its_partition_was_not_worked_off() -> None:
    kept = History()
    first = at(0, 30_000)
    both = replace(first, partitions=(first.partitions[0], replace(first.partitions[0], partition=1)))
    kept.add(0.0, both)
    kept.add(5.0, at(100, 29_900))
    assert kept.catch_up() == CatchUp("unknown")
    kept.add(10.0, at(200, 29_800))
    assert kept.catch_up() == CatchUp("catching_up", 29_800 * 5 / 100)
