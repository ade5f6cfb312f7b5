"""How long the rest takes: by how fast it went lately, and no number where nobody can know."""

from __future__ import annotations

import pytest

from connector.core.time_left import STALLED_S, WINDOW_S, TimeLeft


def after(*seen: tuple[float, int]) -> TimeLeft:
    pace = TimeLeft()
    for now, done in seen:
        pace.add(now, done)
    return pace


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        ([], None),
        ([(0, 0)], None),
        ([(0, 0), (0.5, 10)], None),  # too early to say
        ([(0, 0), (10, 100)], 90.0),
        ([(0, 100), (10, 200)], 80.0),  # what was done before it began counts as done, not as speed
        ([(0, 0), (10, 1000)], 0.0),
        ([(0, 0), (10, 2000)], 0.0),  # there was more to do than was said
        ([(0, 0), (5, 0)], None),  # not begun
        ([(0, 0), (1, 500), (1 + STALLED_S, 500)], None),  # stands still
        ([(0, 0), (1, 500), (1 + STALLED_S, 500), (2 + STALLED_S, 600)], 8.0),
    ],
)
def test_the_rest_takes_as_long_as_it_went_lately(seen: list[tuple[float, int]], seconds: float | None) -> None:
    assert after(*seen).seconds(1000) == (None if seconds is None else pytest.approx(seconds))


def test_a_change_of_speed_is_forgotten_after_the_window() -> None:
    fast = [(float(now), now * 100) for now in range(10)]
    slow = [(float(now), 900 + (now - 9)) for now in range(10, 12 + int(WINDOW_S) + 10)]
    assert after(*fast, *slow).per_second() == pytest.approx(1.0)


def test_how_long_it_stands_still_is_told_once_it_is_long() -> None:
    assert after((0, 0), (1, 5), (STALLED_S, 5)).stalled_s() == 0.0
    assert after((0, 0), (1, 5), (STALLED_S + 1, 5)).stalled_s() == STALLED_S
    assert after().stalled_s() == 0.0
