"""One target: its queue, its batches and what becomes of each. The dead letters are a target like the others.

Theory of operation
1. `put` takes an item with its entry. An ordered item first passes its lanes (`ordering.py`); then it joins the open
   batch of its publicParams (`batching.py`).
2. A batch that is full or due becomes a *job* when one of `max_in_flight` places is free, and keeps its place until
   each of its items has ended. So a storm of refusals keeps `max_in_flight` batches waiting, and the rest queued.
3. A job sends its items and obeys the verdict: again (backoff, for ever), token (at once with another token, then
   backoff), held (below), refused or too large (split in two, in order, one split of a target at a time; what is
   alone is buried), delivered.
4. A *held* target sends nothing but a probe: the one job that met the verdict, with backoff. Any reply other than a
   hold or a failure of the transport ends that.
5. Before each send the job drops what must not be sent: items of a lease that has ended; of a lease that is closing,
   what was tried before (no retry and no split starts), and behind a dropped item whatever is ordered.
6. `full` is a value: the pipeline pauses what feeds a full target and resumes below half.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from connector.batching import Batcher, Limits
from connector.ledger import LeaseState
from connector.observe.events import ItemsSettled, ReasonCleared, ReasonRaised, RequestDone
from connector.ordering import Lanes
from connector.record import Failure, Item, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from random import Random

    from connector.batching import Batch
    from connector.ledger import Entry
    from connector.observe.events import Emit
    from connector.pacing import Pacer
    from connector.retry import Backoff
    from connector.sink import Sink, Verdict

Load = tuple[Item, "Entry"]
"""An item with the entry that waits for its outcome."""

KEPT_IMPORT_BATCHES = 100


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """How one target batches, sends and bounds its queue (items, bytes of items and their records)."""

    name: str
    endpoint: str
    limits: Limits
    max_in_flight: int
    max_queued: int
    max_queued_bytes: int
    ordered: bool
    outcome: Outcome
    backoff: Backoff


class Spawn(Protocol):
    """Starts a named background task that is watched: if it dies, the process ends."""

    def __call__(self, work: Coroutine[object, object, None], *, name: str) -> object:
        """Start it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a target is given to work with."""

    emit: Emit
    bury: Callable[[Item, Entry], None]
    """Takes an item that carries its failure, with its entry, to the dead letters."""
    on_progress: Callable[[], None]
    """Called after each job: room may have come free."""
    spawn: Spawn
    pacer: Pacer
    random: Random


@dataclass(slots=True, eq=False)
class _Job:
    """A batch in one of the places. `loads` is what is sent next; `rest` are split parts, the next one last."""

    loads: list[Load]
    rest: list[list[Load]] = field(default_factory=list)
    tried: bool = False
    on_wire: bool = False
    failures: int = 0
    token_refusals: int = 0
    not_before: float = 0.0
    paced: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a target is held, and since when (unix seconds)."""

    reason: str
    since: float


class Target:
    """Lives as long as the process; used on the event loop only."""

    def __init__(self, settings: TargetSettings, sink: Sink, around: Surroundings) -> None:
        self.settings = settings
        self.queued = 0
        """Items that were put and have not ended."""
        self.queued_bytes = 0
        self.requests_in_flight = 0
        self.hold: Hold | None = None
        self.up_since = time.time()
        self.last_reply = ""
        self.import_batches: deque[str] = deque(maxlen=KEPT_IMPORT_BATCHES)
        self._sink = sink
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._batcher: Batcher[Load] = Batcher(settings.limits, sink.frame)
        self._lanes: Lanes[Load] | None = Lanes(_keys_of) if settings.ordered else None
        self._jobs: list[_Job] = []
        self._probe: _Job | None = None
        self._not_before = 0.0
        self._splits = asyncio.Lock()
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    # -- the queue ----------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether what feeds this target should pause."""
        return self.queued >= self.settings.max_queued or self.queued_bytes >= self.settings.max_queued_bytes

    @property
    def relaxed(self) -> bool:
        """Whether what feeds this target may go on: below half of both bounds."""
        return self.queued * 2 < self.settings.max_queued and self.queued_bytes * 2 < self.settings.max_queued_bytes

    def put(self, item: Item, entry: Entry) -> None:
        """Take an item; its entry is settled when it has ended. Never blocks, never refuses: see `full`."""
        self.queued += 1
        self.queued_bytes += _held_bytes(item)
        if self._lanes is None or not item.order_keys:
            # The entry's clock is the chunk's: good enough for the age of a batch, and free.
            if self._batcher.add(item.params, (item, entry), self._sink.weigh(item), entry.since):
                self._pump()
            elif self._timer is None:
                self._arm()
            return
        load = (item, entry)
        if self._lanes.enter(load, self._lot_for(item)):
            self._add(load)
        self._pump()

    def flush(self) -> None:
        """Send what is buffered without waiting for more, and drop what must not be sent (a lease closes or ended)."""
        self._batcher.flush()
        self.sweep()
        self._pump()

    def sweep(self) -> None:
        """Drop everything that must not be sent any more, wherever it waits."""
        for job in self._jobs:
            self._prune(job)
        self._drop(self._batcher.discard(lambda load: self._unwanted(load, tried=False), self._weigh))
        if self._lanes is not None:
            gone, free = self._lanes.discard(lambda load: self._unwanted(load, tried=False))
            for load in gone:
                self._forget(load)
            self._readmit(free)
        self._tell()

    def _lot_for(self, item: Item) -> int:
        return self._batcher.lot_for(item.params, self._sink.weigh(item), self._loop.time())

    def _add(self, load: Load) -> None:
        self._batcher.add(load[0].params, load, self._weigh(load), self._loop.time())

    def _weigh(self, load: Load) -> int:
        return self._sink.weigh(load[0])

    def _readmit(self, candidates: list[Load]) -> None:
        """Let those that waited in a lane join the open batches, and then those behind them."""
        lanes = self._lanes
        while lanes is not None and candidates:
            load = candidates.pop()
            if lanes.join(load, self._lot_for(load[0])):
                self._add(load)
                candidates += lanes.behind(load)

    # -- the places ---------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while len(self._jobs) < self.settings.max_in_flight:
            batch = self._batcher.take(self._loop.time())
            if batch is None:
                break
            job = _Job(batch.items)
            self._jobs.append(job)
            self._around.spawn(self._run(job, batch), name=f"{self.settings.name}:{batch.lot}")
        if self._timer is None:
            self._arm()

    def _arm(self) -> None:
        if len(self._jobs) < self.settings.max_in_flight and (due := self._batcher.due_at()) is not None:
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # -- the life of a job --------------------------------------------------------------------------------------

    async def _run(self, job: _Job, batch: Batch[Load]) -> None:
        batch.items = []  # the job has them now
        splitting = False
        try:
            while True:
                verdict = await self._exchange(job)
                if verdict is not None and verdict.name == "delivered":
                    self._finish(job)
                elif verdict is not None and len(job.loads) == 1:
                    self._bury(job, verdict)
                elif verdict is not None:
                    self._split(job)
                    if not splitting:
                        splitting = await self._splits.acquire()
                if not job.rest:
                    break
                job.loads = job.rest.pop()
        finally:
            if splitting:
                self._splits.release()
            self._jobs.remove(job)
            if self._probe is job:
                self._probe = None
                self._tell()
        self._pump()
        self._around.on_progress()

    async def _exchange(self, job: _Job) -> Verdict | None:
        """Send until the verdict is final: delivered, refused or split. None: nobody wants these items any more."""
        while await self._turn(job):
            verdict = await self._send(job)
            self._obey_hold(job, verdict)
            if verdict.name in {"delivered", "refused", "split"}:
                job.failures = job.token_refusals = 0
                return verdict
            if verdict.done:
                self._finish(job, verdict.done)
            self._back_off(job, verdict)
        return None

    async def _turn(self, job: _Job) -> bool:
        """Wait until this job may send; False if nothing is left to send."""
        while True:
            await self._sink.ready()
            self._prune(job)
            if not job.loads:
                return False
            if self.hold is not None and self._probe is None:
                self._probe = job
            if self.hold is not None and self._probe is not job:
                await self._changed.wait()
                continue
            now = self._loop.time()
            wait = max(job.not_before, self._not_before) - now
            if wait <= 0 and not job.paced:
                job.paced = True
                wait = self._around.pacer.reserve(now)
                job.not_before = now + wait
            if wait <= 0:
                return True
            await self._sleep(wait)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or wake earlier because something has changed."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _send(self, job: _Job) -> Verdict:
        items = [item for item, _ in job.loads]
        began = self._loop.time()
        job.tried = job.on_wire = True
        self.requests_in_flight += 1
        try:
            verdict = await self._sink.send(items)
        finally:
            job.on_wire = job.paced = False
            self.requests_in_flight -= 1
        self.last_reply = verdict.detail or verdict.name
        if verdict.import_batch:
            self.import_batches.append(verdict.import_batch)
        self._around.emit(self._request_done(items, verdict, self._loop.time() - began))
        return verdict

    def _request_done(self, items: Sequence[Item], verdict: Verdict, seconds: float) -> RequestDone:
        return RequestDone(
            target=self.settings.name,
            verdict=verdict.name,
            records=[item.record for item in items],
            body_bytes=self._sink.frame(items[0].params) + sum(map(self._sink.weigh, items)),
            seconds=seconds,
            http_status=verdict.http_status,
            code=verdict.code,
            detail=verdict.detail,
            import_batch=verdict.import_batch,
        )

    def _back_off(self, job: _Job, verdict: Verdict) -> None:
        now = self._loop.time()
        if verdict.name == "token":
            job.token_refusals += 1
            if job.token_refusals == 1:
                return  # once, another token is all that it takes
        job.failures += 1
        delay = self.settings.backoff.delay(job.failures, self._around.random, verdict.retry_after_s)
        job.not_before = now + delay
        if verdict.retry_after_s:
            self._not_before = max(self._not_before, job.not_before)  # the server speaks for the whole target

    def _obey_hold(self, job: _Job, verdict: Verdict) -> None:
        name = self.settings.name
        if verdict.name == "held":
            if self.hold is None:
                self.hold = Hold(verdict.detail, time.time())
                self._probe = job
                self._around.emit(ReasonRaised("target_held", name, verdict.remedy))
                self._tell()
        elif self.hold is not None and verdict.name not in {"again", "token"}:
            self.hold = self._probe = None
            self.up_since = time.time()
            self._around.emit(ReasonCleared("target_held", name))
            self._tell()

    # -- the end of items ---------------------------------------------------------------------------------------

    def _finish(self, job: _Job, positions: frozenset[int] | None = None) -> None:
        """Give the job's items (or those at `positions`) their outcome."""
        loads = job.loads
        done = loads if positions is None else [loads[position] for position in sorted(positions)]
        job.loads = [] if positions is None else [load for n, load in enumerate(loads) if n not in positions]
        outcome = self.settings.outcome
        for item, entry in done:
            entry.settle(outcome)
            self.queued_bytes -= _held_bytes(item)
        self.queued -= len(done)
        by_route = Counter([item.route for item, _ in done])
        self._around.emit(ItemsSettled(self.settings.name, outcome, by_route))
        self._leave_lanes(done)

    def _bury(self, job: _Job, verdict: Verdict) -> None:
        self._prune(job)
        loads, job.loads = job.loads, []
        for item, entry in loads:
            failure = Failure(
                reason="too_large" if verdict.name == "split" else "refused",
                target=self.settings.name,
                detail=verdict.detail,
                http_status=verdict.http_status,
                reply=verdict.reply,
            )
            self.queued -= 1
            self.queued_bytes -= _held_bytes(item)
            self._around.bury(item._replace(failure=failure), entry)
        self._leave_lanes(loads)

    def _split(self, job: _Job) -> None:
        self._prune(job)
        middle = (len(job.loads) + 1) // 2
        job.rest += [half for half in (job.loads[middle:], job.loads[:middle]) if half]
        job.loads = []

    def _unwanted(self, load: Load, *, tried: bool) -> bool:
        lease = load[1].lease
        if lease.state is LeaseState.OPEN:
            return False
        return lease.ended or tried or self.hold is not None or (self._lanes is not None and lease.broken)

    def _prune(self, job: _Job) -> None:
        if job.on_wire:
            return
        tried = job.tried
        gone: list[Load] = []
        for loads in [job.loads, *job.rest]:
            out = [load for load in loads if self._unwanted(load, tried=tried)]
            if out:
                gone += out
                loads[:] = [load for load in loads if not self._unwanted(load, tried=tried)]
        if gone:
            job.rest = [loads for loads in job.rest if loads]
            self._drop(gone)

    def _drop(self, loads: list[Load]) -> None:
        """Give up items that hold their lanes, if they are ordered."""
        newly_broken = False
        for load in loads:
            lease = load[1].lease
            if self._lanes is not None and not lease.broken:
                lease.broken = newly_broken = True
            self._forget(load)
        self._leave_lanes(loads)
        if newly_broken:
            self.sweep()

    def _forget(self, load: Load) -> None:
        self.queued -= 1
        self.queued_bytes -= _held_bytes(load[0])
        load[1].abandon()

    def _leave_lanes(self, loads: Sequence[Load]) -> None:
        if self._lanes is None:
            return
        candidates: list[Load] = []
        for load in loads:
            candidates += self._lanes.leave(load)
        self._readmit(candidates)
        self._pump()


def _keys_of(load: Load) -> tuple[str, ...]:
    return load[0].order_keys


def _held_bytes(item: Item) -> int:
    value = item.record.value
    return len(item.body) + (len(value) if value is not None else 0)
