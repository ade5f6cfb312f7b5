from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from connector.observe.repeats import MAX_KEYS, WINDOW_S, Repeats


def test_the_first_is_told_the_next_are_held_back_until_the_window_is_over() -> None:
    repeats = Repeats()
    assert repeats.tell("503", 0.0) == 0
    assert repeats.tell("503", 1.0) is None
    assert repeats.tell("503", WINDOW_S - 0.1) is None
    assert repeats.tell("503", WINDOW_S) == 2
    assert repeats.tell("503", WINDOW_S + 1) is None


def test_each_kind_has_its_own_window() -> None:
    repeats = Repeats()
    assert repeats.tell("503", 0.0) == 0
    assert repeats.tell("429", 0.0) == 0


def test_what_was_forgotten_is_told_at_once() -> None:
    repeats = Repeats()
    repeats.tell("503", 0.0)
    repeats.forget("503")
    repeats.forget("never told")
    assert repeats.tell("503", 1.0) == 0


def test_memory_is_bounded_however_many_kinds_there_are() -> None:
    repeats = Repeats()
    for number in range(3 * MAX_KEYS):
        assert repeats.tell(number, 0.0) == 0
        assert len(repeats._told) <= MAX_KEYS


@given(some.lists(some.floats(0, 30), max_size=60))
def test_nothing_is_lost_from_the_count(waits: list[float]) -> None:
    repeats, now, told, counted = Repeats(), 0.0, 0, 0
    for wait in waits:
        now += wait
        held_back = repeats.tell("503", now)
        if held_back is not None:
            told += 1
            counted += held_back
    last = repeats.tell("503", now + 2 * WINDOW_S)
    assert last is not None
    assert told + counted + last == len(waits)
