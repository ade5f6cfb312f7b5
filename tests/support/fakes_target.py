"""A sink that makes all the trouble there is and watches the rules while it does, and a target on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.batching import Limits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import Outcome, TopicPartition
from connector.core.retry import Backoff
from connector.core.sink import Verdict, VerdictKind
from connector.flow.target import Surroundings, Target, TargetSettings
from connector.runtime.tasks import Tasks
from tests.support.fakes_flow import TARGET, TOPIC, item, record, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from connector.core.events import Event
    from connector.core.ledger import Entry
    from connector.core.record import Item
    from connector.core.sink import Sink
    from connector.flow.delivery import Hold

FRAME = 20


@dataclass(frozen=True)
class Trouble:
    """What a storm is made of. `share` of the requests fail in a way that passes."""

    seed: int
    share: float = 0.0
    poison: frozenset[int] = frozenset()
    """Offsets whose items are refused, with all that is in their request."""
    cap: int = 10_000
    """Bytes of bodies above which a request is too large."""
    latency_s: float = 1.0


@dataclass
class Exchange:
    """One request as the sink saw it."""

    items: list[Item]
    began: float
    under_hold: Hold | None
    """The hold that it is the probe of."""
    ended: float = 0.0
    verdict: Verdict | None = None


@dataclass
class StormSink:
    """Obeys its trouble. `target` is whom to watch; `log` holds all exchanges, in the order in which they began."""

    trouble: Trouble
    random: Random
    target: Target | None = None
    log: list[Exchange] = field(default_factory=list)
    settled: list[Item] = field(default_factory=list)
    under_way: list[Exchange] = field(default_factory=list)
    suspects: set[tuple[int, bytes]] = field(default_factory=set)
    dead: Callable[[Item], bool] = lambda _: False
    """Whether an item must not be sent any more."""
    outage: Verdict | None = None
    """What every request is answered with, as long as it is set."""
    token: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.token.set()

    async def ready(self) -> None:
        await self.token.wait()

    def item_size(self, item: Item) -> int:
        return len(item.body) + 1

    def request_overhead(self, params: bytes) -> int:
        return FRAME + len(params)

    async def send(self, items: Sequence[Item]) -> Verdict:
        loop = asyncio.get_running_loop()
        hold = None if self.target is None else self.target.gate.hold
        exchange = Exchange(list(items), loop.time(), hold)
        self._watch(exchange)
        self.log.append(exchange)
        self.under_way.append(exchange)
        await asyncio.sleep(self.random.uniform(0, self.trouble.latency_s))
        self.under_way.remove(exchange)
        exchange.ended = loop.time()
        exchange.verdict = self._judge(exchange.items)
        self._note(exchange)
        return exchange.verdict

    def _watch(self, exchange: Exchange) -> None:
        assert self.token.is_set(), "sent without a token"
        assert len({one.params for one in exchange.items}) == 1, "publicParams mixed"
        assert not any(self.dead(one) for one in exchange.items), "something of an ended lease was sent"
        assert not {id(one) for one in exchange.items} & {id(one) for one in self.settled}, "sent after its outcome"
        if exchange.under_hold is not None:
            probes = [other for other in self.under_way if other.under_hold is exchange.under_hold]
            assert not probes, "two probes at once"
        if self._suspect(exchange):
            assert not any(map(self._suspect, self.under_way)), "two split parts at once"
        if self.target is not None:
            settings = self.target.settings
            assert len(self.under_way) < settings.max_in_flight
            assert len(exchange.items) <= settings.limits.max_records
            if settings.ordered:
                self._watch_keys(exchange)

    def _watch_keys(self, exchange: Exchange) -> None:
        keys = {key for one in exchange.items for key in one.order_keys}
        busy = {key for other in self.under_way for one in other.items for key in one.order_keys}
        assert not keys & busy, "one key in two requests at once"

    def _suspect(self, exchange: Exchange) -> bool:
        return any(_known_by(one) in self.suspects for one in exchange.items)

    def _judge(self, items: Sequence[Item]) -> Verdict:
        if self.outage is not None:
            return self.outage
        if self.random.random() < self.trouble.share:
            return self._passing_trouble()
        if sum(len(one.body) for one in items) > self.trouble.cap:
            return Verdict(VerdictKind.SPLIT, http_status=413)
        if any(one.record.offset in self.trouble.poison for one in items):
            return Verdict(VerdictKind.REFUSED, "not acceptable", http_status=200, code="400", reply='{"code":"400"}')
        return Verdict(VerdictKind.DELIVERED, http_status=200, code="200")

    def _passing_trouble(self) -> Verdict:
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

    def _note(self, exchange: Exchange) -> None:
        verdict = exchange.verdict
        if verdict is None or verdict.kind not in {VerdictKind.DELIVERED, VerdictKind.REFUSED, VerdictKind.SPLIT}:
            return
        if verdict.kind is VerdictKind.DELIVERED or len(exchange.items) == 1:
            self.settled += exchange.items
            self.suspects -= set(map(_known_by, exchange.items))
        else:
            self.suspects |= set(map(_known_by, exchange.items))


def _known_by(item: Item) -> tuple[int, bytes]:
    """An item of a record of one lease: what comes again with another lease is another."""
    return id(item.record), item.body


SETTINGS = TargetSettings(
    name=TARGET,
    endpoint="event/batchAdd",
    limits=Limits(max_records=10, max_bytes=1_000, max_wait_s=0.2),
    max_in_flight=3,
    max_queued=100,
    max_queued_bytes=100_000,
    ordered=False,
    outcome=Outcome.DELIVERED,
    backoff=Backoff(0.25, 30.0),
)


class Stage:
    """One target on one sink, one partition, and a list for the dead letters. Made on the event loop."""

    def __init__(self, sink: Sink, settings: TargetSettings = SETTINGS, *, rate: float | None = None) -> None:
        self.counts = TopicCounts()
        self.lease = Lease(TopicPartition(TOPIC, 0), 0, self.counts)
        self.entries: list[Entry] = []
        self.buried: list[Item] = []
        self.events: list[Event] = []
        self.progress = 0
        self.tasks = Tasks()
        self.target = Target(settings, sink, self._around(rate))
        if isinstance(sink, StormSink):
            sink.target = self.target

    def _around(self, rate: float | None) -> Surroundings:
        return Surroundings(
            emit=self.events.append,
            bury=self._bury,
            on_progress=self._on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(rate),
            random=seeded(7),
        )

    def _bury(self, item: Item, entry: Entry) -> None:
        self.buried.append(item)
        entry.settle(Outcome.DEAD_LETTERED)

    def _on_progress(self) -> None:
        self.progress += 1

    def put(
        self,
        count: int = 1,
        *,
        keys: Sequence[str] = (),
        params: bytes = b"{}",
        body: bytes = b"",
        lease: Lease | None = None,
    ) -> list[Item]:
        """Put so many new records' items."""
        put = []
        for _ in range(count):
            owner = lease or self.lease
            entry = owner.track(owner.next_offset, asyncio.get_running_loop().time())
            entry.expect(1)
            self.entries.append(entry)
            made = item(record(entry.offset, partition=owner.partition.partition), keys=keys, params=params, body=body)
            put.append(made)
            self.target.put(made, entry)
        return put

    async def done(self) -> None:
        """Wait until everything has ended; a task that died fails the test."""
        while self.target.queued:
            await asyncio.sleep(1)
            if self.tasks.failure.done():
                self.tasks.failure.result()
        await asyncio.sleep(0)
