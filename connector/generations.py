"""Which config is in use, and how another one takes over while the process runs.

A *generation* is one config with all that was made of it: the plan of the pipeline (mapper, targets, name of the
config) and the way to the platform. Another one takes over in one step of the event loop, between two records:

    a record that was mapped before    is, to its end, what it was mapped to: its body, publicParams, endpoint, route
    a target that goes on              keeps its queue and its state, and sends by its new settings
    a target that does not             ends what it holds; items that share an order key with these wait (`succession`)
    client, token, rate limit          are those of the newest config, for whatever is sent
    a topic that is not read any more  is not consumed any more: its partitions are given up, as in any rebalance

Nothing here is undone half-way: what may fail (reading, checking, compiling) comes before the step.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.core.errors import ReloadRefusedError
from connector.core.record import config_id
from connector.flow.plan import Plan
from connector.language.message import message
from connector.observe.routes import RouteFacts
from connector.reloading.changes import changes
from connector.reloading.succession import succession
from connector.runtime.process import collect_garbage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from connector.config.loading import Loaded
    from connector.decode.decoding import BuildFormat
    from connector.flow.pipeline import Pipeline
    from connector.mapping.mapper import CompiledMapping, Mapper
    from connector.observe.log_lines import Log
    from connector.observe.status import StatusReader
    from connector.outlets import Outlets
    from connector.settings.models import Log as LogSettings

MAX_RETIRING: Final = 8
"""How many targets of earlier configs may hold something: each is a queue of its own."""
RESTART: Final = message("can't change while the connector runs: restart it")


@dataclass(slots=True)
class Generations:
    """Lives as long as the process; used on the event loop only. `begin` is called first, once."""

    loaded: Loaded
    """The config in use."""
    outlets: Outlets
    pipeline: Pipeline
    status: StatusReader
    log: Log
    open_log: Callable[[LogSettings], Log]
    formats: Mapping[str, BuildFormat]
    subscribe: Callable[[Sequence[str]], None]
    """Has other topics consumed."""
    ended: bool = False
    """Whether the process is being stopped: nothing takes over any more."""
    _mapper: asyncio.Future[Mapper] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _cluster_id: str = ""

    def begin(self, cluster_id: str) -> Plan:
        """Return the first plan. Called when a broker has answered."""
        self._cluster_id = cluster_id
        mapper = self._compile(self.loaded, ())
        self._mapper.set_result(mapper)
        self._show(mapper)
        return self._plan(mapper)

    async def take_over(self, loaded: Loaded) -> Mapping[str, str]:
        """Let another config take over; return what has changed. Raises ReloadRefusedError: then nothing has."""
        found = changes(self.loaded.config, loaded.config)
        self._check(loaded, found.need_restart)
        earlier = await asyncio.shield(self._mapper)  # until a broker has answered
        topics = {lease.partition.topic for lease in self.pipeline.leases}
        mapper = await asyncio.to_thread(self._compile, loaded, topics)
        if self.ended:
            await asyncio.get_running_loop().create_future()  # until the task is cancelled
        self._check_retiring(loaded)
        self._exchange(loaded, mapper, earlier)
        collect_garbage()
        return found.told

    def _exchange(self, loaded: Loaded, mapper: Mapper, earlier: Mapper) -> None:
        """The step."""
        before, self.loaded = self.loaded, loaded
        self.outlets.exchange(loaded.config)
        self.pipeline.exchange(self._plan(mapper))
        mapper.count_on(earlier)
        self._mapper = asyncio.get_running_loop().create_future()
        self._mapper.set_result(mapper)
        self._show(mapper)
        if set(loaded.mapping.topics) != set(before.mapping.topics):
            self.subscribe(loaded.mapping.topics)
        if loaded.config.log != before.config.log:
            self.log.become(self.open_log(loaded.config.log))

    def _compile(self, loaded: Loaded, topics: Collection[str]) -> Mapper:
        """Return the mapper, with what is generated for these topics. Called on any thread."""
        mapper = loaded.mapping.mapper(self._cluster_id, formats=self.formats)
        for topic in topics:
            mapper.of_topic(topic)
        return mapper

    def _plan(self, mapper: Mapper) -> Plan:
        loaded = self.loaded
        return Plan(mapper, loaded.mapping.targets_of, self.outlets.targets, config_id(loaded.sha256))

    def _show(self, mapper: Mapper) -> None:
        status, loaded = self.status, self.loaded
        status.kafka_connected = True
        status.routes.routes = route_facts(loaded.mapping)
        status.routes.identity_invalid, status.routes.skipped = mapper.identity_invalid, mapper.skipped
        status.values_omitted = mapper.omitted
        status.targets, status.tokens = self.outlets.targets, self.outlets.access.provider
        status.topics = loaded.mapping.topics

    # -- what can't take over -----------------------------------------------------------------------------------

    def _check(self, loaded: Loaded, need_restart: Sequence[str]) -> None:
        if need_restart:
            raise ReloadRefusedError(
                [message("{file}: {path}: {told}", file=loaded.file, path=path, told=RESTART) for path in need_restart]
            )

    def _check_retiring(self, loaded: Loaded) -> None:
        going_on = succession(self.loaded.config, loaded.config).going_on
        leaving = [self.outlets.targets[name] for name in self.loaded.config.targets if name not in going_on]
        holding = [target for target in (*self.pipeline.retiring, *leaving) if target.queued]
        if len(holding) > MAX_RETIRING:
            names = ", ".join(sorted({target.settings.name for target in holding}))
            told = message(
                "{file}: {number} targets of earlier configs still have items to send ({names}): it is tried again"
                " until they are done; a restart does not wait",
                file=loaded.file,
                number=len(holding),
                names=names,
            )
            raise ReloadRefusedError([told], is_temporary=True)


def route_facts(mapping: CompiledMapping) -> list[RouteFacts]:
    """Return what the status says of the routes."""
    return [
        RouteFacts(route.name, route.target, tuple(dict.fromkeys(rule.type for rule in route.identity)))
        for route in mapping.routes
    ]
