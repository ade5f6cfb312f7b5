"""What a pipeline sends through: the targets of the config, the dead letters among them, and what they share."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from connector.core.batching import BatchLimits
from connector.core.concurrency import MAX_LIMIT
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, Outcome
from connector.core.retry import Backoff
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.kafka.dead_letter import DeadLetterSink, first_attempt
from connector.reloading.succession import succession
from connector.tuzhan.access import PlatformAccess
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.endpoints import ENDPOINTS
from connector.tuzhan.http_sink import HttpSink
from connector.tuzhan.token_providers import build_token_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.events import Emit
    from connector.core.letters import Subject
    from connector.core.record import Record
    from connector.core.sink import Sink
    from connector.flow.pipeline import Pipeline
    from connector.observe.tracing import Tracing
    from connector.runtime.tasks import Tasks
    from connector.settings.models import Config

DEAD_LETTER_LIMITS: Final = BatchLimits(max_records=500, max_bytes=16 << 20, max_wait_s=0.05)


@dataclass(slots=True)
class Outlets:
    """Lives as long as the process. `access.run` is a background task."""

    config: Config
    access: PlatformAccess
    dead_letters: DeadLetterSink
    targets: dict[str, Target]
    """Those of the config by name, and the dead letters."""
    retiring: list[Target]
    """The pipeline's own list: targets of earlier configs that still hold something."""
    max_requests: int
    """How many requests the client takes at once."""
    tasks: Tasks
    deps: TargetDependencies
    tracing: Tracing | None = None

    def wake(self) -> None:
        """Let all targets send what may be sent."""
        for target in [*self.targets.values(), *self.retiring]:
            target.wake()

    def exchange(self, config: Config) -> None:
        """Go on by another config. Changes nothing that is mapped or sent already; see `succession`."""
        before, self.config = self.config, config
        self._exchange_access(before, self._exchange_targets(before))
        self.deps.pacer.set_rate(config.platform.rate_limit)

    def _exchange_targets(self, before: Config) -> list[Target]:
        """Return those that the config does not have any more, whatever they hold."""
        config, earlier, plan = self.config, self.targets, succession(before, self.config)
        self.targets = {}
        for name in config.targets:
            settings = target_settings(config, name)
            if name in plan.going_on:
                self.targets[name] = earlier[name]
                earlier[name].reconfigure(settings)
            else:
                self.targets[name] = self.build_target(settings)
        for name, names in plan.succeeded.items():
            for other in names:
                self.targets[name].succeed(earlier[other])
        self.targets[DEAD_LETTERS] = letters = earlier[DEAD_LETTERS]
        letters.reconfigure(replace(letters.settings, backoff=_backoff(config)))
        return [*self.retiring, *(earlier[name] for name in before.targets if name not in plan.going_on)]

    def _exchange_access(self, before: Config, earlier: list[Target]) -> None:
        was, now = before.platform, self.config.platform
        needed = _max_requests(self.config) + sum(_most_in_flight(target.settings.max_in_flight) for target in earlier)
        same_peer = was.base_url == now.base_url
        if not same_peer or was.request_timeout != now.request_timeout or needed > self.max_requests:
            self.max_requests = needed
            self.access.exchange_client(PlatformClient.build(now.base_url, now.request_timeout, needed))
            self.tasks.spawn(self.access.close_earlier(), name="end of an earlier client")
        if not same_peer or was.auth != now.auth:
            provider = build_token_provider(now, self.access, self.deps.emit, self.deps.random)
            self.access.exchange_provider(provider)
        self.access.provider.set_retry(_backoff(self.config))

    def build_target(self, settings: TargetSettings) -> Target:
        """Return a target of the platform."""
        sink: Sink = HttpSink(settings.endpoint, self.access, self.access)
        if self.tracing is not None:
            sink = self.tracing.platform(sink, settings.name, settings.endpoint, lambda: self.config.platform.base_url)
        return Target(settings, sink, self.deps)

    async def close(self) -> None:
        """Release the connections. Called after the tasks have ended."""
        self.dead_letters.close()
        await self.access.aclose()


def build_outlets(  # noqa: PLR0913 - the last three are what `run` and `replay` give differently
    config: Config,
    pipeline: Pipeline,
    tasks: Tasks,
    emit: Emit,
    subject_of: Callable[[Record], Subject] = first_attempt,
    *,
    may_start: Callable[[], bool] = lambda: True,
    tracing: Tracing | None = None,
) -> Outlets:
    """Build the targets, which call the pipeline."""
    platform, max_requests = config.platform, _max_requests(config)
    access = PlatformAccess(PlatformClient.build(platform.base_url, platform.request_timeout, max_requests))
    rng = random.Random()  # noqa: S311 - for jitter, not for security
    access.begin(build_token_provider(platform, access, emit, rng))
    dead_letters = DeadLetterSink.build(config.kafka, config.dead_letter_topic, emit, subject_of)
    deps = TargetDependencies(
        emit=emit,
        dead_letter=pipeline.dead_letter,
        on_progress=pipeline.on_progress,
        spawn=tasks.spawn,
        pacer=Pacer(platform.rate_limit),
        random=rng,
        may_start=may_start,
    )
    outlets = Outlets(config, access, dead_letters, {}, pipeline.retiring, max_requests, tasks, deps, tracing)
    for name in config.targets:
        outlets.targets[name] = outlets.build_target(target_settings(config, name))
    outlets.targets[DEAD_LETTERS] = _build_dead_letter_target(config, dead_letters, deps, tracing)
    return outlets


def target_settings(config: Config, name: str) -> TargetSettings:
    """Return the settings of a target of the platform."""
    target = config.targets[name]
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


def _build_dead_letter_target(
    config: Config, dead_letters: DeadLetterSink, deps: TargetDependencies, tracing: Tracing | None
) -> Target:
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
    sink: Sink = dead_letters
    if tracing is not None:
        sink = tracing.dead_letters(sink, DEAD_LETTERS, config.dead_letter_topic)
    # The rate limit is the platform's.
    return Target(settings, sink, replace(deps, pacer=Pacer(None), on_emptied=dead_letters.on_emptied))


def _max_requests(config: Config) -> int:
    return sum(_most_in_flight(target.max_in_flight) for target in config.targets.values())


def _most_in_flight(limit: int | Literal["auto"]) -> int:
    return MAX_LIMIT if limit == "auto" else limit


def _backoff(config: Config) -> Backoff:
    return Backoff(config.platform.retry.first, config.platform.retry.max)
