"""The guard against sending without membership: the table and the examples at the top of its file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from connector.core.membership_guard import MembershipGuard

if TYPE_CHECKING:
    from connector.core.membership_guard import ClosedBy

LIMIT_S = 2.0
PROOF_LIMIT_S = 5.0


class GuardHarness:
    """A guard on two clocks that a test moves; `opened` and `frozen` are what it reported. It was just proved."""

    def __init__(self) -> None:
        self.now = [100.0, 1_000.0]
        self.frozen: list[float] = []
        self.opened_after: list[ClosedBy] = []
        self.guard = MembershipGuard(
            LIMIT_S, PROOF_LIMIT_S, lambda: (self.now[0], self.now[1]), self.frozen.append, self.opened_after.append
        )
        self.guard.prove(self.now[0])
        self.opened_after.clear()

    @property
    def opened(self) -> int:
        return len(self.opened_after)

    def may_start_after(self, *seconds: float) -> bool:
        """Move the clocks, and return whether a request may start."""
        self.now = [reading + passed for reading, passed in zip(self.now, seconds, strict=True)]
        return self.guard.may_start()


def test_a_start_that_is_slow_is_not_told_as_a_freeze_but_counts_as_one() -> None:
    """A container with little CPU: nothing was sent yet, and a healthy start warns of nothing."""
    now, frozen = [100.0], list[float]()
    guard = MembershipGuard(LIMIT_S, PROOF_LIMIT_S, lambda: (now[0],), frozen.append, lambda _: None)
    now[0] += LIMIT_S + 1
    guard.check()
    guard.prove(now[0])
    assert (frozen, guard.may_start()) == ([], False)
    guard.confirm(guard.ticket)
    assert guard.may_start()


def test_it_stays_open_while_checks_come_often_enough() -> None:
    harness = GuardHarness()
    for _ in range(100):
        assert harness.may_start_after(LIMIT_S, LIMIT_S)
        harness.guard.prove(harness.now[0])
    assert harness.frozen == []


@pytest.mark.parametrize("jump", [(9.0, 9.0), (0.0, 9.0), (9.0, -5.0)])
def test_a_jump_of_any_clock_closes_it_until_it_is_confirmed(jump: tuple[float, float]) -> None:
    """The monotonic clock may stand still while a machine is suspended; the wall clock may be set back."""
    harness = GuardHarness()
    assert not harness.may_start_after(*jump)
    assert not harness.may_start_after(0.1, 0.1)
    assert harness.frozen == [9.0]
    harness.guard.prove(harness.now[0])
    assert harness.opened == 0
    harness.guard.confirm(harness.guard.ticket)
    assert harness.opened_after == ["freeze"]
    assert harness.may_start_after(0.1, 0.1)


def test_a_confirmation_of_an_earlier_freeze_does_not_open_it() -> None:
    harness = GuardHarness()
    harness.may_start_after(9.0, 9.0)
    earlier = harness.guard.ticket
    harness.may_start_after(9.0, 9.0)
    harness.guard.confirm(earlier)
    assert not harness.may_start_after(0.1, 0.1)
    harness.guard.prove(harness.now[0])
    harness.guard.confirm(harness.guard.ticket)
    assert (harness.opened, harness.may_start_after(0.1, 0.1)) == (1, True)


def test_a_confirmation_that_was_frozen_on_its_way_does_not_open_it() -> None:
    harness = GuardHarness()
    harness.may_start_after(9.0, 9.0)
    harness.now[0] += 9.0
    harness.guard.confirm(1)
    assert not harness.may_start_after(0.0, 0.0)
    assert (harness.guard.ticket, harness.opened) == (2, 0)


def test_the_same_confirmation_twice_opens_it_once() -> None:
    harness = GuardHarness()
    harness.may_start_after(9.0, 9.0)
    harness.guard.confirm(1)
    harness.guard.confirm(1)
    assert harness.opened == 1


# -- the last proof ----------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_the_first_proof() -> None:
    guard = MembershipGuard(LIMIT_S, PROOF_LIMIT_S, lambda: (100.0,), lambda _: None, lambda _: None)
    assert not guard.may_start()
    guard.prove(100.0)
    assert guard.may_start()


def test_it_closes_when_the_last_proof_is_as_old_as_its_limit_and_opens_with_the_next() -> None:
    harness = GuardHarness()
    assert [harness.may_start_after(step, step) for step in (2.0, 2.0, 0.9, 0.1)] == [True, True, True, False]
    harness.guard.prove(harness.now[0] - 1.0)
    assert harness.opened_after == ["silence"]
    assert harness.may_start_after(0.0, 0.0)


def test_a_proof_is_as_old_as_the_commit_that_was_accepted() -> None:
    harness = GuardHarness()
    for _ in range(5):
        harness.may_start_after(2.0, 2.0)
    harness.guard.prove(harness.now[0] - PROOF_LIMIT_S)
    assert harness.opened == 0
    assert not harness.may_start_after(0.0, 0.0)
    assert harness.guard.wanted


def test_proofs_that_come_in_another_order_do_not_make_it_older() -> None:
    harness = GuardHarness()
    harness.may_start_after(1.0, 1.0)
    harness.guard.prove(harness.now[0])
    harness.guard.prove(harness.now[0] - 1.0)
    assert [harness.may_start_after(step, step) for step in (2.0, 2.0, 0.9)] == [True, True, True]


def test_a_proof_is_wanted_by_a_request_that_may_start_and_only_when_the_last_one_is_half_as_old_as_allowed() -> None:
    harness = GuardHarness()
    harness.may_start_after(2.0, 2.0)
    wanted = [harness.guard.wanted]
    harness.now[0] += 1.0
    harness.guard.check()
    wanted.append(harness.guard.wanted)
    assert harness.may_start_after(0.0, 0.0)
    wanted.append(harness.guard.wanted)
    harness.guard.prove(harness.now[0])
    assert [*wanted, harness.guard.wanted] == [False, False, True, False]


def test_while_a_revocation_drains_it_stays_open_unless_the_process_is_frozen() -> None:
    harness = GuardHarness()
    harness.guard.trust_until(harness.now[0] + 15.0)
    assert all(harness.may_start_after(2.0, 2.0) for _ in range(7))
    assert not harness.may_start_after(1.0, 1.0)
    harness.guard.trust_until(harness.now[0] + 15.0)
    assert harness.may_start_after(0.0, 0.0)
    assert not harness.may_start_after(9.0, 9.0)


def test_trust_ends_with_the_revocation() -> None:
    harness = GuardHarness()
    harness.guard.trust_until(harness.now[0] + 15.0)
    assert all(harness.may_start_after(2.0, 2.0) for _ in range(3))
    harness.guard.trust_until(-math.inf)
    assert not harness.may_start_after(0.0, 0.0)
