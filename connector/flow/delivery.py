"""The life of one batch, from its first try until each of its items has ended.

Theory of operation
1. A delivery sends its items and acts on the verdict:
   delivered            settle the items
   again, held          send the same items again after a backoff, without a limit on the number of tries
   token                the same, but the first time at once, with another token
   refused, too large   split in two, in order; an item that is alone is dead-lettered
   One refused batch of a target is split at a time, while its other batches keep flowing.
2. Before each request it abandons what must not be sent: items of a lease that has ended, and of a lease that is
   closing those that were tried before, since no retry and no split starts then. An item of a closing lease that is
   alone and refused is dead-lettered all the same.
3. When it may send is decided together with the other deliveries of the target: see `sending.py`.

Example: a batch of four items, of which the third, c, is not acceptable.

    send a b c d    refused: split into a b and c d
    send a b        delivered
    send c d        refused: split into c and d
    send c          refused: dead-lettered
    send d          delivered
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.events import RequestDone
from connector.core.sink import VerdictKind
from connector.flow.sending import FINAL_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.ledger import Lease
    from connector.core.record import Item
    from connector.core.sink import Verdict
    from connector.flow.sending import SendContext, SendState


@dataclass(slots=True, eq=False)
class Pending:
    """An item without an outcome, and the lease that its record belongs to. Compared by identity."""

    item: Item
    lease: Lease
    queue_bytes: int
    """What the item adds to its target's queue: its own bytes and those of its record's value."""


class SettlementHandler(Protocol):
    """What a delivery asks its target for. Each item is given to one of the first three methods, once."""

    def settle(self, delivered: Sequence[Pending]) -> None:
        """Settle delivered items."""

    def dead_letter(self, pending: Pending, verdict: Verdict) -> None:
        """Send an item that was alone in a refused request to the dead letters."""

    def abandon(self, abandoned: Sequence[Pending]) -> None:
        """Give up items without an outcome, because their lease has ended or is closing."""

    def on_held(self) -> None:
        """Called when a verdict says that the target is held."""

    def must_not_send(self, lease: Lease, *, tried: bool) -> bool:
        """Return whether items of `lease` must not be sent; `tried`: they were in a request before."""


class Delivery:
    """One batch in one of its target's request slots. Used on the event loop only."""

    def __init__(self, pending: list[Pending], shared: SendState, handler: SettlementHandler) -> None:
        self._shared = shared
        self._handler = handler
        self._current = pending
        """The items of the next request, in order."""
        self._later_parts: list[list[Pending]] = []
        """Parts of a split batch that are sent after the current one; the next of them last."""
        self._tried = False
        self._on_wire = False
        self._not_before = -math.inf
        self._departure_reserved = False
        """Whether the pacer has set `_not_before` for the next request."""
        self._failures = 0
        self._token_refusals = 0

    async def run(self) -> None:
        """Send until every item has ended."""
        splitting = False
        try:
            while True:
                verdict = await self._send_until_final()
                if verdict is not None and len(self._current) > 1:
                    self._split()
                    splitting = splitting or await self._shared.split_lock.acquire()
                elif verdict is not None:
                    self._dead_letter(verdict)
                if not self._later_parts:
                    return
                self._current = self._later_parts.pop()
        finally:
            if splitting:
                self._shared.split_lock.release()
            self._shared.release_probe(self)

    def discard_ended(self) -> None:
        """Abandon the items that must not be sent any more, unless their request is on the wire."""
        if self._on_wire:
            return  # its reply decides
        parts = [self._current, *self._later_parts]
        leases = {pending.lease for part in parts for pending in part}
        ended = {lease for lease in leases if self._handler.must_not_send(lease, tried=self._tried)}
        if not ended:
            return
        abandoned: list[Pending] = []
        for part in parts:
            abandoned += [pending for pending in part if pending.lease in ended]
            part[:] = [pending for pending in part if pending.lease not in ended]
        self._later_parts = [part for part in self._later_parts if part]
        self._handler.abandon(abandoned)

    async def _send_until_final(self) -> Verdict | None:
        """Send the current items until they are refused or too large; None if all were delivered or abandoned."""
        while await self._wait_for_turn():
            verdict = await self._send()
            if verdict.kind not in FINAL_KINDS:
                self._back_off(verdict)
            self._shared.apply(verdict, self, self._not_before)
            if verdict.kind is VerdictKind.HELD:
                self._handler.on_held()
            if verdict.kind is VerdictKind.DELIVERED:
                delivered, self._current = self._current, []
                self._handler.settle(delivered)
                return None
            if verdict.kind in FINAL_KINDS:
                return verdict
            if verdict.done:
                self._settle_done(verdict.done)
        return None

    async def _wait_for_turn(self) -> bool:
        """Wait until the current items may be sent; False if none is left."""
        loop = asyncio.get_running_loop()
        while True:
            await self._shared.context.sink.ready()
            self.discard_ended()
            if not self._current:
                return False
            wait = self._wait_s(loop.time())
            if wait == 0:
                return True
            await self._shared.wait_for_change(wait)

    def _wait_s(self, now: float) -> float | None:
        """Return the seconds to wait before sending: 0 means send now, None means wait for `notify`."""
        if not self._shared.may_send(self):
            return None
        wait = max(self._not_before, self._shared.not_before) - now
        if wait <= 0 and not self._departure_reserved:
            self._departure_reserved = True
            wait = self._shared.context.pacer.reserve(now)
            self._not_before = now + wait
        return max(0.0, wait)

    async def _send(self) -> Verdict:
        items = [pending.item for pending in self._current]
        shared = self._shared
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._tried = self._on_wire = True
        shared.requests_in_flight += 1
        try:
            verdict = await shared.context.sink.send(items)
        finally:
            self._on_wire = self._departure_reserved = False
            shared.requests_in_flight -= 1
        shared.last_reply = verdict.detail or verdict.kind.value
        if verdict.kind is VerdictKind.DELIVERED:
            shared.last_delivery = time.time()
        if verdict.import_batch:
            shared.import_batches.append(verdict.import_batch)
        shared.context.emit(_request_done(shared.context, items, verdict, loop.time() - began))
        return verdict

    def _back_off(self, verdict: Verdict) -> None:
        if verdict.kind is VerdictKind.TOKEN:
            self._token_refusals += 1
            if self._token_refusals == 1:
                return  # once, another token is all that is needed
        self._failures += 1
        context = self._shared.context
        delay = context.backoff.delay(self._failures, context.random, verdict.retry_after_s)
        self._not_before = asyncio.get_running_loop().time() + delay

    def _settle_done(self, positions: frozenset[int]) -> None:
        done = [pending for n, pending in enumerate(self._current) if n in positions]
        self._current = [pending for n, pending in enumerate(self._current) if n not in positions]
        self._handler.settle(done)

    def _split(self) -> None:
        self._failures = self._token_refusals = 0
        self.discard_ended()
        middle = (len(self._current) + 1) // 2
        self._later_parts += [half for half in (self._current[middle:], self._current[:middle]) if half]
        self._current = []

    def _dead_letter(self, verdict: Verdict) -> None:
        self._failures = self._token_refusals = 0
        refused, self._current = self._current, []
        for pending in refused:
            # An item of a closing lease is dead-lettered too: its next owner would only get the same verdict.
            if self._handler.must_not_send(pending.lease, tried=False):
                self._handler.abandon([pending])
            else:
                self._handler.dead_letter(pending, verdict)


def _request_done(context: SendContext, items: Sequence[Item], verdict: Verdict, seconds: float) -> RequestDone:
    return RequestDone(
        target=context.name,
        verdict=verdict.kind,
        records=[item.record for item in items],
        body_bytes=context.sink.request_overhead(items[0].params) + sum(map(context.sink.item_size, items)),
        seconds=seconds,
        http_status=verdict.http_status,
        code=verdict.code,
        detail=verdict.detail,
        import_batch=verdict.import_batch,
    )
