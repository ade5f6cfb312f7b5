"""Steps and outcomes as short texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from connector.config.located import path_text
from connector.core.wording import counted
from connector.mapping.elements import ElementRecord, element_of
from connector.mapping.errors import MappingError
from connector.mapping.json_values import type_name
from connector.mapping.words.converting import CONVERTING
from connector.settings.types import InterpolatedStr
from connector.workbench.preview.paths import existing_paths, nearest
from connector.workbench.testing.rendering import in_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.record import RecordPart
    from connector.mapping.json_values import Json
    from connector.settings.models import Route
    from connector.settings.problems import Path
    from connector.workbench.explaining.explanation import RouteExplanation
    from connector.workbench.explaining.trace import Step
    from connector.workbench.masking import Mask

_SHOWN_WORDS: Final = frozenset(
    {"template", "each", "extract", "default", "as", "multiply", "round", "map", "required"}
)
"""`from` is the reference; the other words change nothing by themselves."""
_LONGEST: Final = 200
_MISSING: Final = "missing"
OUTCOMES: Final = {"item": "item", "dead_letter": "dead letter", "skipped": "skipped", "not_wanted": "not wanted"}


OPEN: Final = frozenset({"$topic", "$partition", "$offset", "$timestamp", "$index"})
"""References to what is no personal data: shown as it is."""
_DEEPEST: Final = 50


class Seen(NamedTuple):
    """What one part of a value saw or made."""

    name: str
    """A reference, or a word with what stands beside it."""
    result: str
    failed: bool = False


class Wording:
    """Words for steps, with values as they may be shown."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    def shown(self, value: Json) -> str:
        """Return a value on one line."""
        if value is None:
            return _MISSING
        text = in_yaml(self._mask.value(shallow(value)))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({type_name(value)})"

    def trail(self, step: Step, route: Route) -> list[Seen]:
        """Return what a value saw, and what its words made of it, in order."""
        found: list[Seen] = []
        for seen in self._trail(step, route):
            if not (found and seen.result == _MISSING and found[-1].result.startswith(_MISSING)):
                found.append(seen)
        return found

    def _trail(self, step: Step, route: Route) -> Iterator[Seen]:
        for inner in step.steps:
            yield from self._trail(inner, route)
        if step.part == "reference":
            yield Seen(step.text, *self._result(step))
        elif step.part == "word" and step.keys[-1] in _SHOWN_WORDS and not _failed_inside(step):
            operand = in_yaml(raw_at(route, step.keys))
            operand = operand if len(operand) <= _LONGEST // 4 else f"{operand[: _LONGEST // 4]}…"
            name = f"{step.keys[-1]}: {operand}"
            result, failed = self._result(step)
            if _is_left_out(step, route):
                result = "can't be converted: left out (on_error: omit)"
            yield Seen(name, result.removeprefix(f"{name}: "), failed)

    def _result(self, step: Step) -> tuple[str, bool]:
        if step.error is not None:
            return step.error.detail if isinstance(step.error, MappingError) else error_text(step.error), True
        if step.result is None and step.part == "reference":
            return f"{_MISSING}{self._near(step)}", False
        if step.text in OPEN:
            return in_yaml(step.result), False
        return self.shown(step.result), False

    def _near(self, step: Step) -> str:
        """Return which path of the record resembles one that is not there."""
        value, record = step.looked_in or (None, None)
        if step.text.startswith("$item") and isinstance(record, ElementRecord):
            existing = existing_paths("$item", element_of(record))
        elif step.text.startswith("$."):
            existing = existing_paths("$", value)
        else:
            return ""
        found = nearest(step.text, existing)
        return f", did you mean {printed(self._mask.sentence(found))}?" if found else ""

    def conditions(self, step: Step, route: Route) -> list[tuple[str, str, bool]]:
        """Return each condition that was asked: as it stands in the config, what it saw, whether it holds."""
        found = []
        for inner in step.steps:
            if inner.part == "condition":
                saw = ", ".join(each.result for each in self.trail(inner, route)) or "nothing"
                holds = bool(inner.result) and inner.error is None
                found.append((_condition(inner.keys[1:], route, inner.keys), saw, holds))
            else:
                found += self.conditions(inner, route)
        return found


def printed(text: str) -> str:
    """Return a text of a record that can't disturb a terminal."""
    return text if text.isprintable() else in_yaml(text)


def shallow(value: Json, depth: int = 0) -> Json:
    """Return a value without what nests deeper than anyone reads."""
    if not isinstance(value, dict | list):
        return value
    if depth == _DEEPEST:
        return "…"
    if isinstance(value, list):
        return [shallow(each, depth + 1) for each in value]
    return {name: shallow(each, depth + 1) for name, each in value.items()}


def _is_left_out(step: Step, route: Route) -> bool:
    """Return whether a conversion has dropped a value that it got."""
    given = next((inner.result for inner in reversed(step.steps) if inner.part in ("word", "reference")), None)
    blank = given is None or (isinstance(given, str) and not given.strip())
    converts = step.keys[-1] in CONVERTING and raw_at(route, (*step.keys[:-1], "on_error")) == "omit"
    return converts and step.result is None and not blank and step.error is None


def _failed_inside(step: Step) -> bool:
    """Return whether the error of a step is one of a step inside it, which tells it."""
    return step.error is not None and any(inner.error is step.error for inner in step.steps)


def _condition(keys: Path, route: Route, path: Path) -> str:
    return f"{path_text(keys)}: {in_yaml(raw_at(route, path))}"


def raw_at(route: Route, keys: Path) -> Json:
    """Return what stands in the config at a place of a route; None for what the config does not name."""
    found: Json = route.model_dump()
    for key in keys:
        try:
            found = found[key]
        except (LookupError, TypeError):
            return None
    return _without_variables(found)


def _without_variables(raw: Json) -> Json:
    """Return a piece of the config without texts from a `${…}`, which may be secrets."""
    if isinstance(raw, dict):
        return {_without_variables(name): _without_variables(each) for name, each in raw.items()}
    if isinstance(raw, list):
        return [_without_variables(each) for each in raw]
    return "${…}" if isinstance(raw, InterpolatedStr) else raw


def error_text(error: Exception) -> str:
    """Return why there is no result."""
    if isinstance(error, MappingError):
        return f"{error.reason}: {error.detail}"
    return "$skip" if type(error).__name__ == "SkipItem" else f"the mapping raised {type(error).__name__}"


def part_text(part: RecordPart) -> str:
    """Return a part of a record in words; empty for the whole."""
    row = "" if part.row is None else f"row {part.row}"
    element = "" if part.element is None else f"element {part.element}"
    return ", ".join(each for each in (row, element) if each)


def summary(explained: RouteExplanation) -> str:
    """Return what became of a record by a route: ``2 items, 1 dead letter``."""
    outcomes = [part.outcome for part in explained.parts]
    if not outcomes:
        return f"no item: {why_nothing(explained.before)}"
    counts = [(outcomes.count(outcome), words) for outcome, words in OUTCOMES.items() if outcome in outcomes]
    return ", ".join(
        counted(count, words)
        if words in ("item", "dead letter")
        else words
        if len(outcomes) == 1
        else f"{count} {words}"
        for count, words in counts
    )


def why_nothing(before: Sequence[Step]) -> str:
    """Return why a route has made nothing of a record, not even a dead letter."""
    if any(step.part == "where" and not step.result for step in before):
        return "not wanted"
    return "nothing to make items of"
