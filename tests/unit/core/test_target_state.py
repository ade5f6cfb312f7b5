"""The state machine of a target: every transition of its table, and the rules that give the signals."""

from __future__ import annotations

import itertools

import pytest

from connector.core.retry import Backoff
from connector.core.sink import TargetState
from connector.core.target_state import (
    MAX_REJECTIONS,
    MIN_FAILURES,
    QUIET_S,
    SUSPICIOUS_QUIET_S,
    Attempt,
    Condition,
    Signal,
    TargetMachine,
)
from tests.support.builders import seeded

REFUSED_IN_A_ROW = 4
UP, DOWN, HELD, REFUSING = Condition.UP, Condition.DOWN, Condition.HELD, Condition.REFUSING


class Machine(TargetMachine):
    """A machine with one request at a time, each a second long."""

    def __init__(self) -> None:
        super().__init__(Backoff(1.0, 8.0), seeded(1), REFUSED_IN_A_ROW)
        self.now = 1_000.0

    def send(self) -> Attempt:
        """Begin a request; it is answered a second later."""
        attempt = self.begin(self.now)
        self.now += 1.0
        return attempt

    def deliver(self, attempt: Attempt | None = None) -> bool:
        return self.on_delivered(attempt or self.send(), self.now)

    def answer(self, attempt: Attempt | None = None) -> bool:
        return self.on_answered(attempt or self.send(), self.now)

    def fail(self, attempt: Attempt | None = None, *, in_flight: int = 1, suspicious: bool = False) -> bool:
        attempt = attempt or self.send()
        return self.on_failed(attempt, self.now, "HTTP 503", in_flight=in_flight, suspicious=suspicious)

    def reject(self, attempt: Attempt | None = None, *, suspicious: bool = False) -> bool:
        return self.on_rejected(attempt or self.send(), self.now, "HTTP 403", suspicious=suspicious)

    def refuse_alone(self) -> bool:
        attempt = self.send()
        self.on_answered(attempt, self.now)
        return self.on_refused_alone(attempt, self.now, "HTTP 400")

    def give(self, signal: Signal) -> bool:
        """Let what happens that gives this signal; return whether the last of it changed the condition."""
        match signal:
            case Signal.DELIVERED:
                return self.deliver()
            case Signal.ANSWERED:
                return self.answer()
            case Signal.UNREACHABLE:
                return [self.fail() for _ in range(MIN_FAILURES)][-1]
            case Signal.REJECTED:
                return self.reject()
            case Signal.REFUSES_EVERYTHING:
                return [self.refuse_alone() for _ in range(REFUSED_IN_A_ROW)][-1]
            case Signal.EMPTIED:
                return self.on_emptied()


def _machine(condition: Condition) -> Machine:
    machine = Machine()
    ways = {DOWN: Signal.UNREACHABLE, HELD: Signal.REJECTED, REFUSING: Signal.REFUSES_EVERYTHING}
    if condition in ways:
        assert machine.give(ways[condition])
    assert machine.condition is condition
    return machine


FOLLOWING = {
    (UP, Signal.UNREACHABLE): DOWN,
    (UP, Signal.REJECTED): HELD,
    (UP, Signal.REFUSES_EVERYTHING): REFUSING,
    (DOWN, Signal.DELIVERED): UP,
    (DOWN, Signal.ANSWERED): UP,
    (DOWN, Signal.REJECTED): HELD,
    (DOWN, Signal.REFUSES_EVERYTHING): REFUSING,  # by way of UP: the first refusal is an answer
    (DOWN, Signal.EMPTIED): UP,
    (HELD, Signal.DELIVERED): UP,
    (HELD, Signal.ANSWERED): UP,
    (HELD, Signal.REFUSES_EVERYTHING): REFUSING,  # the same
    (HELD, Signal.EMPTIED): UP,
    (REFUSING, Signal.DELIVERED): UP,
    (REFUSING, Signal.REJECTED): HELD,
    (REFUSING, Signal.EMPTIED): UP,
}


@pytest.mark.parametrize(("condition", "signal"), list(itertools.product(Condition, Signal)))
def test_each_signal_in_each_condition(condition: Condition, signal: Signal) -> None:
    machine = _machine(condition)
    reason = machine.reason
    changed = machine.give(signal)
    following = FOLLOWING.get((condition, signal), condition)
    assert (machine.condition, changed) == (following, following is not condition)
    expected = {UP: "", DOWN: "HTTP 503", HELD: "HTTP 403", REFUSING: "refuses_everything: HTTP 400"}
    assert machine.reason == (expected[following] if changed else reason)


def test_what_the_outside_sees() -> None:
    assert [condition.state for condition in (UP, DOWN, HELD, REFUSING)] == [
        TargetState.UP,
        TargetState.DOWN,
        TargetState.HELD,
        TargetState.HELD,
    ]
    assert [condition for condition in Condition if _machine(condition).is_up] == [UP]


# -- rule 1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["deliver", "answer"])
def test_a_hold_is_not_ended_by_a_request_that_was_sent_before_it_began(kind: str) -> None:
    machine = Machine()
    early = machine.send()
    machine.reject()
    assert not getattr(machine, kind)(early)
    assert machine.condition is HELD
    assert getattr(machine, kind)()


def test_a_target_that_is_down_is_up_with_any_delivery() -> None:
    machine = Machine()
    early = machine.send()
    machine.give(Signal.UNREACHABLE)
    assert machine.deliver(early)


# -- rule 3 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 3, 8])
def test_a_target_is_down_when_as_many_failed_in_a_row_as_are_in_flight_but_at_least_three(in_flight: int) -> None:
    machine = Machine()
    attempts = [machine.send() for _ in range(max(in_flight, MIN_FAILURES))]
    machine.now = 1_000.1
    changes = [machine.fail(attempt, in_flight=in_flight) for attempt in attempts]
    assert changes == [False] * (len(attempts) - 1) + [True]


def test_a_delivery_or_an_answer_in_between_starts_the_row_again() -> None:
    for end_of_row in (Machine.deliver, Machine.answer):
        machine = Machine()
        for _ in range(5):
            machine.fail()
            machine.fail()
            end_of_row(machine)
        assert machine.is_up


def test_a_target_is_down_when_nothing_was_delivered_for_long_since_a_failing_request_was_sent() -> None:
    machine = Machine()
    attempt = machine.begin(machine.now)
    machine.now += QUIET_S - 0.1
    assert not machine.fail(attempt, in_flight=8)
    attempt = machine.begin(machine.now)
    machine.now += 0.1
    assert machine.fail(attempt, in_flight=8)


def test_a_delivery_meanwhile_shows_that_only_one_request_hangs() -> None:
    machine = Machine()
    hanging = machine.begin(machine.now)
    machine.now += QUIET_S * 2
    machine.deliver()
    assert not machine.fail(hanging, in_flight=8)


def test_failures_of_a_suspicious_batch_count_only_after_a_long_quiet_time() -> None:
    machine = Machine()
    machine.deliver()
    for _ in range(int(SUSPICIOUS_QUIET_S) - 1):
        assert not machine.fail(suspicious=True)
    assert machine.fail(suspicious=True)


def test_the_reason_of_a_target_that_is_down_is_its_last_reply() -> None:
    machine = _machine(DOWN)
    machine.on_failed(machine.send(), machine.now, "no connection", in_flight=1, suspicious=False)
    assert machine.reason == "no connection"


# -- rule 4 -----------------------------------------------------------------------------------------------------------


def test_verdicts_on_the_target_for_a_suspicious_batch_hold_it_only_if_many_come_in_a_row() -> None:
    machine = Machine()
    for _ in range(3):
        for _ in range(MAX_REJECTIONS - 1):
            assert not machine.reject(suspicious=True)
        machine.deliver()
    changes = [machine.reject(suspicious=True) for _ in range(MAX_REJECTIONS)]
    assert changes == [False] * (MAX_REJECTIONS - 1) + [True]


# -- rule 5 -----------------------------------------------------------------------------------------------------------


def test_a_delivery_in_between_starts_the_row_of_refused_items_again() -> None:
    machine = Machine()
    for _ in range(5):
        for _ in range(REFUSED_IN_A_ROW - 1):
            assert not machine.refuse_alone()
        machine.deliver()
    assert machine.is_up


# -- rule 7 -----------------------------------------------------------------------------------------------------------


def test_probes_are_one_at_a_time_and_back_off_up_to_the_bound() -> None:
    machine = _machine(DOWN)
    waits = []
    for _ in range(40):
        waits.append(machine.probe_at - machine.now)
        probe = machine.send()
        assert probe.is_probe
        assert machine.probing
        machine.fail(probe)
        assert not machine.probing
    assert all(0 <= wait <= min(8.0, 2.0**number) for number, wait in enumerate(waits))
    assert max(waits) > 4


def test_a_request_that_was_sent_before_is_no_probe_and_does_not_move_the_next_one() -> None:
    machine = Machine()
    early = machine.send()
    machine.give(Signal.UNREACHABLE)
    probe_at = machine.probe_at
    machine.fail(early)
    assert machine.probe_at == probe_at
    machine.send()
    assert machine.probing


@pytest.mark.parametrize("kind", ["fail", "reject", "answer", "token"])
def test_each_reply_to_a_probe_ends_it(kind: str) -> None:
    machine = _machine(REFUSING)
    probe = machine.send()
    if kind == "token":
        machine.on_token_refused(probe, machine.now)
    else:
        getattr(machine, kind)(probe)
    assert not machine.probing


def test_a_refused_token_tells_nothing_of_the_target() -> None:
    machine = Machine()
    for _ in range(100):
        machine.on_token_refused(machine.send(), machine.now)
    assert machine.is_up
    assert machine.failures == 100


# -- ticks ------------------------------------------------------------------------------------------------------------


def test_ticks_tell_what_was_delivered_before_a_request_was_sent() -> None:
    machine = Machine()
    first, second = machine.send(), machine.send()
    machine.deliver(second)
    third = machine.send()
    machine.deliver(first)
    assert (first.delivered, second.delivered, third.delivered) == (0, 0, second.tick)
    assert machine.delivered == second.tick, "the first was sent earlier"
    assert (machine.deliveries, machine.failures) == (2, 0)
    assert first.tick < second.tick < third.tick < machine.tick
