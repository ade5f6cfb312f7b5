"""Schedules that have found a bug, made small. Each is the test of what was wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.simulation.member import replaced_edges
from tests.simulation.plan import CommitFault, CutOff, Freeze, Kill, Outage, Plan, Produce, Retention, Stop
from tests.simulation.running import failure_of
from tests.simulation.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEDS = 30


@pytest.fixture(autouse=True)
def _simulated_edges() -> Iterator[None]:
    with replaced_edges():
        yield


def assert_holds(plan: Plan) -> None:
    """Run a plan with its own seed and several others: which moment of it hits the spot changes with the code."""
    for seed in (plan.seed, *range(SEEDS)):
        if failure := failure_of(replace(plan, seed=seed)):
            pytest.fail(f"seed {seed}: {failure}\n{plan.written_out()}")


def _words(text: str) -> tuple[str, ...]:
    """Return the words of records; `_` is a record without items."""
    return tuple(text.replace("_", "").split(" "))


def test_the_position_after_a_retention_gap_is_committed_although_nothing_follows() -> None:
    plan = Plan(
        seed=0,
        partitions=1,
        produce=(Produce(1.0, 0, ("e",) * 5), Produce(7.0, 0, ("e",) * 3)),
        faults=(Stop(5.0, 20.0, 0), Retention(10.0, 0, 0)),
    )
    assert_holds(plan)


def test_a_batch_that_always_fails_is_searched_although_nothing_else_can_be_sent() -> None:
    """Its partition is paused: the queue is full of the batch itself."""
    plan = Plan(
        seed=0,
        partitions=2,
        members=2,
        session_s=10.0,
        latency_s=0.05,
        max_queued=10,
        refused_in_a_row=3,
        produce=(
            Produce(0.0, 0, ("ut", "5t", "ee")),
            Produce(0.0, 0, ("u", "ee")),
            Produce(0.0, 0, ("ttt", "ut", "t"), gap=5),
        ),
        faults=(Stop(9.72, 13.76, 1),),
    )
    assert_holds(plan)


def test_an_outage_in_the_middle_of_a_search_blames_no_innocent_item() -> None:
    """The delivery that seemed to prove it was accepted before the outage; the reply came late."""
    words = _words("td u ttt td ut 5 e _ t d t ttt d d td ut t tT ttt T")
    plan = Plan(
        seed=0,
        partitions=2,
        members=2,
        session_s=10.0,
        commit_every_s=0.5,
        latency_s=3.0,
        max_in_flight=8,
        max_records=20,
        max_queued=1000,
        produce=(Produce(0.0, 1, words), Produce(8.52, 1, ("e",))),
        faults=(Outage(8.06, 1.55, "400"),),
    )
    assert_holds(plan)


def test_a_target_without_items_is_not_held_for_ever() -> None:
    """A rebalance takes the only item of a held target away."""
    plan = Plan(
        seed=0,
        partitions=6,
        members=2,
        session_s=6.0,
        latency_s=0.05,
        produce=(Produce(0.0, 0, ("u",)), Produce(2.54, 5, ("e",), gap=1)),
        faults=(Outage(0.93, 20.0, "403", endpoint="event/batchAdd"),),
    )
    assert_holds(plan)


def test_a_process_that_was_frozen_sends_nothing_that_another_owns() -> None:
    plan = Plan(
        seed=0,
        partitions=1,
        members=2,
        session_s=6.0,
        commit_every_s=0.5,
        latency_s=0.05,
        max_in_flight=8,
        max_records=20,
        max_queued=10,
        produce=(Produce(23.49, 0, ("u",), gap=5),),
        faults=(Freeze(19.22, 7.33, 0),),
    )
    assert_holds(plan)


def test_a_retention_gap_does_not_forget_what_is_settled_behind_it() -> None:
    plan = Plan(
        seed=0,
        members=2,
        eager=True,
        session_s=6.0,
        latency_s=3.0,
        max_queued=1000,
        refused_in_a_row=3,
        produce=(
            Produce(0.0, 0, ("t", "tT", "d", "ut", "ee", "e", "et", "u", "", "")),
            Produce(
                0.0, 0, ("u", "t", "td", "e", "t", "u", "d", "td", "et", "t", "e", "et", "ut", "E", "d", "td", "tT")
            ),
        ),
        faults=(Retention(2.84, 0, 17),),
    )
    assert_holds(plan)


def test_an_item_that_is_alone_because_its_companions_left_is_dead_lettered_after_a_while() -> None:
    """A rebalance takes those away that were in the search with it, and nothing else is sent."""
    first = ("ttt", "tT", "ttt", "e", "et", "u", "u", "td", "ttt", "u")
    plan = Plan(
        seed=0,
        partitions=6,
        members=2,
        session_s=10.0,
        latency_s=3.0,
        max_in_flight=4,
        max_queued=1000,
        produce=(
            Produce(0.0, 4, ("ttt", "u", "et", "ttt", "d", "e", "td", "u", "t", "ee")),
            Produce(0.0, 1, (*first, "et", "td", "e", "d", "ttt", "ut", "e", "d", "ttt")),
            Produce(0.0, 1, ("u", "u", "t", "t", "e", "u", "u", "d", "t", "e")),
        ),
    )
    assert_holds(plan)


def test_a_member_that_is_cut_off_from_its_group_sends_nothing_once_another_has_its_partition() -> None:
    """Its client does not notice: it has a queue, and it fetches on."""
    plan = Plan(
        seed=0,
        partitions=2,
        members=2,
        session_s=6.0,
        produce=tuple(Produce(float(at), partition, ("e",) * 20) for at in range(0, 40, 4) for partition in (0, 1)),
        faults=(CutOff(15.0, 40.0, 0),),
    )
    assert_holds(plan)


def test_a_client_that_does_not_find_its_coordinator_again_is_replaced() -> None:
    """The new one does: it joins the group long before the coordinator answers the old one again."""
    plan = Plan(
        seed=0,
        partitions=1,
        session_s=6.0,
        produce=tuple(Produce(float(at), 0, ("e",) * 5) for at in range(40)),
        faults=(CutOff(15.0, 1_000.0, 0),),
    )
    told: list[str] = []
    Simulation(plan, told.append).run()
    events = [line.split(maxsplit=2)[2] for line in told if line.count(" ") > 2]
    assert events.index("member-2 joins") < events.index("m0.0 is no longer cut off from its group")


def test_many_refused_items_and_little_else_are_found_although_the_target_is_held_in_between() -> None:
    """Three of them in a row are taken for an outage, again and again, as often as something else is delivered."""
    plan = Plan(
        seed=0,
        members=2,
        commit_every_s=5.0,
        latency_s=3.0,
        max_in_flight=1,
        max_queued=1000,
        refused_in_a_row=3,
        produce=(
            Produce(0.0, 1, _words("_ ee t et ee _ td L et u"), gap=1),
            Produce(0.0, 0, _words("T ttt _ d et ttt td 5t ut _"), gap=5),
            Produce(0.0, 0, _words("u 5 _ e u et d t ut d et d Ee ut et Ee t u d u")),
            Produce(0.24, 0, _words("t t tS tS ttt ttt e u t d td e d E d Ee ee td u e")),
            Produce(0.73, 2, _words("ut t u e e"), gap=1),
        ),
    )
    assert_holds(plan)


def test_a_storm_of_503_that_spares_most_requests_blames_no_innocent_item() -> None:
    plan = Plan(
        seed=401200,
        partitions=6,
        members=3,
        commit_every_s=0.5,
        max_in_flight=1,
        max_records=20,
        max_queued=1000,
        produce=(
            Produce(0.0, 5, _words("u u 5 e t u e u e d"), gap=5),
            Produce(0.0, 1, ("",)),
            Produce(0.0, 0, ("e",)),
            Produce(0.0, 5, _words("et ee u ut"), gap=5),
            Produce(0.0, 2, ("t", "4")),
            Produce(1.12, 5, ("ee", "ttt", "e")),
            Produce(4.13, 3, _words("d ttt e t et ttt e ttt t d"), gap=5),
        ),
        faults=(Outage(3.65, 45.48, "503", 0.3, "event/batchAdd"),),
    )
    assert_holds(plan)


def test_the_position_after_a_retention_gap_is_committed_although_the_commit_at_once_fails() -> None:
    plan = Plan(
        seed=404058,
        partitions=2,
        members=2,
        session_s=6.0,
        commit_every_s=0.5,
        latency_s=3.0,
        max_in_flight=1,
        max_queued=1000,
        old_records=3,
        produce=(Produce(0.0, 1, ("d",)),),
        faults=(CommitFault(0.56, 12.91, "slow"), Retention(0.75, 2, 0)),
    )
    assert_holds(plan)


def test_a_refused_item_that_comes_again_with_each_rebalance_counts_once() -> None:
    """Else it alone would be taken for an outage, and tried for ever."""
    plan = Plan(
        seed=503759,
        partitions=2,
        members=2,
        eager=True,
        session_s=6.0,
        latency_s=0.05,
        refused_in_a_row=3,
        produce=(Produce(0.0, 0, ("T",)),),
        faults=(Kill(8.63, 13.35, 1),),
    )
    assert_holds(plan)


def test_a_process_that_is_frozen_while_a_revocation_drains_knows_afterwards_what_is_settled() -> None:
    """Its thread and its loop wake up at the same time, after the deadline."""
    plan = Plan(
        seed=603565,
        partitions=6,
        members=2,
        eager=True,
        session_s=6.0,
        commit_every_s=5.0,
        latency_s=3.0,
        max_in_flight=4,
        max_records=2,
        produce=(
            Produce(0.0, 4, _words("ee td t ttt ttt e td d et _ _ u _ _ ut ee ttt ttt d t")),
            Produce(0.76, 2, ("t",)),
        ),
        faults=(Stop(6.13, 0.19, 1), Freeze(9.23, 24.85, 0)),
    )
    assert_holds(plan)
