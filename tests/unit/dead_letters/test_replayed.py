"""What a replay knows of the letters that were replayed before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.core.progress import Progress, progress_of
from connector.dead_letters.replayed import MOST_RANGES, Replayed


def read(replayed: Replayed, *offsets: int, selected: tuple[int, ...] = ()) -> None:
    for offset in offsets:
        replayed.on_read(offset, is_letter=True)
        if offset in selected:
            replayed.select(offset)


def update(replayed: Replayed, lease: Progress) -> tuple[Progress, list[int]]:
    done: list[int] = []
    return replayed.update(lease, done.append), done


def test_the_example_of_the_docstring() -> None:
    first = Replayed(0, 6, None)
    read(first, *range(6), selected=(1, 4))
    assert update(first, Progress(0)) == (Progress(0), [])
    committed, done = update(first, Progress(5))
    assert (committed, done) == (Progress(0, (range(1, 2), range(4, 5))), [1, 4])
    second = Replayed(0, 6, committed)
    assert [offset for offset in range(6) if second.is_done(offset)] == [1, 4]
    read(second, *range(6), selected=(0, 2, 3, 5))
    assert update(second, Progress(6))[0] == Progress(6)


def test_a_letter_that_settled_ahead_of_others_is_done() -> None:
    replayed = Replayed(0, 4, None)
    read(replayed, 0, 1, 2, 3, selected=(0, 1, 2, 3))
    assert update(replayed, progress_of(0, [range(2, 3)])) == (Progress(0, (range(2, 3),)), [2])
    assert replayed.open == 3
    assert update(replayed, Progress(4)) == (Progress(4), [0, 1, 3])


def test_holes_and_foreign_records_are_done_but_not_what_lies_before_the_start() -> None:
    replayed = Replayed(10, 20, None)
    replayed.on_read(14, is_letter=True)  # --since starts there: 10 to 13 are letters that were not read
    replayed.select(14)
    replayed.on_read(17, is_letter=False)
    assert update(replayed, Progress(15))[0] == Progress(10, (range(14, 18),))


def test_what_was_deleted_is_done() -> None:
    assert Replayed(7, 10, Progress(3, (range(5, 6), range(8, 9)))).progress == Progress(7, (range(8, 9),))


def test_a_commit_at_the_end_has_replayed_everything() -> None:
    assert Replayed(0, 10, Progress(10)).start == 10


def test_a_commit_beyond_the_end_is_of_another_topic() -> None:
    replayed = Replayed(0, 10, Progress(11))
    assert (replayed.start, replayed.progress) == (0, Progress(0))


def test_again_reads_from_the_first_and_forgets_nothing() -> None:
    replayed = Replayed(0, 10, Progress(6, (range(8, 9),)), again=True)
    assert replayed.start == 0
    assert not any(replayed.is_done(offset) for offset in range(10))
    read(replayed, *range(10), selected=(0, 7))
    assert update(replayed, Progress(8))[0] == Progress(6, (range(7, 9),))


def test_no_more_ranges_are_kept_than_a_commit_may_hold() -> None:
    count = MOST_RANGES + 10
    replayed = Replayed(0, count * 2, None)
    read(replayed, *range(count * 2), selected=tuple(range(1, count * 2, 2)))
    progress, done = update(replayed, Progress(count * 2))
    assert (len(done), len(progress.ahead)) == (count, MOST_RANGES)


@given(st.lists(st.sets(st.integers(0, 30)), max_size=5))
def test_over_any_replays_each_letter_is_sent_once(selections: list[set[int]]) -> None:
    committed: Progress | None = None
    sent: list[int] = []
    for selection in selections:
        replayed = Replayed(0, 31, committed)
        for offset in range(replayed.start, 31):
            replayed.on_read(offset, is_letter=True)
            if offset in selection and not replayed.is_done(offset):
                replayed.select(offset)
                sent.append(offset)
        committed = replayed.update(Progress(31), lambda _: None)
    assert sorted(sent) == sorted(set[int]().union(*selections))
