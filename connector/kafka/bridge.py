"""The bridge between the event loop and the thread that owns the Kafka consumer.

Theory of operation
1. One thread owns the consumer and makes every call on it (`consumer.py`): a call from a second thread can hang.
2. The loop never waits for the thread: it posts small frozen commands, which the thread reads between polls.
3. The thread waits for the loop in two places only: handing over a chunk (while the loop has enough to process, see
   `chunks.py`; it goes on beating, and a stop ends the wait), and closing leases (until a deadline). A full target does
   not make it wait: the pipeline takes all chunks, keeps what does not fit and has the partitions paused.
4. Revoke and stop are one operation: the pipeline closes the leases by a deadline well below max.poll.interval and
   returns their progress; the thread, which still owns the partitions, commits it and awaits that; only then are the
   partitions given up. Leases of lost partitions end without a deadline for what is in flight and without a commit.
5. One commit mechanism: explicit, at most every `commit_interval`; an offset counts as committed when the broker has
   confirmed it. When nothing is in flight, the position is committed, so that transaction markers and compacted gaps
   do not show as lag.

Example: orders[0] is revoked while records 40 to 46 are on the wire and 47 waits for a retry
   thread   on_revoke: stops tracking the lease, posts Pipeline.close to the loop, waits until the deadline + grace
   loop     the lease is CLOSING: 47 is abandoned, the replies for 40 to 46 arrive, the lease ENDS at watermark 47
   thread   commits 47 and awaits that, unassigns the partition, emits Rebalanced("revoked", unsettled=1)
   later    a chunk of this lease that was still queued is dropped; the next owner starts at 47
   If the loop does not answer in time, nothing is committed: records may be repeated, none is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.errors import BackgroundTaskError
from connector.core.ledger import Lease, TopicCounts
from connector.kafka.chunks import ChunkSize, Places, size_of
from connector.kafka.deadlines import CLOSE_GRACE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence

    from connector.core.events import CommitAnswered, Emit, Event
    from connector.core.progress import Progress
    from connector.core.record import Record, TopicPartition
    from connector.kafka.chunks import Chunk

WAIT_S = 1.0
"""How long the thread waits for the loop between two heartbeats."""

CloseLeases = Callable[["Sequence[Lease]", float | None], "Coroutine[object, object, Mapping[Lease, Progress]]"]
"""Ends leases by a deadline and returns the progress to commit. Runs on the loop; see `Pipeline.close`."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop fetching for these leases."""

    leases: Sequence[Lease]


@dataclass(frozen=True, slots=True)
class Resume:
    """Fetch for these leases again."""

    leases: Sequence[Lease]


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What may be committed of one lease."""

    lease: Lease
    progress: Progress
    idle_at: int | None
    """The offset after the last record received, if nothing is in flight; else None."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit those of the requests that have moved."""

    requests: Sequence[CommitRequest]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Consume these topics from now on, and no others; partitions of others are given up as in any rebalance."""

    topics: Sequence[str]
    """Names, and patterns that begin with `^`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Close all leases by a deadline, leave the group, end the thread."""

    deadline: float
    """In monotonic seconds, as the clock of the event loop."""


Command = Pause | Resume | Commit | Subscribe | Stop


class Bridge:
    """Methods named `*_from_thread` are called by the consumer's thread, all others on the event loop.

    Built on the event loop; lives as long as the process.
    """

    def __init__(self, emit: Emit, close_leases: CloseLeases, topic_counts: dict[str, TopicCounts]) -> None:
        self.commands: deque[Command] = deque()
        """Posted on the loop, taken by the thread."""
        self.stop_requested = False
        """Set on the loop, read by the thread, which may be busy with earlier commands."""
        self.heartbeat: Callable[[], object] = lambda: None
        """Called by the thread while it waits; set by the thread."""
        self._command_posted = threading.Event()
        self._topic_counts = topic_counts
        self._emit = emit
        self._close_leases = close_leases
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[tuple[Chunk, int] | None] = asyncio.Queue()
        """Chunks and their bytes; None ends the iteration."""
        self._places = Places()
        self._chunk_size = ChunkSize()
        self._connected: asyncio.Future[str] = self._loop.create_future()
        self._failure: BaseException | None = None

    # -- for the pipeline ---------------------------------------------------------------------------------------

    async def connected(self) -> str:
        """Wait until a broker has answered; return the cluster's id (empty if the thread ended before)."""
        return await asyncio.shield(self._connected)

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Yield chunks of one lease each until a stop. Raises BackgroundTaskError if the thread has died."""
        while (queued := await self._chunks.get()) is not None:
            chunk, size = queued
            for lease, records in chunk:
                yield lease, records
            self._places.give_back(size)
        if self._failure is not None:
            raise BackgroundTaskError("kafka consumer", self._failure) from self._failure

    def pause(self, leases: Iterable[Lease]) -> None:
        """Stop fetching for these leases until `resume`; chunks that are already queued still arrive."""
        self._post_command(Pause(tuple(leases)))

    def resume(self, leases: Iterable[Lease]) -> None:
        """Fetch for these leases again."""
        self._post_command(Resume(tuple(leases)))

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit each lease's progress if it has changed; for an idle lease, its position."""
        if any(isinstance(command, Commit) for command in list(self.commands)):
            return  # the thread waits for a broker: requests must not pile up, and the next one replaces this one
        requests = [CommitRequest(one, one.progress(), one.next_offset if one.idle else None) for one in leases]
        self._post_command(Commit(requests))

    def subscribe(self, topics: Sequence[str]) -> None:
        """Consume these topics, names and patterns, in the place of those of before."""
        self._post_command(Subscribe(tuple(topics)))

    def stop(self, deadline_s: float) -> None:
        """Close all leases within `deadline_s` seconds and leave the group; then the iteration ends."""
        self.stop_requested = True
        self._post_command(Stop(self._loop.time() + deadline_s))

    def _post_command(self, command: Command) -> None:
        self.commands.append(command)
        self._command_posted.set()

    # -- for the thread -----------------------------------------------------------------------------------------

    @property
    def chunk_records(self) -> int:
        """How many records the next chunk should have at most."""
        return self._chunk_size.records

    def wait_for_command_from_thread(self, timeout_s: float) -> None:
        """Sleep until a command is posted, at most `timeout_s`."""
        if self._command_posted.wait(timeout_s):
            self._command_posted.clear()

    def new_lease_from_thread(
        self, partition: TopicPartition, start: int, committed: int | None, ahead: Sequence[range] = ()
    ) -> Lease:
        """Return a new lease, of which `ahead` is settled; from here on only the loop may touch its ledger."""
        lease = Lease(partition, start, self._topic_counts.setdefault(partition.topic, TopicCounts()), ahead)
        lease.committed = committed
        return lease

    def emit_from_thread(self, event: Event) -> None:
        """Emit an event on the loop."""
        self._post(self._emit, event)

    def call_from_thread(self, call: Callable[..., object], *arguments: object) -> None:
        """Call a function on the loop, after what was posted before."""
        self._post(call, *arguments)

    def on_connected_from_thread(self, cluster_id: str) -> None:
        """Called once, when a broker has answered."""
        self._post(self._connected.set_result, cluster_id)

    def put_chunk_from_thread(self, chunk: Chunk, heartbeat: Callable[[], bool]) -> None:
        """Hand over a chunk; wait for a free place while `heartbeat` returns True, else drop the chunk."""
        size = size_of(chunk)
        self._chunk_size.observe(chunk, size)
        while not self._places.take(size, WAIT_S):
            if not heartbeat():
                return
        self._post(self._chunks.put_nowait, (chunk, size))

    def close_leases_from_thread(self, leases: Sequence[Lease], deadline: float | None) -> Mapping[Lease, Progress]:
        """Close leases on the loop and return their progress; nothing if the loop does not answer in time.

        `deadline` is in monotonic seconds; None means that the partitions are lost: see `Pipeline.close`, whose errors
        are raised.
        """
        if not leases:
            return {}
        left_s = CLOSE_GRACE_S + (0.0 if deadline is None else max(0.0, deadline - self._loop.time()))
        with contextlib.suppress(RuntimeError):  # as in _post
            closing = asyncio.run_coroutine_threadsafe(self._close_leases(leases, deadline), self._loop)
            while left_s > 0:
                wait_s = min(left_s, WAIT_S)
                left_s -= wait_s  # while the process is frozen, time passes, but the loop can't answer
                try:
                    return closing.result(wait_s)
                except TimeoutError:
                    if closing.done():
                        return closing.result()  # what closing itself has raised, or what came in this very moment
                self.heartbeat()
        return {}

    def on_committed_from_thread(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        """Called with what the broker has confirmed, and with its answer as an event."""
        self._post(self._store_committed, offsets, event)

    def on_end_offsets_from_thread(self, end_offsets: Mapping[Lease, int]) -> None:
        """Called with the partitions' end offsets, as far as they are known."""
        self._post(self._store_end_offsets, end_offsets)

    def on_ended_from_thread(self, failure: BaseException | None) -> None:
        """Called when the thread ends; `failure` is what ended it, None after a stop."""
        self._post(self._end, failure)

    def _post(self, call: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending, nothing listens any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _store_committed(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        for lease, offset in offsets.items():
            lease.committed = offset
        self._emit(event)

    def _store_end_offsets(self, end_offsets: Mapping[Lease, int]) -> None:
        for lease, offset in end_offsets.items():
            lease.end_offset = offset

    def _end(self, failure: BaseException | None) -> None:
        self._failure = failure
        if not self._connected.done():
            self._connected.set_result("")  # the iteration that follows ends at once and raises the failure
        self._chunks.put_nowait(None)
