"""After a freeze: asks whether the group still counts this member as the owner of its partitions.

The thread commits once more what is committed already of one of its leases. The broker accepts that from a current
member alone; one that was removed is refused, and librdkafka reports its partitions as lost, which ends their leases.
Where no lease is left, nothing can be sent for a partition of another member. Either way the freeze is over.

A refusal may also concern the lease's topic alone, which was deleted or may no longer be read: so each question commits
another lease.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaError, KafkaException

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.ledger import Lease
    from connector.kafka.commits import Commits

RETRY_S: Final = 0.5
"""Between two questions, if the first was refused: in the middle of a rebalance, for example."""
ANSWER_TIMEOUT_S: Final = 10.0


class OwnershipCheck:
    """Confirms the tickets of a `FreezeGuard`. Used by the consumer's thread only; `now` is monotonic seconds."""

    def __init__(self, ticket: Callable[[], int], commits: Commits, confirm: Callable[[int], None]) -> None:
        self._ticket = ticket
        self._commits = commits
        self._confirm = confirm
        self._confirmed = 0
        self._asked = 0
        """The ticket of the question that is on its way; 0 if none is."""
        self._request = 0
        self._questions = 0
        self._ask_at = 0.0
        commits.on_answer = self._on_answer

    def step(self, consumer: Consumer, leases: Sequence[Lease], now: float) -> None:
        """Called between polls with the owned leases; asks, once per freeze and again after a refusal."""
        ticket = self._ticket()
        if ticket == self._confirmed:
            return
        if not leases:
            self._on_confirmed(ticket)
        elif self._asked != ticket or now >= self._ask_at:  # the last question was of an earlier freeze, or has failed
            self._asked, self._ask_at = ticket, now + ANSWER_TIMEOUT_S
            lease = leases[self._questions % len(leases)]
            self._questions += 1
            try:
                self._request = self._commits.commit_again(consumer, lease)
            except KafkaException:
                self._ask_at = now + RETRY_S

    def _on_answer(self, request: int, refusal: KafkaError | None) -> None:
        """Called with the answer of the broker to each commit, by the number of its request."""
        if request != self._request or not self._asked:
            return
        if refusal is None:
            self._on_confirmed(self._asked)
        else:
            self._ask_at = time.monotonic() + RETRY_S

    def _on_confirmed(self, ticket: int) -> None:
        self._confirmed, self._asked = ticket, 0
        self._confirm(ticket)
