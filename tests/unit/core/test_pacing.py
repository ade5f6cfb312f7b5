"""The pacer: never more than the rate, even spacing, and nothing saved up while idle."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.pacing import Pacer

WAITS = st.lists(st.floats(0, 5), min_size=1, max_size=60)


@given(rate=st.floats(0.1, 1000), waits=WAITS)
def test_departures_are_at_least_one_interval_apart(rate: float, waits: list[float]) -> None:
    pacer, now, departures = Pacer(rate), 1000.0, []
    for wait in waits:
        now += wait
        delay = pacer.reserve(now)
        assert delay >= 0
        departures.append(now + delay)
    assert all(later - earlier >= 1 / rate - 1e-6 for earlier, later in pairwise(departures))


@given(rate=st.floats(0.1, 1000), waits=WAITS)
def test_nobody_waits_longer_than_those_before_him_need(rate: float, waits: list[float]) -> None:
    pacer, now, departure = Pacer(rate), 1000.0, 0.0
    for wait in waits:
        now += wait
        departure = max(now, departure + 1 / rate)
        assert pacer.reserve(now) == pytest.approx(departure - now, abs=1e-6)


@given(waits=WAITS)
def test_without_a_rate_everybody_goes_at_once(waits: list[float]) -> None:
    pacer = Pacer(None)
    assert {pacer.reserve(now) for now in waits} == {0.0}


def test_an_idle_hour_saves_up_no_burst() -> None:
    pacer = Pacer(2.0)
    pacer.reserve(0.0)
    assert [pacer.reserve(3600.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
