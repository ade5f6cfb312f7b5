"""The whole state as one snapshot, read off the ledgers and targets at once, on the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector import __version__
from connector.observe.status import PartitionStatus, Status, TargetStatus, TokenStatus, TopicStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.ledger import Lease, TopicCounts
    from connector.flow.pipeline import Pipeline
    from connector.flow.target import Target
    from connector.tuzhan.token import Tokens

Counts = dict[tuple[str, str], int]


@dataclass(slots=True)
class Snapshots:
    """Takes snapshots. `mapped` gives the mapper's own counts: invalid identities, skipped items."""

    config_file: str
    config_sha256: str
    pipeline: Pipeline
    targets: Mapping[str, Target]
    topic_counts: Mapping[str, TopicCounts]
    tokens: Tokens
    began: float
    """When the process began, on the clock of the event loop."""
    state: str = "starting"
    identity_invalid: Mapping[tuple[str, str], int] | None = None
    items_skipped: Mapping[tuple[str, str], int] | None = None

    def take(self, now: float) -> Status:
        """The state at `now`, on the clock of the event loop."""
        return Status(
            version=__version__,
            config_file=self.config_file,
            config_sha256=self.config_sha256,
            state=self.state,
            uptime_s=now - self.began,
            topics=self._topics(),
            partitions=[self._partition(lease, now) for lease in self.pipeline.leases],
            targets=[_target(target) for target in self.targets.values()],
            token=TokenStatus(self.tokens.source, self.tokens.expires_in_s),
            identity_invalid=dict(self.identity_invalid or {}),
            items_skipped=dict(self.items_skipped or {}),
        )

    def _topics(self) -> list[TopicStatus]:
        topic_counts = dict(self.topic_counts)  # at once: the consumer's thread adds topics
        in_flight = dict.fromkeys(topic_counts, 0)
        for lease in self.pipeline.leases:
            in_flight[lease.partition.topic] += lease.unsettled
        return [
            TopicStatus(
                topic=topic,
                consumed=counts.consumed,
                delivered=counts.delivered,
                skipped=counts.skipped,
                dead_lettered=counts.dead_lettered,
                released=counts.released,
                in_flight=in_flight[topic],
            )
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
            paused=lease in self.pipeline.paused,
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
        import_batches=tuple(sending.import_batches),
    )
