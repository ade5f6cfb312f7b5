"""Which leases have to wait, and what is kept of them meanwhile. Back-pressure is a value: nothing here acts.

Theory of operation
1. A target is *full* from when it reaches one of its bounds until less than half of both is used. While it is full, all
   leases whose topic feeds it wait, the dead letters' all leases. No record is passed on once one has filled a target,
   so a bound is exceeded by the items of one record at most, and a record that is larger than the bound passes alone.
2. A lease waits for itself when MAX_OPEN_OFFSETS records are open, until fewer than half of them are. Its partition is
   paused at nine tenths, so that what was fetched before the pause still fits.
3. The partitions of waiting leases are paused, all those of a target together, whether they have records or not. What
   was fetched before the pause stays in the lease's *backlog*: not tracked, so not consumed. It is bounded, because
   the source has few places for chunks.
4. A partition is resumed once its lease does not wait and has no backlog: records are passed on in order, and no
   partition gets new ones while the queue is filled from the backlog of another.
5. Items that their target hands to the dead letters do not wait: they were queued before. So the queue of the dead
   letters may hold what fits into all queues together.
6. A lease whose topic the plan does not read any more waits for another plan, or for its end: records that nothing
   reads would be committed as skipped.
7. The leases are gone through when a target has become full or has room again, not on each delivery.

Example: `events` takes 40 items and is fed by the partitions 0 and 1; a chunk of 100 records arrives for 0.

    40 records pass            `events` is full: 0 and 1 are paused, 60 records stay in the backlog of 0
    21 items are delivered     19 are left: `events` has room
    21 records pass            `events` is full again: 39 stay in the backlog, nothing is resumed
    …                          the backlog is empty, and `events` has room: 0 and 1 are resumed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.ledger import MAX_OPEN_OFFSETS, LeaseState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.ledger import Lease
    from connector.flow.feed import Feed
    from connector.flow.target import Target


class BackPressure:
    """Lives as long as the pipeline; `feeds` are the leases that are not closed, kept up by the pipeline."""

    def __init__(self, feeds: Mapping[Lease, Feed]) -> None:
        self.paused: set[Lease] = set()
        """The leases whose partitions are not fetched."""
        self._feeds = feeds
        self._full: set[Target] = set()
        self._long: set[Lease] = set()
        """The leases that reached nine tenths of MAX_OPEN_OFFSETS and still have half of it open, or more."""
        self.changed = False
        """Whether leases that are not paused may have to wait since `take_leases_to_pause` was called."""

    @property
    def waits_for_leases(self) -> bool:
        """Whether leases wait for themselves, which no delivery tells."""
        return bool(self._long)

    def room(self, feed: Feed) -> tuple[int, int, int] | None:
        """Return how many records of a lease may be passed on, and how many items, or bytes, fill one of its targets.

        Once one is full, ask again. None if the lease has to wait.
        """
        if not feed.is_read:
            return None
        items, size = feed.room
        if items <= 0 or size <= 0:
            for target in feed.targets:
                if target.full:
                    self.on_full(target)
        if self._full and not self._full.isdisjoint(feed.targets):
            return None
        records = MAX_OPEN_OFFSETS - feed.lease.span
        return (records, items, size) if records > 0 else None

    def on_tracked(self, lease: Lease) -> None:
        """Called when records of a lease were tracked: it may have to wait for itself."""
        if lease.span * 10 >= MAX_OPEN_OFFSETS * 9 and lease not in self._long:
            self._long.add(lease)
            self.changed = True

    def on_full(self, target: Target) -> None:
        """Called when a target has reached a bound, or stands at it: the leases that feed it wait."""
        if target not in self._full:
            self._full.add(target)
            self.changed = True

    def on_new(self, feed: Feed) -> bool:
        """Called with a lease that has come; return whether it has to wait, so that it counts as paused."""
        if self._waits(feed):
            self.paused.add(feed.lease)
        return feed.lease in self.paused

    def on_exchange(self) -> None:
        """Called when the leases follow another plan: they may have to wait for other reasons than before."""
        self.changed = True

    def on_closing(self, lease: Lease) -> None:
        """Called before a lease closes or ends: drops its backlog, which the next owner has, and forgets it."""
        self.paused.discard(lease)
        if lease in self._feeds:
            self._feeds[lease].backlog.clear()

    def relieve_targets(self) -> bool:
        """Look whether full targets have room again; return whether one has, so that leases may go on."""
        relieved = [target for target in self._full if target.has_room]
        self._full.difference_update(relieved)
        return bool(relieved)

    def relieve_leases(self) -> None:
        """Look whether leases that waited for themselves may go on."""
        self._long = {lease for lease in self._long if lease.span * 2 >= MAX_OPEN_OFFSETS}

    def take_leases_to_pause(self) -> list[Lease]:
        """Return the leases that wait and were not paused; from now on they are."""
        if not self.changed:
            return []
        self.changed = False
        leases = [one for one, feed in self._feeds.items() if one not in self.paused and self._waits(feed)]
        self.paused.update(leases)
        return leases

    def take_leases_to_resume(self) -> list[Lease]:
        """Return the paused leases that do not wait and have no backlog; from now on they are not paused."""
        leases = [one for one in self.paused if not self._feeds[one].backlog and not self._waits(self._feeds[one])]
        self.paused.difference_update(leases)
        return leases

    def _waits(self, feed: Feed) -> bool:
        if feed.lease.state is not LeaseState.OPEN:
            return False
        return not feed.is_read or feed.lease in self._long or not self._full.isdisjoint(feed.targets)
