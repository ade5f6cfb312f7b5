"""Whether the group has dealt out its partitions to this member: being a member is not enough.

signal                                  classic protocol        KIP-848 (`group.protocol: consumer`)
on_assign, also with no partitions      dealt                   dealt
in the group, but no on_assign          not dealt: the leader   dealt after QUIET_S: the broker does not
                                        has not assigned yet    say so when a member gets nothing
on_lost, or no longer in the group      not dealt               not dealt
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from confluent_kafka import Consumer

QUIET_S: Final = 2.0
"""How long a member of a KIP-848 group waits for partitions before it counts as having been given none. With the epoch
the broker sends the assignment; librdkafka needs at most one more request, for the names of the topics."""

LOOK_S: Final = 0.1
"""How often the client is asked for its generation: for that it asks another thread, which takes as long as ten records
do."""

_METADATA_PREFIX: Final = b"CGMDv2:"


class Membership:
    """What is known of the member's place in its group. `now` is monotonic seconds. Used by the consumer's thread."""

    def __init__(self, *, kip848: bool) -> None:
        self.dealt = False
        """Whether the group has dealt out its partitions; this member may have been given none."""
        self._kip848 = kip848
        self._joined_at: float | None = None
        self._look_at = -math.inf

    def look(self, consumer: Consumer, now: float) -> None:
        """Called between polls: observes the generation that the client has, every LOOK_S."""
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            self.observe(generation_of(consumer), now)

    def on_assigned(self) -> None:
        """Called when the group has assigned partitions, maybe none."""
        self.dealt = True

    def on_lost(self) -> None:
        """Called when all partitions are gone, until the group deals them out again."""
        self.dealt = False
        self._joined_at = None

    def observe(self, generation: int, now: float) -> None:
        """Called with the generation (or member epoch), which is negative outside a group."""
        if generation < 0:
            self.on_lost()
            return
        if self._joined_at is None:
            self._joined_at = now
        if self._kip848 and now - self._joined_at >= QUIET_S:
            self.dealt = True


def generation_of(consumer: Consumer) -> int:
    """Return the generation (with KIP-848: the member epoch) of the consumer; -1 if it is no member. Does not block."""
    metadata = bytes(consumer.consumer_group_metadata())
    start = len(_METADATA_PREFIX)
    if not metadata.startswith(_METADATA_PREFIX):  # another version of the client
        return 0 if consumer.memberid() else -1
    return int.from_bytes(metadata[start : start + 4], sys.byteorder, signed=True)
