"""The sending half of a target: makes exchanges, and applies their verdicts.

Theory of operation
1. `send_next` is called whenever something has changed: an item was queued, a reply came, a timer fired, there is a
   token. It starts at most one exchange; each exchange, once it has taken its batch, calls it again.
2. An exchange is one coroutine without a loop: take a batch, send its next request, judge the reply, queue what is
   left. No coroutine sleeps for a batch: what must wait stands in a queue, and one timer is set for all of them.
3. Nothing is sent while the sink is not ready, while `may_start` says no (a process that was frozen), before the time
   that a Retry-After has set for the target, or faster than the pacer allows.

Which batch is sent next: `core/backlog.py`. What becomes of it: `core/judge.py`. Whether the target is up:
`core/target_state.py`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from connector.core.adaptive_limit import concurrency_limit
from connector.core.concurrency import Load, load_of
from connector.core.events import RequestDone
from connector.core.judge import Judge, Situation
from connector.core.retry import MAX_RETRY_AFTER_S, Backoff
from connector.core.sink import VerdictKind
from connector.core.target_state import Condition, TargetMachine
from connector.flow.batch_queues import BatchQueues
from connector.flow.pending import by_lease, request_bytes
from connector.flow.target_alarm import AlarmFacts, TargetAlarm
from connector.language.message import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.batch import Batch
    from connector.core.batching import Batcher
    from connector.core.record import Item
    from connector.core.sink import Sink, TargetState, Verdict
    from connector.core.target_state import Attempt
    from connector.flow.pending import ItemHandler, Pending
    from connector.flow.target import TargetDependencies, TargetSettings
    from connector.language.message import Message

KEPT_IMPORT_BATCHES: Final = 100
MAX_PROBE_WAIT_S: Final = 8.0
"""The longest backoff between two probes: with requests that hang for 10 s, a target that is back is found in 20 s."""
RECENT_REQUESTS: Final = 8


class Sender:
    """Sends for one target. Lives as long as the target; used on the event loop only."""

    def __init__(
        self,
        settings: TargetSettings,
        sink: Sink,
        deps: TargetDependencies,
        batcher: Batcher[Pending],
        handler: ItemHandler,
    ) -> None:
        self.since = time.time()
        """When the target entered its state (unix seconds)."""
        self.last_reply = ""
        self.last_delivery: float | None = None
        """When the target last delivered something (unix seconds)."""
        self.import_batches: deque[str] = deque(maxlen=KEPT_IMPORT_BATCHES)
        self._settings = settings
        self._sink = sink
        self._deps = deps
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._machine = TargetMachine(_probes(settings), deps.random, settings.refused_in_a_row)
        self._judge = Judge(
            self._machine, settings.refused_alone_for_s, ordered=settings.ordered, last_resort=settings.last_resort
        )
        self.concurrency = concurrency_limit(settings.max_in_flight)
        self._queues = BatchQueues(self._machine, self.concurrency, batcher, handler)
        self._backlog = self._queues.backlog
        self._alarm = None if settings.last_resort else TargetAlarm(settings.name, deps.emit, self._facts)
        self._exchanges = 0
        self._starting = False
        """Whether an exchange was started that has not taken its batch yet."""
        self._awaiting_sink = False
        self._not_before = -math.inf
        """The earliest time of the next request, on the clock of the event loop."""
        self._departure: float | None = None
        """The moment that the pacer has given to the next request."""
        self._timer: asyncio.TimerHandle | None = None
        self._recent_s: deque[float] = deque(maxlen=RECENT_REQUESTS)

    def reconfigure(self, settings: TargetSettings) -> None:
        """Send by other settings from the next request on; `ordered` and `last_resort` stay as they are."""
        before, self._settings = self._settings.max_in_flight, settings
        self._machine.reconfigure(_probes(settings), settings.refused_in_a_row)
        self._judge.refused_alone_for_s = settings.refused_alone_for_s
        if settings.max_in_flight != before:
            self.concurrency = self._backlog.concurrency = concurrency_limit(settings.max_in_flight)
        self.send_next()

    def retire(self) -> None:
        """Called when the target gets no new items: its reason not to be ready says so from now on."""
        if self._alarm is not None:
            self._alarm.retire()

    # -- what the target and the status ask ---------------------------------------------------------------------

    @property
    def state(self) -> TargetState:
        """Whether the target is up, down or held."""
        return self._machine.condition.state

    @property
    def reason(self) -> str:
        """Why the target is not up; empty if it is."""
        return self._machine.reason

    @property
    def requests_in_flight(self) -> int:
        """How many requests wait for their reply."""
        return self._backlog.on_wire.all

    @property
    def attempts(self) -> int:
        """How many requests in a row have delivered nothing."""
        return self._machine.failures

    @property
    def suspects(self) -> int:
        """How many batches are under suspicion, items that wait alone among them."""
        return self._backlog.suspects + self._backlog.on_wire.suspect

    @property
    def next_try_s(self) -> float | None:
        """In how many seconds the next request is sent after a failure; None: nothing failed, or nothing waits."""
        if not self._machine.failures or self._timer is None:
            return None
        return max(0.0, self._timer.when() - self._loop.time())

    @property
    def next_reply_at(self) -> float:
        """When the reply to the next request may come: it takes as long as the slowest of the last few."""
        return max(self._loop.time(), self._not_before) + max(self._recent_s, default=0.0)

    # -- when to send -------------------------------------------------------------------------------------------

    def on_queued(self, *, sealed: bool, due_at: float) -> None:
        """Called when an item has joined a batch that is sealed now, or that is sent at `due_at` at the latest."""
        if sealed or self._timer is None or self._timer.when() > due_at:
            self.send_next()

    def send_next(self) -> None:
        """Start an exchange if a request may be sent now; else set the timer for when that may be."""
        if self._starting or self._awaiting_sink:
            return
        if not self._may_send(self._loop.time()):
            self._set_timer()
            return
        self._starting = True
        self._exchanges += 1
        self._deps.spawn(self._exchange(), name=f"{self._settings.name}: request {self._exchanges}")

    def on_emptied(self) -> None:
        """Called when the last item of the target has ended."""
        before = self._machine.condition
        if self._machine.on_emptied():
            self._on_condition(before, NOTHING)
        self._deps.on_emptied()

    def discard_ended(self) -> None:
        """Abandon the items that must not be sent any more, unless their request is on the wire."""
        self._queues.discard_ended()

    def _may_send(self, now: float) -> bool:
        if now < self._not_before or not self._deps.may_start():
            return False
        if self._backlog.choose(now) is None:
            if self._departure is not None and self._departure <= now:
                self._departure = None  # unused; used later, it might fall together with another one
            return False
        if not self._sink.is_ready:
            self._awaiting_sink = True
            self._deps.spawn(self._await_sink(), name=f"{self._settings.name}: ready")
            return False
        if self._departure is None:
            self._departure = now + self._deps.pacer.reserve(now)
        return self._departure <= now

    async def _await_sink(self) -> None:
        await self._sink.ready()
        self._awaiting_sink = False
        self.send_next()

    def _set_timer(self) -> None:
        at = math.inf if self._awaiting_sink or not self._deps.may_start() else self._backlog.next_at()
        if at < math.inf:
            at = max(at, self._not_before, self._departure or -math.inf)
        if self._timer is not None:
            if self._timer.when() == at:
                return
            self._timer.cancel()
            self._timer = None
        if at < math.inf:
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.send_next()

    # -- one exchange -------------------------------------------------------------------------------------------

    async def _exchange(self) -> None:
        self._starting = False
        now = self._loop.time()
        batch = self._queues.take(now) if self._may_send(now) else None
        if batch is None:
            self.send_next()
            return
        attempt = self._machine.begin(now)
        self._departure = None
        self._backlog.on_wire.add(batch, 1)
        concurrency = self.concurrency  # it may be exchanged meanwhile
        ticket = concurrency.begin(self._backlog.on_wire.all, now)
        self.send_next()
        request = batch.next_request
        items = [pending.item for pending in request]
        try:
            verdict = await self._sink.send(items)
        finally:
            self._backlog.on_wire.add(batch, -1)
        load = Load.UNKNOWN if attempt.is_probe else load_of(verdict)
        concurrency.end(ticket, self._loop.time() - now, load, self._loop.time())
        self._report(request, items, attempt, verdict)
        if verdict.kind is not VerdictKind.DELIVERED:
            for pending in request:
                pending.tried = True
        self._apply(batch, attempt, verdict)
        self.send_next()
        self._deps.on_progress()

    def _report(self, request: Sequence[Pending], items: list[Item], attempt: Attempt, verdict: Verdict) -> None:
        seconds = self._loop.time() - attempt.began
        self._recent_s.append(seconds)
        self.last_reply = verdict.detail or verdict.kind.value
        if verdict.kind is VerdictKind.DELIVERED:
            self.last_delivery = time.time()
        if verdict.import_batch:
            self.import_batches.append(verdict.import_batch)
        self._deps.emit(
            RequestDone(
                target=self._settings.name,
                verdict=verdict.kind,
                items=items,
                offsets=[(lease.partition, offsets) for lease, offsets in by_lease(request)],
                body_bytes=request_bytes(request, self._sink),
                seconds=seconds,
                http_status=verdict.http_status,
                code=verdict.code,
                detail=verdict.detail,
                import_batch=verdict.import_batch,
                done=verdict.done,
            )
        )

    def _apply(self, batch: Batch[Pending], attempt: Attempt, verdict: Verdict) -> None:
        now, condition = self._loop.time(), self._machine.condition
        remaining: Batch[Pending] | None = batch
        if verdict.done:
            self._machine.on_delivered(attempt, now)
            remaining = self._queues.settle_done(batch, verdict.done)
        if remaining is None:
            return
        in_flight = self._backlog.in_flight + batch.is_ordinary
        situation = Situation(now, in_flight, nothing_else=self._backlog.has_only_items_alone)
        ruling = self._judge.rule(remaining, attempt, verdict, situation)
        retry_after_s = min(verdict.retry_after_s or 0.0, MAX_RETRY_AFTER_S)
        if retry_after_s:
            self._not_before = max(self._not_before, now + retry_after_s)
        self._on_condition(condition, verdict.remedy)
        backoffs = 0 if ruling.batch is None else ruling.batch.backoffs
        backoff_s = self._settings.backoff.delay(max(1, backoffs), self._deps.random)
        retry_at = now + max(backoff_s, ruling.pause_s)
        self._queues.carry_out(ruling, remaining, verdict, retry_at)
        if retry_after_s:
            self._handler.on_put_off()

    def _on_condition(self, before: Condition, remedy: Message) -> None:
        """React to what a verdict has made of the target's condition."""
        machine = self._machine
        if machine.condition is not before:
            self.since = time.time()
            self._backlog.on_condition(start_over=before is Condition.REFUSING and machine.is_up)
            if not machine.is_up:
                self._handler.discard_ended()  # there is no try for the items of closing leases
        if self._alarm is not None:
            self._alarm.update(machine.condition, remedy)

    def _facts(self) -> AlarmFacts:
        machine = self._machine
        wait_s = max(0.0, max(machine.probe_at, self._not_before) - self._loop.time())
        next_try_s = None if machine.probing else wait_s
        return AlarmFacts(self.last_reply, self.attempts, self._handler.queued, next_try_s)


def _probes(settings: TargetSettings) -> Backoff:
    """Return the waits between probes."""
    return Backoff(settings.backoff.first_s, min(settings.backoff.max_s, MAX_PROBE_WAIT_S))
