"""An explanation as text, a tree for people."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from connector.config.located import path_text
from connector.core.wording import counted
from connector.decode import decode_json
from connector.workbench.explaining.wording import Wording, part_text, printed, raw_at, shallow, summary
from connector.workbench.testing.rendering import in_lines, in_yaml

if TYPE_CHECKING:
    from rich.console import Console

    from connector.workbench.explaining.explanation import Explanation, Outcome, PartExplanation, RouteExplanation
    from connector.workbench.explaining.trace import Step
    from connector.workbench.masking import Mask

_WIDTH = 100
_MOST_LINES = 200
"""Lines that are shown of a record's value."""
_MOST_OF_EACH = 20
"""Elements and rows of one outcome that are shown of a route."""
_STYLES = {"item": "green", "dead_letter": "red", "skipped": "yellow", "not_wanted": "yellow"}


def print_explanation(explanation: Explanation, mask: Mask, console: Console, *, unmask: bool) -> None:
    """Print what becomes of a record and why, then the record."""
    rendering = _Rendering(explanation, mask)
    console.print(rendering.tree())
    value = explanation.value
    if value is None:
        return
    console.print(Text("value" if unmask else "value, masked (--unmask shows it)", "bold"))
    shown = mask.value(shallow(value))
    lines = in_lines(shown, _WIDTH) if isinstance(shown, dict | list) and shown else [in_yaml(shown)]
    for line in lines[:_MOST_LINES]:
        console.print(Text(f"  {line}"))
    if len(lines) > _MOST_LINES:
        console.print(Text(f"  … and {len(lines) - _MOST_LINES} more lines (--json has all of them)", "dim"))


class _Rendering:
    def __init__(self, explanation: Explanation, mask: Mask) -> None:
        self._explanation = explanation
        self._mask = mask
        self._wording = Wording(mask)

    def tree(self) -> Tree:
        explanation = self._explanation
        tree = Tree(Text(self._head(), "bold"), guide_style="dim")
        if explanation.record.value is None:
            tree.add("a tombstone (no value): skipped")
        if explanation.undecodable:
            tree.add(Text(f"a dead letter, decode_failed: {explanation.undecodable}", "red"))
        for route in explanation.routes:
            self._add_route(tree, route)
        if not explanation.routes and explanation.record.value is not None and not explanation.undecodable:
            tree.add(Text("skipped: no route reads this topic", "yellow"))
        for other in explanation.other_routes:
            tree.add(Text(f"route {other.name}: reads {', '.join(other.topics)}", "dim"))
        return tree

    def _head(self) -> str:
        record = self._explanation.record
        at_ms = record.timestamp_ms
        at = [] if at_ms is None else [datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")]
        key = self._mask.bytes(record.key)
        size = [] if record.value is None else [counted(len(record.value), "byte")]
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        return "  ".join([place, *at, *([] if key is None else [f"key {printed(key)}"]), *size])

    def _add_route(self, tree: Tree, explained: RouteExplanation) -> None:
        route, compiled = explained.route, explained.compiled
        head = f"route {route.name} → {compiled.target} ({compiled.endpoint.path}): {summary(explained)}"
        branch = tree.add(Text(head, "bold"))
        for step in explained.before:
            self._add_step(branch, step, explained)
        left: Counter[Outcome] = Counter()
        for part in explained.parts:
            left[part.outcome] += 1
            if left[part.outcome] > _MOST_OF_EACH:
                continue
            name = part_text(part.part)
            style = _STYLES[part.outcome]
            inner = branch if not name else branch.add(Text(f"{name}: {part.outcome.replace('_', ' ')}", style))
            self._add_part(inner, part, explained)
        for outcome, number in left.items():
            if number > _MOST_OF_EACH:
                more = f"{number - _MOST_OF_EACH} more: {outcome.replace('_', ' ')} (--json has all of them)"
                branch.add(Text(f"… and {more}", "dim"))

    def _add_part(self, branch: Tree, part: PartExplanation, explained: RouteExplanation) -> None:
        for step in part.steps:
            self._add_step(branch, step, explained)
        item = part.item
        if item is None:
            words = "skipped by `$skip`" if part.outcome == "skipped" else "no item: `where` does not hold"
            branch.add(Text(f"→ {words}", _STYLES[part.outcome]))
        elif item.failure is not None:
            failure = item.failure
            field = f" of {failure.field}" if failure.field else ""
            branch.add(Text(f"→ a dead letter, {failure.reason}{field}: {self._mask.sentence(failure.detail)}", "red"))
        else:
            made = branch.add(Text("→ an item", "green"))
            made.add(Text("\n".join(in_lines(self._mask.item(shallow(decode_json(item.body))), _WIDTH))))
            made.add(Text(f"publicParams: {in_yaml(self._mask.value(decode_json(item.params)))}"))

    def _add_step(self, branch: Tree, step: Step, explained: RouteExplanation) -> None:
        if step.part == "where":
            inner = branch.add(Text(f"where: {'holds' if step.result else 'does not hold'}"))
            for condition, saw, holds in self._wording.conditions(step, explained.route):
                inner.add(_condition(condition, saw, holds=holds))
            return
        text = Text(f"{_name(step, explained)}: ")
        for index, seen in enumerate(self._wording.trail(step, explained.route)):
            text.append(" → " if index else "")
            text.append(seen.name, "cyan")
            text.append(" ")
            text.append(seen.result, "red" if seen.failed else "")
        branch.add(text)


def _name(step: Step, explained: RouteExplanation) -> str:
    """Return a value's place in the route, an identity's with its type."""
    name = path_text(step.keys).removesuffix(".value")
    of_identity = step.keys[0] == "identity"
    return f"{name} {raw_at(explained.route, (*step.keys[:2], 'type'))}" if of_identity else name


def _condition(condition: str, saw: str, *, holds: bool) -> Text:
    text = Text(condition, "cyan")
    text.append(f"  saw {saw}: ", "default")
    return text.append("holds" if holds else "does not hold", "green" if holds else "yellow")
