"""Held targets on virtual time: one probe at a time, hand-over, and what ends a hold."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from connector.core.events import ReasonCleared, ReasonRaised, RequestDone
from connector.core.ledger import Lease
from connector.core.record import TopicPartition
from connector.core.sink import TargetState, Verdict, VerdictKind
from connector.flow.sender import MAX_PROBE_WAIT_S
from connector.language.message import verbatim
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.storm_sink import StormSink, Trouble
from tests.support.target_harness import TargetHarness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item
    from connector.flow.sender import Sender

DELIVERED = Verdict(VerdictKind.DELIVERED)
HELD = Verdict(VerdictKind.HELD, "forbidden", http_status=403, remedy=verbatim("grant it"))


class SwitchedSink(FakeSink):
    """Answers every request with `verdict`, and records when each was sent."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(self._answer)
        self.verdict = verdict
        self.times: list[float] = []

    def _answer(self, _items: Sequence[Item]) -> Verdict:
        self.times.append(asyncio.get_running_loop().time())
        return self.verdict

    def partitions(self) -> list[int]:
        """Of which partition each request was."""
        return [items[0].record.partition for items in self.requests]


def test_a_held_target_reports_it_sends_one_probe_at_a_time_and_reports_the_end() -> None:
    async def main() -> tuple[TargetHarness, int]:
        sink = StormSink(Trouble(1, latency_s=0.01), seeded(1))
        sink.outage = HELD
        harness = TargetHarness(sink)
        harness.put(60)
        await asyncio.sleep(600)
        probes = len(sink.log)
        assert (harness.target.sending.state, harness.target.sending.reason) == (TargetState.HELD, "forbidden")
        sink.outage = None
        await harness.done()
        return harness, probes

    harness, probes = run_virtual(main())
    raised = [event for event in harness.events if isinstance(event, ReasonRaised | ReasonCleared)]
    assert raised == [ReasonRaised("target_held", "sink", verbatim("grant it")), ReasonCleared("target_held", "sink")]
    assert 600 / MAX_PROBE_WAIT_S < probes < 300, "600 s of a backoff of 8 s at most, half of it on average"
    assert (harness.target.sending.state, harness.target.sending.reason) == (TargetState.UP, "")
    assert (harness.counts.delivered, harness.dead_letters) == (60, [])


def test_a_target_says_since_when_it_is_up_or_held() -> None:
    async def main() -> list[float]:
        sink = SwitchedSink(HELD)
        times = [time.time()]
        sending = TargetHarness(sink)
        times += [sending.target.sending.since, time.time()]
        sending.put(10)
        await asyncio.sleep(1)
        times += [sending.target.sending.since, time.time()]
        sink.verdict = DELIVERED
        await sending.done()
        return [*times, sending.target.sending.since, time.time()]

    times = run_virtual(main())
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_a_target_says_when_it_last_delivered_something() -> None:
    async def main() -> tuple[list[float | None], float]:
        sink = SwitchedSink(HELD)
        harness = TargetHarness(sink)
        harness.put(10)
        await asyncio.sleep(1)
        times = [harness.target.sending.last_delivery]
        sink.verdict = DELIVERED
        switched = time.time()
        await harness.done()
        return [*times, harness.target.sending.last_delivery], switched

    (before, after), switched = run_virtual(main())
    assert before is None
    assert after is not None
    assert switched <= after <= time.time()


@pytest.mark.parametrize("meanwhile", [HELD, Verdict(VerdictKind.AGAIN)])
def test_a_probe_whose_lease_closes_hands_over_to_a_waiting_delivery(meanwhile: Verdict) -> None:
    """After *again* the other delivery is woken first when the lease closes: it must be woken once more."""

    async def main() -> tuple[list[int], int]:
        sink = SwitchedSink(HELD)
        harness = TargetHarness(sink)
        other = Lease(TopicPartition("orders", 1), 0, harness.counts)
        harness.put(10)
        harness.put(10, lease=other)
        await asyncio.sleep(1)
        sink.verdict = meanwhile
        await asyncio.sleep(100)
        before = len(sink.requests)
        harness.lease.close(lambda: None)
        harness.target.flush()
        await asyncio.sleep(100)
        assert harness.target.sending.state is TargetState.HELD
        sink.verdict = DELIVERED
        await asyncio.wait_for(harness.done(), 60)
        return sink.partitions()[before:], harness.counts.delivered

    probes, delivered = run_virtual(main())
    assert len(probes) > 3
    assert (set(probes), delivered) == ({1}, 10)


def test_probes_take_turns_and_a_batch_whose_lease_has_ended_has_none() -> None:
    async def main() -> list[int]:
        sink = SwitchedSink(HELD)
        harness = TargetHarness(sink)
        others = [Lease(TopicPartition("orders", partition), 0, harness.counts) for partition in (1, 2)]
        harness.put(10)
        for lease in others:
            harness.put(10, lease=lease)
        await asyncio.sleep(100)
        before = len(sink.requests)
        others[0].end()
        harness.target.flush()
        await asyncio.sleep(100)
        return sink.partitions()[before:]

    partitions = run_virtual(main())
    assert partitions == ([0, 2] * 100 if partitions[0] == 0 else [2, 0] * 100)[: len(partitions)]


def test_when_a_hold_ends_the_waiting_deliveries_are_sent_at_once() -> None:
    async def main() -> list[float]:
        sink = SwitchedSink(HELD)
        harness = TargetHarness(sink)
        harness.put(30)
        await asyncio.sleep(300)
        before = len(sink.times)
        sink.verdict = DELIVERED
        await harness.done()
        return sink.times[before:]

    times = run_virtual(main())
    assert len(times) == 3
    assert len(set(times)) == 1


@pytest.mark.parametrize("kind", [VerdictKind.DELIVERED, VerdictKind.REFUSED, VerdictKind.SPLIT])
def test_a_verdict_on_the_items_ends_a_hold(kind: VerdictKind) -> None:
    verdicts = [HELD]

    async def main() -> TargetState:
        harness = TargetHarness(FakeSink(lambda _: verdicts.pop(0) if verdicts else Verdict(kind)))
        harness.put()
        await asyncio.sleep(10)
        return harness.target.sending.state

    assert run_virtual(main()) is TargetState.UP


def test_a_failure_of_the_transport_or_the_token_does_not_end_a_hold() -> None:
    verdicts = [HELD, Verdict(VerdictKind.AGAIN, "no connection"), Verdict(VerdictKind.TOKEN), DELIVERED]

    async def main() -> list[TargetState]:
        states: list[TargetState] = []

        def script(_: object) -> Verdict:
            states.append(harness.target.sending.state)
            return verdicts.pop(0)

        harness = TargetHarness(FakeSink(script))
        harness.put()
        await harness.done()
        return states

    assert run_virtual(main()) == [TargetState.UP, TargetState.HELD, TargetState.HELD, TargetState.HELD]


def test_a_second_reply_that_says_held_changes_no_reason() -> None:
    async def main() -> TargetHarness:
        async def script(items: Sequence[Item]) -> Verdict:
            partition = items[0].record.partition
            await asyncio.sleep(1 + partition)
            return Verdict(VerdictKind.HELD, f"partition {partition}")

        sink = FakeSink(script)
        harness = TargetHarness(sink)
        harness.put(10)
        harness.put(10, lease=Lease(TopicPartition("orders", 1), 0, harness.counts))
        await asyncio.sleep(100)
        return harness

    harness = run_virtual(main())
    assert harness.target.sending.reason == "partition 0"
    assert len([event for event in harness.events if isinstance(event, ReasonRaised)]) == 1


def test_a_target_that_is_held_again_has_one_probe_again() -> None:
    async def main() -> tuple[int, int]:
        sink = StormSink(Trouble(1, latency_s=0.01), seeded(1))
        harness = TargetHarness(sink)
        counts = []
        for _ in range(2):
            sink.outage = HELD
            before = len(sink.log)
            harness.put(30)
            await asyncio.sleep(300)
            counts.append(len(sink.log) - before)
            sink.outage = None
            await harness.done()
        return counts[0], counts[1]

    first, second = run_virtual(main())
    assert 0 < second < 2 * first


def test_the_rate_limit_spaces_the_requests_of_all_deliveries_evenly() -> None:
    async def main() -> list[float]:
        sink = SwitchedSink(DELIVERED)
        harness = TargetHarness(sink, rate=0.1)
        began = asyncio.get_running_loop().time()
        harness.put(30)
        await harness.done()
        return [sent - began for sent in sink.times]

    assert run_virtual(main()) == pytest.approx([0.0, 10.0, 20.0])


def test_what_was_sent_and_answered_last_can_be_read_off() -> None:
    async def main() -> tuple[TargetHarness, list[int]]:
        verdicts = [Verdict(VerdictKind.AGAIN), Verdict(VerdictKind.DELIVERED, "200 ok", import_batch="b1")]
        on_wire: list[int] = []

        def script(_: object) -> Verdict:
            on_wire.append(harness.target.sending.requests_in_flight)
            return verdicts.pop(0)

        harness = TargetHarness(FakeSink(script))
        harness.put(10)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert harness.target.sending.last_reply == "again"
        await harness.done()
        return harness, on_wire

    harness, on_wire = run_virtual(main())
    sending = harness.target.sending
    assert (sending.last_reply, list(sending.import_batches)) == ("200 ok", ["b1"])
    assert (on_wire, sending.requests_in_flight) == ([1, 1], 0)
    assert [event.import_batch for event in harness.events if isinstance(event, RequestDone)] == ["", "b1"]


def test_the_last_hundred_import_batches_are_kept() -> None:
    async def main() -> list[str]:
        numbers = iter(range(120))
        sink = FakeSink(lambda _: Verdict(VerdictKind.DELIVERED, import_batch=str(next(numbers))))
        harness = TargetHarness(sink)
        for _ in range(120):
            harness.put(10)
            await harness.done()
        return list(harness.target.sending.import_batches)

    assert run_virtual(main()) == [str(number) for number in range(20, 120)]


def test_a_target_that_was_not_sent_to_has_no_reply_and_is_up() -> None:
    async def main() -> Sender:
        return TargetHarness(FakeSink()).target.sending

    sending = run_virtual(main())
    assert (sending.state, sending.reason, sending.last_reply) == (TargetState.UP, "", "")
    assert (sending.requests_in_flight, list(sending.import_batches)) == (0, [])


def test_a_delivery_that_is_woken_keeps_the_moment_that_the_rate_limit_gave_it() -> None:
    async def main() -> list[float]:
        sink = SwitchedSink(DELIVERED)
        harness = TargetHarness(sink, rate=0.1)
        began = asyncio.get_running_loop().time()
        harness.put(30)
        await asyncio.sleep(1)
        harness.target.flush()
        await harness.done()
        return [sent - began for sent in sink.times]

    assert run_virtual(main()) == pytest.approx([0.0, 10.0, 20.0])
