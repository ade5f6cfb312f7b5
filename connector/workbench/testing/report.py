"""The report of a run as text: each test, what differs and where, and what no test reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from connector.config.located import path_text
from connector.core.wording import counted
from connector.workbench.testing.comparing import ABSENT
from connector.workbench.testing.coverage import KINDS
from connector.workbench.testing.rendering import in_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from connector.mapping.json_values import Json
    from connector.workbench.testing.comparing import Difference
    from connector.workbench.testing.mappings import TestedMapping
    from connector.workbench.testing.running import Result

_INDENT: Final = " " * 10
_MAX_SHOWN: Final = 400
_AROUND: Final = 60
"""How much is shown of a long text, and of what is the same before and after a difference."""


def print_report(results: Sequence[Result], mappings: Sequence[TestedMapping], console: Console) -> None:
    """Print everything; the coverage of `mappings` only."""
    seconds = sum(result.seconds for result in results)
    blank = Text()
    for line in (*_tests(results), *([blank] if mappings else []), *_coverage(mappings), _summary(results, seconds)):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _tests(results: Sequence[Result]) -> Iterator[Text]:
    file = None
    for result in results:
        if result.file is not file:
            file = result.file
            yield Text(file.file, "bold")
        if result.passed:
            yield Text.assemble(("  ok      ", "green"), shown(result.case.name))
        else:
            yield Text.assemble(("  FAILED  ", "bold red"), shown(result.case.name))
            for difference in result.differences:
                yield from _difference(result, difference)
            for hint in result.hints:
                yield Text(f"{_INDENT}{hint}", "yellow")


def shown(text: str) -> str:
    """Return text without characters that a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def place(result: Result, difference: Difference) -> str:
    """Return where an expectation stands: ``config/tests/orders.yaml:8:57``."""
    line, column = result.file.document.position(difference.path)
    return f"{result.file.file}:{line}:{column}"


def _difference(result: Result, difference: Difference) -> Iterator[Text]:
    path = path_text(difference.path[2:])
    yield Text.assemble(_INDENT, (place(result, difference), "cyan"), f": {shown(path)}")
    expected, made = difference.expected, difference.made
    if isinstance(made, list) and difference.path[-1] in {"expect", "expect_dead_letter"}:
        yield from _of_record(expected, made)
        return
    before, after = _rendered(expected), _rendered(made)
    same = _common(before, after)
    yield Text.assemble(f"{_INDENT}  expected  ", *_marked(before, same, "green"))
    yield Text.assemble(f"{_INDENT}  made      ", *_marked(after, same, "red"))


def _of_record(expected: Json, made: list[Json]) -> Iterator[Text]:
    """Show all that a record became, where something else was expected of it as a whole."""
    if expected is ABSENT:
        what = "the test does not say"
    else:
        what = _counted(expected) if isinstance(expected, list) else f"a dead letter {in_yaml(expected)}"
    yield Text.assemble(f"{_INDENT}  expected  ", (what, "green"))
    yield Text.assemble(f"{_INDENT}  made      ", (_counted(made), "red"))
    for each in made:
        yield Text(f"{_INDENT}            - {in_yaml(each)}")


def _counted(items: list[Json]) -> str:
    letters = sum("dead_letter" in each for each in items)
    parts = [counted(len(items) - letters, "item")] if len(items) > letters else []
    parts += [counted(letters, "dead letter")] if letters else []
    return " and ".join(parts) or "nothing: the record is skipped"


def _rendered(value: Json) -> str:
    return "nothing" if value is ABSENT else in_yaml(value)


def _common(one: str, other: str) -> tuple[int, int]:
    """Return how many characters are the same at the beginning, and at the end."""
    start = _length_of_common(one, other)
    return start, _length_of_common(one[start:][::-1], other[start:][::-1])


def _length_of_common(one: str, other: str) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _marked(text: str, same: tuple[int, int], colour: str) -> list[tuple[str, str]]:
    """Return the text in a colour; what differs stands out if only a part does, and of a long text it is the middle."""
    start, end = same[0], len(text) - same[1]
    if len(text) <= _MAX_SHOWN and start + same[1] <= len(text) // 3:
        return [(text, colour)]
    before, different, after = text[:start], text[start:end], text[end:]
    if len(text) > _MAX_SHOWN:
        before = f"…{before[-_AROUND:]}" if len(before) > _AROUND else before
        after = f"{after[:_AROUND]}…" if len(after) > _AROUND else after
        different = f"{different[:_MAX_SHOWN]}…" if len(different) > _MAX_SHOWN else different
    return [(before, colour), (different, f"bold reverse {colour}"), (after, colour)]


def _coverage(mappings: Sequence[TestedMapping]) -> Iterator[Text]:
    for mapping in mappings:
        coverage = mapping.coverage
        parts = []
        for kind, plural in KINDS.items():
            total = len(coverage.places(kind))
            if total:
                parts.append(f"{plural} {total - len(coverage.missed(kind))} of {total}")
        missed = sorted(coverage.missed(), key=lambda each: mapping.document.position(each.path))
        colour = "yellow" if missed else "green"
        yield Text.assemble(
            f"mapping coverage of {mapping.file}: ", (f"{coverage.percent} %", colour), f" ({', '.join(parts)})"
        )
        for each in missed:
            line, column = mapping.document.position(each.path, at_key=each.kind in {"condition", "entry"})
            where = f"{mapping.file}:{line}:{column}"
            yield Text.assemble("  no test reaches ", (where, "cyan"), f": {shown(each.name)}")


def _summary(results: Sequence[Result], seconds: float) -> Text:
    failed = sum(not result.passed for result in results)
    passed = len(results) - failed
    counts = f"{passed} passed" + (f", {failed} failed" if failed else "")
    return Text(f"\n{counts} in {seconds:.2f} s", "bold red" if failed else "bold green")
