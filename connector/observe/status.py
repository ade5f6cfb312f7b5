"""How the state of the connector is read into one `Status` (`snapshot.py`), and how `/status` writes it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Final

from connector import __version__
from connector.core.events import ConfigReload
from connector.core.ledger import TopicCounts
from connector.language.message import filtered, in_language
from connector.observe.scrub import scrub
from connector.observe.snapshot import ConfigRefused, PartitionStatus, Status, TargetStatus, TopicStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.events import Event
    from connector.core.ledger import Lease
    from connector.core.record import Record
    from connector.flow.pipeline import Pipeline
    from connector.flow.target import Target
    from connector.language.choice import Language
    from connector.observe.health import Health
    from connector.observe.routes import RouteCounts
    from connector.observe.snapshot import RouteStatus
    from connector.tuzhan.token import TokenProvider

FLOWING_S: Final = 10.0
"""How long after its last record a partition counts as one whose records flow."""

# -- how it is read ---------------------------------------------------------------------------------------------


class ConfigFacts:
    """Listener that knows which config is in use since when, and which one was refused since."""

    def __init__(self, file: str, sha256: str, wall_clock: Callable[[], float] = time.time) -> None:
        self.file = file
        self.sha256 = sha256
        self.generation = 1
        self.refused: ConfigRefused | None = None
        self._wall_clock = wall_clock
        self.loaded_at = wall_clock()

    def on(self, event: Event) -> None:
        """Keep what an event says of the config; never raises."""
        match event:
            case ConfigReload("ok", sha256):
                self.sha256, self.loaded_at, self.refused = sha256, self._wall_clock(), None
                self.generation += 1
            case ConfigReload("refused", sha256, errors):
                self.refused = ConfigRefused(self._wall_clock(), sha256, [filtered(error, scrub) for error in errors])
            case _:
                pass


@dataclass(slots=True)
class StatusReader:
    """Reads the whole state into one `Status`; used on the event loop only."""

    config: ConfigFacts
    pipeline: Pipeline
    targets: Mapping[str, Target]
    topics: Sequence[str]
    """What is subscribed to: names and ^patterns. A name is listed before the first of its partitions is assigned."""
    topic_counts: Mapping[str, TopicCounts]
    routes: RouteCounts
    health: Health
    tokens: TokenProvider
    started_at: float
    """When the process started, on the clock of the event loop."""
    kafka_connected: bool = False
    """Whether a broker has answered."""
    values_omitted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """The mapping's own counter: see `Status`."""
    held: Mapping[Lease, Sequence[Record]] = field(default_factory=dict)
    """Leases that are paused before the pipeline, because they wait for a schema, and their records that do."""
    wall_clock: Callable[[], float] = time.time

    def read(self, now: float) -> Status:
        """Return the state at `now`, on the clock of the event loop."""
        return Status(
            version=__version__,
            config_file=self.config.file,
            config_sha256=self.config.sha256,
            config_loaded_at=self.config.loaded_at,
            config_generation=self.config.generation,
            config_refused=self.config.refused,
            uptime_s=now - self.started_at,
            topics=self._topics(),
            partitions=[self._partition(lease, now) for lease in self.pipeline.leases],
            targets=[_target(target) for target in (*self.targets.values(), *self.pipeline.retiring)],
            token_source=self.tokens.source,
            token_expires_in_s=self.tokens.expires_in_s,
            routes=self.routes.read(),
            values_omitted=dict(self.values_omitted),
            dead_letters=self.routes.dead_letters(),
            reasons=self.health.reasons,
            kafka_connected=self.kafka_connected,
        )

    def _topics(self) -> list[TopicStatus]:
        named = {topic: TopicCounts() for topic in self.topics if not topic.startswith("^")}
        topic_counts = {**named, **self.topic_counts}  # copied at once: the consumer's thread adds topics
        in_flight = dict.fromkeys(topic_counts, 0)
        for lease in self.pipeline.leases:
            in_flight[lease.partition.topic] += lease.unsettled
        return [
            TopicStatus(topic=topic, in_flight=in_flight[topic], **asdict(counts))
            for topic, counts in topic_counts.items()
        ]

    def _partition(self, lease: Lease, now: float) -> PartitionStatus:
        since = lease.oldest_tracked_at
        reached = lease.committed if lease.committed is not None else lease.watermark
        return PartitionStatus(
            topic=lease.partition.topic,
            partition=lease.partition.partition,
            lag=None if lease.end_offset is None else max(0, lease.end_offset - max(reached, lease.start)),
            watermark=lease.watermark,
            committed=lease.committed,
            in_flight=lease.unsettled,
            oldest_unsettled_s=0.0 if since is None else now - since,
            lag_s=self._lag_s(lease, now),
            paused=lease in self.pipeline.paused or lease in self.held,
        )

    def _lag_s(self, lease: Lease, now: float) -> float | None:
        """Return the age of the oldest record that is not settled, by its own timestamp; None if that isn't known."""
        waiting = self.pipeline.leases[lease].backlog or self.held.get(lease)
        if lease.unsettled:
            timestamp_ms = lease.oldest_timestamp_ms
        elif waiting:
            timestamp_ms = waiting[0].timestamp_ms
        elif lease.end_offset is None:
            return None
        elif lease.next_offset >= lease.end_offset:
            return 0.0
        else:
            # More records wait in Kafka. They are younger than the last one, which tells nothing if it is long ago.
            tracked_at, timestamp_ms = lease.last_tracked
            if now - tracked_at > FLOWING_S:
                return None
        return None if timestamp_ms is None else max(0.0, self.wall_clock() - timestamp_ms / 1000)


def _target(target: Target) -> TargetStatus:
    sending = target.sending
    return TargetStatus(
        name=target.label,
        endpoint=target.settings.endpoint,
        state=sending.state,
        reason=scrub(sending.reason),
        since=sending.since,
        in_flight=sending.requests_in_flight,
        in_flight_limit=sending.concurrency.limit,
        queued=target.queued,
        queued_bytes=target.queued_bytes,
        last_reply=scrub(sending.last_reply),
        last_delivery=sending.last_delivery,
        import_batches=tuple(sending.import_batches),
        attempts=sending.attempts,
        next_try_s=None if sending.next_try_s is None else round(sending.next_try_s, 3),
        suspects=sending.suspects,
    )


# -- how it is written ------------------------------------------------------------------------------------------

_COUNTS = [count.name for count in fields(TopicStatus) if count.name not in {"topic", "passed_over"}]
_IN_METRICS_ONLY = ("queued_bytes", "last_delivery")


def totals(status: Status) -> dict[str, int]:
    """Return the counts of `TopicStatus` over all topics: the first is the sum of the others."""
    return {name: sum(getattr(topic, name) for topic in status.topics) for name in _COUNTS}


def to_document(status: Status, language: Language = "en") -> dict[str, object]:
    """Return the JSON document of ``/status``, remedies and errors in a language; its shape is a contract."""
    targets = [
        {name: value for name, value in asdict(target).items() if name not in _IN_METRICS_ONLY}
        for target in status.targets
    ]
    return {
        "version": status.version,
        "ready": status.ready,
        "config": {
            "file": status.config_file,
            "sha256": status.config_sha256,
            "loaded_at": status.config_loaded_at,
            "generation": status.config_generation,
            "refused": _refused(status.config_refused, language),
        },
        "state": status.state,
        "uptime_s": round(status.uptime_s, 3),
        "records": totals(status),
        "partitions": status.partitions,
        "targets": targets,
        "routes": [_route(route) for route in status.routes],
        "dead_letters": status.dead_letters,
        "reasons": [reason.document(language) for reason in status.reasons],
        "token": {"source": status.token_source, "expires_in_s": status.token_expires_in_s},
    }


def _refused(refused: ConfigRefused | None, language: Language) -> ConfigRefused | None:
    return refused and replace(refused, errors=[in_language(error, language) for error in refused.errors])


def _route(route: RouteStatus) -> dict[str, object]:
    items = {name: getattr(route, name) for name in ("delivered", "skipped", "dead_lettered")}
    return {
        "name": route.name,
        "target": route.target,
        "items": items,
        "identity_invalid": route.identity_invalid,
        "reasons": route.reasons,
    }
