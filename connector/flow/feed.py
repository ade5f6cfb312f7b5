"""One lease on its way into the targets: what was received of it, and by which plan its records are mapped."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.core.ledger import Lease
    from connector.core.record import Record
    from connector.flow.plan import Plan


class Feed:
    """Lives from the lease's first chunk until it is closed."""

    __slots__ = ("_configs", "_firsts", "_was_read", "backlog", "is_read", "items_of", "lease", "targets")

    def __init__(self, lease: Lease, plan: Plan) -> None:
        topic = lease.partition.topic
        self.lease = lease
        self.targets = plan.targets_of(topic)
        """The targets that records of its topic may go to, the dead letters among them."""
        self.items_of = plan.mapper.of_topic(topic)
        """Maps a record of its topic."""
        self.is_read = True
        """Whether its records may be passed on: not while the plan does not read a topic that an earlier one read."""
        self.backlog: list[Record] = []
        """Records that were received and are not tracked yet, in order."""
        self._was_read = bool(plan.target_names_of(topic))
        self._firsts, self._configs = [0], [plan.config]
        """The first offset of each plan by which records of it were mapped, and the plan's config."""

    def adopt(self, plan: Plan) -> None:
        """Map by another plan from the next record on. Unless it does not read the topic any more: then nothing is."""
        topic, lease = self.lease.partition.topic, self.lease
        reads = bool(plan.target_names_of(topic))
        self.is_read, self._was_read = reads or not self._was_read, reads or self._was_read
        self.targets, self.items_of = plan.targets_of(topic), plan.mapper.of_topic(topic)
        done = bisect_right(self._firsts, lease.watermark) - 1  # plans of which nothing is left
        end = bisect_left(self._firsts, lease.next_offset)  # a plan by which nothing was mapped
        self._firsts = [*self._firsts[done:end], lease.next_offset]
        self._configs = [*self._configs[done:end], plan.config]

    def config_of(self, offset: int) -> str:
        """Return the short name of the config by which a record in flight was mapped."""
        return self._configs[bisect_right(self._firsts, offset) - 1]

    @property
    def room(self) -> tuple[int, int]:
        """How many items, and how many bytes, fill the first of the targets if all of them are for it."""
        items, size = self.targets[0].room
        for target in self.targets[1:]:
            its_items, its_size = target.room
            items, size = min(items, its_items), min(size, its_size)
        return items, size
