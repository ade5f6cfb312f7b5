"""The guard against sending after a freeze: the table at the top of its file."""

from __future__ import annotations

import pytest

from connector.core.freeze_guard import FreezeGuard

LIMIT_S = 2.0


class GuardHarness:
    """A guard on two clocks that a test moves; `opened` and `frozen` are what it reported."""

    def __init__(self) -> None:
        self.now = [100.0, 1_000.0]
        self.frozen: list[float] = []
        self.opened = 0
        self.guard = FreezeGuard(LIMIT_S, lambda: (self.now[0], self.now[1]), self.frozen.append, self._on_open)

    def _on_open(self) -> None:
        self.opened += 1

    def may_start_after(self, *seconds: float) -> bool:
        """Move the clocks, and return whether a request may start."""
        self.now = [reading + passed for reading, passed in zip(self.now, seconds, strict=True)]
        return self.guard.may_start()


def test_it_stays_open_while_checks_come_often_enough() -> None:
    harness = GuardHarness()
    assert all(harness.may_start_after(LIMIT_S, LIMIT_S) for _ in range(100))
    assert harness.frozen == []


@pytest.mark.parametrize("jump", [(9.0, 9.0), (0.0, 9.0), (9.0, -5.0)])
def test_a_jump_of_any_clock_closes_it_until_it_is_confirmed(jump: tuple[float, float]) -> None:
    """The monotonic clock may stand still while a machine is suspended; the wall clock may be set back."""
    harness = GuardHarness()
    assert not harness.may_start_after(*jump)
    assert not harness.may_start_after(0.1, 0.1)
    assert harness.frozen == [9.0]
    harness.guard.confirm(harness.guard.ticket)
    assert harness.opened == 1
    assert harness.may_start_after(0.1, 0.1)


def test_a_confirmation_of_an_earlier_freeze_does_not_open_it() -> None:
    harness = GuardHarness()
    harness.may_start_after(9.0, 9.0)
    earlier = harness.guard.ticket
    harness.may_start_after(9.0, 9.0)
    harness.guard.confirm(earlier)
    assert not harness.may_start_after(0.1, 0.1)
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
