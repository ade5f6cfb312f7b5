"""A schedule of faults depends on its seed alone, and has every kind of fault."""

from __future__ import annotations

from itertools import pairwise

from tests.chaos.schedule import plan


def test_the_same_seed_gives_the_same_schedule_and_another_gives_another() -> None:
    assert plan(1, 60) == plan(1, 60)
    assert plan(1, 60) != plan(2, 60)


def test_everything_is_undone_before_the_round_is_over_and_a_track_does_one_thing_at_a_time() -> None:
    for seed in range(50):
        actions = plan(seed, 60)
        assert all(action.at_s + action.duration_s <= 60 for action in actions)
        for track in {action.track for action in actions}:
            own = [action for action in actions if action.track == track]
            assert all(first.at_s + first.duration_s <= second.at_s for first, second in pairwise(own))


def test_over_many_seeds_every_kind_of_fault_comes() -> None:
    actions = [action for seed in range(100) for action in plan(seed, 75)]
    assert {(action.track, action.kind) for action in actions} >= {
        *(("replies", kind) for kind in ("status", "code", "latency", "hang", "reset", "truncate", "html", "outage")),
        ("platform", "kill"),
        ("platform", "pause"),
        ("broker", "kill"),
        ("broker", "pause"),
        ("broker", "restart"),
        *(("member-1", kind) for kind in ("kill", "stop", "freeze", "freeze long")),
        ("member-4", "join and stop"),
        ("member-4", "join and kill"),
        *(("token", kind) for kind in ("expire", "endpoint down", "endpoint down and expire", "new kills old")),
        ("dead letters", "refuse"),
        ("config", "settings"),
        ("config", "mistake"),
    }
