"""What a target sends next: places, turns of suspects, probes."""

from __future__ import annotations

import math

import pytest

from connector.core.backlog import MAX_PROBED, Backlog, Lane
from connector.core.batch import Batch
from connector.core.concurrency import FixedLimit
from connector.core.evidence import Evidence
from connector.core.retry import Backoff
from connector.core.target_state import Attempt, Condition, TargetMachine
from tests.support.builders import seeded

NOW = 1_000.0
MAX_IN_FLIGHT = 3


class Desk:
    """A backlog with its machine; `fresh` batches are named by their number."""

    def __init__(self, fresh: int = 0) -> None:
        self.machine = TargetMachine(Backoff(1.0, 8.0), seeded(1), refused_in_a_row=1)
        self.fresh = fresh
        self.fresh_due_at = -math.inf
        self.backlog: Backlog[str] = Backlog(
            self.machine, FixedLimit(MAX_IN_FLIGHT), lambda: self.fresh_due_at if self.fresh else math.inf
        )
        self.now = NOW
        self._attempts: dict[int, Attempt] = {}

    def send(self) -> Batch[str] | None:
        """Send what is next; None if nothing is."""
        lane = self.backlog.choose(self.now)
        if lane is None:
            return None
        if lane is Lane.FRESH:
            self.fresh -= 1
            batch = Batch((f"fresh {self.fresh}",))
        else:
            taken = self.backlog.take(lane, self.now)
            assert taken is not None
            batch = taken
        self.backlog.on_taken(lane)
        self.backlog.on_wire.add(batch, 1)
        self._attempts[id(batch)] = self.machine.begin(self.now)
        return batch

    def names(self, count: int) -> list[str]:
        """Send so many, one after the other; return the first item of each."""
        return [self.fail_again(self.send()) for _ in range(count)]

    def fail_again(self, batch: Batch[str] | None) -> str:
        """Let a request fail; its batch is queued again, and the next probe is due."""
        assert batch is not None
        self.backlog.on_wire.add(batch, -1)
        attempt = self._attempts.pop(id(batch))
        self.machine.on_failed(attempt, self.now, "HTTP 503", in_flight=99, suspicious=True)
        self.backlog.put(batch, self.now)
        self.now += 8.0
        return batch.items[0]

    def become(self, condition: Condition) -> None:
        """Let the target come into this condition."""
        attempt = self.machine.begin(self.now)
        if condition is Condition.DOWN:
            self.now += 60
            self.machine.on_failed(attempt, self.now, "HTTP 503", in_flight=1, suspicious=False)
        elif condition is Condition.HELD:
            self.machine.on_rejected(attempt, self.now, "HTTP 403", suspicious=False)
        else:
            self.machine.on_answered(attempt, self.now)
            self.machine.on_refused_alone(attempt, self.now, "HTTP 400")
        assert self.machine.condition is condition
        self.backlog.on_condition(start_over=False)
        self.now += 8.0

    def deliver_another(self) -> None:
        self.machine.on_delivered(self.machine.begin(self.now), self.now)
        self.backlog.on_delivery()


def _ordinary(name: str) -> Batch[str]:
    return Batch((name,))


def _suspect(name: str) -> Batch[str]:
    return Batch((name, name), suspected=2)


def _alone(name: str, blamed_at: int | None = None) -> Batch[str]:
    return Batch((name,), suspected=1, evidence=Evidence(blamed_at=blamed_at))


def test_as_many_fresh_batches_are_sent_as_there_are_places() -> None:
    desk = Desk(fresh=10)
    sent = [desk.send() for _ in range(MAX_IN_FLIGHT + 1)]
    assert [batch is not None for batch in sent] == [True] * MAX_IN_FLIGHT + [False]


def test_a_batch_that_waits_for_its_next_try_keeps_its_place() -> None:
    desk = Desk(fresh=10)
    for number in range(MAX_IN_FLIGHT):
        desk.backlog.put(_ordinary(str(number)), desk.now + 5)
    assert desk.backlog.choose(desk.now) is None
    assert desk.backlog.next_at() == desk.now + 5
    desk.now += 5
    assert desk.backlog.choose(desk.now) is Lane.ORDINARY


def test_suspects_and_items_alone_have_no_place() -> None:
    desk = Desk(fresh=10)
    for number in range(10):
        desk.backlog.put(_suspect(str(number)), desk.now + 5)
        desk.backlog.put(_alone(str(number)), desk.now + 5)
    sent = [desk.send() for _ in range(MAX_IN_FLIGHT)]
    assert None not in sent
    assert desk.backlog.suspects == 20


def test_suspects_and_others_take_turns_and_one_suspect_is_on_the_wire_at_a_time() -> None:
    desk = Desk(fresh=10)
    for number in range(3):
        desk.backlog.put(_suspect(f"suspect {number}"))
    first, second, third = desk.send(), desk.send(), desk.send()
    assert first is not None
    assert second is not None
    assert third is not None
    assert [batch.is_ordinary for batch in (first, second, third)] == [True, False, True]
    assert desk.send() is None
    desk.backlog.on_wire.add(second, -1)
    fourth = desk.send()
    assert fourth is not None
    assert not fourth.is_ordinary


def test_the_other_suspects_go_on_where_there_is_nothing_else() -> None:
    desk = Desk()
    desk.backlog.put(_suspect("a"))
    desk.backlog.put(_suspect("b"))
    sent = desk.send()
    assert sent is not None
    assert desk.send() is None, "one at a time"
    desk.backlog.on_wire.add(sent, -1)
    assert desk.send() is not None


def test_an_item_without_evidence_waits_for_a_delivery_or_until_there_is_nothing_else() -> None:
    desk = Desk(fresh=1)
    desk.backlog.put(_alone("refused", blamed_at=1))
    fresh = desk.send()
    assert fresh is not None
    assert fresh.is_ordinary
    before = desk.backlog.has_only_items_alone
    assert desk.backlog.choose(desk.now) is None
    desk.backlog.on_wire.add(fresh, -1)
    assert (before, desk.backlog.has_only_items_alone) == (False, True)
    assert desk.backlog.choose(desk.now) is Lane.UNPROVEN


def test_a_delivery_is_the_evidence_that_lets_an_item_be_tried() -> None:
    desk = Desk(fresh=1)
    desk.machine.begin(desk.now)
    desk.backlog.put(_alone("refused", blamed_at=1), math.inf)
    desk.backlog.put(_alone("refused later", blamed_at=100), math.inf)
    desk.deliver_another()
    assert desk.backlog.choose(desk.now) is Lane.FRESH
    desk.send()
    assert desk.backlog.choose(desk.now) is Lane.ALONE
    sent = desk.send()
    assert sent is not None
    assert sent.items == ("refused",)
    assert desk.backlog.suspects == 1


@pytest.mark.parametrize("condition", [Condition.DOWN, Condition.HELD])
def test_probes_take_turns_those_that_were_not_tried_first_then_fresh_ones_then_all_again(condition: Condition) -> None:
    desk = Desk(fresh=2)
    desk.backlog.put(_ordinary("a"), desk.now + 1_000)
    desk.backlog.put(_ordinary("b"), desk.now + 2_000)
    desk.backlog.put(_suspect("suspect"))
    desk.become(condition)
    assert desk.names(9) == ["a", "b", "fresh 1", "fresh 0", "a", "b", "fresh 1", "fresh 0", "a"]


def test_a_fresh_batch_is_the_probe_once_those_that_were_to_be_probed_are_gone() -> None:
    desk = Desk(fresh=1)
    desk.backlog.put(_ordinary("a"))
    desk.backlog.put(_ordinary("b"))
    desk.become(Condition.DOWN)
    desk.backlog.drain()  # their lease has ended
    assert desk.names(2) == ["fresh 0", "fresh 0"]


def test_no_more_than_so_many_fresh_batches_become_probes() -> None:
    desk = Desk(fresh=1_000)
    desk.become(Condition.DOWN)
    names = desk.names(MAX_PROBED * 2)
    assert names[:MAX_PROBED] == names[MAX_PROBED:]


def test_suspects_and_items_alone_take_turns_as_probes_where_there_is_nothing_else() -> None:
    desk = Desk()
    desk.backlog.put(_suspect("suspect"))
    desk.backlog.put(_alone("alone"))
    desk.become(Condition.DOWN)
    assert desk.names(4) == ["suspect", "alone", "suspect", "alone"]


def test_if_everything_is_refused_each_second_probe_is_a_suspect() -> None:
    desk = Desk()
    for batch in (_ordinary("a"), _ordinary("b"), _suspect("suspect"), _alone("alone", blamed_at=10_000)):
        desk.backlog.put(batch)
    desk.become(Condition.REFUSING)
    assert desk.names(6) == ["a", "suspect", "b", "alone", "a", "suspect"]


def test_one_probe_at_a_time_and_not_before_its_time() -> None:
    desk = Desk(fresh=5)
    desk.become(Condition.DOWN)
    desk.now = desk.machine.probe_at - 0.01
    assert desk.backlog.choose(desk.now) is None
    assert desk.backlog.next_at() == desk.machine.probe_at
    desk.now = desk.machine.probe_at
    assert desk.send() is not None
    assert desk.send() is None
    assert desk.backlog.next_at() == math.inf


def test_a_probe_that_is_still_being_filled_is_waited_for() -> None:
    desk = Desk(fresh=1)
    desk.become(Condition.DOWN)
    desk.fresh_due_at = desk.now + 3
    assert desk.backlog.choose(desk.now) is None
    assert desk.backlog.next_at() == desk.now + 3


def test_once_the_target_is_up_nothing_waits_for_a_backoff_any_more() -> None:
    desk = Desk()
    desk.become(Condition.DOWN)
    desk.backlog.put(Batch(("a",), backoffs=9))
    desk.backlog.put(Batch(("b", "b"), suspected=2, backoffs=9))
    desk.machine.on_delivered(desk.machine.begin(desk.now), desk.now)
    desk.backlog.on_condition(start_over=False)
    assert desk.backlog.next_at() == -math.inf
    assert [batch.backoffs for batch, _ in desk.backlog.drain()] == [0, 0]


def test_after_everything_was_refused_all_start_over() -> None:
    desk = Desk()
    desk.become(Condition.REFUSING)
    evidence = Evidence(blamed_at=1, refused_alone=1, failures=3)
    desk.backlog.put(Batch(("a",), suspected=1, evidence=evidence, alone_since=1.0))
    desk.backlog.put(Batch(("b", "b"), suspected=2, by_failure=True, evidence=evidence))
    desk.machine.on_delivered(desk.machine.begin(desk.now), desk.now)
    desk.backlog.on_condition(start_over=True)
    batches = [batch for batch, _ in desk.backlog.drain()]
    alone = Batch(("a",), evidence=Evidence(outlasted=1))
    assert sorted(batches, key=lambda batch: batch.items) == [alone, Batch(("b", "b"))]


def test_nothing_is_due_where_there_is_nothing() -> None:
    desk = Desk()
    assert (desk.backlog.choose(desk.now), desk.backlog.next_at()) == (None, math.inf)
    desk.become(Condition.DOWN)
    assert (desk.backlog.choose(desk.now), desk.backlog.next_at()) == (None, math.inf)
