"""What becomes of a batch after a verdict: the policy of delivery, in one place. Pure: `now` is an argument.

    verdict                 ordinary batch                    part of a suspect      item alone
    delivered               its items end                     they end; go on        it ends
    token                   the same again: the first time at once, then after a backoff
    too large               split in two                      narrow the search      dead-lettered, too_large
    refused                 suspect                           narrow the search      dead-lettered on evidence, refused
    again, of the target    the same again, after a backoff
    again, of the transport the same again, after a backoff; on evidence:
                            suspect                           narrow the search      dead-lettered, server_error
    held                    as again, of the transport                               dead-lettered, refused

What is evidence, `evidence.py` says; whether chance explains it, `chance.py`; how a search goes on, `batch.py`.
Failures while the target is not up blame no item: they neither make a batch suspect nor narrow a search. A batch that
fails again and again as the probe of a target that is down is sent in turns as a whole and as one item; where items
are ordered, it is split then.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from connector.core.chance import CHANCE, SUSPICION, ControlGroup
from connector.core.evidence import (
    FAILED_ALONE_FOR_S,
    MAX_OUTLASTED,
    MIN_FAILURES,
    MIN_REFUSALS,
    MIN_SERVER_ERRORS,
    NO_EVIDENCE,
)
from connector.core.sink import Subject, Verdict, VerdictKind
from connector.core.target_state import Condition

if TYPE_CHECKING:
    from connector.core.batch import Batch
    from connector.core.target_state import Attempt, TargetMachine

ASSUMED_DELIVERIES: Final = 3.0
"""Of items alone, before the first one that was refused by chance."""
SPLIT_AFTER: Final = 2 * MIN_FAILURES
"""As probes, where items are ordered: the one item that may be sent alone, the first, may be the one that fails."""
T = TypeVar("T")


class Fate(enum.Enum):
    """What to do with a batch."""

    DELIVERED = "delivered"
    """The items of its request have ended; `Ruling.batch` is what is left of it."""
    AT_ONCE = "at once"
    """Queue it: its next request may follow at once."""
    LATER = "later"
    """Queue it: its next request follows after a backoff."""
    SPLIT = "split"
    """Queue it as two halves."""
    DEAD_LETTER = "dead letter"
    """Its first item, which was sent alone, has ended; what is left is an ordinary batch."""


@dataclass(frozen=True, slots=True)
class Ruling(Generic[T]):
    """What becomes of a batch."""

    fate: Fate
    batch: Batch[T] | None
    """The batch with what the verdict adds to its evidence; None: nothing is left."""
    reason: str = ""
    """Why its item is dead-lettered."""
    pause_s: float = 0.0
    """How long its next try waits at least."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is to be known of the target's other batches when a reply is judged."""

    now: float
    in_flight: int
    """Ordinary batches that wait for a reply or for their next try, this one among them."""
    nothing_else: bool
    """Whether the target has nothing to send but items that wait alone."""


class Judge:
    """Judges the replies of one target, and tells its machine of them."""

    def __init__(self, machine: TargetMachine, refused_alone_for_s: float, *, ordered: bool, last_resort: bool) -> None:
        self._machine = machine
        self._ordered = ordered
        self.refused_alone_for_s = refused_alone_for_s
        """How long an item is tried that is refused alone while there is nothing else to send."""
        self._last_resort = last_resort
        """Whether no item is ever blamed: there is no other place for it."""
        self._failures = ControlGroup()
        self._refusals = ControlGroup(ASSUMED_DELIVERIES)

    @property
    def _failed_alone_for_s(self) -> float:
        return min(FAILED_ALONE_FOR_S, self.refused_alone_for_s)

    def rule(self, batch: Batch[T], attempt: Attempt, verdict: Verdict, situation: Situation) -> Ruling[T]:
        """Return what becomes of `batch`, whose next request was sent as `attempt` and got `verdict`."""
        match verdict.kind:
            case VerdictKind.DELIVERED:
                return self._delivered(batch, attempt, situation)
            case VerdictKind.TOKEN:
                return self._token_refused(batch, attempt, situation)
            case VerdictKind.SPLIT:
                return self._too_large(batch, attempt, situation)
            case VerdictKind.REFUSED:
                return self._refused(batch, attempt, verdict, situation)
            case VerdictKind.HELD:
                return self._rejected(batch, attempt, verdict, situation)
            case VerdictKind.AGAIN:
                return self._failed(batch, attempt, verdict, situation)

    def _delivered(self, batch: Batch[T], attempt: Attempt, situation: Situation) -> Ruling[T]:
        self._machine.on_delivered(attempt, situation.now)
        if not batch.is_sample:
            is_part = not batch.is_ordinary and not batch.is_alone  # the failures were those of other requests
            evidence = NO_EVIDENCE if is_part else batch.evidence
            self._failures.add(evidence.counted, evidence.failures)
        if batch.is_alone:
            self._refusals.add(batch.evidence.proven_refusals)
        return Ruling(Fate.DELIVERED, batch.after_delivery())

    def _token_refused(self, batch: Batch[T], attempt: Attempt, situation: Situation) -> Ruling[T]:
        self._machine.on_token_refused(attempt, situation.now)
        batch = replace(batch, token_refusals=batch.token_refusals + 1)
        return Ruling(Fate.AT_ONCE, batch) if batch.token_refusals == 1 else _later(batch)

    def _too_large(self, batch: Batch[T], attempt: Attempt, situation: Situation) -> Ruling[T]:
        self._machine.on_answered(attempt, situation.now)
        if len(batch.next_request) == 1:
            return Ruling(Fate.DEAD_LETTER, batch.suspect(batch.evidence, situation.now), "too_large")
        if batch.is_ordinary:
            return Ruling(Fate.SPLIT, batch)
        return Ruling(Fate.AT_ONCE, batch.suspect(batch.evidence.refuted(), situation.now))

    def _refused(self, batch: Batch[T], attempt: Attempt, verdict: Verdict, situation: Situation) -> Ruling[T]:
        machine = self._machine
        machine.on_answered(attempt, situation.now)
        evidence = batch.evidence if batch.is_alone else batch.evidence.narrowed(machine.tick)
        if len(batch.next_request) == 1:
            evidence = evidence.was_refused_alone(machine.tick, attempt.delivered)
        suspect = batch.suspect(evidence, situation.now)
        if not suspect.is_alone:
            return Ruling(Fate.AT_ONCE, suspect)
        may_blame = machine.condition is not Condition.REFUSING and not self._last_resort
        if may_blame and self._is_refused(suspect, attempt, situation):
            return Ruling(Fate.DEAD_LETTER, suspect, "refused")
        if evidence.in_a_row_at != machine.deliveries:
            machine.on_refused_alone(attempt, situation.now, verdict.detail)
            suspect = replace(suspect, evidence=replace(evidence, in_a_row_at=machine.deliveries))
        return _later(suspect)

    def _rejected(self, batch: Batch[T], attempt: Attempt, verdict: Verdict, situation: Situation) -> Ruling[T]:
        machine = self._machine
        was_up, rejected_at = machine.is_up, batch.evidence.rejected_at
        suspicious = rejected_at is not None and machine.delivered > rejected_at
        machine.on_rejected(attempt, situation.now, verdict.detail, suspicious=suspicious)
        batch = replace(batch, evidence=batch.evidence.rejected(machine.tick))
        return self._doubt(batch, attempt, situation, was_up=was_up, reason="refused")

    def _failed(self, batch: Batch[T], attempt: Attempt, verdict: Verdict, situation: Situation) -> Ruling[T]:
        machine = self._machine
        was_up = machine.is_up
        suspicious = batch.evidence.is_suspicious(machine.delivered)
        machine.on_failed(attempt, situation.now, verdict.detail, in_flight=situation.in_flight, suspicious=suspicious)
        if verdict.subject is Subject.TARGET:
            return _later(batch)
        return self._doubt(batch, attempt, situation, was_up=was_up, reason="server_error")

    def _doubt(
        self, batch: Batch[T], attempt: Attempt, situation: Situation, *, was_up: bool, reason: str
    ) -> Ruling[T]:
        """Count a failure against a batch: suspect it, narrow the search, or judge its item, if that is enough."""
        tick = self._machine.tick
        all_there_is = self._is_all_there_is(batch, situation)
        counts = (was_up and self._machine.is_up) or all_there_is
        evidence = batch.evidence.failed(tick, self._failures.all, counts=counts)
        if counts and batch.is_alone:
            evidence = evidence.failed_alone(tick, attempt.delivered, bounded=not all_there_is)
        batch = batch.suspect(evidence, situation.now) if batch.is_alone else replace(batch, evidence=evidence)
        if self._machine.condition is Condition.DOWN and not batch.is_alone and evidence.failures >= MIN_FAILURES:
            return self._after_probes(batch)
        if self._last_resort or not evidence.is_suspicious(attempt.delivered):
            return _later(batch)
        if batch.is_alone:
            if self._always_fails(batch, situation, all_there_is=all_there_is):
                return Ruling(Fate.DEAD_LETTER, batch, reason)
            return replace(_later(batch), pause_s=self._failed_alone_for_s)
        if not counts or not self._fails_too_often(batch):
            return _later(batch)
        suspect = batch.suspect(evidence.narrowed(tick), situation.now, by_failure=True)
        return _later(suspect) if suspect.is_alone else Ruling(Fate.AT_ONCE, suspect)

    def _after_probes(self, batch: Batch[T]) -> Ruling[T]:
        """Return what becomes of a batch that was the probe of a target that is down, and failed again."""
        if self._ordered and batch.evidence.failures >= SPLIT_AFTER:
            return Ruling(Fate.SPLIT, batch)
        return _later(batch.next_sample(ordered=self._ordered))

    def _is_refused(self, batch: Batch[T], attempt: Attempt, situation: Situation) -> bool:
        """Whether an item that was refused alone is dead-lettered."""
        evidence = batch.evidence
        if self._is_all_there_is(batch, situation):
            return self._refusals.rule_out(evidence.refused_alone, CHANCE)
        counted = min(evidence.refused_alone, evidence.proven_refusals + 1)
        if evidence.outlasted >= MAX_OUTLASTED:
            return self._refusals.rule_out(counted + evidence.outlasted, CHANCE)
        is_enough = counted >= MIN_REFUSALS and evidence.is_blamed(attempt.delivered)
        return is_enough and self._refusals.rule_out(counted, CHANCE)

    def _always_fails(self, batch: Batch[T], situation: Situation, *, all_there_is: bool) -> bool:
        """Whether an item that has failed alone is dead-lettered."""
        failures = batch.evidence.against_item
        if failures < MIN_SERVER_ERRORS or self._alone_s(batch, situation) < self._failed_alone_for_s:
            return False
        controls = self._failures.all.since(batch.evidence.controls_before)
        too_few = all_there_is and not controls.failed_at_all  # and there will be no more
        return (too_few or not controls.explain(failures, CHANCE)) and self._failures.rule_out(failures, CHANCE)

    def _fails_too_often(self, batch: Batch[T]) -> bool:
        """Whether a batch that has failed is searched for a culprit."""
        failures = batch.evidence.failures
        return batch.by_failure or (failures >= MIN_FAILURES and self._failures.rule_out(failures, SUSPICION))

    def _is_all_there_is(self, batch: Batch[T], situation: Situation) -> bool:
        """Whether an item is alone for so long, with nothing else to send, that it is judged without more evidence."""
        return situation.nothing_else and self._alone_s(batch, situation) >= self.refused_alone_for_s

    def _alone_s(self, batch: Batch[T], situation: Situation) -> float:
        return 0.0 if batch.alone_since is None else situation.now - batch.alone_since


def _later(batch: Batch[T]) -> Ruling[T]:
    return Ruling(Fate.LATER, replace(batch, backoffs=batch.backoffs + 1))
