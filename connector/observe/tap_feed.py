"""What one listener of the tap gets: chosen as it flows, masked later, bounded, and counted where it is left out.

The flow only hands over references (`offer`). The listener's own task searches and masks them (`rendered`), for some
milliseconds at once and never more than its share of the time. What it does not come to is left out, and so is what its
reader does not take.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from random import Random

    from connector.core.time_budget import TimeBudget
    from connector.observe.tap_request import TapRequest
    from connector.observe.tapped import Batch, Tapped, View

MAX_PENDING: Final = 500
"""Items that wait to be searched and masked."""
MAX_PENDING_BYTES: Final = 4 << 20
"""Of the values of their records, which are kept meanwhile."""
MAX_CHUNK_BYTES: Final = 256 << 10
"""What is handed to a reader at once."""
COUNTS_S: Final = 1.0
"""How often the counts are told while they change."""
SILENCE_S: Final = 5.0
"""How often they are told when they don't, so that both sides notice that the other one is gone."""


@dataclass(slots=True)
class TapCounts:
    """What became of the items that a listener asked for. The first is the sum of the others and of what waits."""

    matched: int = 0
    """By route, target and outcome."""
    shown: int = 0
    sampled_out: int = 0
    """Left out by `sample` and `rate`."""
    without_value: int = 0
    """Left out because they do not hold the value."""
    over_budget: int = 0
    """Left out, so that the tap takes no more than its share of the time."""
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


class TapFeed:
    """What waits for one listener. Lives as long as its response; used on the event loop only."""

    def __init__(self, request: TapRequest, view: View, deps: FeedDependencies) -> None:
        self.request = request
        self.counts = TapCounts()
        self._view = view
        self._deps = deps
        self._allowed = max(1.0, request.rate)
        """How many items may be shown now: the rate's worth of a second at most."""
        self._allowed_at = deps.now()
        self._pending: deque[Tapped] = deque()
        self._pending_bytes = 0
        self._is_read = True
        """Whether the reader has taken all that was handed to it."""
        self._end_reason = ""
        self._changed = asyncio.Event()

    def offer(self, batch: Batch) -> None:
        """Take what of a batch is asked for, as far as there is room. Takes microseconds, whatever the batch holds."""
        wanted = batch.wanted(self.request, self._view)
        if not wanted:
            return
        self.counts.matched += len(wanted)
        if len(self._pending) >= MAX_PENDING:
            self._leave_out(len(wanted))
            return
        chosen = wanted if self.request.value_hash else self._sampled(wanted)
        self.counts.sampled_out += len(wanted) - len(chosen)
        self._take(chosen, batch)

    def end(self, reason: str) -> None:
        """End the lines, the last of which tells the reason."""
        self._end_reason = reason
        self._changed.set()

    def _take(self, positions: Sequence[int], batch: Batch) -> None:
        """Keep what is at these positions: as many as there is room for, from all over the batch."""
        room = MAX_PENDING - len(self._pending)
        kept = positions if len(positions) <= room else sorted(self._deps.random.sample(positions, room))
        taken = 0
        for position in kept:
            if self._pending_bytes >= MAX_PENDING_BYTES:
                break
            tapped = batch.at(position)
            self._pending.append(tapped)
            self._pending_bytes += len(tapped.record.value or b"")
            taken += 1
        if taken < len(positions):
            self._leave_out(len(positions) - taken)
        self._changed.set()

    def _leave_out(self, count: int) -> None:
        if self._is_read:
            self.counts.over_budget += count
        else:
            self.counts.dropped += count

    def _sampled(self, positions: Sequence[int]) -> Sequence[int]:
        """Return a random choice of the positions, as sample and rate allow."""
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

    # -- what the listener reads --------------------------------------------------------------------------------

    def rendered(self, *, at_once: bool = False) -> bytes:
        """Return the lines of what waits, as many as there is time for now; all of them with `at_once`."""
        deps, lines, size = self._deps, list[bytes](), 0
        while self._pending and size < MAX_CHUNK_BYTES:
            began = deps.now()
            if not at_once and deps.budget.wait_s(began):
                break
            tapped = self._pending.popleft()
            self._pending_bytes -= len(tapped.record.value or b"")
            if self._is_wanted(tapped):
                lines.append(self._view.line(tapped))
                size += len(lines[-1])
            ended = deps.now()
            deps.budget.spend(ended, ended - began)
        self.counts.shown += len(lines)
        return b"".join(lines)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield whole lines, until `end`; waits while the reader does not take what was yielded before."""
        now = self._deps.now
        yield self._line("listening", counts=False)
        told, told_at = asdict(self.counts), now()
        while not self._end_reason:
            if self._pending:
                await asyncio.sleep(self._deps.budget.wait_s(now()))
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), COUNTS_S)
            self._changed.clear()
            chunk = self.rendered()
            counts = asdict(self.counts)
            if now() - told_at >= (COUNTS_S if counts != told else SILENCE_S):
                chunk += self._line("counts")
                told, told_at = counts, now()
            if chunk:
                self._is_read = False
                yield chunk
                self._is_read = True
        yield self.rendered(at_once=True) + self._line("end", reason=self._end_reason)

    def _is_wanted(self, tapped: Tapped) -> bool:
        """Return whether it holds the value that is asked for, if one is, and may be shown; count it if not."""
        if not self.request.value_hash:
            return True
        holds, counts = self._view.holds(tapped, self.request.value_hash), self.counts
        if not holds:
            if holds is None:
                counts.too_large += 1
            else:
                counts.without_value += 1
            return False
        if not self._sampled((0,)):
            counts.sampled_out += 1
            return False
        return True

    def _line(self, kind: str, *, counts: bool = True, **facts: str) -> bytes:
        told = asdict(self.counts) if counts else asdict(self.request)
        document = {"type": kind, **facts, **told}
        return orjson.dumps(document, default=sorted, option=orjson.OPT_APPEND_NEWLINE)
