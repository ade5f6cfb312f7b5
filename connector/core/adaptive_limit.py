"""How many requests of a target may be on the wire: as many as bring more throughput. No clock, no I/O.

The limit climbs the platform's throughput, by stochastic approximation (Kiefer and Wolfowitz). By Little's law
a target that keeps `n` requests in flight, each answered after `t` seconds, sends `n / t` of them per second. So how
latency changes with the limit tells how throughput does, whatever the latency itself is: there is no latency without
load to remember, which goes stale (Vegas, BBR) or drifts upwards with the queue (Netflix's gradient2, Vector's adaptive
request concurrency).

The rules
1. Rounds come in fours, around the `centre`: a low limit, a high one, high, low; so a latency that rises or falls by
   itself cancels out. While the centre goes up fast, a low one and a high one do. At the end, the gain is
   `1 - ln(latency ratio) / ln(limit ratio)`: 1 where more requests bring as much more throughput, 0 where they only
   wait in a longer queue, below 0 where they are in each other's way.
2. The centre goes up where the gain is more than WORTHWHILE, else down: the farther, the greater the difference, the
   less the latencies scatter, and the longer it has gone that way. After a small step it rests for HOLDS rounds; not
   when latency has changed, as the platform may have.
3. Only requests count that found the limit used up: a limit that nothing has reached is not known to be right or wrong,
   and stays. The first replies of a round belong to the queue that the last one left, and do not count.
4. A reply that speaks of overload (429, 503) lowers the limit at once; requests that were on the wire then do not lower
   it again. For WARY_S it stays below what was too much. If a quarter of a round has failed in any other way, the limit
   is lowered too. Replies that tell nothing of the load are passed over, and so is the failure of a request that was
   alone: the probes of an outage. As many as before it are sent when it is over.
5. A reply that comes after its round has ended does not count: so one that takes very long changes nothing.

Example: a platform of 32 workers, 20 ms each; the centre is 8.

    6 and 10 in flight take 20 ms, gain 1                   the centre becomes 11, 14, 19, 26, 35
    28 take 20 ms, 42 take 26 ms, gain 0.29                 44
    36 take 23 ms, 53 take 34 ms, gain -0.03                49: it still had swing; it rests
    41 take 27 ms, 60 take 38 ms, gain 0.08                 49: it stays near there, with half a queue
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Final, Literal

from connector.core.concurrency import DEFAULT_LIMIT, MAX_LIMIT, FixedLimit, Load

if TYPE_CHECKING:
    from connector.core.concurrency import ConcurrencyLimit

SPREAD: Final = 1.2
"""The high limit is the centre times this, the low one the centre divided by it."""
WORTHWHILE: Final = 0.1
"""So the throughput given away is small, and so is the queue."""
DOWNWARD: Final = 1.2
"""How much stronger the pull is downwards, where the gain is at most WORTHWHILE away."""
STRIDE: Final = 0.3
"""The change of the centre's logarithm for a pull of 1."""
INERTIA: Final = 0.6
"""What is left of a pull when the next one is added: noise cancels out, a weak pull that lasts becomes a strong one."""
HURRY: Final = 0.7
"""A pull so strong needs no more than one low round and one high one."""
NOISE: Final = 0.3
"""The standard error of a gain at which its pull is half as strong."""
HOLDS: Final = 12
RESTFUL: Final = 0.05
"""After a longer step, the centre does not rest: the platform has changed."""
CHANGED: Final = 1.5
"""A ratio of latencies at which the rest is over, for RESTLESS cycles."""
RESTLESS: Final = 12
MIN_REPLIES: Final = 16
"""Of a round: these, and twice its limit; and up to MAX_REPLIES as long as their mean is not PRECISE."""
MAX_REPLIES: Final = 64
PRECISE: Final = 0.06
"""A relative standard error."""
LOWERED: Final = 0.7
WARY_OF: Final = 0.9
WARY_S: Final = 30.0
FAILED_SHARE: Final = 0.25
MIN_FAILED: Final = 4
STALE_S: Final = 30.0
"""Rounds between which nothing counted for so long are not compared."""
SHORTEST_S: Final = 1e-6


def concurrency_limit(max_in_flight: int | Literal["auto"]) -> ConcurrencyLimit:
    """Return the limit that the config asks for."""
    return AdaptiveLimit() if max_in_flight == "auto" else FixedLimit(max_in_flight)


@dataclass(slots=True)
class _Round:
    """Requests that were sent under one limit."""

    limit: int
    settling: int
    """Replies that are still to come from the queue that the last round left."""
    latencies: list[float] = field(default_factory=list)
    """Of the requests that count."""
    replies: int = 0
    failed: int = 0
    _sum: float = 0.0
    _squares: float = 0.0

    def add(self, seconds: float) -> None:
        self.latencies.append(seconds)
        self._sum += seconds
        self._squares += seconds * seconds

    @property
    def is_done(self) -> bool:
        count = len(self.latencies)
        if count < max(MIN_REPLIES, 2 * self.limit):
            return False
        relative_variance = self._squares / self._sum**2 - 1 / count  # of the mean
        return count >= MAX_REPLIES or relative_variance <= PRECISE**2

    @property
    def has_failed(self) -> bool:
        return self.failed >= max(MIN_FAILED, FAILED_SHARE * self.replies)


class AdaptiveLimit:
    """The limit of one target, as long as it lives; see the top of the file."""

    def __init__(self, first: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> None:
        self._centre = float(min(first, most))
        self._most = most
        self._on_wire = 0
        self._last = -math.inf
        """When a request that counts was sent."""
        self._pull = 0.0
        self._too_many = math.inf
        self._wary_until = -math.inf
        self._number = 0
        """Of the round. A request's ticket is the number of the round that its queue belongs to, negated if the request
        does not count."""
        self._lowered_at = 0
        """Requests of earlier rounds do not lower the limit again."""
        self._latency_s = 0.0
        """What the last rounds around the centre have measured; 0: nothing yet."""
        self._restless = 0
        """For how many cycles there is no rest."""
        self._start_cycle()

    @property
    def limit(self) -> int:
        """The limit of the round."""
        return self._round.limit

    def begin(self, in_flight: int, now: float) -> int:
        """Return what `end` is to be given for a request that is sent now; `in_flight` counts it too."""
        self._on_wire = in_flight
        is_used_up = in_flight >= self._round.limit
        if is_used_up:
            if now - self._last > STALE_S:
                self._start_cycle()
            self._last = now
        if self._round.settling:
            return 1 - self._number
        return self._number if is_used_up else -self._number

    def end(self, ticket: int, seconds: float, load: Load, now: float) -> None:
        """Called when a request has got its reply after `seconds`, or failed."""
        self._on_wire -= 1
        current = self._round
        current.settling = max(0, current.settling - 1)
        is_alone = not self._on_wire
        if load is Load.UNKNOWN or abs(ticket) < self._lowered_at or (is_alone and load is not Load.ANSWERED):
            return
        current.replies += 1
        if load is Load.OVERLOADED:
            self._too_many, self._wary_until = self._on_wire + 1, now + WARY_S
            self._lower()
        elif load is Load.FAILED:
            current.failed += 1
            if current.has_failed:
                self._lower()
        elif ticket == self._number:
            current.add(max(seconds, SHORTEST_S))
            if current.is_done:
                self._end_round(now)

    def _lower(self) -> None:
        self._centre = max(1.0, LOWERED * min(self._centre, self._on_wire + 1))
        self._pull = 0.0
        self._start_cycle()
        self._lowered_at = self._number

    def _end_round(self, now: float) -> None:
        is_hold = len(self._plan) >= self._to_compare
        if is_hold and self._notice_change(fmean(self._round.latencies)):
            self._start_cycle()
            return
        if not is_hold:
            self._latencies.setdefault(self._round.limit, []).extend(self._round.latencies)
        if self._plan:
            self._start_round()
            return
        self._pull = min(max(-1.0, INERTIA * self._pull + self._measured_pull()), 1.0)
        if now >= self._wary_until:
            self._too_many = math.inf
        before = self._centre
        self._centre = min(max(1.0, before * math.exp(STRIDE * self._pull)), self._top)
        rests = abs(math.log(self._centre / before)) < RESTFUL and not self._restless
        self._restless = max(0, self._restless - 1)
        self._start_cycle(holds=HOLDS if rests else 0)

    @property
    def _top(self) -> int:
        return self._most if math.isinf(self._too_many) else min(self._most, max(1, int(WARY_OF * self._too_many)))

    def _notice_change(self, latency_s: float) -> bool:
        """Return whether latency is another than it was; if so, there is no rest for a while."""
        changed = not self._latency_s / CHANGED <= latency_s <= self._latency_s * CHANGED
        if changed and self._latency_s:
            self._restless = RESTLESS
        return changed

    def _measured_pull(self) -> float:
        """Return where the latencies pull the centre: from -1, down, to 1."""
        (low, low_mean, low_error), (high, high_mean, high_error) = sorted(
            (limit, *_mean(latencies)) for limit, latencies in self._latencies.items()
        )
        self._notice_change((low_mean + high_mean) / 2)
        self._latency_s = (low_mean + high_mean) / 2
        span = math.log(high / low)
        excess = 1 - math.log(high_mean / low_mean) / span - WORTHWHILE
        pull = excess if excess > 0 else DOWNWARD * excess
        return min(max(pull, -1.0), 1.0) / (1 + (math.hypot(low_error, high_error) / span / NOISE) ** 2)

    def _start_cycle(self, holds: int = 0) -> None:
        """Plan rounds around the centre, after some at it."""
        high = max(2, min(self._top, math.ceil(self._centre * SPREAD)))
        low = min(max(1, int(self._centre / SPREAD)), high - 1)
        to_compare = [high, low] if self._pull > HURRY else [low, high, high, low]
        self._to_compare = len(to_compare)
        """The rounds at the end of a cycle whose latencies are compared."""
        self._latencies: dict[int, list[float]] = {}
        """Of these rounds, by their limit."""
        self._plan = [*to_compare, *[min(high, round(self._centre))] * holds]
        """The limits of the rounds that follow, the next one last."""
        self._start_round()

    def _start_round(self) -> None:
        self._number += 1
        self._round = _Round(self._plan.pop(), self._on_wire)


def _mean(latencies: list[float]) -> tuple[float, float]:
    """Return the mean and its relative standard error."""
    mean = fmean(latencies)
    variance = fmean([(each - mean) ** 2 for each in latencies])
    return mean, math.sqrt(variance / len(latencies)) / mean
