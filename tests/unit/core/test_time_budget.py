from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from connector.core.time_budget import TimeBudget


def test_nothing_spent_means_no_wait() -> None:
    assert TimeBudget(0.05, 0.01).wait_s(5.0) == 0.0


def test_what_was_spent_beyond_the_burst_is_waited_for() -> None:
    budget = TimeBudget(0.05, 0.01)
    budget.spend(100.0, 0.01)
    assert budget.wait_s(100.0) == 0.0
    budget.spend(100.0, 0.005)
    assert round(budget.wait_s(100.0), 9) == 0.1
    assert budget.wait_s(100.2) == 0.0


@given(some.lists(some.floats(0.0001, 0.02), min_size=1), some.floats(0.01, 1.0), some.floats(0.0, 0.05))
def test_the_share_holds_over_any_time(pieces: list[float], share: float, burst_s: float) -> None:
    budget, now, spent = TimeBudget(share, burst_s), 0.0, 0.0
    for piece in pieces:
        now += budget.wait_s(now)
        assert spent <= burst_s + now * share + max(pieces) + 1e-9
        now += piece
        spent += piece
        budget.spend(now, piece)
