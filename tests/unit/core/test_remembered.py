"""What is remembered of a lost partition counts only while nobody else has decided where it goes on."""

from __future__ import annotations

import pytest

from connector.core.commit_metadata import FirstSight
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.core.remembered import MAX_PARTITIONS, MAX_RANGES, RememberedProgress

SIGHT = FirstSight(40, 3)
PARTITION = TopicPartition("orders", 0)
LAST = Progress(200, (range(210, 220),))
"""What the lost lease had settled; 100 was known to be committed."""


def _memory() -> RememberedProgress:
    memory = RememberedProgress()
    memory.remember(PARTITION, LAST, 100, SIGHT)
    return memory


@pytest.mark.parametrize(
    ("committed", "end", "expected"),
    [
        (Progress(100), 300, LAST),
        (Progress(120), 300, LAST),
        (Progress(120, (range(205, 212),)), 300, Progress(200, (range(205, 220),))),
        (Progress(250), 300, Progress(250)),
        (Progress(215), 300, Progress(220)),
        (Progress(80), 300, Progress(80)),
        (Progress(100), 219, Progress(100)),
        (Progress(100), 220, LAST),
    ],
)
def test_the_worked_example(committed: Progress, end: int, expected: Progress) -> None:
    assert _memory().recall(PARTITION, committed, SIGHT, end) == expected


@pytest.mark.parametrize(("committed", "end"), [(Progress(80), 300), (Progress(100), 150)])
def test_what_was_overruled_is_forgotten(committed: Progress, end: int) -> None:
    memory = _memory()
    memory.recall(PARTITION, committed, SIGHT, end)
    assert not memory.knows(PARTITION)
    assert memory.recall(PARTITION, Progress(100), SIGHT, 300) == Progress(100)


def test_what_still_holds_is_kept_until_the_next_lease_has_ended() -> None:
    """The partition may be lost again before its lease has committed anything."""
    memory = _memory()
    for _ in range(2):
        assert memory.recall(PARTITION, Progress(100), SIGHT, 300) == LAST


def test_of_a_partition_that_was_forgotten_or_never_lost_only_the_commit_counts() -> None:
    memory = _memory()
    memory.forget(PARTITION)
    for partition in (PARTITION, TopicPartition("orders", 1)):
        assert memory.recall(partition, Progress(100), SIGHT, 300) == Progress(100)


def test_the_oldest_partitions_are_forgotten_first() -> None:
    memory = RememberedProgress()
    for number in range(MAX_PARTITIONS + 1):
        memory.remember(TopicPartition("orders", number), Progress(5), 0, SIGHT)
    assert [memory.knows(TopicPartition("orders", number)) for number in (0, 1)] == [False, True]


def test_the_ranges_of_all_partitions_together_are_bounded() -> None:
    memory = RememberedProgress()
    half = Progress(0, tuple(range(at, at + 1) for at in range(1, MAX_RANGES, 2)))
    for _ in range(3):
        memory.remember(TopicPartition("orders", 7), half, 0, SIGHT)  # it takes the place of its own last one
    memory.remember(TopicPartition("orders", 8), half, 0, SIGHT)
    assert memory.knows(TopicPartition("orders", 7))
    memory.remember(TopicPartition("orders", 9), LAST, 0, SIGHT)
    assert [memory.knows(TopicPartition("orders", number)) for number in (7, 8, 9)] == [False, True, True]
