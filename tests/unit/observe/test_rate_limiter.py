from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from connector.observe.rate_limiter import MAX_KEYS, WINDOW_S, RateLimiter


def test_the_first_is_admitted_and_the_next_are_suppressed_until_the_window_is_over() -> None:
    limiter = RateLimiter()
    assert limiter.admit("503", 0.0) == 0
    assert limiter.admit("503", 1.0) is None
    assert limiter.admit("503", WINDOW_S - 0.1) is None
    assert limiter.admit("503", WINDOW_S) == 2
    assert limiter.admit("503", WINDOW_S + 1) is None


def test_each_key_has_its_own_window() -> None:
    limiter = RateLimiter()
    assert limiter.admit("503", 0.0) == 0
    assert limiter.admit("429", 0.0) == 0


def test_memory_is_bounded_for_any_number_of_keys() -> None:
    limiter = RateLimiter()
    for number in range(3 * MAX_KEYS):
        assert limiter.admit(number, 0.0) == 0
        assert len(limiter) <= MAX_KEYS


@given(some.lists(some.floats(0, 30), max_size=60))
def test_every_call_is_either_admitted_or_counted_as_suppressed(waits: list[float]) -> None:
    limiter, now, admitted, counted = RateLimiter(), 0.0, 0, 0
    for wait in waits:
        now += wait
        suppressed = limiter.admit("503", now)
        if suppressed is not None:
            admitted += 1
            counted += suppressed
    last = limiter.admit("503", now + 2 * WINDOW_S)
    assert last is not None
    assert admitted + counted + last == len(waits)
