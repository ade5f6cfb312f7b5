"""What one listener of the tap gets: chosen, rendered, queued within bounds, and counted where it is left out."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from random import Random

    from connector.core.time_budget import TimeBudget
    from connector.observe.tap_request import TapRequest
    from connector.observe.tapped import Batch, Tapped, View

MAX_QUEUED_BYTES: Final = 1 << 20
"""What waits for a reader; twice as much may be on its way to it."""
COUNTS_S: Final = 1.0
"""How often the counts are told while they change."""
SILENCE_S: Final = 5.0
"""How often they are told when they don't, so that both sides notice that the other one is gone."""


@dataclass(slots=True)
class TapCounts:
    """What became of the items that a listener asked for. The first is the sum of the others."""

    matched: int = 0
    """By route, target and outcome."""
    shown: int = 0
    sampled_out: int = 0
    """Left out by `sample` and `rate`."""
    without_value: int = 0
    """Left out because they do not hold the value."""
    over_budget: int = 0
    """Left out, unsearched or unseen, so that the tap takes no more than its share of the time."""
    too_large: int = 0
    """Left out because the record is too large to be searched for the value."""
    dropped: int = 0
    """Left out because the reader was too slow."""


@dataclass(frozen=True, slots=True)
class FeedDependencies:
    """What all feeds of a process share."""

    budget: TimeBudget
    random: Random
    now: Callable[[], float]
    """In seconds; also measures how long something takes."""

    def spend_since(self, began: float) -> None:
        """Count what has been done since then."""
        ended = self.now()
        self.budget.spend(ended, ended - began)


class TapFeed:
    """The queue of one listener. Lives as long as its response; used on the event loop only."""

    def __init__(self, request: TapRequest, view: View, deps: FeedDependencies) -> None:
        self.request = request
        self.counts = TapCounts()
        self._view = view
        self._deps = deps
        self._allowed = max(1.0, request.rate)
        """How many items may be shown now: the rate's worth of a second at most."""
        self._allowed_at = deps.now()
        self._queue: list[bytes] = []
        self._queued_bytes = 0
        self._end_reason = ""
        self._changed = asyncio.Event()

    def offer(self, batch: Batch) -> None:
        """Queue what of a batch is asked for, as far as the bounds allow."""
        counts = self.counts
        wanted = batch.wanted(self.request, self._view)
        if not wanted:
            return
        counts.matched += len(wanted)
        if not self._has_room(len(wanted)):
            return
        found = list(self._with_value(batch, wanted)) if self.request.value_hash else wanted
        chosen = self._sampled(found)
        counts.sampled_out += len(found) - len(chosen)
        for number, position in enumerate(chosen):
            if not self._has_room(len(chosen) - number):
                return
            self._show(batch.at(position))

    def end(self, reason: str) -> None:
        """End the lines, the last of which tells the reason."""
        self._end_reason = reason
        self._changed.set()

    def _with_value(self, batch: Batch, positions: Sequence[int]) -> Iterator[int]:
        """Yield the positions of what holds the value, as far as there is time to search: from anywhere on."""
        budget, now, counts = self._deps.budget, self._deps.now, self.counts
        start = self._deps.random.randrange(len(positions))
        for number, position in enumerate([*positions[start:], *positions[:start]]):
            began = now()
            if budget.wait_s(began):
                counts.over_budget += len(positions) - number
                return
            holds = self._view.holds(batch.at(position), self.request.value_hash)
            self._deps.spend_since(began)
            if holds:
                yield position
            elif holds is None:
                counts.too_large += 1
            else:
                counts.without_value += 1

    def _sampled(self, positions: Sequence[int]) -> Sequence[int]:
        request, random, now = self.request, self._deps.random, self._deps.now()
        self._allowed = min(max(1.0, request.rate), self._allowed + (now - self._allowed_at) * request.rate)
        self._allowed_at = now
        most = int(self._allowed)
        if not most:
            return ()
        if request.sample < 1.0:
            positions = [position for position in positions if random.random() < request.sample]
        if len(positions) > most:
            positions = sorted(random.sample(positions, most))
        self._allowed -= len(positions)
        return positions

    def _has_room(self, left: int) -> bool:
        """Return whether there is room and time for one more; if not, count all that are left as left out."""
        if self._queued_bytes >= MAX_QUEUED_BYTES:
            self.counts.dropped += left
            return False
        if self._deps.budget.wait_s(self._deps.now()):
            self.counts.over_budget += left
            return False
        return True

    def _show(self, tapped: Tapped) -> None:
        began = self._deps.now()
        line = self._view.line(tapped)
        self._deps.spend_since(began)
        self._queue.append(line)
        self._queued_bytes += len(line)
        self.counts.shown += 1
        self._changed.set()

    # -- what the listener reads --------------------------------------------------------------------------------

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield whole lines, until `end`; waits while the reader does not take what was yielded before."""
        now = self._deps.now
        yield self._line("listening", counts=False)
        told, told_at = asdict(self.counts), now()
        while not self._end_reason:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), COUNTS_S)
            self._changed.clear()
            chunk, self._queue, self._queued_bytes = b"".join(self._queue), [], 0
            counts = asdict(self.counts)
            if now() - told_at >= (COUNTS_S if counts != told else SILENCE_S):
                chunk += self._line("counts")
                told, told_at = counts, now()
            if chunk:
                yield chunk
        yield b"".join(self._queue) + self._line("end", reason=self._end_reason)

    def _line(self, kind: str, *, counts: bool = True, **facts: str) -> bytes:
        told = asdict(self.counts) if counts else asdict(self.request)
        document = {"type": kind, **facts, **told}
        return orjson.dumps(document, default=sorted, option=orjson.OPT_APPEND_NEWLINE)
