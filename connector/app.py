"""The composition root: what is built, in which order it starts and stops.

Start: the config (all its errors, exit 2), the admin port (taken: exit 1), the token, the targets, the Kafka thread.
From there on nothing that the network does ends the process: it waits, not ready, naming the remedy.
Stop (SIGTERM, SIGINT): leases are closed within `shutdown_timeout`, the group is left, exit 0. A second signal: at
once, exit 1. A background task that dies: its name, exit 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from connector.config.loading import load
from connector.core.batching import BatchLimits
from connector.core.errors import BackgroundTaskError, ConfigError, StartError
from connector.core.events import Notice, ReasonRaised
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, Outcome, config_id
from connector.core.retry import Backoff
from connector.flow.pipeline import Pipeline
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.kafka.dead_letter import DeadLetterSink, Origin
from connector.kafka.properties import validate_properties
from connector.observe.admin import build_admin
from connector.observe.health import Health, Heartbeat, HeartbeatMonitor
from connector.observe.log import configure
from connector.observe.metrics import Metrics
from connector.observe.scrub import describe
from connector.observe.status import StatusReader
from connector.runtime.tasks import Tasks
from connector.runtime.web import bind, serve
from connector.tuzhan.build import build_client, build_tokens
from connector.tuzhan.endpoints import ENDPOINTS
from connector.tuzhan.sink import HttpSink

if TYPE_CHECKING:
    import socket

    from connector.config.loading import Loaded
    from connector.core.events import Event
    from connector.core.ledger import TopicCounts
    from connector.observe.status import Status
    from connector.settings.models import Target as TargetConfig

LEAVE_MARGIN_S: Final = 5.0
"""What of `shutdown_timeout` is kept for the last commit and for leaving the group."""
TIDY_UP_S: Final = 2.0
"""What the process may take to end once all that matters is done."""
DEAD_LETTER_LIMITS: Final = BatchLimits(max_records=500, max_bytes=16 << 20, max_wait_s=0.05)
DEAD_LETTER_QUEUE: Final = (20_000, 64 << 20)


def run(path: str) -> int:
    """Run the connector until it is told to stop; gives the exit code."""
    try:
        loaded = load(path, os.environ, validate_properties)
        for warning in loaded.warnings:
            print(warning, file=sys.stderr)  # noqa: T201 - the log's format isn't known to whoever reads this
        sock = bind(loaded.config.admin.listen)
    except ConfigError as error:
        print(*error.lines, sep="\n", file=sys.stderr)  # noqa: T201 - the same
        return 2
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the same
        return 1
    ended = threading.Event()
    try:
        return asyncio.run(_App.main(loaded, sock, ended))
    finally:
        ended.set()


def _end_at_last(ended: threading.Event, code: int) -> None:
    """End the process if it does not end by itself: nothing wakes a thread that waits for a broker or a name server."""
    if not ended.wait(TIDY_UP_S):
        os._exit(code)


class _App:
    """The connector, built; lives as long as the process."""

    def __init__(self, loaded: Loaded, sock: socket.socket) -> None:
        config = loaded.config
        self._config = config
        self._mapping = loaded.mapping
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._heartbeat = Heartbeat()
        self._stop_asked = asyncio.Event()
        self._tasks = Tasks()
        self._health = Health()
        self._metrics = Metrics()
        self._log = configure(config.log.format, config.log.level)
        self._client = build_client(config)
        self._backoff = Backoff(config.platform.retry.first, config.platform.retry.max)
        self._random = random.Random()  # noqa: S311 - jitter
        self._tokens = build_tokens(config.platform, self._client, self._emit, self._random)
        self._topic_counts: dict[str, TopicCounts] = {}
        self._dead_letters = DeadLetterSink.build(
            config.kafka, config.dead_letter_topic, Origin(config.kafka.group_id, config_id(loaded.sha256)), self._emit
        )
        self._pacer = Pacer(config.platform.rate_limit)
        self._targets: dict[str, Target] = {}
        self._pipeline = Pipeline(self._targets, self._mapping.targets_of)
        self._targets |= self._build_targets()
        self._bridge = Bridge(self._emit, self._pipeline.close, self._topic_counts)
        self._consumer = ConsumerThread(config.kafka, self._mapping.topics, config.dead_letter_topic, self._bridge)
        self._status = StatusReader(
            loaded.file,
            loaded.sha256,
            self._pipeline,
            self._targets,
            self._topic_counts,
            self._tokens,
            self._loop.time(),
        )

    @classmethod
    async def main(cls, loaded: Loaded, sock: socket.socket, ended: threading.Event) -> int:
        """Build, run, stop; gives the exit code. From then on `ended` has to be set within TIDY_UP_S."""
        app = cls(loaded, sock)
        code = 1
        try:
            code = await app._run()
        except BackgroundTaskError as error:
            cause = "" if error.cause is None else describe(error.cause)
            app._emit(Notice("error", str(error), {"task": error.task, "cause": cause}))
        finally:
            threading.Thread(target=_end_at_last, args=(ended, code), name="last", daemon=True).start()
            await app._tasks.cancel()
            app._dead_letters.close()
            await app._client.aclose()
        return code

    # -- building -----------------------------------------------------------------------------------------------

    def _build_targets(self) -> dict[str, Target]:
        targets = {name: self._build_target(name, target) for name, target in self._config.targets.items()}
        settings = TargetSettings(
            name=DEAD_LETTERS,
            endpoint=self._config.dead_letter_topic,
            limits=DEAD_LETTER_LIMITS,
            max_in_flight=4,
            max_queued=DEAD_LETTER_QUEUE[0],
            max_queued_bytes=DEAD_LETTER_QUEUE[1],
            ordered=False,
            outcome=Outcome.DEAD_LETTERED,
            backoff=self._backoff,
        )
        targets[DEAD_LETTERS] = Target(settings, self._dead_letters, self._dependencies(Pacer(None)))
        return targets

    def _build_target(self, name: str, target: TargetConfig) -> Target:
        ordering = target.ordering or ENDPOINTS[target.endpoint].default_ordering
        settings = TargetSettings(
            name=name,
            endpoint=target.endpoint,
            limits=BatchLimits(target.batch.max_records, target.batch.max_bytes, target.batch.max_wait),
            max_in_flight=target.max_in_flight,
            max_queued=target.queue.max_records,
            max_queued_bytes=target.queue.max_bytes,
            ordered=ordering != "none",
            outcome=Outcome.DELIVERED,
            backoff=self._backoff,
        )
        return Target(settings, HttpSink(target.endpoint, self._client, self._tokens), self._dependencies(self._pacer))

    def _dependencies(self, pacer: Pacer) -> TargetDependencies:
        return TargetDependencies(
            emit=self._emit,
            dead_letter=self._pipeline.dead_letter,
            on_progress=self._pipeline.on_progress,
            spawn=self._tasks.spawn,
            pacer=pacer,
            random=self._random,
        )

    def _emit(self, event: Event) -> None:
        self._health.on(event)
        self._metrics.on(event)
        self._log.on(event)

    def _snapshot(self) -> Status:
        return self._status.read(self._loop.time())

    # -- running ------------------------------------------------------------------------------------------------

    async def _run(self) -> int:
        self._listen_to_signals()
        _calm_the_collector()
        monitor = HeartbeatMonitor({"loop": self._heartbeat.last, "kafka": self._consumer.last_beat})
        admin = build_admin(self._snapshot, self._metrics, self._health, monitor)
        self._tasks.keep(serve(admin, self._sock), name="admin port")
        self._tasks.keep(self._heartbeat.run(), name="heartbeat")
        self._tasks.keep(self._tokens.run(), name="token renewal")
        self._tasks.keep(self._pipeline.commit_periodically(self._config.kafka.commit_interval), name="commits")
        self._consumer.start()
        flow: asyncio.Future[object] = self._tasks.spawn(self._flow(), name="flow")
        stop: asyncio.Future[object] = asyncio.ensure_future(self._stop_asked.wait())
        ends: list[asyncio.Future[Any]] = [flow, stop, self._tasks.failure]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if self._tasks.failure.done():
            self._tasks.failure.result()
        return await self._shut_down(flow)

    async def _flow(self) -> None:
        cluster_id = await self._bridge.connected()
        mapper = self._mapping.mapper(cluster_id)
        self._status.mapping_counts = mapper
        self._status.state = "running"
        await self._pipeline.run(self._bridge, mapper)

    # -- stopping -----------------------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stop_asked.is_set():
            os._exit(1)  # the second one: at once
        self._stop_asked.set()

    async def _shut_down(self, flow: asyncio.Future[object]) -> int:
        self._status.state = "draining"
        self._emit(ReasonRaised("draining", "", "the process was told to stop; it ends by itself"))
        patience_s = self._config.shutdown_timeout
        self._bridge.stop(max(patience_s - LEAVE_MARGIN_S, patience_s / 2))
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.wait([flow])
        except TimeoutError:
            self._emit(Notice("warning", "leaving the group took too long; the session timeout will end it", {}))
        if self._tasks.failure.done():
            self._tasks.failure.result()
        released = sum(counts.released for counts in self._topic_counts.values())
        self._emit(Notice("info", "stopped", {"released_records": released}))
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        return 0


def _calm_the_collector() -> None:
    """Let the garbage collector look less often, and not at what lives for ever.

    What flows is freed by reference counts; the queues are many young objects that all survive a look. With Python's
    own thresholds that look took a sixth of the process's time. Nothing is looked for before `freeze`: of all that the
    start has made hardly anything is garbage.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
