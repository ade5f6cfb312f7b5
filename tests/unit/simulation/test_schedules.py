"""The whole connector on a simulated clock, broker and platform: see tests/simulation/world.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.simulation.generate import make_plan
from tests.simulation.member import replaced_edges
from tests.simulation.running import failure_of, shrink
from tests.simulation.sabotage import first_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEDULES = 200


@pytest.fixture(autouse=True)
def _simulated_edges() -> Iterator[None]:
    """On one core: threads that hand a baton to and fro need not wake another one."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    try:
        with replaced_edges():
            yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)


@pytest.mark.parametrize("first", range(0, SCHEDULES, 50))
def test_every_rule_holds_at_every_step(first: int) -> None:
    """To see what happened: `python -m tests.simulation --replay SEED`."""
    for seed in range(first, first + 50):
        plan = make_plan(seed)
        if failure := failure_of(plan):
            pytest.fail(f"seed {seed}: {failure}\n{shrink(plan).written_out()}")


@pytest.mark.parametrize(
    "name",
    [
        "a commit is one too far",
        "an item need not wait for its identity",
        "a dead letter counts before it is acknowledged",
        "HTTP 408 is success",
    ],
)
def test_a_bug_made_on_purpose_is_found(name: str) -> None:
    """All of them: `python -m tests.simulation --sabotage`."""
    assert first_failure(name, range(50_000, 50_050)) is not None


def test_a_seed_gives_the_same_run_each_time() -> None:
    first: list[str] = []
    second: list[str] = []
    for trace in (first, second):
        failure_of(make_plan(31), trace.append)
    assert len(first) > 20
    assert first == second
