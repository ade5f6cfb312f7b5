"""A step before the pipeline: records whose schema is not known yet wait here until a registry has told it.

Theory of operation
1. The mapper is pure: when it gets a record, the schema of the record is known. So of each chunk those records pass at
   once whose schemas are known, up to the first of another; it is *held* with all that its lease brings later, in
   order, and its partition is paused. Other leases pass.
2. What is held was not tracked: it is not consumed, and a lease that ends leaves it to the partition's next owner. It
   is bounded, as a backlog of the pipeline is: by what was fetched before the pause.
3. `run` fetches what the held leases need, again and again with growing waits, for as long as it takes. While the
   registry can't be asked, the connector is not ready. Schemas that are known are not asked for again, so that a
   registry which is down concerns only those who bring something new.
4. The pipeline pauses partitions for reasons of its own. A partition is resumed when neither wants it paused.
5. The source is asked for its next chunk only when the pipeline asks for one: it counts on that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from connector.core.errors import RegistryError
from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.ledger import LeaseState
from connector.core.retry import Backoff
from connector.language.message import verbatim

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
    from random import Random
    from typing import NoReturn

    from connector.core.events import Emit
    from connector.core.ledger import Lease
    from connector.core.record import Record
    from connector.flow.source import Source

BACKOFF: Final = Backoff(0.25, 15.0)


class Registry(Protocol):
    """Where schemas come from. Used on the event loop only."""

    def reads(self, topic: str) -> bool:
        """Return whether records of a topic are read by their schema."""

    def ready(self, records: Sequence[Record]) -> int:
        """Return how many of the records, from the first on, can be mapped without a fetch."""

    def forget_unknown(self) -> None:
        """Forget which schemas did not exist some time ago. Not called while records are held: they may need it."""

    async def fetch(self, chunks: Iterable[Sequence[Record]]) -> None:
        """Fetch what the first of these records need, and maybe more.

        Raises RegistryError after all was tried, if something can't be had now.
        """

    async def ping(self) -> None:
        """Return if the registry answers. Raises RegistryError."""


class SchemaGate:
    """A `Source` around another. `run` is a background task; lives as long as the process."""

    def __init__(self, source: Source, registry: Registry, emit: Emit, random: Random) -> None:
        self._source = source
        self._registry = registry
        self._emit = emit
        self._random = random
        self._reads: dict[str, bool] = {}
        self._held: dict[Lease, deque[Record]] = {}
        """Records that wait for a schema, and those behind them, in order; never empty."""
        self.held: Mapping[Lease, Sequence[Record]] = self._held
        """The leases that wait for a schema, with their records that do and those behind them; never without any."""
        self._paused_by_pipeline: set[Lease] = set()
        self._wanted = asyncio.Event()
        """Set when something is held that `run` has not tried to fetch yet."""
        self._fetched = asyncio.Event()
        """Set when something that is held may be ready."""
        self._failures = 0

    # -- the source ---------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Yield what can be mapped: chunks of one lease each, in the order of their records."""
        source = aiter(self._source)
        coming: asyncio.Future[tuple[Lease, Sequence[Record]] | None] | None = None
        fetched: asyncio.Future[bool] | None = None
        try:
            while True:
                for chunk in self._released():
                    yield chunk
                coming = coming or asyncio.ensure_future(anext(source, None))
                if self._held and not coming.done():
                    fetched = fetched or asyncio.ensure_future(self._fetched.wait())
                    either: set[asyncio.Future[Any]] = {coming, fetched}
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                    if fetched.done():
                        fetched = None
                    if not coming.done():
                        continue
                came, coming = await coming, None
                if came is None:
                    return
                passing = self._passing(*came)
                if passing or not came[1]:  # an empty chunk announces a lease
                    yield came[0], passing
        finally:
            for waiting in (coming, fetched):
                if waiting is not None:
                    waiting.cancel()

    def pause(self, leases: Iterable[Lease]) -> None:
        """Fetch no more records of these leases until `resume`."""
        leases = list(leases)
        open_ones = {lease for lease in self._paused_by_pipeline if lease.state is LeaseState.OPEN}
        self._paused_by_pipeline = open_ones.union(leases)  # nobody resumes a lease that has ended
        self._source.pause(leases)

    def resume(self, leases: Iterable[Lease]) -> None:
        """Fetch records of these leases again; of those that are held, later."""
        leases = list(leases)
        self._paused_by_pipeline.difference_update(leases)
        if free := [lease for lease in leases if lease not in self._held]:
            self._source.resume(free)

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit each lease's progress if it has changed; of an idle lease, its position."""
        self._source.commit(leases)

    # -- holding ------------------------------------------------------------------------------------------------

    def _passing(self, lease: Lease, records: Sequence[Record]) -> Sequence[Record]:
        """Return what of a chunk can be mapped now; hold the rest."""
        topic = lease.partition.topic
        reads = self._reads.get(topic)
        if reads is None:
            reads = self._reads[topic] = self._registry.reads(topic)
        if not reads or not records:
            return records
        if lease in self._held:
            self._held[lease].extend(records)
            return ()
        if not self._held:
            self._registry.forget_unknown()
        ready = self._registry.ready(records)
        if ready < len(records):
            self._held[lease] = deque(records[ready:])
            if lease not in self._paused_by_pipeline:
                self._source.pause([lease])
            self._wanted.set()
        return records[:ready]

    def _released(self) -> Iterator[tuple[Lease, Sequence[Record]]]:
        """Yield what has become ready of the held leases, and forget those that have ended."""
        if not self._fetched.is_set():
            return
        self._fetched.clear()
        for lease in list(self._held):
            records = list(self._held[lease])
            ready = self._registry.ready(records)
            if lease.state is not LeaseState.OPEN:
                del self._held[lease]  # its next owner has these records
            elif ready:
                yield lease, records[:ready]
                self._keep(lease, records[ready:])

    def _keep(self, lease: Lease, rest: Sequence[Record]) -> None:
        if rest:
            self._held[lease] = deque(rest)
            self._wanted.set()
            return
        del self._held[lease]
        if lease not in self._paused_by_pipeline and lease.state is LeaseState.OPEN:
            self._source.resume([lease])

    # -- fetching -----------------------------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Ask once whether the registry answers, and fetch whatever is missing, until cancelled."""
        has_answered = False
        while True:
            if needed := self._needed():
                succeeded = await self._tried(self._registry.fetch(needed))
            elif self._failures or not has_answered:
                succeeded = await self._tried(self._registry.ping())
            else:
                await self._wanted.wait()
                self._wanted.clear()
                continue
            self._fetched.set()
            has_answered = has_answered or succeeded
            if not succeeded:
                await asyncio.sleep(BACKOFF.delay(self._failures, self._random))

    def _needed(self) -> list[Sequence[Record]]:
        """Return the records of the leases that still lack a schema."""
        held = [list(records) for records in self._held.values()]
        return [records for records in held if self._registry.ready(records) < len(records)]

    async def _tried(self, request: Coroutine[object, object, None]) -> bool:
        """Return whether a request to the registry succeeded; while none does, the connector is not ready."""
        try:
            await request
        except RegistryError as error:
            self._failures += 1
            self._emit(ReasonRaised("registry_unavailable", "", verbatim(error.told)))
            return False
        if self._failures:
            self._failures = 0
            self._emit(ReasonCleared("registry_unavailable", ""))
        return True
