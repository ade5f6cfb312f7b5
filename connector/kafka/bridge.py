"""The bridge between the event loop and the thread that owns the consumer.

Theory of operation
1. One thread owns the Kafka consumer and makes every call on it (`consumer.py`): a call from a second thread can hang.
2. The loop never waits for the thread: it posts small frozen commands, read between polls.
3. The thread waits for the loop in two places only, each with a time limit: handing over a chunk (at most
   CHUNKS_UNDER_WAY wait for the loop), and closing leases.
4. Revoke and stop are one operation: the pipeline closes the leases by a deadline well below max.poll.interval and
   gives the watermarks; the thread, which still owns the partitions, commits them synchronously; then they go. Lost
   partitions end without waiting and without a commit. A callback never raises.
5. One commit mechanism: explicit, at most every `commit_interval`; an offset counts as committed when the broker's
   answer says so. When nothing is in flight, the position is committed, so that transaction markers and compacted
   gaps don't show as lag.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.errors import BackgroundTaskError
from connector.core.ledger import Lease, TopicCounts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence

    from connector.core.events import CommitAnswered, Emit, Event
    from connector.core.record import Record, TopicPartition

CHUNKS_UNDER_WAY = 4
HAND_OVER_TIMEOUT_S = 1.0
CLOSE_GRACE_S = 2.0

Chunk = list[tuple[Lease, "Sequence[Record]"]]
"""What one call of `consume` brought, by lease; a new lease first comes with no record."""


class CloseLeases(Protocol):
    """Ends leases by a deadline; gives the watermarks to commit. See `Pipeline.close`."""

    def __call__(self, leases: Sequence[Lease], deadline_s: float) -> Coroutine[object, object, Mapping[Lease, int]]:
        """Runs on the event loop."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Fetch nothing more for these leases."""

    leases: Sequence[Lease]


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on fetching for these leases."""

    leases: Sequence[Lease]


@dataclass(frozen=True, slots=True)
class Mark:
    """What may be committed of a lease. `idle_at`: nothing is in flight below this offset, nor was more received."""

    lease: Lease
    watermark: int
    idle_at: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit those marks that have moved."""

    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Stop:
    """Close all leases within so many seconds, leave the group, end."""

    deadline_s: float


Command = Pause | Resume | Commit | Stop


class Bridge:
    """The loop's side. What is named `*_from_thread` is called by the consumer's thread, the rest on the loop."""

    def __init__(self, emit: Emit, close_leases: CloseLeases, topic_counts: dict[str, TopicCounts]) -> None:
        self.commands: deque[Command] = deque()
        self._posted = threading.Event()
        self._topic_counts = topic_counts
        self._emit = emit
        self._close_leases = close_leases
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._credits = threading.BoundedSemaphore(CHUNKS_UNDER_WAY)
        self._connected: asyncio.Future[str] = self._loop.create_future()
        self._failure: BaseException | None = None
        self.ended = asyncio.Event()

    # -- for the pipeline ---------------------------------------------------------------------------------------

    async def connected(self) -> str:
        """Wait until a broker has answered; gives the cluster's id (empty if the thread ended before)."""
        return await asyncio.shield(self._connected)

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Chunks of one lease each. Ends after a stop; raises BackgroundTaskError if the thread has died."""
        while (chunk := await self._chunks.get()) is not None:
            for lease, records in chunk:
                yield lease, records
            if any(records for _, records in chunk):
                self._credits.release()
        if self._failure is not None:
            raise BackgroundTaskError("kafka consumer", self._failure) from self._failure

    def pause(self, leases: Iterable[Lease]) -> None:
        """Fetch nothing more for these until `resume`; a chunk that is under way still comes."""
        self._command(Pause(tuple(leases)))

    def resume(self, leases: Iterable[Lease]) -> None:
        """Go on fetching."""
        self._command(Resume(tuple(leases)))

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit each lease's watermark, if it has moved; of an idle lease its position."""
        if any(isinstance(command, Commit) for command in list(self.commands)):
            return  # the thread waits for a broker: marks must not pile up meanwhile, the next ones say more
        marks = [Mark(lease, lease.watermark, lease.next_offset if lease.idle else None) for lease in leases]
        if marks:
            self._command(Commit(marks))

    def stop(self, deadline_s: float) -> None:
        """Close all leases within so many seconds, leave the group; then the iteration ends."""
        self._command(Stop(deadline_s))

    def _command(self, command: Command) -> None:
        self.commands.append(command)
        self._posted.set()

    # -- for the thread -----------------------------------------------------------------------------------------

    def wait_for_command(self, seconds: float) -> None:
        """Sleep, or wake earlier because a command was posted. Called by the thread."""
        if self._posted.wait(seconds):
            self._posted.clear()

    def new_lease(self, partition: TopicPartition, start: int, committed: int | None) -> Lease:
        """Make a lease, whose ledger the loop alone will touch."""
        counts = self._topic_counts.setdefault(partition.topic, TopicCounts())
        lease = Lease(partition, start, counts)
        lease.committed = committed
        return lease

    def tell_from_thread(self, event: Event) -> None:
        """Give an event to the listeners."""
        self._post(self._emit, event)

    def connected_from_thread(self, cluster_id: str) -> None:
        """Tell that a broker has answered."""
        self._post(self._connected.set_result, cluster_id)

    def hand_over_from_thread(self, chunk: Chunk, alive: Callable[[], bool]) -> None:
        """Give a chunk; waits while the loop has CHUNKS_UNDER_WAY to do. Gives up when `alive` says so."""
        while any(records for _, records in chunk) and not self._credits.acquire(timeout=HAND_OVER_TIMEOUT_S):
            if not alive():
                return
        self._post(self._chunks.put_nowait, chunk)

    def close_from_thread(self, leases: Sequence[Lease], deadline_s: float) -> Mapping[Lease, int]:
        """Have leases closed on the loop, and wait for that; nothing if the loop is gone or does not answer."""
        if not leases:
            return {}
        try:
            closing = asyncio.run_coroutine_threadsafe(self._close(leases, deadline_s), self._loop)
            return closing.result(deadline_s + CLOSE_GRACE_S)
        except (TimeoutError, RuntimeError):
            return {}

    def committed_from_thread(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        """Tell what the broker has answered to a commit."""
        self._post(self._on_committed, offsets, event)

    def ends_from_thread(self, ends: Mapping[Lease, int]) -> None:
        """Tell the partitions' ends, as far as they are known."""
        self._post(self._on_ends, ends)

    def ended_from_thread(self, failure: BaseException | None) -> None:
        """Tell that the thread ends, and of what."""
        self._post(self._on_ended, failure)

    def _post(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            time.sleep(0)  # the loop is closed: the process is ending, nobody listens any more

    async def _close(self, leases: Sequence[Lease], deadline_s: float) -> Mapping[Lease, int]:
        return await self._close_leases(leases, deadline_s)

    def _on_committed(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        for lease, offset in offsets.items():
            lease.committed = offset
        self._emit(event)

    def _on_ends(self, ends: Mapping[Lease, int]) -> None:
        for lease, end in ends.items():
            lease.end_offset = end

    def _on_ended(self, failure: BaseException | None) -> None:
        self._failure = failure
        if not self._connected.done():
            self._connected.set_result("")  # the iteration that follows ends at once, and tells why
        self._chunks.put_nowait(None)
        self.ended.set()
