from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as some

from connector.core.events import CommitAnswered, ReasonCleared, ReasonCode, ReasonRaised
from connector.observe.health import SILENT_S, Health, Liveness


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def started(clock: Clock) -> Health:
    health = Health(clock)
    health.on(ReasonCleared("starting", ""))
    return health


def test_a_connector_that_has_just_been_made_is_not_ready_because_it_starts() -> None:
    view = Health(Clock()).ready()
    assert not view.ready
    assert [reason.code for reason in view.reasons] == ["starting"]


def test_it_is_ready_when_the_last_reason_is_gone() -> None:
    health = started(Clock())
    health.on(ReasonRaised("target_held", "tags", "grant it"))
    health.on(ReasonRaised("target_held", "purchases", "grant it"))
    health.on(ReasonCleared("target_held", "tags"))
    assert [reason.target for reason in health.ready().reasons] == ["purchases"]
    health.on(ReasonCleared("target_held", "purchases"))
    assert health.ready().ready


def test_readyz_is_written_as_the_outer_face_promises() -> None:
    health = started(Clock())
    assert orjson.loads(health.ready().to_json()) == {"ready": True, "reasons": []}
    health.on(ReasonRaised("target_held", "tags", "grant the app 用户->用户标签"))
    assert orjson.loads(health.ready().to_json()) == {
        "ready": False,
        "reasons": [
            {
                "code": "target_held",
                "target": "tags",
                "since": 1_700_000_000.0,
                "remedy": "grant the app 用户->用户标签",
            }
        ],
    }


def test_a_reason_raised_again_keeps_its_time_and_its_place_and_gets_the_new_remedy() -> None:
    clock = Clock()
    health = started(clock)
    health.on(ReasonRaised("no_token", "", "wait"))
    clock.now += 10
    health.on(ReasonRaised("kafka_unreachable", "", "start it"))
    health.on(ReasonRaised("no_token", "", "check app_secret"))
    first, second = health.ready().reasons
    assert (first.code, first.since, first.remedy) == ("no_token", 1_700_000_000.0, "check app_secret")
    assert (second.code, second.since) == ("kafka_unreachable", 1_700_000_010.0)


def test_a_reason_that_was_not_there_may_be_cleared_and_other_events_change_nothing() -> None:
    health = started(Clock())
    health.on(ReasonCleared("no_token", ""))
    health.on(CommitAnswered("failed"))
    assert health.ready().ready


CODES: list[ReasonCode] = ["no_token", "target_held", "draining"]


@given(some.lists(some.tuples(some.booleans(), some.sampled_from(CODES), some.sampled_from(["", "tags"]))))
def test_what_stands_is_what_was_raised_and_not_cleared_since(steps: list[tuple[bool, ReasonCode, str]]) -> None:
    clock = Clock()
    health, standing = started(clock), set[tuple[ReasonCode, str]]()
    for raised, code, target in steps:
        clock.now += 1
        health.on(ReasonRaised(code, target, "mend it") if raised else ReasonCleared(code, target))
        (standing.add if raised else standing.discard)((code, target))
    reasons = health.ready().reasons
    assert {(reason.code, reason.target) for reason in reasons} == standing
    assert [reason.since for reason in reasons] == sorted(reason.since for reason in reasons)


def test_a_process_is_alive_while_all_its_parts_beat() -> None:
    clock = Clock()
    liveness = Liveness({"event loop": clock, "kafka thread": lambda: clock.now - SILENT_S}, clock=clock)
    assert liveness.live().live
    assert orjson.loads(liveness.live().to_json()) == {"live": True, "silent": []}


def test_a_part_that_has_fallen_silent_is_named() -> None:
    clock = Clock()
    beat = clock.now
    liveness = Liveness({"event loop": clock, "kafka thread": lambda: beat}, clock=clock)
    clock.now += SILENT_S + 12.34
    assert orjson.loads(liveness.live().to_json()) == {
        "live": False,
        "silent": [{"part": "kafka thread", "seconds": 42.3}],
    }
