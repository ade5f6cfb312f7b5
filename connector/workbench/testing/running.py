"""Running cases: what each record became, and whether that was expected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.config.located import path_text
from connector.workbench.testing.comparing import Made, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.config.source_text import Position
    from connector.workbench.testing.cases import Case, CaseFile
    from connector.workbench.testing.comparing import Difference


@dataclass(frozen=True, slots=True)
class Result:
    """How one case ended."""

    file: CaseFile
    case: Case
    made: tuple[Made, ...]
    differences: tuple[Difference, ...]
    hints: tuple[str, ...]
    """What may be the reason; none if the case passed."""
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences

    @property
    def position(self) -> Position:
        """Where the case stands in its file."""
        return self.file.document.position(("tests", self.case.index, "name"))


def run(files: Sequence[CaseFile], wanted: Callable[[str], bool] = lambda _name: True) -> list[Result]:
    """Run the cases of some files whose names are `wanted`, in the order in which they stand there."""
    return [_run_case(file, case) for file in files for case in file.cases if wanted(case.name)]


def _run_case(file: CaseFile, case: Case) -> Result:
    start = time.perf_counter()
    made = tuple(Made.of(item) for item in file.mapping.items(case))
    found = tuple(differences(case, made))
    hints = tuple(_hints(file, case, made)) if found else ()
    return Result(file, case, made, found, hints, time.perf_counter() - start)


def _hints(file: CaseFile, case: Case, made: Sequence[Made]) -> list[str]:
    hints = []
    if case.has_default_time and any(each.failure and each.failure.reason == "bad_time" for each in made):
        hints.append(
            "the record's timestamp is the default, 2024-01-01T00:00:00Z: give it one, near to the mapped time"
        )
    if case.record.value is None and (not case.is_decoded or case.decoded is None):
        hints.append("the record is a tombstone, which is skipped")
    failed = file.mapping.coverage.failed
    if len(made) < len(case.expected or ()) or (case.dead_letter and not made):
        document = file.mapping.document
        for path in sorted(failed, key=document.position):
            line, column = document.position(path)
            name = file.mapping.config.routes[int(path[1])].name
            where = f"{file.mapping.file}:{line}:{column}"
            hints.append(f"did not hold: {where}: route {name}: {path_text(path[2:])}")
    return hints
