"""Why a record was delivered more than once: each repeat is explained by a fault, or it is a breach.

A repeat is a pair of sends of one record, of both of which the platform stored the item. What the member that made
the first send knew of it decides:

1. It says that the request failed. Then its reply must have been lost on the way: broken by a fault, later than the
   request's timeout, or while the member was frozen or the platform down.
2. It says nothing. Then it must have been killed while the request was on the wire.
3. It says that the record was delivered. Then its lease must have ended (killed, frozen, lost) before the outcome
   could be committed: later than `COMMIT_GRACE_S` before that end, or while the broker was away. A planned end
   (revoked, stopped) is no cause, and neither is a lost lease if the same process sends the record again: it knows.

Whatever the cause: a record that was committed before the lease began that sends it again is a breach.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.chaos.history import DEAD_LETTERS
from tests.chaos.leases import LeaseSpan, lease_at, leases
from tests.chaos.sends import CLOCK_S, Send, repeated_sends
from tests.chaos.settled_ahead import covers

if TYPE_CHECKING:
    from tests.chaos.connector_log import Attempt
    from tests.chaos.history import History
    from tests.chaos.producing import Placed

COMMIT_GRACE_S = 2.0
"""What is settled must be committed within this time: the commit interval of 0.2 s, and a busy machine's delays."""
RECOVERY_S = 8.0
"""After the broker came back, commits may need this time to succeed again."""
COMMIT_INTERVAL_S = 0.3
"""What is confirmed this soon after a record was settled may have been requested before; the interval is 0.2 s."""
JOINING_S = 12.0
"""Twice the session timeout: the group may wait for two members, one after the other."""
LAST_COMMIT_S = 0.1
"""The last commit of partitions is confirmed this soon before they are given up."""
LOST_S = 0.5
"""A lost lease has ended a moment before its line in the log."""
PLANNED_S = 3.0
"""A planned end needs the broker for this long."""


@dataclass(slots=True)
class Explained:
    """The result for a whole round."""

    causes: Counter[str] = field(default_factory=Counter)
    breaches: list[tuple[Placed, str]] = field(default_factory=list)


def explain_repeats(history: History) -> Explained:
    """Explain every repeat of the round."""
    result = Explained()
    for placed, sends in repeated_sends(history):
        for first, second in pairwise(sends):
            cause, is_explained = _Repeat(history, placed, first, second).explain()
            if is_explained:
                result.causes[cause] += 1
            else:
                result.breaches.append((placed, cause))
    return result


@dataclass(frozen=True, slots=True)
class _Repeat:
    """One pair of sends."""

    history: History
    placed: Placed
    first: Send
    second: Send

    def explain(self) -> tuple[str, bool]:
        """Return the cause, or what is wrong, and whether it is a cause."""
        attempt = self.first.attempt
        if attempt is None:
            return self._explain_silence()
        if attempt.verdict != "delivered":
            return self._explain_failure(attempt)
        if self._was_committed():
            return "it was committed before the lease began that sent it again", False
        return self._explain_lease(attempt)

    def _explain_silence(self) -> tuple[str, bool]:
        member, arrived = self.first.member, self.first.storing.request.arrived
        end = member.end
        if end is not None and end.how == "killed" and end.asked >= arrived - CLOCK_S:
            if end.asked - arrived <= self.history.request_timeout_s + CLOCK_S or member.was_frozen(arrived, end.asked):
                return "on the wire when its member was killed", True
            return f"{member.name} was killed long after it, and never logged its outcome", False
        return f"{member.name} has no line about it in its log", False

    def _explain_failure(self, attempt: Attempt) -> tuple[str, bool]:
        request, member, faults = self.first.storing.request, self.first.member, self.history.faults_between
        if request.endpoint == DEAD_LETTERS:
            broken = faults(attempt.started, attempt.ended, "broker", "dead letters")
            return "the broker refused or lost other letters of the same request", bool(broken)
        causes = {
            "the reply was broken by a fault": request.replied_at is None,
            "its member was frozen while the reply came": member.was_frozen(attempt.started, attempt.ended),
            "the reply came after the request's timeout": request.replied_at is not None
            and request.replied_at > attempt.started + self.history.request_timeout_s - 0.5,
            "the platform was down or paused before its reply was read": bool(
                faults(request.arrived, attempt.ended, "platform")
            ),
        }
        wrong = f"the platform replied {request.status}, but {member.name} says {attempt.verdict}: {attempt.detail}"
        cause = next((cause for cause, holds in causes.items() if holds), "")
        return (cause, True) if cause else (wrong, False)

    def _explain_lease(self, attempt: Attempt) -> tuple[str, bool]:
        member, settled = self.first.member, attempt.ended
        lease = lease_at(leases(member, self.placed.partition), settled)
        if lease is None:
            return f"{member.name} had no lease of the partition", False
        if freeze := self._freeze_before_second(attempt):
            if not self._could_commit(settled, freeze):
                return "on the wire, or settled since the last commit, when its member was frozen", True
            return f"settled {freeze - settled:.1f} s before {member.name} was frozen, and not committed", False
        if lease.end > self.second.at:
            if self._could_commit(settled, self.second.at):
                return f"{member.name} still had the partition", False
            return "removed from the group while the broker was away", True
        return self._explain_end(lease, settled)

    def _explain_end(self, lease: LeaseSpan, settled: float) -> tuple[str, bool]:
        name, before = self.first.member.name, lease.end - settled
        if before < LOST_S and lease.how == "lost":
            return "on the wire when its partition was lost", True
        if before < 0:
            return f"delivered {-before:.2f} s after {name}'s lease had been {lease.how}", False
        if lease.how == "lost" and self.second.member is self.first.member:
            return (
                f"{name} sends again what it knows to be delivered, {before:.1f} s before it lost the partition",
                False,
            )
        is_planned = lease.how in {"revoked", "stopped"}
        if self._could_commit(settled, lease.end, is_planned=is_planned):
            return f"settled {before:.1f} s before {name}'s lease was {lease.how}", False
        return f"settled since the last commit when its lease was {lease.how}", True

    def _freeze_before_second(self, attempt: Attempt) -> float | None:
        """Return when the first member was frozen, if the second send came because of that: from another member."""
        if self.second.member is self.first.member:
            return None
        freezes = self.first.member.freezes
        return next(
            (frozen for frozen, thawed in freezes if attempt.started <= thawed and frozen <= self.second.at), None
        )

    def _could_commit(self, settled: float, end: float, *, is_planned: bool = False) -> bool:
        """Whether the broker was there for long enough to commit what was settled before the lease's end.

        A planned end commits once more, and waits for the answer, though not as long as a group may wait for a member.
        """
        outages = self.history.faults_between(settled - RECOVERY_S, end, "broker")
        stop = self.first.member.end
        # One that is stopped does not join again: what the broker forgets of it meanwhile stays forgotten.
        since = min(end, stop.asked if stop is not None and stop.how == "stopped" else end) - PLANNED_S
        if self._waits_for_the_group(settled, end):
            return False
        if is_planned and not any(outage.overlaps(since, end) for outage in outages):
            return True
        free_from = settled
        for outage in sorted(outages, key=lambda outage: outage.began):
            if outage.began - free_from >= COMMIT_GRACE_S:
                return True
            free_from = max(free_from, outage.ended + RECOVERY_S)
        return end - free_from >= COMMIT_GRACE_S

    def _waits_for_the_group(self, settled: float, end: float) -> bool:
        """Whether the first answer to a commit of what was settled was that the group has a new generation.

        In the classic protocol the broker reads nothing else from a member's connection while that member waits for
        the others to join again: for the session timeout, if one of them is dead or frozen. What it commits just
        before it gives partitions up is of these alone. If the broker goes away meanwhile, that is the answer;
        a last commit may get none in its time.
        """
        log = self.first.member.log
        given_up = [
            one.at for one in log.rebalances if one.kind == "revoked" and self.placed.partition not in one.partitions
        ]
        commits = [at for at in log.commits if not any(0 <= revoked - at < LAST_COMMIT_S for revoked in given_up)]
        outages = self.history.faults_between(settled, end, "broker")
        away = min((one.began for one in outages if one.began > settled), default=math.inf)
        joined_again = [at for at in given_up if settled - JOINING_S < at < away]
        waited_s = min(end, away) - max(settled, *joined_again) if joined_again else end - settled
        if waited_s > JOINING_S or any(settled + COMMIT_INTERVAL_S < at <= end for at in commits):
            return False
        answers = [text for at, text in log.failed_commits if settled < at]
        excuses = ["generation"]
        if joined_again:
            excuses += ["Waiting for coordinator"] if away < end else ["did not answer in time"]
        return any(excuse in text for excuse in excuses for text in answers)

    def _was_committed(self) -> bool:
        lease = lease_at(leases(self.second.member, self.placed.partition), self.second.at)
        if lease is None:
            return False
        seen = self.history.committed[self.placed.partition]
        before = [one for one in seen if one.answered <= lease.start]
        return bool(before) and covers(before[-1], self.placed.offset)
