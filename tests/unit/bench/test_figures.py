"""What the benchmarks say about the figures that were kept."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.bench.figures import KEPT, Figure, Figures, read
from tests.bench.machine import OthersLoad, own_cpu_s

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "kept", "higher_is_better", "expected"),
    [
        (1.0, None, False, "new"),
        (1.0, 1.0, False, "same"),
        (1.09, 1.0, False, "same"),
        (0.92, 1.0, False, "same"),
        (1.12, 1.0, False, "worse"),
        (0.85, 1.0, False, "better"),
        (1.12, 1.0, True, "better"),
        (0.85, 1.0, True, "worse"),
    ],
)
def test_a_figure_is_better_or_worse_only_beyond_the_noise(
    value: float,
    kept: float | None,
    higher_is_better: bool,  # noqa: FBT001 - a row of the table
    expected: str,
) -> None:
    assert Figure("one", value, noise=0.1, higher_is_better=higher_is_better).verdict(kept) == expected


def test_what_got_worse_comes_first_and_a_goal_that_is_not_reached_is_named() -> None:
    figures = Figures()
    figures.add(Figure("same", 1.0, goal=1.5))
    figures.add(Figure("worse", 2.0, goal=1.5))
    figures.add(Figure("new", 3.0))
    lines = [" ".join(line.split()) for line in figures.report({"same": 1.0, "worse": 1.0})]
    assert lines == [
        "worse worse 1.00 -> 2.00 +100% goal 1.5, not reached",
        "new new - -> 3.00",
        "same same 1.00 -> 1.00 +0% goal 1.5",
    ]


def test_kept_figures_that_a_run_did_not_measure_stay(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    assert read(file) == {}
    file.write_text(json.dumps({"other": 5.0, "one": 1.0}))
    figures = Figures()
    figures.add(Figure("one", 1.23456))
    figures.keep(file)
    assert read(file) == {"one": 1.235, "other": 5.0}


def test_the_kept_figures_of_the_repository_can_be_read() -> None:
    assert KEPT.exists()
    assert all(value > 0 for value in read().values())


def test_the_work_of_this_process_and_of_its_children_is_not_that_of_others() -> None:
    began = own_cpu_s()
    burn = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end:\n    pass"
    exec(burn)  # noqa: S102 - the same as in the child
    here = own_cpu_s()
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert here - began >= 0.3
    assert own_cpu_s() - here >= 0.4
    assert 0 <= OthersLoad().share() <= 1
