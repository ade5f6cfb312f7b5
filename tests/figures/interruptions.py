"""Figures: rebalances, stops, crashes and freezes in the middle of delivering."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from tests.chaos.schedule import SESSION_S
from tests.figures.scene import Scene, in_flight, is_sound, scene, summary
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.chaos.history import History
    from tests.chaos.processes import Member

Figure = tuple[bool, dict[str, Any]]
"""Whether the goal is met, and the result."""
LATENCY_MS = 500
IN_FLIGHT, BATCH = 16, 50
PER_SECOND = 1_500
"""About what one process can send with these."""


def rebalance(protocol: str) -> Figure:
    """A second member joins and leaves again, twice, while 16 requests are in flight."""
    with scene(in_flight(IN_FLIGHT, BATCH), protocol=protocol) as one:
        _slow(one)
        first = one.stage.add_member()
        with one.flow(PER_SECOND):
            _wait_delivers(first)
            for _ in range(2):
                guest = one.stage.add_member()
                _wait_delivers(guest)
                time.sleep(2)
                guest.stop(40)
        _fast(one)
        one.wait_committed()
        result = summary(*one.finish())
    return is_sound([result]) and result["sent_twice"] == 0, result


def sigterm() -> Figure:
    """SIGTERM while the platform takes 6 s for each request; another process goes on."""
    with scene(_patient) as one:
        one.platform.misbehave("replies", [{"kind": "latency", "ms": 6000}], {})
        one.produce(20_000)
        first = one.stage.add_member()
        one.wait_ready(first)
        until(lambda: first.connector.metric("requests_in_flight") >= IN_FLIGHT, "requests to be in flight")
        began = time.monotonic()
        first.stop(60)
        took_s = time.monotonic() - began
        _fast(one)
        one.stage.add_member()
        one.wait_committed()
        code = first.end.code if first.end else None
        result = {**summary(*one.finish()), "exit_code": code, "stop_took_s": round(took_s, 1)}
    return is_sound([result]) and result["sent_twice"] == 0 and code == 0, result


def kill(times: int = 5) -> Figure:
    """kill -9, several times, with 16 requests in flight and a batch in front that takes a minute."""
    with scene(_very_patient) as one:
        _slow(one, {"kind": "latency", "ms": 60_000, "match": {"eventargs.seq": 10}})
        one.produce(60_000)
        before = 0
        for number in range(1, times + 1):
            member = one.stage.add_member()
            one.wait_stored(before + 4_000)
            member.kill()
            before = one.stored()
            assert before < 60_000, f"everything was delivered before kill {number}"
        _fast(one)
        one.stage.add_member()
        one.wait_committed()
        history, verdict = one.finish()
    result = {**summary(history, verdict), "kills": times, "sent_twice_per_kill": _per_end(history)}
    return is_sound([result]), result


def broker() -> Figure:
    """The broker is killed and comes back after 5 s; the connector goes on all the time."""
    with scene(in_flight(IN_FLIGHT, BATCH, queue={"max_records": 20_000})) as one:
        _slow(one)
        one.produce(20_000)
        one.stage.add_member()
        one.wait_stored(4_000)
        with one.fault("broker", "kill"):
            one.stage.broker.kill()
            time.sleep(5)
            one.stage.broker.start()
        _fast(one)
        one.wait_committed()
        result = summary(*one.finish())
    return is_sound([result]) and result["sent_twice"] <= IN_FLIGHT * BATCH, result


def freeze() -> Figure:
    """SIGSTOP for twice the session timeout; another member takes over, and the first one wakes up."""
    with scene(in_flight(IN_FLIGHT, BATCH)) as one:
        _slow(one)
        frozen, other = one.stage.add_member(), one.stage.add_member()
        with one.flow(PER_SECOND):
            _wait_delivers(frozen)
            _wait_delivers(other)
            frozen.freeze()
            time.sleep(2 * SESSION_S)
            woken_at = time.time()
            frozen.thaw()
            time.sleep(5)
        _fast(one)
        one.wait_committed()
        history, verdict = one.finish()
    result = {
        **summary(history, verdict),
        "repeats_sent_by_the_woken_process": _repeats_after(history, frozen, woken_at),
    }
    return is_sound([result]) and not result["repeats_sent_by_the_woken_process"], result


def _slow(one: Scene, *more: dict[str, Any], latency_ms: int = LATENCY_MS) -> None:
    one.platform.misbehave("replies", [*more, {"kind": "latency", "ms": latency_ms}], {})


def _fast(one: Scene) -> None:
    one.platform.misbehave("replies", [], {})


def _patient(config: dict[str, Any]) -> None:
    in_flight(IN_FLIGHT, BATCH)(config)
    config["platform"]["request_timeout"] = "10s"


def _very_patient(config: dict[str, Any]) -> None:
    in_flight(IN_FLIGHT, BATCH, queue={"max_records": 20_000})(config)
    config["platform"]["request_timeout"] = "90s"


def _wait_delivers(member: Member) -> None:
    connector = member.connector
    until(lambda: connector.is_ready() and connector.records()["delivered"] > 0, f"{member.name} to deliver")


def _per_end(history: History) -> dict[str, float]:
    """Return, over the processes that were killed, how many of their items were sent again."""
    counts = []
    for member in history.members:
        if member.end is not None and member.end.how == "killed":
            firsts = [storings[0] for storings in history.stored.values() if len(storings) > 1]
            counts.append(sum(storing.member is member for storing in firsts))
    return {"median": statistics.median(counts), "least": min(counts), "most": max(counts)}


def _repeats_after(history: History, member: Member, at: float) -> int:
    """Return how many items the member sent after this time that had been stored before, from another member."""
    return sum(
        storing.request.arrived > at and storing.member.name == member.name
        for storings in history.stored.values()
        for storing in storings[1:]
    )
