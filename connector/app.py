"""The `run` command: builds the connector from its config, runs it, stops it.

Start: the config is loaded (errors: exit 2), the admin port is bound (taken: exit 1), everything is built, then the
tasks and the Kafka thread start. After that nothing on the network ends the process: it waits, is not ready, and
`/readyz` names the remedy.
Reload, on SIGHUP: see `reloading/reloader.py` and `generations.py`.
Stop, on SIGTERM, on SIGINT, or when the terminal is gone: leases are closed within `shutdown_timeout`, the group is
left, exit 0. A second SIGTERM or SIGINT exits at once, with 1. If a background task dies, its name is logged and the
process exits with 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from connector import __version__
from connector.config.loading import check, load
from connector.core.errors import BackgroundTaskError, ConfigError, StartError
from connector.core.events import Notice, ReasonRaised
from connector.core.membership_guard import MembershipGuard
from connector.decode.decoding import FORMATS
from connector.decode.registry_extra import open_registry
from connector.flow.pipeline import Pipeline
from connector.flow.schema_gate import SchemaGate
from connector.generations import Generations, route_facts
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.kafka.deadlines import freeze_limit_s, proof_limit_s
from connector.kafka.properties import is_kip848, validate_properties
from connector.language.choice import chosen
from connector.language.message import in_language, message
from connector.observe.admin import Streams, build_admin
from connector.observe.admin_guard import AdminGuard, own_names
from connector.observe.health import Health, Heartbeat, silent_parts
from connector.observe.last_requests import LastRequests
from connector.observe.live import Live
from connector.observe.log import configure
from connector.observe.metrics import Metrics
from connector.observe.routes import RouteCounts
from connector.observe.scrub import describe
from connector.observe.snapshot import readiness_line
from connector.observe.status import ConfigFacts, StatusReader, totals
from connector.observe.tap import Tap
from connector.observe.tracing_extra import open_tracing
from connector.outlets import build_outlets
from connector.reloading.reloader import Reloader
from connector.runtime.clocks import call_every, wake_clocks
from connector.runtime.process import Hangups, exit_unless, reload_on_hangup, stop_on_signals, tune_garbage_collector
from connector.runtime.service_manager import notifications
from connector.runtime.tasks import Tasks
from connector.runtime.web import bind, serve_forever
from connector.workbench.tap.view import TapView

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Mapping

    from connector.config.loading import Loaded
    from connector.core.events import Emit, Event
    from connector.core.ledger import TopicCounts
    from connector.core.membership_guard import ClosedBy
    from connector.decode.decoding import BuildFormat
    from connector.decode.registry import SchemaRegistry
    from connector.flow.source import Source
    from connector.language.choice import Language
    from connector.observe.log_lines import Log
    from connector.observe.snapshot import Status
    from connector.observe.tap import EventListener
    from connector.observe.terminal import Terminal
    from connector.observe.tracing import Tracing
    from connector.settings.models import Config
    from connector.settings.models import Log as LogSettings

LEAVE_MARGIN_S: Final = 5.0
"""What is kept of `shutdown_timeout` for the last commit and for leaving the group: this, at most half of it."""
EXIT_TIMEOUT_S: Final = 2.0
"""The longest time from the end of the run to the end of the process."""


def run(path: str, hangups: Hangups | None = None, *, watch: bool = False) -> int:
    """Run the connector with the config file at `path` until it is stopped; return the exit code.

    With `hangups`, SIGHUP has it read again; with `watch`, so has a change of it, or of a file that it names.
    """
    language = chosen(os.environ)
    try:
        loaded = load(path, os.environ, validate_properties, excerpts=sys.stderr.isatty())
        for warning in loaded.warnings:
            print(in_language(warning, language), file=sys.stderr)  # noqa: T201 - there is no log before the config is loaded
        registry = open_registry(loaded.config)
        tracing = open_tracing(os.environ)
        sock = bind(loaded.config.admin.listen)
    except ConfigError as error:
        print(*(in_language(line, language) for line in error.lines), sep="\n", file=sys.stderr)  # noqa: T201 - the same
        return 2
    except StartError as error:
        print(in_language(error.told, language), file=sys.stderr)  # noqa: T201 - the same
        return 1
    ended = threading.Event()
    try:
        build_app = partial(build, loaded, sock, registry, tracing=tracing, watch=watch)
        return asyncio.run(_main(build_app, hangups, ended, tracing))
    finally:
        if hangups is not None:
            hangups.end()
        ended.set()


async def _main(
    build_app: Callable[[], App], hangups: Hangups | None, ended: threading.Event, tracing: Tracing | None
) -> int:
    """Build, run and stop; return the exit code. `ended` must be set within EXIT_TIMEOUT_S after that."""
    app = build_app()
    code = 1
    try:
        code = await app.run(hangups)
    except BackgroundTaskError as error:
        cause = "" if error.cause is None else describe(error.cause)
        app.emit(Notice("error", str(error), {"task": error.task, "cause": cause}))
    finally:
        if tracing is not None:
            await tracing.close()
        exit_unless(ended, EXIT_TIMEOUT_S, code)
        await app.close()
    return code


# -- building ---------------------------------------------------------------------------------------------------


def build(
    loaded: Loaded,
    sock: socket.socket,
    registry: SchemaRegistry | None = None,
    *,
    tracing: Tracing | None = None,
    watch: bool = False,
) -> App:
    """Build the connector on the running event loop, each part from those before it; `sock` is the admin port.

    `registry` is what `open_registry` returns for the config, `tracing` what `open_tracing` does. With `watch`, changes
    of the config's files are noticed.
    """
    config, loop = loaded.config, asyncio.get_running_loop()
    language = chosen(os.environ)
    terminal = _open_terminal(config.log, language)
    open_log = partial(_open_log, terminal=terminal, language=language)
    health, metrics, log = Health(), Metrics(), open_log(config.log)
    routes, facts = RouteCounts(route_facts(loaded.mapping)), ConfigFacts(loaded.file, loaded.sha256)

    requests = LastRequests()
    listeners: list[EventListener] = [health, metrics, routes, facts, requests, log]

    def emit(event: Event) -> None:
        for listener in listeners:
            listener.on(event)

    tasks = Tasks()
    pipeline = Pipeline()

    def wake_targets() -> None:
        outlets.wake()

    guard = _build_guard(config, emit, wake_targets)
    outlets = build_outlets(config, pipeline, tasks, emit, may_start=guard.may_start, tracing=tracing)

    topic_counts: dict[str, TopicCounts] = {}
    bridge = Bridge(emit, pipeline.close, topic_counts)
    consumer = ConsumerThread(config.kafka, loaded.mapping.topics, config.dead_letter_topic, bridge, guard)

    status = StatusReader(
        config=facts,
        pipeline=pipeline,
        targets=outlets.targets,
        topics=loaded.mapping.topics,
        topic_counts=topic_counts,
        routes=routes,
        health=health,
        tokens=outlets.access.provider,
        started_at=loop.time(),
    )
    heartbeat = Heartbeat()
    last_beats = {"loop": heartbeat.last, "kafka": consumer.last_beat}
    tap = Tap(lambda: TapView(generations.loaded, reading.formats), listeners, pipeline)
    names = own_names(config.admin.listen, config.admin.allowed_hosts)

    def snapshot() -> Status:
        return status.read(loop.time())

    streams = Streams(tap, Live(snapshot, requests))
    admin = build_admin(snapshot, metrics, health, partial(silent_parts, last_beats), streams, language=language)
    background: dict[str, Callable[[], Coroutine[object, object, None]]] = {
        "admin port": partial(serve_forever, AdminGuard(admin, names, emit), sock, streams.end),
        "status page": streams.live.watch,
        "heartbeat": heartbeat.run,
        "freeze guard": partial(call_every, guard.freeze_limit_s / 4, guard.check),
        "token renewal": outlets.access.run,
        "commits": partial(pipeline.commit_periodically, config.kafka.commit_interval),
    }
    reading = Reading(bridge, FORMATS)
    if registry is not None:
        gate = SchemaGate(bridge, registry, emit, random.Random())  # noqa: S311 - for jitter, not for security
        background["schema registry"] = gate.run
        status.held = gate.held
        reading = Reading(gate, registry.schemas.formats, registry.close)
    generations = Generations(loaded, outlets, pipeline, status, log, open_log, reading.formats, bridge.subscribe)
    read = partial(check, loaded.file, os.environ, validate_properties)
    reloader = Reloader(loaded, read, generations.take_over, emit, watch=watch)
    background["config reload"] = reloader.run
    if terminal is not None:
        background["terminal"] = partial(terminal.show, snapshot)
    background |= notifications(os.environ, partial(silent_parts, last_beats), lambda: readiness_line(health.reasons))
    return App(generations, emit, tasks, background, reloader, bridge, consumer, reading)


@dataclass(frozen=True, slots=True)
class Reading:
    """What comes before the mapping: where records come from, and how their values are decoded."""

    source: Source
    formats: Mapping[str, BuildFormat]
    close: Callable[[], None] = lambda: None


def _open_terminal(settings: LogSettings, language: Language) -> Terminal | None:
    """Return what shows a summary instead of the log; None if the config says how to log, or nobody looks."""
    if settings.model_fields_set or not (sys.stderr.isatty() and sys.stdin.isatty()):
        return None
    from connector.observe.terminal import Terminal, wants_summary  # noqa: PLC0415 - a service does not need it

    return Terminal(language=language) if wants_summary() else None


def _open_log(settings: LogSettings, terminal: Terminal | None, language: Language) -> Log:
    """Return the log; of one on a terminal with a summary only warnings and errors are written, for people."""
    if terminal is None or settings.model_fields_set:
        return configure(settings.format, settings.level, language=language)
    return configure("text", "warning", terminal, language)


def _build_guard(config: Config, emit: Emit, wake_targets: Callable[[], None]) -> MembershipGuard:
    def clocks() -> tuple[float, ...]:
        return (loop.time(), *wake_clocks())

    def on_freeze(seconds: float) -> None:
        told = "the process was frozen: nothing is sent until the group has confirmed its partitions"
        emit(Notice("warning", told, {"seconds": round(seconds, 1)}))

    def on_open(closed_by: ClosedBy) -> None:
        if closed_by == "freeze":
            emit(Notice("info", "the group has answered: sending goes on", {}))
        wake_targets()

    loop, kip848 = asyncio.get_running_loop(), is_kip848(config.kafka)
    freeze_s, proof_s = freeze_limit_s(config.kafka, kip848=kip848), proof_limit_s(config.kafka, kip848=kip848)
    return MembershipGuard(freeze_s, proof_s, clocks, on_freeze, on_open)


# -- running ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class App:
    """The connector, built by `build`. `run` is called once, then `close`; both on the event loop."""

    generations: Generations
    emit: Emit
    tasks: Tasks
    background: Mapping[str, Callable[[], Coroutine[object, object, None]]]
    """Tasks that run as long as the process, by name."""
    reloader: Reloader
    bridge: Bridge
    consumer: ConsumerThread
    reading: Reading

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline."""
        return self.generations.pipeline

    @property
    def status(self) -> StatusReader:
        """What reads the status."""
        return self.generations.status

    async def run(self, hangups: Hangups | None = None) -> int:
        """Run until a signal; return the exit code. Raises BackgroundTaskError if a task or the Kafka thread dies.

        With `hangups`, SIGHUP has the config read again; without, it stops the process too.
        """
        stop_requested = stop_on_signals(hangup=hangups is None)
        if hangups is not None:
            reload_on_hangup(hangups, self.reloader.request, stop_requested)
        tune_garbage_collector()
        loaded = self.generations.loaded
        started = {"version": __version__, "config": loaded.file, "sha256": loaded.sha256}
        self.emit(Notice("info", "started", started))
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
        await self.generations.outlets.close()
        self.reading.close()

    async def _flow(self) -> None:
        cluster_id = await self.bridge.connected()
        plan = self.generations.begin(cluster_id)
        await self.pipeline.run(self.reading.source, plan)

    async def _shut_down(self, flow: asyncio.Future[object]) -> int:
        self.generations.ended = True
        self.emit(
            ReasonRaised("draining", "", message("none needed: the process was told to stop, and ends by itself"))
        )
        timeout_s = self.generations.loaded.config.shutdown_timeout
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
