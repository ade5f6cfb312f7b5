"""Running a plan, and making one that fails smaller."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

from tests.simulation.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.plan import Plan
    from tests.simulation.simulation import Result


def run(plan: Plan, trace: Callable[[str], None] | None = None) -> Result:
    """Run a plan; the edges are replaced already. Raises what goes wrong."""
    return Simulation(plan, trace).run()


def failure_of(plan: Plan, trace: Callable[[str], None] | None = None) -> str:
    """Return what goes wrong in a plan, in words; empty if nothing does."""
    try:
        run(plan, trace)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
        return f"{type(error).__name__}: {error}{_origin(error)}"
    return ""


def kind_of(failure: str) -> str:
    """Return a failure without its numbers and names: two of one kind are probably one bug."""
    return re.sub(r"letter='\w'|\d+", "*", failure)[:120]


def shrink(plan: Plan) -> Plan:
    """Return the smallest plan found that fails as `plan` does; itself if it does not fail."""
    kind = kind_of(failure_of(plan))
    while kind and (smaller := next((one for one in plan.smaller() if kind_of(failure_of(one)) == kind), None)):
        plan = smaller
    return plan


def _origin(error: Exception) -> str:
    """Return where an error comes from that is none of the simulation's own."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    frames = traceback.extract_tb(cause.__traceback__)
    if isinstance(cause, AssertionError) or not frames:
        return ""
    return f" ({type(cause).__name__} in {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}: {cause})"
