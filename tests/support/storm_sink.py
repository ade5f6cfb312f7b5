"""A sink that fails in every way a platform can, and asserts the rules of sending at each request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.sink import TargetState, Verdict, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from connector.core.record import Item
    from connector.flow.target import Target

FRAME = 20


@dataclass(frozen=True)
class Trouble:
    """How a `StormSink` fails."""

    seed: int
    share: float = 0.0
    """Which part of the requests fails for a while: 429, 503, a refused token, 403."""
    poison: frozenset[int] = frozenset()
    """Offsets whose items are refused, with all that is in their request."""
    cap: int = 10_000
    """Bytes of bodies above which a request is too large."""
    latency_s: float = 1.0


@dataclass(eq=False)
class Exchange:
    """One request as the sink saw it. Compared by identity."""

    items: list[Item]
    began: float
    not_up_since: float | None
    """For a probe: since when its target is down or held."""
    ended: float = 0.0
    verdict: Verdict | None = None


@dataclass
class StormSink:
    """Fails as `trouble` says. Set `target` to have the target's limits and its probes checked too."""

    trouble: Trouble
    random: Random
    target: Target | None = None
    log: list[Exchange] = field(default_factory=list)
    """All exchanges, in the order in which they began."""
    settled: list[Item] = field(default_factory=list)
    """Items that were delivered or dead-lettered, in that order."""
    under_way: list[Exchange] = field(default_factory=list)
    _ended: set[tuple[int, bytes]] = field(default_factory=set)
    must_not_send: Callable[[Item], bool] = lambda _: False
    outage: Verdict | None = None
    """The verdict of every request, while it is set."""
    token: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there is a token."""

    def __post_init__(self) -> None:
        self.token.set()

    @property
    def is_ready(self) -> bool:
        return self.token.is_set()

    async def ready(self) -> None:
        await self.token.wait()

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        return [len(item.body) + 1 for item in items]

    def request_overhead(self, params: bytes) -> int:
        return FRAME + len(params)

    async def send(self, items: Sequence[Item]) -> Verdict:
        loop = asyncio.get_running_loop()
        exchange = Exchange(list(items), loop.time(), self._not_up_since())
        self._check_rules(exchange)
        self.log.append(exchange)
        self.under_way.append(exchange)
        await asyncio.sleep(self.random.uniform(0, self.trouble.latency_s))
        self.under_way.remove(exchange)
        exchange.ended = loop.time()
        exchange.verdict = self._judge(exchange.items)
        if exchange.verdict.kind is VerdictKind.DELIVERED:
            self._end(exchange.items)
        return exchange.verdict

    def _check_rules(self, exchange: Exchange) -> None:
        assert self.token.is_set(), "sent without a token"
        assert len({one.params for one in exchange.items}) == 1, "publicParams mixed"
        assert not any(self.must_not_send(one) for one in exchange.items), "something of an ended lease was sent"
        assert self._ended.isdisjoint(map(_identity, exchange.items)), "sent after its outcome"
        if exchange.not_up_since is not None:
            assert exchange.not_up_since not in {other.not_up_since for other in self.under_way}, "two probes at once"
        if self.target is not None:
            settings = self.target.settings
            assert settings.max_in_flight == "auto" or len(self.under_way) < settings.max_in_flight
            assert len(exchange.items) <= settings.limits.max_records
            if settings.ordered:
                self._check_keys(exchange)

    def _not_up_since(self) -> float | None:
        if self.target is None or self.target.sending.state is TargetState.UP:
            return None
        return self.target.sending.since

    def _check_keys(self, exchange: Exchange) -> None:
        keys = {key for one in exchange.items for key in one.order_keys}
        busy = {key for other in self.under_way for one in other.items for key in one.order_keys}
        assert not keys & busy, "one key in two requests at once"

    def _judge(self, items: Sequence[Item]) -> Verdict:
        if self.outage is not None:
            return self.outage
        if self.random.random() < self.trouble.share:
            return self._temporary_failure()
        if sum(len(one.body) for one in items) > self.trouble.cap:
            return Verdict(VerdictKind.SPLIT, http_status=413)
        if any(one.record.offset in self.trouble.poison for one in items):
            return Verdict(VerdictKind.REFUSED, "not acceptable", http_status=200, code="400", reply='{"code":"400"}')
        return Verdict(VerdictKind.DELIVERED, http_status=200, code="200")

    def _temporary_failure(self) -> Verdict:
        kind = self.random.choice(["again", "again later", "token", "held"])
        if kind == "again later":
            return Verdict(VerdictKind.AGAIN, http_status=429, retry_after_s=self.random.uniform(0.1, 20))
        if kind == "token":
            self.token.clear()
            asyncio.get_running_loop().call_later(self.random.uniform(0, 3), self.token.set)
            return Verdict(VerdictKind.TOKEN, http_status=401)
        return Verdict(
            VerdictKind.HELD if kind == "held" else VerdictKind.AGAIN,
            http_status=403 if kind == "held" else 503,
        )

    def on_dead_letter(self, item: Item) -> None:
        """Note that its target has given an item to the dead letters."""
        assert _identity(item) not in self._ended, "dead-lettered after its outcome"
        self._end([item])

    def _end(self, items: Sequence[Item]) -> None:
        self.settled += items
        self._ended.update(map(_identity, items))


def _identity(item: Item) -> tuple[int, bytes]:
    """Tell items apart: an item that comes again with another lease is another one."""
    return id(item.record), item.body
