"""The state of the connector at one instant: its shape, how it is read, and how `/status` writes it.

A `Status` is a snapshot: it is taken on the event loop without an `await`, so its numbers belong together. In each
topic, ``consumed = delivered + skipped + dead_lettered + released + in_flight``. The status page, ``/status`` and most
of ``/metrics`` are written from it.

Counts are those of the process since its start. They never fall, even when a partition or a topic goes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from connector import __version__
from connector.core.record import config_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from connector.core.ledger import Lease, TopicCounts
    from connector.core.sink import TargetState
    from connector.flow.pipeline import Pipeline
    from connector.flow.target import Target
    from connector.tuzhan.token import TokenProvider


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """What became of one topic's records since the process started."""

    topic: str
    consumed: int
    delivered: int
    skipped: int
    dead_lettered: int
    released: int
    """Unsettled when their lease ended: the next owner of their partition gets them again."""
    in_flight: int
    passed_over: int = 0
    """Settled ahead before their lease began: not consumed, and in none of the counts above."""


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One partition that this process owns now."""

    topic: str
    partition: int
    lag: int | None
    """Records in Kafka that the group has not committed; None until the broker has reported the partition's end."""
    watermark: int
    """The offset that may be committed: every record below it is settled."""
    committed: int | None
    """The offset that the broker confirmed; None if there is none."""
    in_flight: int
    oldest_unsettled_s: float
    """The age of the oldest record without an outcome; 0 if there is none."""
    paused: bool


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target: its state, its queue, its last replies."""

    name: str
    endpoint: str
    state: TargetState
    reason: str
    """Why it is not up; empty if it is."""
    since: float
    """When it came into this state: seconds since 1970."""
    in_flight: int
    """Requests that wait for their reply."""
    queued: int
    """Items that wait to be sent or for their reply."""
    queued_bytes: int
    last_reply: str
    """For people: the platform's last answer; empty before the first."""
    last_delivery: float | None
    """When it last delivered something: seconds since 1970; None if it never has."""
    import_batches: Sequence[str]
    """The last 100 import batch ids, the newest last."""
    attempts: int
    """Requests in a row that have delivered nothing."""
    next_try_s: float | None
    """Seconds until the next request; None if nothing failed or nothing waits."""
    suspects: int
    """Batches that are searched for an item that makes them fail, and items that wait alone."""


@dataclass(frozen=True, slots=True)
class Status:
    """The snapshot."""

    version: str
    config_file: str
    config_sha256: str
    state: str
    uptime_s: float
    topics: Sequence[TopicStatus]
    partitions: Sequence[PartitionStatus]
    targets: Sequence[TargetStatus]
    token_source: str
    """Where the token comes from, in the words of the config."""
    token_expires_in_s: float | None
    """None if there is no token, or if its end isn't known (a fixed token)."""
    identity_invalid: Mapping[tuple[str, str], int]
    """Identity values that could not be converted, by (route, identity type)."""
    values_omitted: Mapping[tuple[str, str], int]
    """Values that could not be converted and were left out, by (route, field)."""
    items_skipped: Mapping[tuple[str, str], int]
    """Items that a rule of the mapping skipped, by (route, target)."""

    @property
    def config_id(self) -> str:
        """The short name of the config's contents."""
        return config_id(self.config_sha256)


# -- how it is read ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class StatusReader:
    """Reads the whole state into one `Status`; used on the event loop only."""

    config_file: str
    config_sha256: str
    pipeline: Pipeline
    targets: Mapping[str, Target]
    topic_counts: Mapping[str, TopicCounts]
    tokens: TokenProvider
    started_at: float
    """When the process started, on the clock of the event loop."""
    state: Literal["starting", "running", "draining"] = "starting"
    identity_invalid: Mapping[tuple[str, str], int] = field(default_factory=dict)
    values_omitted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    items_skipped: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """These three are the mapper's own counters, once it is built: see `Status`."""
    held: Collection[Lease] = ()
    """Leases that are paused before the pipeline, because they wait for a schema."""

    def read(self, now: float) -> Status:
        """Return the state at `now`, on the clock of the event loop."""
        return Status(
            version=__version__,
            config_file=self.config_file,
            config_sha256=self.config_sha256,
            state=self.state,
            uptime_s=now - self.started_at,
            topics=self._topics(),
            partitions=[self._partition(lease, now) for lease in self.pipeline.leases],
            targets=[_target(target) for target in self.targets.values()],
            token_source=self.tokens.source,
            token_expires_in_s=self.tokens.expires_in_s,
            identity_invalid=dict(self.identity_invalid),
            values_omitted=dict(self.values_omitted),
            items_skipped=dict(self.items_skipped),
        )

    def _topics(self) -> list[TopicStatus]:
        topic_counts = dict(self.topic_counts)  # copied at once: the consumer's thread adds topics
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
            paused=lease in self.pipeline.paused or lease in self.held,
        )


def _target(target: Target) -> TargetStatus:
    sending = target.sending
    return TargetStatus(
        name=target.settings.name,
        endpoint=target.settings.endpoint,
        state=sending.state,
        reason=sending.reason,
        since=sending.since,
        in_flight=sending.requests_in_flight,
        queued=target.queued,
        queued_bytes=target.queued_bytes,
        last_reply=sending.last_reply,
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


def to_document(status: Status) -> dict[str, object]:
    """Return the JSON document of ``/status``; its shape is a contract."""
    targets = [
        {name: value for name, value in asdict(target).items() if name not in _IN_METRICS_ONLY}
        for target in status.targets
    ]
    return {
        "version": status.version,
        "config": {"file": status.config_file, "sha256": status.config_sha256},
        "state": status.state,
        "uptime_s": round(status.uptime_s, 3),
        "records": totals(status),
        "partitions": status.partitions,
        "targets": targets,
        "token": {"source": status.token_source, "expires_in_s": status.token_expires_in_s},
    }
