from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as some

from connector.core.events import CommitAnswered, ReasonCleared, ReasonCode, ReasonRaised
from connector.language.message import verbatim
from connector.observe.health import HEARTBEAT_S, HEARTBEAT_TIMEOUT_S, Health, Heartbeat, silent_parts
from tests.support.clock import START_S, run_virtual


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def started_health(clock: FakeClock) -> Health:
    health = Health(clock)
    health.on(ReasonCleared("starting", ""))
    return health


def test_at_first_the_connector_is_not_ready_because_it_is_starting() -> None:
    assert [reason.code for reason in Health(FakeClock()).reasons] == ["starting"]


def test_it_is_ready_when_the_last_reason_is_cleared() -> None:
    health = started_health(FakeClock())
    health.on(ReasonRaised("target_held", "tags", verbatim("grant it")))
    health.on(ReasonRaised("target_held", "purchases", verbatim("grant it")))
    health.on(ReasonCleared("target_held", "tags"))
    assert [reason.target for reason in health.reasons] == ["purchases"]
    health.on(ReasonCleared("target_held", "purchases"))
    assert health.reasons == []


def test_a_reason_raised_again_keeps_its_time_and_its_position_and_gets_the_new_remedy() -> None:
    clock = FakeClock()
    health = started_health(clock)
    health.on(ReasonRaised("no_token", "", verbatim("wait")))
    clock.now += 10
    health.on(ReasonRaised("kafka_unreachable", "", verbatim("start it")))
    health.on(ReasonRaised("no_token", "", verbatim("check app_secret")))
    first, second = health.reasons
    assert (first.code, first.since, first.remedy) == ("no_token", 1_700_000_000.0, "check app_secret")
    assert (second.code, second.since) == ("kafka_unreachable", 1_700_000_010.0)


def test_clearing_an_inactive_reason_and_other_events_change_nothing() -> None:
    health = started_health(FakeClock())
    health.on(ReasonCleared("no_token", ""))
    health.on(CommitAnswered("failed"))
    assert health.reasons == []


CODES: list[ReasonCode] = ["no_token", "target_held", "draining"]


@given(some.lists(some.tuples(some.booleans(), some.sampled_from(CODES), some.sampled_from(["", "tags"]))))
def test_the_reasons_are_those_raised_and_not_cleared_since(steps: list[tuple[bool, ReasonCode, str]]) -> None:
    clock = FakeClock()
    health, active = started_health(clock), set[tuple[ReasonCode, str]]()
    for raised, code, target in steps:
        clock.now += 1
        health.on(ReasonRaised(code, target, verbatim("repair it")) if raised else ReasonCleared(code, target))
        (active.add if raised else active.discard)((code, target))
    reasons = health.reasons
    assert {(reason.code, reason.target) for reason in reasons} == active
    assert [reason.since for reason in reasons] == sorted(reason.since for reason in reasons)


def test_the_process_is_live_while_all_its_parts_send_heartbeats() -> None:
    clock = FakeClock()
    assert silent_parts({"event loop": clock, "kafka thread": lambda: clock.now - HEARTBEAT_TIMEOUT_S}, clock) == {}


def test_the_loop_sends_a_heartbeat_every_second() -> None:
    async def last_beats() -> list[float]:
        heartbeat = Heartbeat(asyncio.get_running_loop().time)
        running = asyncio.ensure_future(heartbeat.run())
        found = []
        for wait_s in (0.5, HEARTBEAT_S, HEARTBEAT_S):
            await asyncio.sleep(wait_s)
            found.append(heartbeat.last() - START_S)
        running.cancel()
        return found

    assert run_virtual(last_beats()) == [0.0, HEARTBEAT_S, 2 * HEARTBEAT_S]


def test_a_part_whose_heartbeat_has_stopped_is_named() -> None:
    clock = FakeClock()
    last_beat = clock.now
    clock.now += HEARTBEAT_TIMEOUT_S + 12.34
    assert silent_parts({"event loop": clock, "kafka thread": lambda: last_beat}, clock) == {"kafka thread": 42.3}
