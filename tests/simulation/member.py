"""One member of the group: the real connector, built by `connector.app.build`, in a process of the world.

Its edges are replaced: the Kafka consumer, the connections to the platform, the dead-letter producer, the mapping, the
admin port, the log. What the connector does at them is shown to the observer first.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, cast

from connector import app as connector_app
from connector import generations as connector_generations
from connector import outlets as connector_outlets
from connector.core.errors import ReloadRefusedError
from connector.core.record import Failure, Item
from connector.flow.pipeline import Pipeline
from connector.kafka import consumer as consumer_module
from connector.kafka.bridge import Bridge
from connector.observe.health import Health
from connector.settings.models import Config
from connector.tuzhan.http_sink import HttpSink
from tests.simulation.consumer import FakeConsumer
from tests.simulation.platform import FakeClient, ItemId
from tests.simulation.threads import virtual_threads_and_time
from tests.simulation.world import Process, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from connector.app import App
    from connector.core.events import Event
    from connector.core.ledger import Lease
    from connector.core.record import Record
    from connector.core.sink import Verdict
    from tests.simulation.broker import Broker
    from tests.simulation.letters import Letters
    from tests.simulation.plan import Plan, ReloadKind
    from tests.simulation.platform import Platform

TOPIC = "orders"
EVENTS, TAGS = "events", "tags"
ENDPOINTS = {EVENTS: "event/batchAdd", TAGS: "audience/tag/batchAdd"}
TAG_NAMES = (TAGS, "labels")
"""What the target of the tags may be called after a reload."""
TAG_ENDPOINTS = (ENDPOINTS[TAGS], "audience/tag/v2/batchAdd")
"""What its endpoint may be."""
FAT = 900
"""Bytes that some items have more than others."""
STOP_TIMEOUT_S = 25.0
EXIT_LIMIT_S = STOP_TIMEOUT_S + 3.0


class Observer(Protocol):
    """Sees what the members do, before it happens; raises if it must not."""

    def on_lease(self, member: Member, lease: Lease) -> None:
        """Called when a lease begins."""

    def on_records(self, member: Member, lease: Lease, records: Sequence[Record]) -> None:
        """Called when records reach the pipeline."""

    def on_mapped(self, record: Record) -> None:
        """Called when a record that has reached the pipeline is mapped: it may have waited there for room."""

    def on_send(self, member: Member, target: str, items: Sequence[Item]) -> None:
        """Called when a request begins."""

    def on_dead_letter(self, member: Member, item: Item) -> None:
        """Called when a target hands an item to the dead letters."""

    def on_verdict(self, member: Member, target: str, items: Sequence[Item], verdict: Verdict) -> None:
        """Called when a request has its verdict."""

    def on_event(self, member: Member, event: Event) -> None:
        """Called with each event that the connector emits."""


class Member(Process):
    """One process of the connector."""

    def __init__(self, world: World, name: str, surroundings: Surroundings) -> None:
        super().__init__(world, name)
        self.surroundings = surroundings
        self.app: App | None = None
        self.exit_code: int | None = None
        self.stop_requested: asyncio.Event | None = None
        self.frozen_at = self.woken_at = 0.0
        self.cut_off_since = math.inf
        self.health = Health()
        self.ready = False
        self.told_at = math.inf
        """When it was told to stop first."""
        self._generation = Generation()

    @property
    def hears_its_group(self) -> bool:
        """Whether the group's coordinator can answer it."""
        return not self.frozen and self.cut_off_since == math.inf

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self.alive and self.exit_code is None

    def start(self) -> None:
        """Start the process."""
        self.world.note(f"{self.name} starts")
        self.loop.create_task(self._main(), name="main")

    def request_stop(self) -> None:
        """Send SIGTERM."""
        self.world.note(f"{self.name} is told to stop")
        self.told_at = min(self.told_at, self.world.now)
        if self.stop_requested is not None:
            self.loop.call_soon_threadsafe(self.stop_requested.set)
            self.world.after(EXIT_LIMIT_S, self._check_exit)
        else:
            self.world.after(0.01, self.request_stop)

    def reload(self, kind: ReloadKind) -> None:
        """Let another config take over; while there is no plan yet, or there will be none any more, none does."""
        self.loop.call_soon_threadsafe(self._reload, kind)

    def _reload(self, kind: ReloadKind) -> None:
        if self.app is not None:
            following = self._generation.after(kind)
            loaded = _loaded(self.surroundings.plan, following)
            self.app.tasks.spawn(self._take_over(self.app, following, loaded), name="reload")

    async def _take_over(self, app: App, following: Generation, loaded: object) -> None:
        try:
            told = await app.generations.take_over(cast("Any", loaded))
        except ReloadRefusedError as refused:
            self.world.note(f"{self.name} refuses: {refused}")
        else:
            self._generation = following
            self.world.note(f"{self.name} goes on by {following}: {told}")

    def _check_exit(self) -> None:
        if self.running and self.woken_at < self.world.now - EXIT_LIMIT_S and not self.frozen:
            self.violate(f"a stop takes longer than {EXIT_LIMIT_S:.0f} s")

    def freeze(self) -> None:
        """Send SIGSTOP."""
        self.world.note(f"{self.name} is frozen")
        self.frozen, self.frozen_at = True, self.world.now
        for client in self._clients():
            self.surroundings.broker.watch_client(client)

    def wake(self) -> None:
        """Send SIGCONT."""
        if self.frozen:
            self.world.note(f"{self.name} wakes")
            self.frozen, self.woken_at = False, self.world.now
            for client in self._clients():
                client.on_wake(self.world.now - self.frozen_at)

    def cut_off(self) -> None:
        """Keep the group's coordinator from answering."""
        self.world.note(f"{self.name} is cut off from its group")
        self.cut_off_since = self.world.now
        for client in self._clients():
            client.cut_off = True
            self.surroundings.broker.watch_client(client)

    def restore(self) -> None:
        """Let the group's coordinator answer again."""
        if self.cut_off_since < math.inf:
            self.world.note(f"{self.name} is no longer cut off from its group")
            self.cut_off_since, self.woken_at = math.inf, self.world.now
            for client in self._clients():
                client.on_restored()

    def kill(self) -> None:
        clients = self._clients()
        super().kill()
        for client in clients:
            self.surroundings.broker.watch_client(client)
            self.surroundings.broker.clients.remove(client)

    def _clients(self) -> list[FakeConsumer]:
        clients = cast("list[FakeConsumer]", self.surroundings.broker.clients)
        return [client for client in clients if client.process is self]

    async def _main(self) -> None:
        built = connector_app.build(cast("Any", self.surroundings.loaded), cast("Any", None))
        built.background = {
            name: work for name, work in built.background.items() if name not in {"admin port", "heartbeat"}
        }
        self.app = built
        code = await built.run()
        await built.close()
        self.exit_code = code
        self.world.note(f"{self.name} ends with {code}")


class Surroundings:
    """What all members of one simulation share."""

    def __init__(self, plan: Plan, broker: Broker, platform: Platform, letters: Letters, observer: Observer) -> None:
        self.plan = plan
        self.broker = broker
        self.platform = platform
        self.letters = letters
        self.observer = observer
        self.loaded = _loaded(plan, Generation())


@dataclass(frozen=True)
class Generation:
    """What differs between the configs of one member."""

    number: int = 1
    tags: str = TAGS
    endpoint: str = ENDPOINTS[TAGS]
    settings: int = 0
    platform: int = 0

    def after(self, kind: ReloadKind) -> Generation:
        """Return the next one."""
        following = replace(self, number=self.number + 1)
        match kind:
            case "settings":
                return replace(following, settings=following.number)
            case "platform":
                return replace(following, platform=following.number)
            case "rename":
                return replace(following, tags=next(name for name in TAG_NAMES if name != self.tags))
            case "endpoint":
                return replace(following, endpoint=next(one for one in TAG_ENDPOINTS if one != self.endpoint))
            case "same":
                return following


def _loaded(plan: Plan, generation: Generation) -> SimpleNamespace:
    config, mapping = _config(plan, generation), WordMapping(generation.tags)
    return SimpleNamespace(file="", sha256=f"{generation.number:064x}", config=config, mapping=mapping, seen={})


def _config(plan: Plan, generation: Generation) -> Config:
    max_records, max_in_flight = plan.max_records, plan.max_in_flight
    if generation.settings:
        max_records, max_in_flight = 1 + generation.settings % 7, 1 + generation.settings % 3
    batch = {"max_records": max_records, "max_bytes": "3KiB", "max_wait": "200ms"}
    target = {"batch": batch, "max_in_flight": max_in_flight, "queue": {"max_records": plan.max_queued}}
    endpoints = {EVENTS: ENDPOINTS[EVENTS], generation.tags: generation.endpoint}
    identity = [{"openId": "x"}]
    strategy = "range" if plan.eager else "cooperative-sticky"
    return Config.model_validate(
        {
            "kafka": {
                "bootstrap_servers": "localhost:1",
                "group_id": "group",
                "start_from": plan.start_from,
                "commit_interval": f"{int(plan.commit_every_s * 1000)}ms",
                "properties": {
                    "partition.assignment.strategy": strategy,
                    "session.timeout.ms": int(plan.session_s * 1000),
                },
            },
            "platform": {
                "auth": {"app_id": "a", "app_secret": "s"},
                "request_timeout": f"{int(plan.request_timeout_s * 1000)}ms",
                "retry": {"first": f"{250 + generation.platform}ms"},
            },
            "targets": {name: {"endpoint": endpoint, **target} for name, endpoint in endpoints.items()},
            "routes": [
                {"name": "r", "topics": [TOPIC], "to": EVENTS, "identity": identity, "event_key": "k"},
                {"name": "t", "topics": [TOPIC], "to": generation.tags, "identity": identity},
            ],
            "dead_letter": {
                "refused_in_a_row": plan.refused_in_a_row,
                "refused_alone_for": f"{int(plan.refused_alone_for_s)}s",
            },
            "shutdown_timeout": f"{STOP_TIMEOUT_S:.0f}s",
        }
    )


class WordMapping:
    """In place of the compiled mapping: reads a record's value as a word of letters (see plan.py)."""

    topics = (TOPIC,)
    routes = ()
    """None that is listed: the observer counts."""

    def __init__(self, tags: str) -> None:
        self._tags = tags
        self.identity_invalid: dict[tuple[str, str], int] = {}
        self.omitted: dict[tuple[str, str], int] = {}
        self.skipped: dict[tuple[str, str], int] = {}

    def targets_of(self, topic: str) -> list[str]:
        """Return all targets."""
        del topic
        return [EVENTS, self._tags]

    def mapper(self, cluster_id: str, *, formats: object) -> WordMapping:
        """Return itself."""
        del formats
        assert cluster_id in {"cluster", ""}, "empty if it was stopped before"
        return self

    def of_topic(self, topic: str) -> Callable[[Record], Sequence[Item]]:
        """Return `items`."""
        del topic
        return self.items

    def items(self, record: Record) -> list[Item]:
        """Return one item for each letter."""
        _member().surroundings.observer.on_mapped(record)
        word = (record.value or b"").decode()
        return [_item(record, place, letter, self._tags) for place, letter in enumerate(word)]

    def count_on(self, earlier: WordMapping) -> None:
        """Ignore what an earlier one has counted: nothing is."""


def keys_of(item: ItemId) -> tuple[str, ...]:
    """Return the identities of an ordered item."""
    if item.letter not in "tTuvS":
        return ()
    if item.letter == "v":
        return (f"v{item.partition}-{item.offset}",)
    first = f"c{item.partition}-{item.offset % 4}"
    return (first, f"c{item.partition}-{(item.offset + 1) % 4}") if item.letter == "u" else (first,)


def item_id(item: Item) -> ItemId:
    """Return what identifies an item: it stands at the beginning of its body, or in its record."""
    place, letter = item.route.split("/")
    return ItemId(item.record.partition, item.record.offset, int(place), letter)


def _item(record: Record, place: int, letter: str, tags: str) -> Item:
    ident = ItemId(record.partition, record.offset, place, letter)
    route = f"{place}/{letter}"
    if letter == "d":
        return Item("dead-letters", route, b"", b"", (), record, Failure("identity_missing"))
    fat = 5_000 if letter == "L" else 0 if record.offset % 5 else FAT
    body = b'{"id":[%d,%d,%d,"%s"],"pad":"%s"}' % (*ident[:3], letter.encode(), b"." * fat)
    ordered = letter in "tTuvS"
    params = (b'{"add":1}' if record.offset % 3 else b'{"delete":1}') if ordered else b"{}"
    return Item(tags if ordered else EVENTS, route, body, params, keys_of(ident), record)


# -- the replaced edges -------------------------------------------------------------------------------------------


def _member() -> Member:
    member = World.current.running
    assert isinstance(member, Member)
    return member


class ObservedBridge(Bridge):
    """Shows the leases and the records that reach the pipeline."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.member = _member()

    def new_lease_from_thread(self, *arguments: Any, **named: Any) -> Lease:
        lease = super().new_lease_from_thread(*arguments, **named)
        self.member.surroundings.observer.on_lease(self.member, lease)
        return lease

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        async for lease, records in super().__aiter__():
            self.member.surroundings.observer.on_records(self.member, lease, records)
            yield lease, records


class ObservedPipeline(Pipeline):
    """Shows what is handed to the dead letters."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._member = _member()

    def dead_letter(self, item: Item, lease: Lease) -> None:
        self._member.surroundings.observer.on_dead_letter(self._member, item)
        super().dead_letter(item, lease)


class ObservedSink(HttpSink):
    """Shows each request and its verdict."""

    def __init__(self, path: str, *arguments: Any, **named: Any) -> None:
        super().__init__(path, *arguments, **named)
        self._member = _member()
        self._name = TAGS if path in TAG_ENDPOINTS else EVENTS

    async def send(self, items: Sequence[Item]) -> Verdict:
        observer = self._member.surroundings.observer
        observer.on_send(self._member, self._name, items)
        verdict = await super().send(items)
        observer.on_verdict(self._member, self._name, items, verdict)
        return verdict


class _EventObserver:
    """In place of the log: a listener of events."""

    def __init__(self) -> None:
        self._member = _member()

    def on(self, event: Event) -> None:
        self._member.health.on(event)
        self._member.surroundings.observer.on_event(self._member, event)


def _client(*_: object, **__: object) -> FakeClient:
    member = _member()
    return FakeClient(member, member.surroundings.platform, member.surroundings.plan.request_timeout_s)


async def _to_thread(call: Callable[..., object], *arguments: object) -> object:
    await asyncio.sleep(World.current.random.uniform(0.0, 0.3))
    return call(*arguments)


def _stop_on_signals(**_: object) -> asyncio.Event:
    member = _member()
    member.stop_requested = asyncio.Event()
    return member.stop_requested


def _consumer(properties: dict[str, Any], **_: object) -> FakeConsumer:
    member = _member()
    return FakeConsumer(member, member.surroundings.broker, properties)


class _Undiagnosed:
    """In place of the look at what listens at the bootstrap servers: it finds nothing."""

    servers: tuple[str, ...] = ()
    bootstrap_answers = False

    def remedy(self, now: float) -> str:
        """Return nothing."""
        del now
        return ""

    def forget(self) -> None:
        """Do nothing."""


def _replacements() -> list[tuple[Any, str, object]]:
    app: Any = connector_app
    outlets: Any = connector_outlets
    return [
        (consumer_module, "Consumer", _consumer),
        (consumer_module, "BrokerDiagnosis", lambda _: _Undiagnosed()),
        (outlets, "PlatformClient", SimpleNamespace(build=_client)),
        (outlets, "DeadLetterSink", SimpleNamespace(build=lambda *_: _member().surroundings.letters.sink(_member()))),
        (app, "Bridge", ObservedBridge),
        (app, "Pipeline", ObservedPipeline),
        (outlets, "HttpSink", ObservedSink),
        (app, "configure", lambda *_, **__: _EventObserver()),
        (app, "Metrics", lambda: SimpleNamespace(on=lambda _: None)),
        (app, "stop_on_signals", _stop_on_signals),
        (app, "tune_garbage_collector", lambda: None),
        (app, "build_admin", lambda *_, **__: None),
        (asyncio, "to_thread", _to_thread),
        (connector_generations, "collect_garbage", lambda: None),
        (app, "wake_clocks", lambda: (World.current.now,)),
        (app, "random", SimpleNamespace(Random=lambda: World.current.random)),
        (outlets, "random", SimpleNamespace(Random=lambda: World.current.random)),
        *virtual_threads_and_time(),
    ]


@contextlib.contextmanager
def replaced_edges() -> Iterator[None]:
    """Replace the connector's edges, its threads and its time while simulations run."""
    replacements = _replacements()
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in replacements]
    for owner, name, replacement in replacements:
        setattr(owner, name, replacement)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
