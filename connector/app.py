"""The `run` command: builds the connector from its config, runs it, stops it.

Start: the config is loaded (errors: exit 2), the admin port is bound (taken: exit 1), everything is built, then the
tasks and the Kafka thread start. After that nothing on the network ends the process: it waits, is not ready, and
`/readyz` names the remedy.
Stop, on SIGTERM, SIGINT or SIGHUP: leases are closed within `shutdown_timeout`, the group is left, exit 0. A second
SIGTERM or SIGINT exits at once, with 1. If a background task dies, its name is logged and the process exits with 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from connector import __version__
from connector.config.loading import load
from connector.core.batching import BatchLimits
from connector.core.concurrency import MAX_LIMIT
from connector.core.errors import BackgroundTaskError, ConfigError, StartError
from connector.core.events import Notice, ReasonRaised
from connector.core.membership_guard import MembershipGuard
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, Outcome, config_id
from connector.core.retry import Backoff
from connector.decode.decoding import FORMATS
from connector.decode.registry_extra import open_registry
from connector.flow.pipeline import Pipeline
from connector.flow.plan import Plan
from connector.flow.schema_gate import SchemaGate
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.kafka.dead_letter import DeadLetterSink, first_attempt
from connector.kafka.deadlines import freeze_limit_s, proof_limit_s
from connector.kafka.properties import is_kip848, validate_properties
from connector.observe.admin import build_admin
from connector.observe.admin_guard import AdminGuard, own_names
from connector.observe.health import Health, Heartbeat, silent_parts
from connector.observe.log import configure
from connector.observe.metrics import Metrics
from connector.observe.routes import RouteCounts, RouteFacts
from connector.observe.scrub import describe
from connector.observe.status import StatusReader, totals
from connector.observe.tap import Tap
from connector.runtime.clocks import call_every, wake_clocks
from connector.runtime.process import exit_unless, stop_on_signals, tune_garbage_collector
from connector.runtime.tasks import Tasks
from connector.runtime.web import bind, serve_forever
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.endpoints import ENDPOINTS
from connector.tuzhan.http_sink import HttpSink
from connector.tuzhan.token_providers import build_token_provider
from connector.workbench.tap.view import TapView

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Mapping

    from connector.config.loading import Loaded
    from connector.core.events import Emit, Event
    from connector.core.ledger import TopicCounts
    from connector.core.letters import Subject
    from connector.core.membership_guard import ClosedBy
    from connector.core.record import Record
    from connector.decode.decoding import BuildFormat
    from connector.decode.registry import SchemaRegistry
    from connector.flow.source import Source
    from connector.mapping.route import CompiledRoute
    from connector.observe.tap import EventListener
    from connector.settings.models import Config
    from connector.settings.models import Target as TargetConfig
    from connector.tuzhan.token import TokenProvider

LEAVE_MARGIN_S: Final = 5.0
"""What is kept of `shutdown_timeout` for the last commit and for leaving the group: this, at most half of it."""
EXIT_TIMEOUT_S: Final = 2.0
"""The longest time from the end of the run to the end of the process."""
DEAD_LETTER_LIMITS: Final = BatchLimits(max_records=500, max_bytes=16 << 20, max_wait_s=0.05)


def run(path: str) -> int:
    """Run the connector with the config file at `path` until it is stopped; return the exit code."""
    try:
        loaded = load(path, os.environ, validate_properties, excerpts=sys.stderr.isatty())
        for warning in loaded.warnings:
            print(warning, file=sys.stderr)  # noqa: T201 - there is no log before the config is loaded
        registry = open_registry(loaded.config)
        sock = bind(loaded.config.admin.listen)
    except ConfigError as error:
        print(*error.lines, sep="\n", file=sys.stderr)  # noqa: T201 - the same
        return 2
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the same
        return 1
    ended = threading.Event()
    try:
        return asyncio.run(_main(loaded, registry, sock, ended))
    finally:
        ended.set()


async def _main(loaded: Loaded, registry: SchemaRegistry | None, sock: socket.socket, ended: threading.Event) -> int:
    """Build, run and stop; return the exit code. `ended` must be set within EXIT_TIMEOUT_S after that."""
    app = build(loaded, sock, registry)
    code = 1
    try:
        code = await app.run()
    except BackgroundTaskError as error:
        cause = "" if error.cause is None else describe(error.cause)
        app.emit(Notice("error", str(error), {"task": error.task, "cause": cause}))
    finally:
        exit_unless(ended, EXIT_TIMEOUT_S, code)
        await app.close()
    return code


# -- building ---------------------------------------------------------------------------------------------------


def build(loaded: Loaded, sock: socket.socket, registry: SchemaRegistry | None = None) -> App:
    """Build the connector on the running event loop, each part from those before it; `sock` is the admin port.

    `registry` is what `open_registry` returns for the config.
    """
    config, loop = loaded.config, asyncio.get_running_loop()
    health, metrics, log = Health(), Metrics(), configure(config.log.format, config.log.level)
    routes = RouteCounts([_route_facts(route) for route in loaded.mapping.routes])

    listeners: list[EventListener] = [health, metrics, routes, log]

    def emit(event: Event) -> None:
        for listener in listeners:
            listener.on(event)

    tasks = Tasks()
    pipeline = Pipeline()

    def wake_targets() -> None:
        for target in outlets.targets.values():
            target.wake()

    guard = _build_guard(config, emit, wake_targets)
    outlets = build_outlets(loaded, pipeline, tasks, emit, may_start=guard.may_start)
    tokens, targets = outlets.tokens, outlets.targets

    topic_counts: dict[str, TopicCounts] = {}
    bridge = Bridge(emit, pipeline.close, topic_counts)
    consumer = ConsumerThread(config.kafka, loaded.mapping.topics, config.dead_letter_topic, bridge, guard)

    status = StatusReader(
        config_file=loaded.file,
        config_sha256=loaded.sha256,
        pipeline=pipeline,
        targets=targets,
        topics=loaded.mapping.topics,
        topic_counts=topic_counts,
        routes=routes,
        health=health,
        tokens=tokens,
        started_at=loop.time(),
    )
    heartbeat = Heartbeat()
    last_beats = {"loop": heartbeat.last, "kafka": consumer.last_beat}
    tap = Tap(lambda: TapView(loaded, reading.formats), listeners, pipeline)
    names = own_names(config.admin.listen, config.admin.allowed_hosts)
    admin = build_admin(lambda: status.read(loop.time()), metrics, health, partial(silent_parts, last_beats), tap)
    background: dict[str, Callable[[], Coroutine[object, object, None]]] = {
        "admin port": partial(serve_forever, AdminGuard(admin, names, emit), sock, tap.end),
        "heartbeat": heartbeat.run,
        "freeze guard": partial(call_every, guard.freeze_limit_s / 4, guard.check),
        "token renewal": tokens.run,
        "commits": partial(pipeline.commit_periodically, config.kafka.commit_interval),
    }
    reading = Reading(bridge, FORMATS)
    if registry is not None:
        gate = SchemaGate(bridge, registry, emit, random.Random())  # noqa: S311 - for jitter, not for security
        background["schema registry"] = gate.run
        status.held = gate.held
        reading = Reading(gate, registry.schemas.formats, registry.close)
    return App(loaded, emit, tasks, background, outlets, pipeline, bridge, consumer, status, reading)


def _route_facts(route: CompiledRoute) -> RouteFacts:
    return RouteFacts(route.name, route.target, tuple(dict.fromkeys(rule.type for rule in route.identity)))


@dataclass(frozen=True, slots=True)
class Reading:
    """What comes before the mapping: where records come from, and how their values are decoded."""

    source: Source
    formats: Mapping[str, BuildFormat]
    close: Callable[[], None] = lambda: None


def _build_guard(config: Config, emit: Emit, wake_targets: Callable[[], None]) -> MembershipGuard:
    def clocks() -> tuple[float, ...]:
        return (loop.time(), *wake_clocks())

    def on_freeze(seconds: float) -> None:
        message = "the process was frozen: nothing is sent until the group has confirmed its partitions"
        emit(Notice("warning", message, {"seconds": round(seconds, 1)}))

    def on_open(closed_by: ClosedBy) -> None:
        if closed_by == "freeze":
            emit(Notice("info", "the group has answered: sending goes on", {}))
        wake_targets()

    loop, kip848 = asyncio.get_running_loop(), is_kip848(config.kafka)
    freeze_s, proof_s = freeze_limit_s(config.kafka, kip848=kip848), proof_limit_s(config.kafka, kip848=kip848)
    return MembershipGuard(freeze_s, proof_s, clocks, on_freeze, on_open)


@dataclass(frozen=True, slots=True)
class Outlets:
    """What a pipeline sends through: the targets by name, the dead letters among them, and what they share."""

    client: PlatformClient
    tokens: TokenProvider
    """Its `run` is a background task."""
    dead_letters: DeadLetterSink
    targets: dict[str, Target]

    async def close(self) -> None:
        """Release the connections. Called after the tasks have ended."""
        self.dead_letters.close()
        await self.client.aclose()


def build_outlets(  # noqa: PLR0913 - the last two are what `run` and `replay` give differently
    loaded: Loaded,
    pipeline: Pipeline,
    tasks: Tasks,
    emit: Emit,
    subject_of: Callable[[Record], Subject] = first_attempt,
    *,
    may_start: Callable[[], bool] = lambda: True,
) -> Outlets:
    """Build the targets, which call the pipeline."""
    config = loaded.config
    max_in_flight = sum(
        MAX_LIMIT if target.max_in_flight == "auto" else target.max_in_flight for target in config.targets.values()
    )
    client = PlatformClient.build(config.platform.base_url, config.platform.request_timeout, max_in_flight)
    rng = random.Random()  # noqa: S311 - for jitter, not for security
    tokens = build_token_provider(config.platform, client, emit, rng)
    dead_letters = DeadLetterSink.build(config.kafka, config.dead_letter_topic, emit, subject_of)
    deps = TargetDependencies(
        emit=emit,
        dead_letter=pipeline.dead_letter,
        on_progress=pipeline.on_progress,
        spawn=tasks.spawn,
        pacer=Pacer(config.platform.rate_limit),
        random=rng,
        may_start=may_start,
    )
    targets = _build_targets(config, client, tokens, deps)
    targets[DEAD_LETTERS] = _build_dead_letter_target(config, dead_letters, deps)
    return Outlets(client, tokens, dead_letters, targets)


def _build_targets(
    config: Config, client: PlatformClient, tokens: TokenProvider, deps: TargetDependencies
) -> dict[str, Target]:
    """Return the targets of the platform by name."""
    return {
        name: Target(_settings(config, name, target), HttpSink(target.endpoint, client, tokens), deps)
        for name, target in config.targets.items()
    }


def _settings(config: Config, name: str, target: TargetConfig) -> TargetSettings:
    ordering = target.ordering or ENDPOINTS[target.endpoint].default_ordering
    return TargetSettings(
        name=name,
        endpoint=target.endpoint,
        limits=BatchLimits(target.batch.max_records, target.batch.max_bytes, target.batch.max_wait),
        max_in_flight=target.max_in_flight,
        max_queued=target.queue.max_records,
        max_queued_bytes=target.queue.max_bytes,
        ordered=ordering != "none",
        outcome=Outcome.DELIVERED,
        backoff=_backoff(config),
        refused_in_a_row=config.dead_letter.refused_in_a_row,
        refused_alone_for_s=config.dead_letter.refused_alone_for,
    )


def _build_dead_letter_target(config: Config, sink: DeadLetterSink, deps: TargetDependencies) -> Target:
    """Return the target of the dead letters."""
    settings = TargetSettings(
        name=DEAD_LETTERS,
        endpoint=config.dead_letter_topic,
        limits=DEAD_LETTER_LIMITS,
        max_in_flight=4,
        max_queued=20_000,
        max_queued_bytes=64 << 20,
        ordered=False,
        outcome=Outcome.DEAD_LETTERED,
        backoff=_backoff(config),
        last_resort=True,
    )
    # The rate limit is the platform's.
    return Target(settings, sink, replace(deps, pacer=Pacer(None), on_emptied=sink.on_emptied))


def _backoff(config: Config) -> Backoff:
    return Backoff(config.platform.retry.first, config.platform.retry.max)


# -- running ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class App:
    """The connector, built by `build`. `run` is called once, then `close`; both on the event loop."""

    loaded: Loaded
    emit: Emit
    tasks: Tasks
    background: Mapping[str, Callable[[], Coroutine[object, object, None]]]
    """Tasks that run as long as the process, by name."""
    outlets: Outlets
    pipeline: Pipeline
    bridge: Bridge
    consumer: ConsumerThread
    status: StatusReader
    reading: Reading

    async def run(self) -> int:
        """Run until a signal; return the exit code. Raises BackgroundTaskError if a task or the Kafka thread dies."""
        stop_requested = stop_on_signals()
        tune_garbage_collector()
        facts = {"version": __version__, "config": self.loaded.file, "sha256": self.loaded.sha256}
        self.emit(Notice("info", "started", facts))
        for name, work in self.background.items():
            self.tasks.spawn_service(work(), name=name)
        self.consumer.start()
        flow: asyncio.Future[object] = self.tasks.spawn(self._flow(), name="flow")
        stop: asyncio.Future[object] = asyncio.ensure_future(stop_requested.wait())
        ends: list[asyncio.Future[Any]] = [flow, stop, self.tasks.failure]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        self._raise_failure()
        return await self._shut_down(flow)

    async def close(self) -> None:
        """End the tasks and release the connections, whatever state the run has left them in."""
        await self.tasks.cancel()
        await self.outlets.close()
        self.reading.close()

    async def _flow(self) -> None:
        cluster_id = await self.bridge.connected()
        mapper = self.loaded.mapping.mapper(cluster_id, formats=self.reading.formats)
        self.status.kafka_connected = True
        self.status.routes.identity_invalid, self.status.routes.skipped = mapper.identity_invalid, mapper.skipped
        self.status.values_omitted = mapper.omitted
        plan = Plan(mapper, self.loaded.mapping.targets_of, self.outlets.targets, config_id(self.loaded.sha256))
        await self.pipeline.run(self.reading.source, plan)

    async def _shut_down(self, flow: asyncio.Future[object]) -> int:
        self.emit(ReasonRaised("draining", "", "none needed: the process was told to stop, and ends by itself"))
        timeout_s = self.loaded.config.shutdown_timeout
        self.bridge.stop(max(timeout_s - LEAVE_MARGIN_S, timeout_s / 2))
        await asyncio.wait([flow], timeout=timeout_s)
        if not flow.done():
            self.emit(Notice("warning", "leaving the group took too long; the session timeout will end it", {}))
        self._raise_failure()
        released = totals(self.status.read(asyncio.get_running_loop().time()))["released"]
        self.emit(Notice("info", "stopped", {"released_records": released}))
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        return 0

    def _raise_failure(self) -> None:
        if self.tasks.failure.done():
            self.tasks.failure.result()
