"""Asks whether the group still counts this member as the owner of its partitions, when a `MembershipGuard` wants that.

The thread commits once more what is committed already of one of its leases. The broker accepts that from a current
member alone; one that was removed is refused, and librdkafka reports its partitions as lost, which ends their leases.
Where no lease is left, nothing can be sent for a partition of another member. After a freeze that must be the answer to
a question asked since then; otherwise each accepted commit is a proof, and a question is asked only where none came.

Only the answer to a commit tells. With KIP-848, librdkafka reports neither an error nor a loss while the coordinator is
silent, and its statistics go on saying that the group is `up`, and the member `steady` in it.

A refusal may also concern the lease's topic alone, which was deleted or may no longer be read: so each question commits
another lease.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.events import ReasonCleared, ReasonRaised
from connector.kafka.deadlines import CLOSE_GRACE_S
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.ledger import Lease
    from connector.core.membership_guard import MembershipGuard
    from connector.kafka.bridge import Bridge
    from connector.kafka.commits import Commits

RETRY_S: Final = 0.5
"""Between two questions, if the first was refused: in the middle of a rebalance, for example."""
ANSWER_TIMEOUT_S: Final = 10.0
ABOUT: Final = "group coordinator"
"""What the reason for not being ready names."""
_REMEDY: Final = message(
    "check that the brokers are up: the group does not confirm that this process is still a member, so nothing is sent"
    " until it does, or until the process has joined the group again by itself"
)


class OwnershipCheck:
    """Tells the guard of proofs and answers. Used by the consumer's thread only; `now` is monotonic seconds."""

    def __init__(self, guard: MembershipGuard, commits: Commits, bridge: Bridge) -> None:
        self._guard = guard
        self._commits = commits
        self._bridge = bridge
        self._confirmed = 0
        self._asked: int | None = None
        """The ticket at the time of the question that is on its way; None if none is."""
        self._request = 0
        self._questions = 0
        self._ask_at = 0.0
        self._proved_at = -math.inf
        self._silent_since: float | None = None
        """When a question was asked that nothing has answered well so far."""
        self._reported = False
        commits.on_answer = self._on_answer
        commits.on_accepted = self._on_accepted

    def step(self, consumer: Consumer, leases: Sequence[Lease], now: float, *, records: bool = False) -> None:
        """Called between polls with the owned leases, and with `records` when some are about to be handed over.

        Asks once per freeze, when a proof is wanted, and again after a refusal.
        """
        ticket = self._guard.ticket
        if not leases:
            self._on_nothing_to_send(ticket)
            return
        stale = now - self._proved_at > self._guard.proof_limit_s / 2
        if ticket == self._confirmed and not (stale and (records or self._guard.wanted)):
            return
        if self._silent_since is None:
            self._silent_since = now
        if self._asked is None or self._asked < ticket or now >= self._ask_at:
            self._ask(consumer, leases, ticket, now)
        if not self._reported and self.silent_s(now) > RETRY_S and now - self._proved_at > self._guard.proof_limit_s:
            self._reported = True
            self._bridge.emit_from_thread(ReasonRaised("kafka_unreachable", ABOUT, _REMEDY))

    def silent_s(self, now: float) -> float:
        """Return for how many seconds the group has not confirmed what it was asked; 0 if it was not asked."""
        return 0.0 if self._silent_since is None else now - self._silent_since

    def ignore_silence(self, now: float) -> None:
        """Called while no broker answers: that a group's coordinator does not answer either tells nothing more."""
        if self._silent_since is not None:
            self._silent_since = now

    def begin_drain(self, now: float, deadline: float, *, revoked: bool = False) -> None:
        """Called before the thread waits, until `deadline`, for leases to close: it can take no answer meanwhile.

        If it was a member lately, that has not changed. If its group has `revoked` partitions, that is an answer of the
        group, which waits for this member. A classic group may have answered nothing for long before: until all
        members have joined again. Without trust nothing could be sent, and the drain would wait until its deadline.
        """
        if revoked or now - self._proved_at < self._guard.proof_limit_s:
            self._bridge.call_from_thread(self._guard.trust_until, deadline + CLOSE_GRACE_S)

    def end_drain(self) -> None:
        """Called when the thread has waited for leases to close."""
        self._bridge.call_from_thread(self._guard.trust_until, -math.inf)

    def on_new_client(self) -> None:
        """Called when another client takes the place of the one that was asked, and no lease is left."""
        self._asked = None
        self._end_silence()

    def _ask(self, consumer: Consumer, leases: Sequence[Lease], ticket: int, now: float) -> None:
        self._asked, self._ask_at = ticket, now + ANSWER_TIMEOUT_S
        lease = leases[self._questions % len(leases)]
        self._questions += 1
        try:
            self._request = self._commits.commit_again(consumer, lease)
        except KafkaException:
            self._ask_at = now + RETRY_S

    def _on_answer(self, request: int, refusal: KafkaError | None) -> None:
        """Called with the answer of the broker to each commit, by the number of its request."""
        if request != self._request or self._asked is None:
            return
        if refusal is None:
            self._on_confirmed(self._asked)
        else:
            self._ask_at = time.monotonic() + RETRY_S

    def _on_accepted(self, sent_at: float) -> None:
        """Called when the group has accepted a commit that was sent at that time."""
        self._proved_at = max(self._proved_at, sent_at)
        if time.monotonic() - self._proved_at < self._guard.proof_limit_s:
            self._end_silence()
        self._bridge.call_from_thread(self._guard.prove, sent_at)

    def _on_nothing_to_send(self, ticket: int) -> None:
        self._end_silence()
        if ticket != self._confirmed:
            self._on_confirmed(ticket)

    def _on_confirmed(self, ticket: int) -> None:
        self._asked = None
        if ticket > self._confirmed:
            self._confirmed = ticket
            self._bridge.call_from_thread(self._guard.confirm, ticket)

    def _end_silence(self) -> None:
        self._silent_since = None
        if self._reported:
            self._reported = False
            self._bridge.emit_from_thread(ReasonCleared("kafka_unreachable", ABOUT))
