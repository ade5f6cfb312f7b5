"""The pacer: at most the rate, evenly spaced, and nothing is saved up while idle."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.pacing import Pacer

RATES = st.floats(0.1, 1000)
PAUSES = st.lists(st.floats(0, 5), min_size=1, max_size=60)


def _times(pauses: list[float]) -> list[float]:
    """The times at which a departure is asked for: after each of the pauses."""
    times = [1000.0]
    for pause in pauses:
        times.append(times[-1] + pause)
    return times


@given(rate=RATES, pauses=PAUSES)
def test_departures_are_at_least_one_interval_apart(rate: float, pauses: list[float]) -> None:
    pacer = Pacer(rate)
    departures = [now + pacer.reserve(now) for now in _times(pauses)]
    assert all(later - earlier >= 1 / rate - 1e-6 for earlier, later in pairwise(departures))


@given(rate=RATES, pauses=PAUSES)
def test_a_wait_is_as_short_as_the_departures_before_it_allow(rate: float, pauses: list[float]) -> None:
    pacer, departure = Pacer(rate), 0.0
    for now in _times(pauses):
        departure = max(now, departure + 1 / rate)
        assert pacer.reserve(now) == pytest.approx(departure - now, abs=1e-6)


@given(pauses=PAUSES)
def test_without_a_rate_there_is_no_wait(pauses: list[float]) -> None:
    pacer = Pacer(None)
    assert {pacer.reserve(now) for now in _times(pauses)} == {0.0}


def test_an_idle_hour_saves_up_no_burst() -> None:
    pacer = Pacer(2.0)
    pacer.reserve(0.0)
    assert [pacer.reserve(3600.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
