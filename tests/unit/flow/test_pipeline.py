"""The whole flow on virtual time: failures, rebalances and late commits at any moment; nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clock import run_virtual
from tests.support.flow_harness import PARTITIONS, FlowHarness
from tests.support.storm_sink import Trouble

if TYPE_CHECKING:
    from connector.core.record import TopicPartition

PLAN = st.sampled_from(["", "e", "t", "d", "ee", "et", "td", "ttt", "e" * 30, "te" * 25])
"""The last two fan out: a target's queue takes 40 items."""
PLANS = st.lists(PLAN, min_size=1, max_size=15)
PARTITION = st.sampled_from(PARTITIONS)


@dataclass(frozen=True)
class _Produce:
    partition: TopicPartition
    plans: list[str]
    gap: int

    async def play(self, flow: FlowHarness) -> None:
        flow.produce(self.partition, self.plans, self.gap)


@dataclass(frozen=True)
class _Assign:
    partition: TopicPartition

    async def play(self, flow: FlowHarness) -> None:
        await flow.source.assign(self.partition)


@dataclass(frozen=True)
class _Revoke:
    partitions: frozenset[TopicPartition]
    deadline_s: float
    """0: lost."""

    async def play(self, flow: FlowHarness) -> None:
        await flow.source.revoke(self.partitions, self.deadline_s)


@dataclass(frozen=True)
class _Wait:
    seconds: float

    async def play(self, flow: FlowHarness) -> None:
        await flow.pass_time(self.seconds)


Step = _Produce | _Assign | _Revoke | _Wait


def _scripts(deadlines: list[float]) -> st.SearchStrategy[list[Step]]:
    steps = st.one_of(
        st.builds(_Produce, PARTITION, PLANS, st.sampled_from([0, 0, 2])),
        st.builds(_Assign, PARTITION),
        st.builds(_Revoke, st.frozensets(PARTITION, min_size=1), st.sampled_from(deadlines)),
        st.builds(_Wait, st.floats(0, 4)),
        st.builds(_Wait, st.floats(0, 0.3)),
    )
    return st.lists(steps, max_size=25)


TROUBLES = st.builds(
    Trouble,
    seed=st.integers(0, 1 << 30),
    share=st.sampled_from([0.0, 0.3, 0.7]),
    poison=st.frozensets(st.integers(0, 30), max_size=3),
    latency_s=st.sampled_from([0.1, 2.0]),
)


async def _play(script: list[Step], trouble: Trouble) -> FlowHarness:
    flow = FlowHarness(trouble)
    for partition in PARTITIONS:
        await flow.source.assign(partition)
    for step in script:
        await step.play(flow)
    await flow.finish()
    await flow.tasks.cancel()
    return flow


@settings(max_examples=80, deadline=None)
@given(script=_scripts([0.0, 0.5, 15.0]), trouble=TROUBLES)
def test_whatever_happens_nothing_is_lost_and_nothing_is_committed_early(script: list[Step], trouble: Trouble) -> None:
    """The sinks, the source and the oracle check all else on the way: see `tests/support/flow_harness.py`."""
    run_virtual(_play(script, trouble))


@settings(max_examples=40, deadline=None)
@given(script=_scripts([15.0]), seed=st.integers(0, 1 << 30))
def test_without_faults_planned_rebalances_repeat_nothing(script: list[Step], seed: int) -> None:
    flow = run_virtual(_play(script, Trouble(seed, latency_s=0.5)))
    assert set(flow.oracle.stored().values()) <= {1}
