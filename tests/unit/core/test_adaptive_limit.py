from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.adaptive_limit import STALE_S, WARY_S, AdaptiveLimit, concurrency_limit
from connector.core.concurrency import DEFAULT_LIMIT, MAX_LIMIT, FixedLimit, Load, load_of
from connector.core.sink import Subject, Verdict, VerdictKind
from tests.support.loaded_platforms import Curve, Workers, best_fixed, heavy, run, steady, uneven

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loaded_platforms import Platform

GRID = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


# -- the goal: at least 0.95 of the best fixed limit's throughput, at most twice what is in flight with it -------------


def _workers(workers: int, base_s: float, noise: Callable[..., float]) -> Callable[[], Platform]:
    return lambda: Workers(workers, lambda _: base_s * 0.75, noise, network_s=base_s * 0.25)


def _contended(optimum: int, base_s: float, noise: Callable[..., float]) -> Callable[[], Platform]:
    """Requests are in each other's way: at the optimum, latency has doubled, and beyond it throughput falls."""
    return lambda: Curve(lambda n, _: base_s * (1 + (n / optimum) ** 2), noise)


def _saturated(capacity: int, base_s: float, noise: Callable[..., float]) -> Callable[[], Platform]:
    return lambda: Curve(lambda n, _: base_s * max(1.0, n / capacity), noise)


@pytest.mark.parametrize(("base_s", "noise"), [(0.02, steady), (0.02, heavy), (0.2, uneven)])
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (_workers, 2),
        (_workers, 8),
        (_workers, 32),
        (_contended, 12),
        (_contended, 40),
        (_saturated, 5),
        (_saturated, 24),
    ],
)
def test_it_is_nearly_as_fast_as_the_best_fixed_limit_without_a_long_queue(
    kind: Callable[..., Callable[[], Platform]], size: int, base_s: float, noise: Callable[..., float]
) -> None:
    build = kind(size, base_s, noise)
    best, cheapest = best_fixed(build, [limit for limit in GRID if size <= 2 * limit <= 4 * size], 500 * base_s)
    found = run(AdaptiveLimit(), build(), 1500 * base_s, from_s=300 * base_s)
    assert found.rate >= 0.95 * best.rate
    assert found.in_flight <= 2 * cheapest.in_flight


def test_a_platform_without_a_bound_is_used_up_to_the_greatest_limit() -> None:
    found = run(AdaptiveLimit(), Curve(lambda _n, _t: 0.2, heavy), 120.0, from_s=60.0)
    assert found.rate >= 0.95 * MAX_LIMIT / 0.2
    assert max(found.limits) == MAX_LIMIT


# -- a platform that changes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before_s", "after_s"), [(0.02, 0.2), (0.2, 0.02)])
def test_a_latency_that_changes_for_good_leaves_the_throughput_at_its_best(before_s: float, after_s: float) -> None:
    platform = Workers(16, lambda now: before_s if now < 60 else after_s, uneven)
    found = run(AdaptiveLimit(), platform, 240.0, from_s=90.0)
    assert found.rate >= 0.95 * 16 / after_s
    assert found.in_flight <= 2 * 16


def test_a_minute_in_which_all_is_ten_times_slower_costs_nothing_afterwards() -> None:
    platform = Workers(16, lambda now: 0.2 if 60 <= now < 120 else 0.02, uneven)
    found = run(AdaptiveLimit(), platform, 180.0, from_s=125.0)
    assert found.rate >= 0.95 * 16 / 0.02
    assert found.in_flight <= 2 * 16
    assert max(found.limits[60:120]) <= 4 * 16


def test_a_loss_of_capacity_is_followed_down_and_up_again() -> None:
    platform = Curve(lambda n, now: 0.05 * max(1.0, n / (4 if 60 <= now < 180 else 32)), uneven)
    limits = run(AdaptiveLimit(), platform, 240.0).limits
    assert max(limits[160:180]) <= 4 * 4
    assert min(limits[220:]) >= 32 * 0.7


def test_one_reply_that_takes_very_long_changes_little() -> None:
    replies = 0

    def latency(_in_flight: int, _now: float) -> float:
        nonlocal replies
        replies += 1
        return 30.0 if replies == 5000 else 0.02 * max(1.0, _in_flight / 16)

    found = run(AdaptiveLimit(), Curve(latency, uneven), 60.0, from_s=5.0)
    assert found.rate >= 0.95 * 16 / 0.02
    assert 10 <= min(found.limits[15:]) <= max(found.limits[15:]) <= 32


@pytest.mark.parametrize("slow", range(20, 180, 20))
def test_one_reply_that_takes_very_long_does_not_turn_the_limit_round(slow: int) -> None:
    numbers = iter(range(100_000))
    platform = Curve(lambda _n, _now: 0.5 if next(numbers) == slow else 0.02)
    assert run(AdaptiveLimit(), platform, 2.1).limits[-1] >= 100


# -- a limit that is not used ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("demand", [1, DEFAULT_LIMIT // 2])
def test_a_limit_that_nothing_reaches_stays(demand: int) -> None:
    found = run(AdaptiveLimit(), Curve(lambda _n, _t: 0.02, uneven), 60.0, demand=lambda _: demand)
    assert len(set(found.limits)) == 1


def test_an_idle_hour_leaves_the_limit_where_it_was() -> None:
    limits = run(
        AdaptiveLimit(),
        Workers(32, lambda _: 0.1, uneven),
        3760.0,
        demand=lambda now: 2 if 100 <= now < 3700 else 1000,
    ).limits
    assert len(set(limits[110:3690])) == 1
    assert 25 <= limits[200] <= 60
    assert 25 <= min(limits[3700:]) <= max(limits[3700:]) <= 64


def test_rounds_before_and_after_a_pause_are_not_compared() -> None:
    limit = AdaptiveLimit()
    desk = Desk(limit)
    desk.fill(0.02, rounds=2)
    first = limit.limit
    desk.now += STALE_S + 1
    desk.fill(0.2, rounds=4)  # compared with those of 0.02 s, these would mean a platform that is overrun
    assert limit.limit > first


# -- verdicts -------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """Requests to a limit, by hand."""

    limit: AdaptiveLimit
    now: float = 1000.0
    sent: list[int] = field(default_factory=list)

    def send(self, requests: int) -> None:
        """Send so many."""
        for _ in range(requests):
            self.sent.append(self.limit.begin(len(self.sent) + 1, self.now))

    def reply(self, load: Load = Load.ANSWERED, seconds: float = 0.1) -> None:
        """Let the oldest request get its reply."""
        self.limit.end(self.sent.pop(0), seconds, load, self.now)

    def fill(self, seconds: float, rounds: int) -> None:
        """Keep the limit used up until it has changed so many times."""
        changed = 0
        while changed < rounds:
            before = self.limit.limit
            self.send(before - len(self.sent))
            self.now += seconds / before
            self.reply(seconds=seconds)
            changed += self.limit.limit != before


def test_an_overload_lowers_the_limit_once_for_all_requests_that_were_on_the_wire() -> None:
    limit = AdaptiveLimit(40)
    desk = Desk(limit)
    desk.send(limit.limit)
    before = limit.limit
    desk.reply(Load.OVERLOADED)
    after = limit.limit
    assert after < 0.8 * before
    while desk.sent:
        desk.reply(Load.OVERLOADED)
    assert limit.limit == after


def test_an_overload_while_few_are_on_the_wire_says_that_few_are_too_many() -> None:
    limit = AdaptiveLimit(100)
    desk = Desk(limit)
    desk.send(5)
    desk.reply(Load.OVERLOADED)
    assert limit.limit <= 4


def test_after_an_overload_the_limit_stays_below_what_was_too_much_for_a_while() -> None:
    limit = AdaptiveLimit()

    class Rejecting(Curve):
        rejected_at: list[float] = []  # noqa: RUF012

        def answer(self, now: float, in_flight: int) -> tuple[float, Load]:
            if in_flight <= 20:
                return super().answer(now, in_flight)
            self.rejected_at.append(now)
            return 0.01, Load.OVERLOADED

    platform = Rejecting(lambda _n, _t: 0.1, uneven)
    found = run(limit, platform, 300.0, from_s=30.0)
    assert found.rate >= 0.8 * 20 / 0.1
    times = platform.rejected_at
    bursts = 1 + sum(after - before > 1.0 for before, after in pairwise(times))
    assert 3 <= bursts <= 2 * 300 / WARY_S  # it may be too many twice: what is too much is guessed from above
    assert len(times) <= 0.005 * found.rate * 300


def test_a_quarter_of_failures_lowers_the_limit_and_fewer_do_not() -> None:
    for every, lowers in ((3, True), (8, False)):
        limit = AdaptiveLimit(20)
        desk = Desk(limit)
        desk.send(limit.limit)
        before, lowest = limit.limit, limit.limit
        for number in range(30):
            desk.send(limit.limit - len(desk.sent))
            desk.reply(Load.FAILED if number % every == 0 else Load.ANSWERED)
            lowest = min(lowest, limit.limit)
        assert (lowest < 0.8 * before) is lowers


@pytest.mark.parametrize("load", [Load.OVERLOADED, Load.FAILED])
def test_an_outage_lowers_the_limit_once_and_its_probes_do_not(load: Load) -> None:
    """It must not begin at 1 with the backlog: at 200 ms it took more than a minute from there to the best number."""
    limit = AdaptiveLimit(16)
    desk = Desk(limit)
    desk.send(limit.limit)
    while desk.sent:
        desk.reply(load)
    after = limit.limit
    for _ in range(60):
        desk.now += 1
        desk.send(1)
        desk.reply(load)
    assert limit.limit == after
    assert after > 4


def test_replies_that_tell_nothing_of_the_load_change_nothing() -> None:
    limit = AdaptiveLimit()
    desk = Desk(limit)
    before = limit.limit
    for _ in range(200):
        desk.send(limit.limit - len(desk.sent))
        desk.reply(Load.UNKNOWN, seconds=10.0)
    assert limit.limit == before


AGAIN = VerdictKind.AGAIN


@pytest.mark.parametrize(
    ("verdict", "load"),
    [
        (Verdict(VerdictKind.DELIVERED, http_status=200), Load.ANSWERED),
        (Verdict(VerdictKind.REFUSED, http_status=400, subject=Subject.ITEMS), Load.ANSWERED),
        (Verdict(VerdictKind.SPLIT, http_status=413, subject=Subject.ITEMS), Load.ANSWERED),
        (Verdict(VerdictKind.TOKEN, http_status=401), Load.UNKNOWN),
        (Verdict(VerdictKind.HELD, http_status=403, subject=Subject.TARGET), Load.UNKNOWN),
        (Verdict(AGAIN, http_status=429, subject=Subject.TARGET), Load.OVERLOADED),
        (Verdict(AGAIN, http_status=200, code="503"), Load.OVERLOADED),
        (Verdict(AGAIN, http_status=503), Load.OVERLOADED),
        (Verdict(AGAIN, http_status=500, retry_after_s=3.0), Load.OVERLOADED),
        (Verdict(AGAIN, http_status=500), Load.FAILED),
        (Verdict(AGAIN, "no reply within 10 s"), Load.FAILED),
    ],
)
def test_what_a_verdict_tells_of_the_load(verdict: Verdict, load: Load) -> None:
    assert load_of(verdict) is load


# -- whatever happens -----------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.integers(0, 40),  # requests to send, as far as the limit allows
        st.integers(0, 40),  # replies
        st.sampled_from(Load),
        st.floats(0, 100, allow_subnormal=False),
        st.sampled_from([0.0, 0.01, 5.0, 1000.0]),
    ),
    max_size=80,
)


@given(STEPS, st.integers(1, 20), st.integers(1, 20))
def test_the_limit_stays_within_its_bounds_whatever_happens(
    steps: list[tuple[int, int, Load, float, float]], first: int, most: int
) -> None:
    limit = AdaptiveLimit(first, max(2, most))
    desk = Desk(limit)
    for sends, replies, load, seconds, pause in steps:
        desk.send(min(sends, limit.limit - len(desk.sent)))
        for _ in range(min(replies, len(desk.sent))):
            desk.reply(load, seconds)
            assert 1 <= limit.limit <= max(2, most)
        desk.now += pause


@given(STEPS)
def test_a_limit_that_is_never_used_up_changes_only_by_failures(
    steps: list[tuple[int, int, Load, float, float]],
) -> None:
    limit = AdaptiveLimit()
    desk = Desk(limit)
    first = limit.limit
    for sends, replies, load, seconds, pause in steps:
        desk.send(max(0, min(sends, first - 1 - len(desk.sent))))
        for _ in range(min(replies, len(desk.sent))):
            desk.reply(Load.UNKNOWN if load is Load.UNKNOWN else Load.ANSWERED, seconds)
        desk.now += pause
    assert limit.limit == first


def test_the_config_says_which_limit() -> None:
    assert isinstance(concurrency_limit("auto"), AdaptiveLimit)
    fixed = concurrency_limit(5)
    assert isinstance(fixed, FixedLimit)
    fixed.end(fixed.begin(5, 0.0), 9.0, Load.OVERLOADED, 9.0)
    assert fixed.limit == 5
