"""Whether the process may send: only while it is known that its group counts it as a member.

A member that the group has removed does not know it yet if its process was frozen (SIGSTOP, a paused machine), or if it
can't reach the group's coordinator: what it sends then, another member sends too. It is open while both hold:

1. The group has answered since the last freeze.

    event                                            before          after
    check, less than freeze_limit_s after the last   open, closed    unchanged
    check, later than that                           open, closed    closed, with a new ticket
    confirm(ticket), of this freeze                  closed          open
    confirm(ticket), of an earlier freeze            closed          closed

2. The last proof is younger than `proof_limit_s`. A proof is a commit that the group has accepted; it counts from when
   it was sent. Where records flow, there is one in each commit interval. Where none has come for half of the limit,
   the first request that is about to start makes a proof wanted, and the consumer's thread asks the group for one.

Example, with a freeze limit of 2 s: checks at 0.0, 0.5 and, because the process was stopped meanwhile, 9.5. The guard
closes with ticket 1. The consumer's thread commits once more; the reply shows that the member is still in its group, or
that its partitions are lost, and their leases end. Either way it confirms ticket 1, and sending goes on.

Example, with a proof limit of 5 s: the commit of 0.9 was accepted, and the coordinator answers no more. At 3.4 a proof
is wanted and the thread commits once more, at 5.9 the guard closes. The coordinator is back at 20 and accepts that
commit: it opens. Or it refuses it, the partitions are lost, and their leases end: there is nothing to send.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable


ClosedBy = Literal["freeze", "silence"]


class MembershipGuard:
    """Used on the event loop, but for what any thread may read: `ticket`, `wanted` and the limits.

    `clocks` returns the readings of several clocks, in seconds; the first is the monotonic clock. A freeze is a time of
    more than `freeze_limit_s` between two checks by any of them, so `check` must be called more often than that.
    """

    def __init__(
        self,
        freeze_limit_s: float,
        proof_limit_s: float,
        clocks: Callable[[], tuple[float, ...]],
        on_freeze: Callable[[float], None],
        on_open: Callable[[ClosedBy], None],
    ) -> None:
        self.ticket = 0
        """The number of freezes so far."""
        self.wanted = False
        """Whether something is to be sent and the last proof is older than half of its limit."""
        self.freeze_limit_s = freeze_limit_s
        self.proof_limit_s = proof_limit_s
        self._clocks = clocks
        self._on_freeze = on_freeze
        """Called with the seconds that the process was frozen, once there was a proof."""
        self._on_open = on_open
        """Called when sending may go on."""
        self._last = clocks()
        self._confirmed = 0
        self._proved_at = -math.inf
        self._trusted_until = -math.inf

    def may_start(self) -> bool:
        """Return whether a request may be started now. Called before each."""
        self.check()
        now = self._last[0]
        if now - self._proved_at > self.proof_limit_s / 2:
            self.wanted = True
        return self._is_open(now)

    def check(self) -> None:
        """Look whether the process was frozen since the last check."""
        now = self._clocks()
        jump_s = max(reading - last for reading, last in zip(now, self._last, strict=True))
        self._last = now
        if jump_s > self.freeze_limit_s:
            self.ticket += 1
            if self._proved_at > -math.inf:  # before the first proof nothing was sent: it is a slow start
                self._on_freeze(jump_s)

    def confirm(self, ticket: int) -> None:
        """Called once the group has answered what was asked after freeze `ticket`, and lost leases have ended."""
        self.check()
        if self._confirmed < ticket == self.ticket:
            self._confirmed = ticket
            self._on_open("freeze")

    def prove(self, sent_at: float) -> None:
        """Called when the group has accepted a commit that was sent at that time (monotonic seconds)."""
        self.check()
        now = self._last[0]
        was_open = self._is_open(now)
        self._proved_at = max(self._proved_at, sent_at)
        self.wanted = self.wanted and now - self._proved_at > self.proof_limit_s / 2
        if self._is_open(now) and not was_open:
            self._on_open("silence")

    def trust_until(self, until: float) -> None:
        """Called when there can be no proof before that time (monotonic seconds): a revocation drains. -inf: it ended.

        A freeze closes the guard nevertheless.
        """
        self._trusted_until = until

    def _is_open(self, now: float) -> bool:
        proved = now - self._proved_at < self.proof_limit_s or now < self._trusted_until
        return proved and self._confirmed == self.ticket
