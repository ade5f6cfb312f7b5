"""Platforms whose latency depends on the requests in flight, and what a limit makes of them, on virtual time.

The target always has more to send, as after an outage: it keeps as many requests in flight as the limit allows, or as
`demand` does. Events, not an event loop: 100,000 requests take about a second.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.concurrency import FixedLimit, Load
from tests.support.builders import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from connector.core.concurrency import ConcurrencyLimit

Noise = "Callable[[Random], float]"


def steady(_random: Random) -> float:
    """Every reply takes as long as the next."""
    return 1.0


def uneven(random: Random) -> float:
    """Replies take half to one and a half times as long."""
    return random.uniform(0.5, 1.5)


def heavy(random: Random) -> float:
    """Replies scatter as those of many services do: log-normal, a coefficient of variation of a half."""
    return random.lognormvariate(-0.125, 0.5)


class Platform(Protocol):
    """Answers one request: after how many seconds, and how."""

    def answer(self, now: float, in_flight: int) -> tuple[float, Load]:
        """Return that; `in_flight` counts the request."""


class Workers:
    """`workers` requests at a time, first come, first served; a part of the latency is the network."""

    def __init__(
        self,
        workers: int,
        service_s: Callable[[float], float],
        noise: Callable[[Random], float] = steady,
        network_s: float = 0.0,
    ) -> None:
        self._free_at = [0.0] * workers
        self._service_s, self._noise, self._network_s = service_s, noise, network_s
        self._random = seeded(1)

    def answer(self, now: float, in_flight: int) -> tuple[float, Load]:  # noqa: ARG002
        """Take the worker that is free first."""
        end = max(now, heapq.heappop(self._free_at)) + self._service_s(now) * self._noise(self._random)
        heapq.heappush(self._free_at, end)
        return end - now + self._network_s, Load.ANSWERED


@dataclass(slots=True)
class Curve:
    """Latency is a function of the requests in flight and of the time."""

    latency_s: Callable[[int, float], float]
    noise: Callable[[Random], float] = steady

    def __post_init__(self) -> None:
        self._random = seeded(1)

    _random: Random = None  # type: ignore[assignment]

    def answer(self, now: float, in_flight: int) -> tuple[float, Load]:
        """Answer after that time, give or take the noise."""
        return self.latency_s(in_flight, now) * self.noise(self._random), Load.ANSWERED


@dataclass(frozen=True, slots=True)
class Run:
    """What a limit has made of a platform."""

    rate: float
    """Answered requests per second."""
    in_flight: float
    """Requests in flight, on average over time: those that are served, and the queue."""
    limits: list[int]
    """The limit at each second."""


def run(
    limit: ConcurrencyLimit,
    platform: Platform,
    until_s: float,
    *,
    from_s: float = 0.0,
    demand: Callable[[float], int] = lambda _: 1_000_000,
) -> Run:
    """Send to the platform until `until_s`; measure from `from_s` on."""
    now, in_flight, sent, answered, area = 0.0, 0, 0, 0, 0.0
    replies: list[tuple[float, int, int, float, Load]] = []
    limits: list[int] = []
    while now < until_s:
        while in_flight < min(limit.limit, demand(now)):
            in_flight += 1
            sent += 1
            ticket = limit.begin(in_flight, now)
            seconds, load = platform.answer(now, in_flight)
            heapq.heappush(replies, (now + seconds, sent, ticket, seconds, load))
        at, _, ticket, seconds, load = heapq.heappop(replies)
        area += in_flight * max(0.0, at - max(now, from_s))
        limits += [limit.limit] * (math.ceil(at) - math.ceil(now))
        now = at
        in_flight -= 1
        limit.end(ticket, seconds, load, now)
        answered += now >= from_s and load is Load.ANSWERED
    return Run(answered / (now - from_s), area / (now - from_s), limits)


def best_fixed(build: Callable[[], Platform], limits: Iterable[int], until_s: float) -> tuple[Run, Run]:
    """Return the run of the fixed limit with the highest rate, and of the lowest limit within 1 % of that."""
    runs = [run(FixedLimit(limit), build(), until_s, from_s=until_s / 5) for limit in limits]
    best = max(runs, key=lambda one: one.rate)
    return best, next(one for one in runs if one.rate >= 0.99 * best.rate)
