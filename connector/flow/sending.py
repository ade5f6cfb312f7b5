"""What the deliveries of one target share: whether they may send now, and which of them probes a held target.

Theory of operation
1. A target is up until a verdict says *held*. Then one delivery, the *probe*, may send; it backs off between its tries,
   and the others wait. The probe is a real batch: first the one that got the verdict.
2. A reply that says something about the items (delivered, refused, too large) ends the hold. A failure of the
   transport or of the token does not: it says nothing about the target.
3. A probe that ends without such a reply, because its items were abandoned, hands over: the next delivery that asks is
   the probe.
4. `Retry-After` holds for all deliveries of the target, the rate limit for all targets that share its pacer.

Example: deliveries a, b and c wait for replies.

    a gets HELD         the target is held, a is the probe and backs off
    b gets HELD         nothing changes: b was sent before the hold; now it waits, like c after its own reply
    a gets AGAIN        still held; a backs off again
    a's lease closes    a's items are abandoned; release_probe(a) wakes b and c, and b, which asks first, is the probe
    b gets DELIVERED    the target is up; all are woken
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.sink import TargetState, VerdictKind

if TYPE_CHECKING:
    from random import Random

    from connector.core.events import Emit
    from connector.core.pacing import Pacer
    from connector.core.retry import Backoff
    from connector.core.sink import Sink, Verdict

KEPT_IMPORT_BATCHES = 100
FINAL_KINDS = frozenset({VerdictKind.DELIVERED, VerdictKind.REFUSED, VerdictKind.SPLIT})
"""The verdicts on the items themselves; all others mean that the same items are sent again."""


@dataclass(frozen=True, slots=True)
class SendContext:
    """Everything needed to send for one target."""

    name: str
    sink: Sink
    backoff: Backoff
    pacer: Pacer
    random: Random
    emit: Emit


class SendState:
    """The state of sending to one target. Lives as long as the target; used on the event loop only.

    Deliveries are told apart by identity; nothing is asked of them.
    """

    def __init__(self, context: SendContext) -> None:
        self.context = context
        self.state = TargetState.UP
        self.reason = ""
        """Why the target is not up; empty if it is."""
        self.since = time.time()
        """When the target entered its state (unix seconds)."""
        self.requests_in_flight = 0
        self.last_reply = ""
        self.last_delivery: float | None = None
        """When the target last delivered something (unix seconds)."""
        self.import_batches: deque[str] = deque(maxlen=KEPT_IMPORT_BATCHES)
        self.split_lock = asyncio.Lock()
        """Held by the one delivery whose batch is being split."""
        self.not_before = -math.inf
        """The earliest time of the next request, on the clock of the event loop."""
        self._probe: object = None
        self._changed = asyncio.Event()

    def may_send(self, delivery: object) -> bool:
        """Make `delivery` the probe if the target is held and has none; return whether it may send."""
        if self.state is TargetState.HELD and self._probe is None:
            self._probe = delivery
        return self.state is not TargetState.HELD or self._probe is delivery

    async def wait_for_change(self, timeout_s: float | None) -> None:
        """Wait until `notify` is called, or for `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    def notify(self) -> None:
        """Wake all waiting deliveries, because something has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def apply(self, verdict: Verdict, delivery: object, not_before: float) -> None:
        """Update the state with the verdict on a request of `delivery`, which will not send before `not_before`."""
        if verdict.retry_after_s:
            self.not_before = max(self.not_before, not_before)
        if verdict.kind is VerdictKind.HELD and self.state is not TargetState.HELD:
            self._probe = delivery
            self._enter(TargetState.HELD, verdict.detail)
            self.context.emit(ReasonRaised("target_held", self.context.name, verdict.remedy))
        elif verdict.kind in FINAL_KINDS and self.state is TargetState.HELD:
            self._enter(TargetState.UP, "")
            self.context.emit(ReasonCleared("target_held", self.context.name))

    def release_probe(self, delivery: object) -> None:
        """Let another delivery be the probe, if `delivery` is it. Called when a delivery ends."""
        if self._probe is delivery:
            self._probe = None
            self.notify()

    def _enter(self, state: TargetState, reason: str) -> None:
        self.state = state
        self.reason = reason
        self.since = time.time()
        self.notify()
