"""The life of one batch, from its first try until each of its items has ended.

Theory of operation
1. A delivery sends its items and obeys the verdict: *again* (backoff, for ever), *token* (at once with another token,
   then backoff), *held* (rule 3), *refused* or too large (split in two, in order; what is alone is buried),
   *delivered*.
   One refused batch of a target is being split at a time, while the others keep flowing.
2. Before each send it drops what must not be sent: items of a lease that has ended; of a lease that is closing, what
   was tried before, for no retry and no split starts then. What is alone and refused is buried all the same.
3. What the deliveries of one target share is their *gate*. It is held by a verdict that says so: then nothing passes
   but a probe, the one delivery that met that verdict, with backoff. The probe is real work. Any reply that is neither
   a hold nor a failure of transport or token opens the gate.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.events import ReasonCleared, ReasonRaised, RequestDone
from connector.core.sink import VerdictKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from connector.core.events import Emit
    from connector.core.ledger import Entry, Lease
    from connector.core.pacing import Pacer
    from connector.core.record import Item
    from connector.core.retry import Backoff
    from connector.core.sink import Sink, Verdict

    Load = tuple[Item, Entry]
    """An item with the entry that waits for its outcome."""

KEPT_IMPORT_BATCHES = 100
_FINAL = frozenset({VerdictKind.DELIVERED, VerdictKind.REFUSED, VerdictKind.SPLIT})


class Endings(Protocol):
    """How items end: what a delivery asks its target for. Each load is given to one of the first three, once."""

    def finish(self, loads: Sequence[Load]) -> None:
        """Settle delivered items."""

    def bury(self, load: Load, verdict: Verdict) -> None:
        """Send an item that is alone and refused to the dead letters."""

    def drop(self, loads: Sequence[Load]) -> None:
        """Give items up without an outcome: their lease has ended or is closing."""

    def held(self) -> None:
        """Hear that the target has become held."""

    def unwanted(self, lease: Lease, *, tried: bool) -> bool:
        """Whether the items of a lease must not be sent any more."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a target is held, and since when (unix seconds)."""

    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Way:
    """One target's way out: its name, its sink, and the manners of sending."""

    name: str
    sink: Sink
    backoff: Backoff
    pacer: Pacer
    random: Random
    emit: Emit


class Gate:
    """What the deliveries of one target share: whether they may send now, and what came of it last."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.hold: Hold | None = None
        self.up_since = time.time()
        self.requests_in_flight = 0
        self.last_reply = ""
        self.import_batches: deque[str] = deque(maxlen=KEPT_IMPORT_BATCHES)
        self.splitting = asyncio.Lock()
        self._probe: Delivery | None = None
        self._not_before = 0.0
        self._changed = asyncio.Event()

    def wait_s(self, delivery: Delivery, now: float) -> float | None:
        """How long a delivery must wait: 0 go, None until something changes. Going is not taken back."""
        if self.hold is not None and self._probe is None:
            self._probe = delivery
        if self.hold is not None and self._probe is not delivery:
            return None
        wait = max(delivery.not_before, self._not_before) - now
        if wait <= 0 and not delivery.paced:
            delivery.paced = True
            wait = self.way.pacer.reserve(now)
            delivery.not_before = now + wait
        return max(0.0, wait)

    async def pause(self, seconds: float | None) -> None:
        """Sleep, or wake earlier because something has changed."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def tell(self) -> None:
        """Wake all that wait: something has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def obey(self, delivery: Delivery, verdict: Verdict) -> None:
        """Close or open the gate, as the verdict says."""
        name = self.way.name
        if verdict.retry_after_s:
            self._not_before = max(self._not_before, delivery.not_before)  # the server speaks for the whole target
        if verdict.kind is VerdictKind.HELD:
            if self.hold is None:
                self.hold = Hold(verdict.detail, time.time())
                self._probe = delivery
                self.way.emit(ReasonRaised("target_held", name, verdict.remedy))
                self.tell()
        elif self.hold is not None and verdict.kind in _FINAL:
            self.hold = self._probe = None
            self.up_since = time.time()
            self.way.emit(ReasonCleared("target_held", name))
            self.tell()

    def leave(self, delivery: Delivery) -> None:
        """A delivery has ended; if it was the probe, another may be."""
        if self._probe is delivery:
            self._probe = None
            self.tell()


class Delivery:
    """One batch in one of a target's places; used on the event loop only."""

    def __init__(self, loads: list[Load], gate: Gate, endings: Endings) -> None:
        self.not_before = 0.0
        self.paced = False
        self._gate = gate
        self._endings = endings
        self._loads = loads
        """What is sent next, in order."""
        self._rest: list[list[Load]] = []
        """Split parts that wait for their turn, the next one last."""
        self._tried = False
        self._on_wire = False
        self._failures = 0
        self._token_refusals = 0

    async def run(self) -> None:
        """Live until every item has ended."""
        splitting = False
        try:
            while True:
                verdict = await self._exchange()
                if verdict is not None and len(self._loads) > 1:
                    self._split()
                    if not splitting:
                        splitting = await self._gate.splitting.acquire()
                elif verdict is not None:
                    self._bury(verdict)
                if not self._rest:
                    return
                self._loads = self._rest.pop()
        finally:
            if splitting:
                self._gate.splitting.release()
            self._gate.leave(self)

    def prune(self) -> None:
        """Drop what must not be sent any more."""
        if self._on_wire:
            return  # its reply decides
        parts = [self._loads, *self._rest]
        leases = {entry.lease for loads in parts for _, entry in loads}
        unwanted = {lease for lease in leases if self._endings.unwanted(lease, tried=self._tried)}
        if not unwanted:
            return
        gone: list[Load] = []
        for loads in parts:
            gone += [load for load in loads if load[1].lease in unwanted]
            loads[:] = [load for load in loads if load[1].lease not in unwanted]
        self._rest = [loads for loads in self._rest if loads]
        self._endings.drop(gone)

    async def _exchange(self) -> Verdict | None:
        """Send until all is delivered (None), or refused or too large; None too if nothing is left to send."""
        while await self._turn():
            verdict = await self._send()
            if verdict.kind not in _FINAL:
                self._back_off(verdict)
            self._gate.obey(self, verdict)
            if verdict.kind is VerdictKind.HELD:
                self._endings.held()
            if verdict.kind is VerdictKind.DELIVERED:
                loads, self._loads = self._loads, []
                self._endings.finish(loads)
                return None
            if verdict.kind in _FINAL:
                return verdict
            if verdict.done:
                self._finish_some(verdict.done)
        return None

    async def _turn(self) -> bool:
        """Wait until this delivery may send; False if nothing is left to send."""
        loop = asyncio.get_running_loop()
        while True:
            await self._gate.way.sink.ready()
            self.prune()
            if not self._loads:
                return False
            wait = self._gate.wait_s(self, loop.time())
            if wait == 0:
                return True
            await self._gate.pause(wait)

    async def _send(self) -> Verdict:
        items = [item for item, _ in self._loads]
        gate = self._gate
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._tried = self._on_wire = True
        gate.requests_in_flight += 1
        try:
            verdict = await gate.way.sink.send(items)
        finally:
            self._on_wire = self.paced = False
            gate.requests_in_flight -= 1
        gate.last_reply = verdict.detail or verdict.kind.value
        if verdict.import_batch:
            gate.import_batches.append(verdict.import_batch)
        gate.way.emit(_request_done(gate.way, items, verdict, loop.time() - began))
        return verdict

    def _back_off(self, verdict: Verdict) -> None:
        if verdict.kind is VerdictKind.TOKEN:
            self._token_refusals += 1
            if self._token_refusals == 1:
                return  # once, another token is all that it takes
        self._failures += 1
        way = self._gate.way
        delay = way.backoff.delay(self._failures, way.random, verdict.retry_after_s)
        self.not_before = asyncio.get_running_loop().time() + delay

    def _finish_some(self, positions: frozenset[int]) -> None:
        done = [load for n, load in enumerate(self._loads) if n in positions]
        self._loads = [load for n, load in enumerate(self._loads) if n not in positions]
        self._endings.finish(done)

    def _split(self) -> None:
        self._failures = self._token_refusals = 0
        self.prune()
        middle = (len(self._loads) + 1) // 2
        self._rest += [half for half in (self._loads[middle:], self._loads[:middle]) if half]
        self._loads = []

    def _bury(self, verdict: Verdict) -> None:
        self._failures = self._token_refusals = 0
        loads, self._loads = self._loads, []
        for load in loads:
            # Of a closing lease too: its verdict is known, the next owner would only send it once more.
            if self._endings.unwanted(load[1].lease, tried=False):
                self._endings.drop([load])
            else:
                self._endings.bury(load, verdict)


def _request_done(way: Way, items: Sequence[Item], verdict: Verdict, seconds: float) -> RequestDone:
    return RequestDone(
        target=way.name,
        verdict=verdict.kind,
        records=[item.record for item in items],
        body_bytes=way.sink.request_overhead(items[0].params) + sum(map(way.sink.item_size, items)),
        seconds=seconds,
        http_status=verdict.http_status,
        code=verdict.code,
        detail=verdict.detail,
        import_batch=verdict.import_batch,
    )
