"""Backoff: bounds that double, jitter over their whole range, and the server's own Retry-After."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.retry import MAX_RETRY_AFTER_S, Backoff
from tests.support.builders import seeded

BACKOFFS = st.builds(Backoff, st.floats(0.001, 10), st.floats(0.001, 600))
FAILURES = st.integers(1, 100_000)
SEEDS = st.integers()


def test_the_bound_doubles_up_to_the_maximum() -> None:
    backoff = Backoff(0.25, 30.0)
    assert [backoff.bound(failures) for failures in range(1, 10)] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


@given(backoff=BACKOFFS, failures=FAILURES)
def test_the_bound_never_falls_and_never_passes_the_maximum(backoff: Backoff, failures: int) -> None:
    assert 0 < backoff.bound(failures) <= backoff.bound(failures + 1) <= backoff.max_s


@given(backoff=BACKOFFS, failures=FAILURES, seed=SEEDS)
def test_a_wait_is_between_zero_and_its_bound(backoff: Backoff, failures: int, seed: int) -> None:
    assert 0 <= backoff.delay(failures, seeded(seed)) <= backoff.bound(failures)


@given(backoff=BACKOFFS, failures=FAILURES, seed=SEEDS, asked_s=st.floats(0, 1e9))
def test_retry_after_is_a_lower_bound_but_ten_minutes_at_most(
    backoff: Backoff, failures: int, seed: int, asked_s: float
) -> None:
    delay = backoff.delay(failures, seeded(seed), asked_s)
    assert delay >= min(asked_s, 600.0)
    assert delay <= max(backoff.bound(failures), min(asked_s, 600.0))


def test_ten_minutes_is_the_most_that_a_server_can_ask_for() -> None:
    assert pytest.approx(600.0) == MAX_RETRY_AFTER_S


def test_waits_fill_the_whole_range_evenly() -> None:
    random, backoff = seeded(7), Backoff(1.0, 1.0)
    waits = [backoff.delay(1, random) for _ in range(1000)]
    tenths = [sum(1 for wait in waits if n <= wait * 10 < n + 1) for n in range(10)]
    assert min(tenths) > 50
