"""What commits carry beside their offsets, within the sizes that the broker allows.

A commit that is refused for its size is repeated once without maps; later ones carry at most half as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.commit_metadata import MAX_CHARS, FirstSight, encode_all
from connector.core.progress import Progress
from connector.core.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REQUEST_CHARS: Final = 512 * 1024
"""What the metadata of one request has at most: about 1 MiB in all makes the broker refuse every offset of it."""
LEAST_CHARS: Final = 64
"""What metadata without a map may take: a broker that does not allow it gets none."""

OffsetCommit = tuple[TopicPartition, Progress, FirstSight]


class CommitTexts:
    """Writes the metadata of commits. Used by the consumer's thread only."""

    def __init__(self) -> None:
        self.without_maps = False
        """Whether the next commit carries no map, because the last one was refused for its size."""
        self._max_chars = MAX_CHARS
        """What one commit's metadata may have: less once a broker has refused some."""

    def on_refused_for_size(self) -> None:
        """Called when the broker has refused a commit because of its size."""
        self.without_maps = True
        self._max_chars //= 2

    def offsets_of(self, commits: Sequence[OffsetCommit]) -> list[KafkaTopicPartition]:
        """Return the commits of one request as the client takes them."""
        if self._max_chars < LEAST_CHARS:
            return [KafkaTopicPartition(*partition, progress.offset) for partition, progress, _ in commits]
        limit = 0 if self.without_maps else self._max_chars
        texts = encode_all([(progress, sight) for _, progress, sight in commits], limit, MAX_REQUEST_CHARS)
        return [
            KafkaTopicPartition(*partition, progress.offset, text)
            for (partition, progress, _), text in zip(commits, texts, strict=True)
        ]
