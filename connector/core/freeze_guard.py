"""Whether the process may send: not after it was frozen, until the group has confirmed its partitions.

A process that was stopped (SIGSTOP, a paused machine) for longer than its session timeout has lost its partitions and
does not know it yet: what it sends then, another member sends too.

    event                                         before          after
    check, less than limit_s after the last one   open, closed    unchanged
    check, later than that                        open, closed    closed, with a new ticket
    confirm(ticket), of this freeze               closed          open
    confirm(ticket), of an earlier freeze         closed          closed

Example, with a limit of 2 s: checks at 0.0, 0.5 and, because the process was stopped meanwhile, 9.5. The guard closes
with ticket 1. The consumer's thread commits once more; the reply shows that the member is still in its group, or that
its partitions are lost, and their leases end. Either way it confirms ticket 1, and sending goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FreezeGuard:
    """Notices that the process was frozen. Used on the event loop, but for `ticket`, which any thread may read.

    `clocks` returns the readings of several clocks, in seconds: the greatest jump counts. A freeze is a time of more
    than `limit_s` between two checks, so `check` must be called more often than that.
    """

    def __init__(
        self,
        limit_s: float,
        clocks: Callable[[], tuple[float, ...]],
        on_freeze: Callable[[float], None],
        on_open: Callable[[], None],
    ) -> None:
        self.ticket = 0
        """The number of freezes so far."""
        self.limit_s = limit_s
        self._clocks = clocks
        self._on_freeze = on_freeze
        """Called with the seconds that the process was frozen."""
        self._on_open = on_open
        """Called when sending may go on."""
        self._last = clocks()
        self._confirmed = 0

    def may_start(self) -> bool:
        """Return whether a request may be started now. Called before each."""
        self.check()
        return self._confirmed == self.ticket

    def check(self) -> None:
        """Look whether the process was frozen since the last check."""
        now = self._clocks()
        jump_s = max(reading - last for reading, last in zip(now, self._last, strict=True))
        self._last = now
        if jump_s > self.limit_s:
            self.ticket += 1
            self._on_freeze(jump_s)

    def confirm(self, ticket: int) -> None:
        """Called once the group has answered what was asked after freeze `ticket`, and lost leases have ended."""
        self.check()
        if self._confirmed < ticket == self.ticket:
            self._confirmed = ticket
            self._on_open()
