"""The alarm of commits that fail for long: what was settled meanwhile would be sent again after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.events import ReasonCleared, ReasonRaised
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.events import Emit
    from connector.core.ledger import Lease
    from connector.kafka.bridge import CommitRequest

ALARM_AFTER_S: Final = 30.0
"""Longer than a rebalance or the restart of a broker refuses commits."""
_REMEDY: Final = message(
    "check that the brokers are up, and that this user may commit for the group (ACL: READ on group and topics);"
    " the log has the answers of the broker (commit refused, commit failed)"
)


class CommitAlarm:
    """Raises `commits_refused` while a watermark that has moved stays uncommitted. `now` is monotonic seconds."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._raised = False
        self._behind: dict[Lease, tuple[int | None, float]] = {}
        """The leases whose watermark is above what is committed: that offset, and since when it has not moved."""

    def observe(self, requests: Sequence[CommitRequest], now: float) -> None:
        """Called with every request to commit, which holds all leases; also if it is not sent."""
        behind = {}
        for request in requests:
            lease, committed = request.lease, request.lease.committed
            if request.progress.offset > (lease.start if committed is None else committed):
                last, since = self._behind.get(lease, (committed, now))
                behind[lease] = (committed, since if last == committed else now)
        self._behind = behind
        late = any(now - since >= ALARM_AFTER_S for _, since in behind.values())
        if late and not self._raised:
            self._emit(ReasonRaised("commits_refused", "", _REMEDY))
        elif self._raised and not late:
            self._emit(ReasonCleared("commits_refused", ""))
        self._raised = late
