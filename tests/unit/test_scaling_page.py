"""docs/scaling.md keeps its word: its sums are right, and what it names exists."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from connector.core.sink import MAX_BATCH_ITEMS
from tests.figures import scale_out
from tests.figures.__main__ import FIGURES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
PROSE = " ".join(PAGE.split())
RESERVE = 0.75
ROWS = re.findall(r"^\| ([\d,]+) \| ([\d.]+) s \| ([\d.]+) \| (\d+) \| (\d+) × (\d+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} per second at {row[1]} s")
def test_each_row_of_the_worked_table_follows_from_the_formula(row: tuple[str, ...]) -> None:
    rate, latency, exact, reserved, members, in_flight = (float(cell.replace(",", "")) for cell in row)
    needed = rate * latency / MAX_BATCH_ITEMS
    assert exact == pytest.approx(needed)
    assert reserved == math.ceil(needed / RESERVE)
    assert members * in_flight >= reserved


def test_the_page_has_the_worked_table_and_what_the_figure_measures() -> None:
    assert len(ROWS) >= 5
    possible = scale_out.IN_FLIGHT * scale_out.BATCH / scale_out.LATENCY_S
    assert f"{scale_out.IN_FLIGHT} requests of {scale_out.BATCH} records" in PROSE
    assert f"can send {possible:.0f} records per second" in PROSE
    assert {"scale-out", "scale-out-kip848"} <= FIGURES.keys()


def test_the_threshold_of_keda_on_the_page_is_that_of_the_scaled_object() -> None:
    scaled = (ROOT / "compose/kubernetes/keda/scaledobject.yaml").read_text(encoding="utf-8")
    found = re.search(r'lagThreshold: "(\d+)"', scaled)
    assert found is not None
    assert f"has {found[1]}: with the {scale_out.POSSIBLE:.0f} records" in PROSE
    assert f"a delay of {int(found[1]) / scale_out.POSSIBLE:.0f} s" in PROSE
