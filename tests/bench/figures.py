"""The figures of `make bench`, compared with those kept in the repository: what got better, what got worse.

Kept are ratios, which other machines and other load change little, and memory. `make bench ARGS=--keep` keeps the
figures of that run in `kept.json`; figures that it did not measure stay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KEPT = Path(__file__).with_name("kept.json")
Verdict = Literal["better", "worse", "same", "new"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One result of a bench. `noise`: by which part of it two runs of the same code may differ."""

    name: str
    value: float
    noise: float = 0.1
    higher_is_better: bool = False
    goal: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, or there is none."""
        return self.goal is None or (self.value >= self.goal if self.higher_is_better else self.value <= self.goal)

    def verdict(self, kept: float | None) -> Verdict:
        """Return how this figure compares with the one that was kept."""
        if kept is None:
            return "new"
        gain = self.value / kept if self.higher_is_better else kept / self.value
        if gain >= 1 + self.noise:
            return "better"
        return "worse" if gain <= 1 / (1 + self.noise) else "same"

    def line(self, kept: float | None) -> str:
        """Return the line of the report."""
        before = "-" if kept is None else f"{kept:.2f}"
        change = "" if kept is None else f"{self.value / kept - 1:+.0%}"
        goal = "" if self.goal is None else f"goal {self.goal:g}{'' if self.reached else ', not reached'}"
        verdict = self.verdict(kept)
        return f"  {verdict:6}  {self.name:44} {before:>8} -> {self.value:8.2f}  {change:>6}  {goal}".rstrip()


class Figures:
    """The figures of one run, by name."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}

    def add(self, figure: Figure) -> None:
        """Add a figure, to be compared when all benches are done."""
        self._figures[figure.name] = figure

    def report(self, kept: dict[str, float]) -> list[str]:
        """Return the lines that say what has changed: what got worse first."""
        order: list[Verdict] = ["worse", "better", "new", "same"]
        found = sorted(self._figures.values(), key=lambda one: order.index(one.verdict(kept.get(one.name))))
        return [figure.line(kept.get(figure.name)) for figure in found]

    def keep(self, file: Path = KEPT) -> None:
        """Write the figures of this run; those that it did not measure stay as they are."""
        kept = {**read(file), **{name: round(one.value, 3) for name, one in self._figures.items()}}
        file.write_text(json.dumps(dict(sorted(kept.items())), indent=2, ensure_ascii=False) + "\n")


def read(file: Path = KEPT) -> dict[str, float]:
    """Return the figures that were kept, by name; none if there is no file."""
    if not file.exists():
        return {}
    kept: dict[str, float] = json.loads(file.read_text())
    return kept
