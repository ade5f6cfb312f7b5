"""Figures: a platform that is down, or refuses everything, or one batch of it all."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from connector.core.sink import Verdict, VerdictKind
from tests.chaos.records import ORDERS, Kind
from tests.figures.scene import in_flight, is_sound, scene, summary
from tests.kafka.waiting import until
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink, deliver
from tests.support.target_harness import TargetHarness

if TYPE_CHECKING:
    from tests.figures.interruptions import Figure
    from tests.figures.scene import Config

NOT_READY_WITHIN_S, READY_WITHIN_S = 15.0, 20.0
REFUSED = {"kind": "code", "code": "9999"}


def expired_tokens() -> Figure:
    """Code 100200 inside HTTP 200 for 3 of 200 requests."""
    with scene(in_flight(8, 500)) as one:
        one.platform.misbehave("replies", [{"kind": "code", "code": "100200", "share": 0.1, "count": 3}], {})
        one.produce(100_000)
        one.stage.add_member()
        one.wait_committed()
        result = summary(*one.finish())
    return is_sound([result]) and not result["dead_lettered"] and not result["sent_twice"], result


def refuses_everything(minutes: float = 3) -> Figure:
    """A business code for every request, for minutes, in the middle of delivering."""
    with scene(in_flight(8)) as one:
        one.produce(5_000)
        member = one.stage.add_member()
        one.wait_stored(2_000)
        one.platform.misbehave("replies", [REFUSED], {})
        time.sleep(minutes * 60)
        reasons = sorted(member.connector.reasons())
        one.platform.misbehave("replies", [], {})
        began = time.monotonic()
        one.produce(5_000)
        one.wait_committed()
        took_s = round(time.monotonic() - began, 1)
        result = {**summary(*one.finish()), "minutes": minutes, "reasons": reasons, "caught_up_after_s": took_s}
    return is_sound([result]) and not result["dead_lettered"] and not result["sent_twice"], result


def refuses_everything_for_an_hour(hours: float = 1) -> Figure:
    """The same on virtual time: the flow itself, a platform that refuses everything, and records all the while."""

    async def main() -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + hours * 3600

        def script(_: object) -> Verdict:
            well = loop.time() >= end_s
            return deliver(()) if well else Verdict(VerdictKind.REFUSED, "code 9999", 200, "9999", "{}")

        sink = FakeSink(script)
        harness = TargetHarness(sink)
        while loop.time() < end_s:
            harness.put(max(0, 100 - harness.target.queued))
            await asyncio.sleep(1)
        tries = len(sink.requests)
        harness.put(1_000)
        await harness.done()
        delivered = {one.record.offset for one in sink.stored}
        return {
            "hours": hours,
            "records": harness.lease.next_offset,
            "lost": harness.lease.next_offset - len(delivered),
            "dead_lettered": len(harness.dead_letters),
            "sent_twice": len(sink.stored) - len(delivered),
            "requests_in_the_outage": tries,
        }

    result = run_virtual(main())
    return not result["lost"] and not result["dead_lettered"] and not result["sent_twice"], result


def dead_platform() -> Figure:
    """The platform is killed with records waiting, and comes back after 40 s."""
    with scene(in_flight(8)) as one:
        one.platform.misbehave("replies", [{"kind": "latency", "ms": 200}], {})
        one.produce(20_000)
        member = one.stage.add_member()
        one.wait_stored(2_000)
        with one.fault("platform", "kill"):
            one.platform.kill()
            not_ready_s = _seconds_until(lambda: not member.connector.is_ready())
            reason = _reason(member.connector.readiness())
            time.sleep(max(0.0, 40 - not_ready_s))
            one.platform.start()
        ready_s = _seconds_until(member.connector.is_ready)
        one.platform.misbehave("replies", [], {})
        one.wait_committed()
        result = summary(*one.finish())
    result |= {"not_ready_after_s": not_ready_s, "ready_after_s": ready_s, "reason": reason}
    return is_sound([result]) and not_ready_s <= NOT_READY_WITHIN_S and ready_s <= READY_WITHIN_S, result


def poison(status: int) -> Figure:
    """25 poisonous records of 20,000: their requests get this status."""
    kind = Kind.REFUSED if status == 400 else Kind.CRASHING
    plain = _requests_of(lambda _: Kind.GOOD)
    with_poison = _requests_of(lambda number: kind if number % 800 == 400 else Kind.GOOD)
    extra = with_poison["requests"] - plain["requests"]
    result = {**with_poison, "requests_without_poison": plain["requests"], "extra_requests": extra}
    return is_sound([result]) and result["dead_lettered"] == 25 and extra < 350, result


def one_batch_refused() -> Figure:
    """One batch is answered 403 for 30 s, the rest is fine: the rate of the rest, against the same without."""
    plain, refused = _rate([]), _rate([{"kind": "status", "status": 403, "match": {"eventargs.seq": 10}}])
    result = {"per_second_plain": round(plain), "per_second": round(refused), "ratio": round(refused / plain, 2)}
    return refused / plain >= 0.9, result


def _seconds_until(condition: Any) -> float:  # noqa: ANN401 - a callable
    began = time.monotonic()
    until(condition, "a change of readiness", timeout_s=90)
    return round(time.monotonic() - began, 1)


def _reason(readiness: dict[str, Any]) -> dict[str, Any]:
    reasons = [one for one in readiness["reasons"] if one["code"].startswith("target")]
    return dict(reasons[0]) if reasons else {}


def _requests_of(kind_of: Any) -> dict[str, Any]:  # noqa: ANN401 - a callable
    with scene(_full_batches) as one:
        one.produce(20_000, kind_of)
        one.stage.add_member()
        # The evidence against what is refused alone is that something else is delivered.
        time.sleep(8)
        one.produce(500)
        one.wait_committed()
        history, verdict = one.finish()
    imports = [request for request in history.requests if request.numbers]
    return {**summary(history, verdict), "requests": len(imports)}


def _full_batches(config: Config) -> None:
    in_flight(8, 500, queue={"max_records": 20_000})(config)
    config["targets"][ORDERS]["batch"]["max_wait"] = "1s"


def _rate(faults: list[dict[str, Any]]) -> float:
    """Return how many items per second are stored in the middle of a long run."""
    with scene(in_flight(8, 50)) as one:
        one.platform.misbehave("replies", [*faults, {"kind": "latency", "ms": 100}], {})
        one.produce(90_000)
        one.stage.add_member()
        one.wait_stored(5_000)
        first = one.stored()
        time.sleep(15)
        rate = (one.stored() - first) / 15
        assert one.stored() < 88_000, "everything was delivered too soon"
        one.platform.misbehave("replies", [], {})
        one.wait_committed()
        one.finish()
    return rate
