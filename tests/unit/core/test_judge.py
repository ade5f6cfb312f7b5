"""What becomes of a batch after each verdict: ordinary, searched for a culprit, alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.core.batch import Batch
from connector.core.evidence import (
    COUNTED_BETWEEN_DELIVERIES,
    FAILED_ALONE_FOR_S,
    MAX_OUTLASTED,
    MIN_FAILURES,
    MIN_REFUSALS,
    MIN_SERVER_ERRORS,
)
from connector.core.judge import Fate, Judge, Ruling, Situation
from connector.core.retry import Backoff
from connector.core.sink import Subject, Verdict, VerdictKind
from connector.core.target_state import Condition, TargetMachine
from tests.support.builders import seeded
from tests.support.virtual_platform import FORBIDDEN, REFUSED, SERVER_ERROR, TOO_MANY

if TYPE_CHECKING:
    from connector.core.target_state import Attempt

DELIVERED = Verdict(VerdictKind.DELIVERED, subject=Subject.ITEMS)
TOO_LARGE = Verdict(VerdictKind.SPLIT, subject=Subject.ITEMS)
TOKEN = Verdict(VerdictKind.TOKEN)
ALONE_FOR_S = 60.0
MANY = 100
"""So many others that they prove what a few would not."""
TRIES_ALONE = 1 + MIN_SERVER_ERRORS - MIN_FAILURES
"""Until an item is dead-lettered that was suspected for failures: there is one before it has been alone for long."""


class Court:
    """A judge and the machine of its target; time passes only where a test lets it."""

    def __init__(self, *, last_resort: bool = False, refused_in_a_row: int = 1_000) -> None:
        self.machine = TargetMachine(Backoff(1.0, 8.0), seeded(1), refused_in_a_row)
        self.judge = Judge(self.machine, ALONE_FOR_S, ordered=False, last_resort=last_resort)
        self.now = 1_000.0

    def condition(self) -> Condition:
        return self.machine.condition

    def send(self) -> Attempt:
        return self.machine.begin(self.now)

    def rule(
        self, batch: Batch[str], verdict: Verdict, attempt: Attempt | None = None, *, nothing_else: bool = False
    ) -> Ruling[str]:
        situation = Situation(self.now, in_flight=8, nothing_else=nothing_else)
        return self.judge.rule(batch, attempt or self.send(), verdict, situation)

    def after(self, batch: Batch[str], *verdicts: Verdict) -> Batch[str]:
        """Return the batch after these verdicts, one request after the other."""
        for verdict in verdicts:
            ruled = self.rule(batch, verdict).batch
            assert ruled is not None
            batch = ruled
        return batch

    def assert_tried_again(self, batch: Batch[str], verdict: Verdict, *, times: int) -> None:
        """Assert that this verdict on each of the next requests leads to another try."""
        for _ in range(times):
            ruling = self.rule(batch, verdict)
            assert ruling.fate is Fate.LATER
            assert ruling.batch is not None
            batch = ruling.batch

    def deliver_another(self, *, failures: int = 0) -> None:
        """Let another batch be delivered after so many failures."""
        batch: Batch[str] = Batch(("other",))
        for _ in range(failures):
            batch = self.after(batch, SERVER_ERROR)
        self.rule(batch, DELIVERED)


def _batch(items: str = "abcdefgh") -> Batch[str]:
    return Batch(tuple(items))


# -- delivered, token, too large --------------------------------------------------------------------------------------


def test_of_a_delivered_batch_nothing_is_left_and_of_a_suspect_what_was_not_sent() -> None:
    court = Court()
    ruling = court.rule(_batch(), DELIVERED)
    assert (ruling.fate, ruling.batch) == (Fate.DELIVERED, None)
    rest = court.rule(court.after(_batch(), REFUSED), DELIVERED).batch
    assert rest is not None
    assert (rest.items, rest.suspected, rest.next_request) == (tuple("efgh"), 4, tuple("ef"))


def test_a_refused_token_costs_one_try_at_once_and_then_a_backoff() -> None:
    court = Court()
    for batch in (_batch(), court.after(_batch(), REFUSED)):
        first = court.rule(batch, TOKEN)
        assert first.fate is Fate.AT_ONCE
        assert first.batch is not None
        assert first.batch.next_request == batch.next_request
        assert court.rule(first.batch, TOKEN).fate is Fate.LATER
    assert court.machine.is_up


def test_what_is_too_large_is_split_or_narrowed_and_dead_lettered_if_it_is_alone() -> None:
    court = Court()
    assert court.rule(_batch(), TOO_LARGE).fate is Fate.SPLIT
    narrowed = court.rule(court.after(_batch(), REFUSED), TOO_LARGE)
    assert narrowed.fate is Fate.AT_ONCE
    assert narrowed.batch is not None
    assert narrowed.batch.suspected == 4
    for alone in (_batch("a"), court.after(_batch("ab"), REFUSED)):
        ruling = court.rule(alone, TOO_LARGE)
        assert (ruling.fate, ruling.reason) == (Fate.DEAD_LETTER, "too_large")
        assert ruling.batch is not None
        assert ruling.batch.separate()[0].items == ("a",)


# -- refused ----------------------------------------------------------------------------------------------------------


def test_a_refused_batch_is_searched_at_once() -> None:
    court = Court()
    ruling = court.rule(_batch(), REFUSED)
    assert ruling.fate is Fate.AT_ONCE
    assert ruling.batch is not None
    assert (ruling.batch.suspected, ruling.batch.next_request) == (8, tuple("abcd"))


def test_an_item_is_dead_lettered_when_it_was_refused_alone_again_after_a_delivery() -> None:
    court = Court()
    alone = court.after(_batch("a"), REFUSED)
    assert alone.is_alone
    assert court.rule(alone, REFUSED).fate is Fate.LATER, "nothing was delivered in between"
    court.deliver_another()
    ruling = court.rule(alone, REFUSED)
    assert (ruling.fate, ruling.reason) == (Fate.DEAD_LETTER, "refused")


def test_a_delivery_that_was_sent_before_the_refusal_or_answered_after_the_last_request_is_no_evidence() -> None:
    court = Court()
    sent_before = court.send()
    alone = court.after(_batch("a"), REFUSED)
    court.rule(_batch("other"), DELIVERED, sent_before)
    assert court.rule(alone, REFUSED).fate is Fate.LATER
    alone = court.after(_batch("a"), REFUSED)
    last = court.send()
    court.deliver_another()
    assert court.rule(alone, REFUSED, last).fate is Fate.LATER


def test_a_delivery_before_the_search_had_left_the_item_alone_is_no_evidence() -> None:
    """b is to blame for the first refusal. Then everything is refused."""
    court = Court()
    suspect = court.after(_batch("ab"), REFUSED)
    court.deliver_another()
    alone, _ = court.after(suspect, REFUSED).separate()
    assert alone.items == ("a",)
    court.assert_tried_again(alone, REFUSED, times=20)


def test_an_item_left_by_elimination_must_be_refused_alone_too() -> None:
    """a is delivered, so b is to blame for the refusal of both."""
    court = Court()
    alone = court.after(court.after(_batch("ab"), REFUSED), DELIVERED)
    assert (alone.items, alone.suspected) == (("b",), 1)
    for _ in range(MIN_REFUSALS - 1):
        alone = court.after(alone, REFUSED)
    assert court.rule(alone, REFUSED).fate is Fate.DEAD_LETTER


def test_an_outage_of_refusals_blames_no_item_however_often_it_is_tried() -> None:
    court = Court()
    court.deliver_another()
    batch = _batch()
    while not batch.is_alone:
        batch = court.after(batch, REFUSED)
    batch, _ = batch.separate()
    court.assert_tried_again(batch, REFUSED, times=1_000)


def test_with_nothing_else_to_send_a_refused_item_is_dead_lettered_after_its_time() -> None:
    court = Court()
    alone = court.after(_batch("a"), REFUSED)
    court.now += ALONE_FOR_S
    assert court.rule(alone, REFUSED, nothing_else=False).fate is Fate.LATER
    assert court.rule(alone, REFUSED, nothing_else=True).fate is Fate.DEAD_LETTER
    court.now -= 0.1
    assert court.rule(alone, REFUSED, nothing_else=True).fate is Fate.LATER


def test_many_items_refused_alone_are_an_outage_and_each_counts_once() -> None:
    court = Court(refused_in_a_row=3)
    first = court.after(_batch("a"), *[REFUSED] * 10)
    court.after(_batch("b"), REFUSED)
    assert court.condition() is Condition.UP
    court.after(_batch("c"), REFUSED)
    assert court.condition() is Condition.REFUSING
    court.now += ALONE_FOR_S
    assert court.rule(first, REFUSED, nothing_else=True).fate is Fate.LATER, "none is dead-lettered meanwhile"


def test_an_item_counts_again_after_a_delivery() -> None:
    court = Court(refused_in_a_row=2)
    first = court.after(_batch("a"), REFUSED)
    court.deliver_another()
    second = court.after(_batch("b"), REFUSED)
    assert court.condition() is Condition.UP
    court.after(second, REFUSED)
    assert court.condition() is Condition.UP
    court.rule(first, REFUSED, court.send())
    court.after(_batch("c"), REFUSED)
    assert court.condition() is Condition.REFUSING


def test_where_items_are_refused_by_chance_more_refusals_are_needed() -> None:
    court = Court()
    for _ in range(50):
        alone = court.after(_batch("a"), REFUSED)
        court.deliver_another()
        court.rule(court.after(alone, REFUSED), DELIVERED)
    alone = court.after(_batch("a"), REFUSED)
    court.deliver_another()
    court.assert_tried_again(alone, REFUSED, times=15)


def test_what_an_outage_refused_is_no_chance_however_often_it_was_tried() -> None:
    court = Court()
    for _ in range(10):
        court.rule(court.after(_batch("a"), *[REFUSED] * 20), DELIVERED)
    culprit = court.after(_batch("b"), REFUSED)
    court.deliver_another()
    assert court.rule(culprit, REFUSED).fate is Fate.DEAD_LETTER


# -- again ------------------------------------------------------------------------------------------------------------


def test_a_batch_that_fails_is_sent_again_and_suspect_only_if_another_is_delivered_meanwhile() -> None:
    court = Court()
    batch = court.after(_batch(), SERVER_ERROR)
    for _ in range(MIN_FAILURES - 2):
        batch = court.after(batch, SERVER_ERROR)
    assert court.rule(batch, SERVER_ERROR).fate is Fate.LATER
    court.deliver_another()
    ruling = court.rule(batch, SERVER_ERROR)
    assert ruling.fate is Fate.AT_ONCE
    assert ruling.batch is not None
    assert (ruling.batch.suspected, ruling.batch.by_failure) == (8, True)


def test_too_many_requests_never_blame_an_item() -> None:
    court = Court()
    batch = _batch("a")
    for _ in range(100):
        ruling = court.rule(batch, TOO_MANY)
        assert ruling.fate is Fate.LATER
        assert ruling.batch is not None
        batch = ruling.batch
        court.deliver_another()
    assert batch.is_ordinary
    assert batch.backoffs == 100


def _suspected_by_failure(court: Court, items: str) -> Batch[str]:
    batch = court.after(_batch(items), SERVER_ERROR)
    court.deliver_another()
    return court.after(batch, *[SERVER_ERROR] * (MIN_FAILURES - 1))


def test_of_a_batch_suspected_for_failures_one_more_failure_narrows_the_search() -> None:
    court = Court()
    ruling = court.rule(_suspected_by_failure(court, "abcdefgh"), SERVER_ERROR)
    assert ruling.fate is Fate.AT_ONCE
    assert ruling.batch is not None
    assert ruling.batch.suspected == 4


def test_a_search_for_what_is_refused_is_not_narrowed_by_one_failure() -> None:
    court = Court()
    suspect = court.after(_batch(), REFUSED)
    court.deliver_another()
    ruling = court.rule(suspect, SERVER_ERROR)
    assert ruling.fate is Fate.LATER
    assert ruling.batch is not None
    assert ruling.batch.suspected == 8


def test_while_the_target_is_not_up_failures_neither_suspect_nor_narrow() -> None:
    court = Court()
    suspect = _suspected_by_failure(court, "abcdefgh")
    fresh = court.after(_batch(), SERVER_ERROR)
    court.deliver_another()
    while court.machine.is_up:
        court.now += 1
        court.after(_batch("z"), SERVER_ERROR)
    for batch in (suspect, fresh):
        ruling = court.rule(batch, SERVER_ERROR)
        assert ruling.fate is Fate.LATER
        assert ruling.batch is not None
        assert ruling.batch.is_ordinary
        assert ruling.batch.items == batch.items


def test_a_batch_that_fails_as_the_probe_of_a_target_that_is_down_is_probed_with_one_item_in_turns() -> None:
    court = Court()
    batch = _batch()
    sizes = []
    for _ in range(8):
        batch = court.after(batch, SERVER_ERROR)
        court.now += 10
        sizes.append(len(batch.next_request))
    assert court.condition() is Condition.DOWN
    assert sizes == [8, 8, 1, 8, 1, 8, 1, 8]


def _tries_until_dead_lettered(
    court: Court, alone: Batch[str], verdict: Verdict, *, deliver: int, every_s: float = FAILED_ALONE_FOR_S
) -> int | None:
    """Try an item, and let so many others be delivered after each try."""
    for tries in range(1, 60):
        court.now += every_s
        ruling = court.rule(alone, verdict)
        if ruling.fate is Fate.DEAD_LETTER:
            assert ruling.reason == "server_error"
            return tries
        assert ruling.batch is not None
        alone = ruling.batch
        for _ in range(deliver):
            court.deliver_another()
    return None


def test_an_item_that_always_fails_is_dead_lettered_after_enough_failures_in_all() -> None:
    court = Court()
    alone = _suspected_by_failure(court, "a")
    assert alone.is_alone
    court.deliver_another()
    assert _tries_until_dead_lettered(court, alone, SERVER_ERROR, deliver=MANY) == TRIES_ALONE


def test_a_moment_in_which_an_item_fails_however_often_blames_it_not() -> None:
    """One part of the platform is out of order; the others deliver."""
    court = Court()
    alone = _suspected_by_failure(court, "a")
    assert court.rule(alone, SERVER_ERROR).pause_s == FAILED_ALONE_FOR_S, "it is not tried in vain either"
    tries = _tries_until_dead_lettered(court, alone, SERVER_ERROR, deliver=MANY, every_s=0.25)
    assert tries is not None
    assert tries * 0.25 >= FAILED_ALONE_FOR_S


def test_a_refusal_ends_the_failures_in_a_row_of_an_item() -> None:
    court = Court()
    alone = court.after(_suspected_by_failure(court, "a"), *[SERVER_ERROR] * 3, REFUSED)
    assert alone.evidence.against_item == 0


def test_an_item_refused_before_and_after_many_deliveries_is_dead_lettered_although_all_were_refused_meanwhile() -> (
    None
):
    """Each time the target refuses everything, delivers something, and the search starts over."""
    court = Court()
    alone = court.after(_batch("a"), REFUSED)
    for _ in range(MAX_OUTLASTED):
        court.deliver_another()
        again = Batch(("a",), evidence=alone.evidence.started_over())
        ruling = court.rule(again, REFUSED)
        assert ruling.batch is not None
        alone = ruling.batch
    assert (ruling.fate, alone.evidence.outlasted) == (Fate.DEAD_LETTER, MAX_OUTLASTED)


def test_without_a_delivery_since_it_was_left_alone_no_failure_counts_against_an_item() -> None:
    court = Court()
    alone = _suspected_by_failure(court, "a")
    assert _tries_until_dead_lettered(court, alone, SERVER_ERROR, deliver=0) is None


def test_an_item_whose_companions_have_left_is_blamed_by_its_own_failures() -> None:
    """Their leases have ended: the request that failed as a whole may have failed for one of them."""
    court = Court()
    alone = _suspected_by_failure(court, "ab").keep(lambda item: item == "a")
    assert alone is not None
    assert alone.is_alone
    court.deliver_another()
    assert _tries_until_dead_lettered(court, alone, SERVER_ERROR, deliver=MANY) == TRIES_ALONE


def test_where_innocent_requests_fail_often_more_failures_are_needed() -> None:
    court = Court()
    for _ in range(50):
        court.deliver_another(failures=1)
    batch = court.after(_batch("a"), *[SERVER_ERROR] * 6)
    court.deliver_another()
    alone = court.after(batch, SERVER_ERROR)
    assert alone.is_alone
    court.deliver_another()
    tries = _tries_until_dead_lettered(court, alone, SERVER_ERROR, deliver=MANY)
    assert tries is not None
    assert tries > MIN_SERVER_ERRORS


def test_of_the_failures_between_two_deliveries_only_some_count_where_innocent_requests_fail_often() -> None:
    court = Court()
    for _ in range(50):
        court.deliver_another(failures=1)
    batch = court.after(_batch("a"), *[SERVER_ERROR] * 7)
    court.deliver_another()
    alone = court.after(batch, SERVER_ERROR)
    court.deliver_another()
    assert _tries_until_dead_lettered(court, alone, SERVER_ERROR, deliver=0, every_s=0.0) is None
    assert court.after(alone, *[SERVER_ERROR] * 20).evidence.counted_alone == COUNTED_BETWEEN_DELIVERIES


# -- held -------------------------------------------------------------------------------------------------------------


def test_the_first_verdict_on_the_target_holds_it_and_the_batch_is_sent_again() -> None:
    court = Court()
    ruling = court.rule(_batch(), FORBIDDEN)
    assert ruling.fate is Fate.LATER
    assert court.condition() is Condition.HELD


def test_a_batch_that_is_rejected_while_others_are_delivered_is_suspect_and_holds_nothing() -> None:
    court = Court()
    batch = court.after(_batch(), FORBIDDEN)
    court.deliver_another()
    assert court.machine.is_up
    ruling = court.rule(batch, FORBIDDEN)
    assert ruling.fate is Fate.LATER
    assert ruling.batch is not None
    ruling = court.rule(ruling.batch, FORBIDDEN)
    assert court.machine.is_up
    assert ruling.batch is not None
    assert ruling.batch.suspected == 8


def test_an_item_that_is_rejected_alone_is_dead_lettered_as_refused() -> None:
    court = Court()
    batch = court.after(_batch("a"), FORBIDDEN)
    for _ in range(MIN_FAILURES + TRIES_ALONE):
        for _ in range(MANY):
            court.deliver_another()
        court.now += FAILED_ALONE_FOR_S
        ruling = court.rule(batch, FORBIDDEN)
        assert ruling.batch is not None
        batch = ruling.batch
    assert (ruling.fate, ruling.reason) == (Fate.DEAD_LETTER, "refused")


# -- the dead letters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [SERVER_ERROR, FORBIDDEN])
def test_of_the_last_resort_no_item_is_ever_suspect(verdict: Verdict) -> None:
    court = Court(last_resort=True)
    batch = _batch("a")
    for _ in range(100):
        ruling = court.rule(batch, verdict)
        assert ruling.fate is Fate.LATER
        assert ruling.batch is not None
        batch = ruling.batch
        court.deliver_another()
    assert batch.is_ordinary
