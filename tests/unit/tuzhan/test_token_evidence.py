"""Whose fault a refusal is: the rows of the table in `token_evidence.py`, and what follows from them over hours."""

from __future__ import annotations

import itertools
import math

import pytest

from connector.tuzhan.token_evidence import GRACE_S, MAX_PATIENCE_S, PATIENCE_S, RETRY_S, Fault, TokenEvidence

A, B, C = "A", "B", "C"


def new_evidence(now_s: float = 0.0) -> TokenEvidence:
    evidence = TokenEvidence()
    evidence.on_token(now_s)
    return evidence


def a_at_fault() -> TokenEvidence:
    evidence = new_evidence()
    evidence.on_delivered(B, 1.0, 1.0)
    assert evidence.on_refused(A, 1.0) is Fault.TARGET
    return evidence


def test_nothing_is_needed_until_a_refusal() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 2.0)
    assert (evidence.renew_s, evidence.in_doubt) == (math.inf, False)
    assert evidence.retry_s(A) == -math.inf


def test_a_token_that_the_target_itself_has_used_has_died() -> None:
    evidence = new_evidence()
    evidence.on_delivered(B, 9.0, 9.0)
    evidence.on_delivered(A, 9.0, 9.0)
    assert evidence.on_refused(A, 10.0) is Fault.TOKEN
    assert evidence.renew_s == 10.0
    assert evidence.retry_s(A) == 10.0 + RETRY_S
    assert evidence.retry_s(B) == -math.inf, "others go on with it"


def test_further_refusals_of_the_same_token_change_nothing_but_the_wait() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 9.0, 9.0)
    for now_s in (10.0, 10.5, 11.0):
        assert evidence.on_refused(A, now_s) is Fault.TOKEN
    assert evidence.renew_s == 10.0
    assert evidence.retry_s(A) == 11.0 + RETRY_S
    evidence.on_refused(B, 12.0)
    assert evidence.renew_s == 10.0


@pytest.mark.parametrize(("age_s", "fault"), [(0.0, Fault.TARGET), (4.9, Fault.TARGET), (5.0, Fault.TOKEN)])
def test_a_target_that_is_refused_what_another_has_just_used_is_at_fault(age_s: float, fault: Fault) -> None:
    evidence = new_evidence()
    evidence.on_delivered(B, 100.0, 100.0)
    assert evidence.on_refused(A, 100.0 + age_s) is fault
    assert (evidence.renew_s == math.inf) is (fault is Fault.TARGET)
    assert evidence.in_doubt is (fault is Fault.TOKEN)


def test_the_worked_example() -> None:
    evidence = new_evidence()
    assert evidence.on_refused(A, 1.0) is Fault.TOKEN
    assert evidence.renew_s == 1.0
    evidence.on_token(2.0)
    assert evidence.on_refused(A, 3.0) is Fault.TOKEN
    assert evidence.renew_s == 2.0 + GRACE_S
    evidence.on_delivered(B, 3.5, 4.0)
    assert (evidence.renew_s, evidence.in_doubt, evidence.retry_s(A)) == (math.inf, False, -math.inf)
    assert evidence.on_refused(A, 5.0) is Fault.TARGET
    assert evidence.renew_s == math.inf


def test_a_reply_to_an_earlier_request_does_not_show_that_the_token_still_lives() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_refused(A, 10.0)
    evidence.on_delivered(B, 10.0, 11.0)
    assert evidence.renew_s == 10.0
    assert evidence.retry_s(A) == 10.0 + RETRY_S
    evidence.on_delivered(B, 10.1, 11.0)
    assert evidence.renew_s == math.inf
    assert evidence.on_refused(A, 11.0) is Fault.TARGET, "though it has delivered with this token before"


def test_a_refusal_that_was_a_mistake_is_forgotten_when_the_target_delivers() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_refused(A, 2.0)
    evidence.on_delivered(A, 7.0, 7.1)
    assert (evidence.renew_s, evidence.in_doubt) == (math.inf, False)
    assert evidence.on_refused(A, 8.0) is Fault.TOKEN
    assert evidence.renew_s == 8.0


def test_one_of_two_waiting_targets_that_delivers_leaves_the_later_one_in_doubt() -> None:
    evidence = new_evidence()
    evidence.on_refused(A, 1.0)
    evidence.on_refused(C, 5.0)
    evidence.on_delivered(B, 3.0, 6.0)
    assert evidence.retry_s(A) == -math.inf
    assert evidence.retry_s(C) == 5.0 + RETRY_S
    assert evidence.renew_s == 1.0


def test_a_target_that_has_never_delivered_is_at_fault_at_its_second_token_if_others_have() -> None:
    evidence = new_evidence()
    evidence.on_delivered(B, 1.0, 1.0)
    assert evidence.on_refused(A, 1000.0) is Fault.TOKEN
    evidence.on_token(1001.0)
    assert evidence.on_refused(A, 1002.0) is Fault.TARGET
    assert evidence.renew_s == math.inf


def test_a_delivery_with_an_older_token_shows_that_tokens_work_at_others() -> None:
    evidence = new_evidence()
    evidence.on_refused(A, 1.0)
    evidence.on_token(1.1)
    evidence.on_delivered_with_older(B, 1.2)
    assert evidence.on_refused(A, 1.3) is Fault.TARGET


def test_if_nobody_has_ever_delivered_no_target_is_at_fault() -> None:
    evidence = TokenEvidence()
    for number in range(100):
        evidence.on_token(10.0 * number)
        assert evidence.on_refused(A, 10.0 * number + 1) is Fault.TOKEN
        assert evidence.on_refused(B, 10.0 * number + 1) is Fault.TOKEN
        assert evidence.renew_s == 10.0 * number + (GRACE_S if number else 1.0)


def test_a_target_that_has_delivered_before_is_not_at_fault_while_no_other_uses_the_token() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_delivered(B, 1.0, 1.0)
    for number in range(1, 9):
        assert evidence.on_refused(A, 1000.0 * number) is Fault.TOKEN
        evidence.on_token(1000.0 * number + 500.0)


def test_the_fault_stays_with_every_token_until_the_target_delivers() -> None:
    evidence = a_at_fault()
    for number in range(1, 5):
        evidence.on_token(1000.0 * number)
        assert evidence.on_refused(A, 1000.0 * number) is Fault.TARGET
    evidence.on_delivered(A, 5000.0, 5000.0)
    assert evidence.on_refused(A, 5001.0) is Fault.TOKEN


def test_no_token_is_fetched_for_a_target_at_fault_while_others_deliver() -> None:
    evidence = a_at_fault()
    for now_s in range(2, 3600):
        if now_s % 14 == 0:
            evidence.on_delivered(B, now_s, now_s)
        assert evidence.on_refused(A, now_s) is Fault.TARGET
        assert evidence.renew_s == math.inf


def test_with_nobody_else_a_target_at_fault_gets_a_few_tokens_at_growing_distances() -> None:
    evidence = a_at_fault()
    issued: list[float] = []
    for now_s in range(2, 24 * 3600):
        assert evidence.on_refused(A, now_s) is Fault.TARGET
        assert not evidence.in_doubt, "nothing waits for it"
        if evidence.renew_s <= now_s:
            issued.append(now_s)
            evidence.on_token(now_s)
    distances = [later - earlier for earlier, later in zip([1.0, *issued], issued, strict=False)]
    assert distances[:7] == [PATIENCE_S * 2**n for n in range(6)] + [MAX_PATIENCE_S]
    assert set(distances[6:]) == {MAX_PATIENCE_S}


def test_an_endpoint_that_always_refuses_costs_two_tokens_more_if_others_deliver_once_a_minute() -> None:
    evidence = a_at_fault()
    issued: list[float] = []
    for now_s in range(2, 24 * 3600):
        if now_s % 60 == 0:
            evidence.on_delivered(B, now_s, now_s)
        assert evidence.on_refused(A, now_s) is Fault.TARGET
        if evidence.renew_s <= now_s:
            issued.append(now_s)
            evidence.on_token(now_s)
    assert issued == [1 + PATIENCE_S, 1 + 3 * PATIENCE_S]


def test_while_the_token_for_a_target_at_fault_can_not_be_fetched_its_patience_does_not_grow() -> None:
    evidence = a_at_fault()
    for now_s in range(16, 4000):
        evidence.on_refused(A, now_s)
    assert evidence.renew_s == 16.0
    evidence.on_token(4000.0)
    evidence.on_refused(A, 4000.0 + 2 * PATIENCE_S - 0.1)
    assert evidence.renew_s == math.inf
    evidence.on_refused(A, 4000.0 + 2 * PATIENCE_S)
    assert evidence.renew_s == 4000.0 + 2 * PATIENCE_S


def test_a_delivery_by_another_target_makes_a_token_for_a_target_at_fault_needless() -> None:
    evidence = a_at_fault()
    evidence.on_refused(A, 61.0)
    evidence.on_delivered(B, 61.5, 62.0)
    assert evidence.renew_s == math.inf


def test_when_a_token_has_died_at_one_target_another_is_not_blamed_for_it() -> None:
    evidence = new_evidence()
    evidence.on_delivered(B, 1.0, 1.0)
    assert evidence.on_refused(B, 2.0) is Fault.TOKEN
    assert evidence.on_refused(A, 2.5) is Fault.TOKEN
    evidence.on_delivered(C, 3.0, 3.5)
    assert (evidence.in_doubt, evidence.renew_s) == (False, math.inf)
    assert evidence.on_refused(A, 4.0) is Fault.TARGET
    assert evidence.on_refused(B, 4.0) is Fault.TARGET
    assert evidence.on_refused("D", 4.0) is Fault.TARGET, "a new one, too: the token has not died"


def test_the_last_delivery_of_all_targets_is_known() -> None:
    evidence = new_evidence()
    assert evidence.last_delivered_s == -math.inf
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_token(2.0)
    evidence.on_delivered_with_older(B, 3.0)
    evidence.on_refused(C, 4.0)
    assert evidence.last_delivered_s == 3.0


def test_a_target_that_used_the_last_token_is_in_doubt_until_another_uses_this_one() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_token(100.0)
    evidence.on_delivered(B, 101.0, 101.0)
    assert evidence.on_refused(A, 110.0) is Fault.TOKEN
    assert evidence.renew_s == 110.0 + GRACE_S
    evidence.on_delivered(B, 110.1, 110.2)
    assert (evidence.in_doubt, evidence.renew_s) == (False, math.inf)
    assert evidence.on_refused(A, 110.5) is Fault.TARGET


def test_if_both_are_refused_another_token_is_needed_at_once() -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_token(100.0)
    evidence.on_delivered(B, 101.0, 101.0)
    evidence.on_refused(A, 110.0)
    assert evidence.on_refused(B, 110.1) is Fault.TOKEN
    assert evidence.renew_s == 110.1


@pytest.mark.parametrize(("age_s", "fault"), [(59.9, Fault.TARGET), (60.0, Fault.TOKEN)])
def test_the_second_token_in_a_row_blames_a_target_if_another_has_lately_delivered_with_any(
    age_s: float, fault: Fault
) -> None:
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_delivered(B, 100.0, 100.0)
    evidence.on_refused(A, 100.0)
    evidence.on_token(100.0 + age_s)
    assert evidence.on_refused(A, 100.0 + age_s) is fault


def both_at_fault() -> TokenEvidence:
    """Return what is known after a token has died at B, where A was refused it by mistake, and so has the next one."""
    evidence = new_evidence()
    evidence.on_delivered(A, 1.0, 1.0)
    evidence.on_token(2.0)
    evidence.on_delivered(B, 3.0, 3.0)
    assert evidence.on_refused(A, 3.0) is Fault.TOKEN
    evidence.on_delivered(B, 4.0, 4.0)
    assert evidence.on_refused(A, 5.0) is Fault.TARGET
    assert evidence.on_refused(B, 6.0) is Fault.TOKEN
    evidence.on_token(7.0)
    assert evidence.on_refused(A, 7.0) is Fault.TARGET
    assert evidence.on_refused(B, 7.0) is Fault.TARGET
    return evidence


def test_a_token_that_no_target_can_use_is_replaced_soon_and_the_next_ones_at_growing_distances() -> None:
    evidence = both_at_fault()
    issued = [7.0]
    for now_s in range(8, 24 * 3600):
        for target in (A, B):
            assert evidence.on_refused(target, now_s) is Fault.TARGET
        if evidence.renew_s <= now_s:
            issued.append(now_s)
            evidence.on_token(now_s)
    distances = [later - earlier for earlier, later in itertools.pairwise(issued)]
    assert distances[:2] == [GRACE_S, 2 * GRACE_S]
    assert distances == sorted(distances)
    assert set(distances[20:]) == {MAX_PATIENCE_S}


def test_as_long_as_one_target_delivers_now_and_then_the_others_bring_about_no_other_token() -> None:
    evidence = both_at_fault()
    for now_s in range(8, 3600):
        if now_s % 14 == 8:
            evidence.on_delivered(C, now_s, now_s)
        evidence.on_refused(A, now_s)
        evidence.on_refused(B, now_s)
        assert evidence.renew_s == math.inf
