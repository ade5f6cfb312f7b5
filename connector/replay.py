"""The command `dead-letters replay`: maps dead letters with today's config, and sends them as `run` would.

Start: the dead-letter topic is read once, up to the ends that it has now, which gives the plan: the dry run ends here.
Then this process becomes the only member of the replay's group, reads the same letters again and sends them through
pipeline, targets and token provider, with the same rate limit. What is done is committed every `commit_interval`: a
replay that was killed goes on where it was, and sends again only what was on the wire or not committed yet.
End: every letter has its outcome; or, on SIGINT or SIGTERM, leases are closed as in `run`. What fails again is a new
dead letter behind the ends, so a replay never meets its own letters.
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.app import LEAVE_MARGIN_S
from connector.core.errors import CommandError, RegistryError, ReplayTakenError
from connector.core.ledger import TopicCounts
from connector.core.record import config_id
from connector.dead_letters import replay_report as report
from connector.dead_letters.feed import LetterFeed
from connector.dead_letters.planning import Planner
from connector.dead_letters.replay_source import ReplaySource
from connector.dead_letters.replayed import Replayed
from connector.decode.decoding import FORMATS
from connector.decode.registry_extra import open_registry
from connector.flow.pipeline import Pipeline
from connector.flow.plan import Plan
from connector.kafka.record_fetcher import RecordFetcher
from connector.kafka.replay_group import ReplayGroup
from connector.language.message import message
from connector.observe.log import configure
from connector.outlets import build_outlets
from connector.runtime.process import stop_on_signals
from connector.runtime.progress import Progress, Shown, letters
from connector.runtime.tasks import Tasks

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from connector.config.loading import Loaded
    from connector.core.record import Record
    from connector.dead_letters.feed import Tally
    from connector.dead_letters.output import Output
    from connector.dead_letters.selection import Filters
    from connector.kafka.topic_reader import TopicReader

_LOOK_S: Final = 0.05
_LAST_COMMITS: Final = 10
_RETRY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    filters: Filters
    limit: int | None
    send: bool
    overwrite: bool
    again: bool
    """Whether letters that were replayed before are replayed too."""
    as_json: bool


def replay(loaded: Loaded, reader: TopicReader, options: Options, output: Output) -> int:
    """Plan, and send if that is asked for; return the exit code. Raises CommandError, BackgroundTaskError."""
    result: report.Result | None = None
    with (
        Progress(Shown.on_stderr(as_json=options.as_json, elsewhere=Shown.LINES)) as progress,
        contextlib.closing(Replay(loaded, reader, options, progress)) as job,
    ):
        tally = job.plan()
        if not options.as_json:
            report.print_plan(tally, output)
        if options.send and tally.selected:
            tally, result = asyncio.run(job.send(tally))
        elif options.send:
            result = report.Result(TopicCounts(), stopped=False)
    if options.as_json:
        output.print(report.as_json(tally, result))
    else:
        report.print_result(tally, result, output)
    return 0 if result is None or result.complete(tally) else 1


class Replay:
    """One replay. Its Kafka clients are used by one thread at a time: first the caller's, then that of `send`."""

    def __init__(self, loaded: Loaded, reader: TopicReader, options: Options, progress: Progress) -> None:
        self._loaded = loaded
        self._reader = reader
        self._options = options
        self._progress = progress
        self._fetcher = RecordFetcher(loaded.config.kafka)
        self._group = ReplayGroup(loaded.config.kafka, reader.topic, reader.ranges)
        self._registry = open_registry(loaded.config)
        self._counts = TopicCounts()
        self._commit_error = ""
        """Why the last commit failed; empty if it did not."""

    def close(self) -> None:
        """Leave the group and close the connections."""
        self._group.close()
        self._fetcher.close()
        if self._registry is not None:
            self._registry.close()

    def plan(self) -> Tally:
        """Return what a replay would do. Blocking; raises CommandError."""
        feed, reader = self._feed(self._replayed()), self._reader
        with self._progress.step(message("looking at"), letters, lambda: (reader.read, reader.wanted)):
            for _ in feed.plans(self._options.limit):
                pass
        return feed.tally

    def _ended(self) -> int:
        """Return how many letters have their outcome."""
        return self._counts.delivered + self._counts.skipped + self._counts.dead_lettered

    def _replayed(self) -> dict[int, Replayed]:
        committed, again = self._group.committed(), self._options.again
        return {
            partition: Replayed(one.first, one.end, committed.get(partition), again=again)
            for partition, one in self._reader.ranges.items()
        }

    def _fetch_schema(self, record: Record) -> None:
        try:
            if self._registry is not None:
                self._registry.fetch_now(record)
        except RegistryError as error:
            raise CommandError(error.told) from error

    def _feed(self, replayed: dict[int, Replayed]) -> LetterFeed:
        mapping = self._loaded.mapping
        mapper = mapping.mapper(
            self._reader.cluster_id, formats=FORMATS if self._registry is None else self._registry.schemas.formats
        )
        planner = Planner(mapping, mapper, self._fetcher, self._fetch_schema, overwrite=self._options.overwrite)
        return LetterFeed(self._reader, planner, self._options.filters, replayed)

    # -- sending ------------------------------------------------------------------------------------------------

    async def send(self, planned: Tally) -> tuple[Tally, report.Result]:
        """Send the letters; return what was planned this time, and what came of it."""
        stop, tasks, log = stop_on_signals(), Tasks(), configure("text", "warning", self._progress)
        with ThreadPoolExecutor(1, "replay-kafka") as thread:
            source, feed = await self._join(thread)
            pipeline = Pipeline()
            outlets = build_outlets(self._loaded.config, pipeline, tasks, log.on, source.subject_of)
            tasks.spawn_service(outlets.access.run(), name="token renewal")
            names, config = list(self._loaded.config.targets), config_id(self._loaded.sha256)
            plan = Plan(source, lambda _: names, outlets.targets, config)
            try:
                with self._progress.step(message("replaying"), letters, lambda: (self._ended(), planned.selected)):
                    await self._run(pipeline, source, plan, tasks, stop)
            finally:
                await tasks.cancel()
                await outlets.close()
        return feed.tally, report.Result(self._counts, stopped=stop.is_set())

    async def _join(self, thread: Executor) -> tuple[ReplaySource, LetterFeed]:
        """Become the group's only member, and only then look at what was replayed before."""

        def join() -> dict[int, Replayed]:
            waiting = f"waiting for another member of {self._group.name} to end"
            self._group.join(lambda: self._progress.note(waiting))
            return self._replayed()

        replayed = await asyncio.get_running_loop().run_in_executor(thread, join)
        feed = self._feed(replayed)
        source = ReplaySource(self._reader.topic, replayed, self._group, thread, self._counts)
        source.read(feed, self._options.limit)
        return source, feed

    async def _run(
        self, pipeline: Pipeline, source: ReplaySource, plan: Plan, tasks: Tasks, stop: asyncio.Event
    ) -> None:
        """Run the pipeline until every letter has its outcome, or until `stop`."""
        loop = asyncio.get_running_loop()
        flow = asyncio.ensure_future(pipeline.run(source, plan))
        try:
            await self._await_end(flow, source, tasks, stop)
            if stop.is_set():
                source.stop()
                timeout_s = self._loaded.config.shutdown_timeout
                deadline = loop.time() + max(timeout_s - LEAVE_MARGIN_S, timeout_s / 2)
                await pipeline.close(list(source.leases.values()), deadline)
        finally:
            source.stop()
            await asyncio.wait([flow])
            await self._commit_at_last(source)

    async def _await_end(
        self, flow: asyncio.Future[None], source: ReplaySource, tasks: Tasks, stop: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        interval_s = self._loaded.config.kafka.commit_interval
        next_commit = loop.time() + interval_s
        while not stop.is_set():
            await asyncio.sleep(_LOOK_S)
            if tasks.failure.done():
                tasks.failure.result()
            if flow.done():
                flow.result()
                return
            if loop.time() >= next_commit:
                await self._commit(source)
                next_commit = loop.time() + interval_s

    async def _commit(self, source: ReplaySource) -> bool:
        """Commit what is done; a broker that is away is no reason to stop sending. Raises ReplayTakenError."""
        try:
            await source.commit_now()
        except ReplayTakenError:
            raise
        except CommandError as error:
            if str(error) != self._commit_error:
                self._progress.note(f"what was replayed could not be committed yet: {error}")
            self._commit_error = str(error)
            return False
        self._commit_error = ""
        return True

    async def _commit_at_last(self, source: ReplaySource) -> None:
        """Commit before the end, whatever it is. Raises CommandError if no broker takes it."""
        for _ in range(_LAST_COMMITS):
            if await self._commit(source):
                return
            await asyncio.sleep(_RETRY_S)
        raise CommandError("what was replayed last could not be committed: a replay sends it again, with the same uuid")
