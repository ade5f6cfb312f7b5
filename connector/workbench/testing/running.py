"""Running cases: what each record became, and whether that was expected."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.config.located import path_text
from connector.workbench.testing.comparing import Made, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connector.config.source_text import Position
    from connector.workbench.testing.cases import Case, CaseFile
    from connector.workbench.testing.comparing import Difference
    from connector.workbench.testing.mappings import TestedMapping


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


def _hints(file: CaseFile, case: Case, made: Sequence[Made]) -> Iterator[str]:
    reasons = {each.failure.reason for each in made if each.failure is not None}
    if case.has_default_time and "bad_time" in reasons:
        yield "the record's timestamp is the default, 2024-01-01T00:00:00Z: give it one, near to the mapped time"
    if case.record.value is None and (not case.is_decoded or case.decoded is None):
        yield "the record is a tombstone, which is skipped"
    if len(made) < len(case.expected or ()) or (case.dead_letter is not None and not made):
        yield from _failed_conditions(file.mapping, case)


def _failed_conditions(mapping: TestedMapping, case: Case) -> Iterator[str]:
    """Yield which conditions did not hold, of the routes that are expected to make something."""
    expected = [each for each in (*(case.expected or ()), case.dead_letter) if each is not None]
    names, targets = {each.route for each in expected}, {each.target for each in expected}
    routes = mapping.config.routes
    meant = {index for index, route in enumerate(routes) if route.name in names or route.to in targets}
    for path in sorted(mapping.coverage.failed, key=mapping.document.position):
        if not meant or path[1] in meant:
            line, column = mapping.document.position(path, at_key=True)
            name = routes[int(path[1])].name
            yield f"did not hold: {mapping.file}:{line}:{column}: route {name}: {path_text(path[2:])}"
