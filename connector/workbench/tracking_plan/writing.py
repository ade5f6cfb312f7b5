"""A proposed tracking plan as text: YAML beside the config, or a table for a spreadsheet.

A place that is left to the user is marked: in YAML by a comment that begins with `TODO(you):`, in a table by a remark.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.config.table_words import TYPES
from connector.core.wording import counted
from connector.workbench.init.lines import TODO, Lines
from connector.workbench.testing.rendering import in_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.workbench.tracking_plan.inference import Plan, PlannedArgument, PlannedEvent

HEADS: Final = ("事件标识", "事件名称", "参数", "类型", "是否必填", "最大长度", "备注")
_CHINESE_TYPES: Final = {
    kind: next(word for word, of in TYPES.items() if of == kind and not word.isascii()) for kind in set(TYPES.values())
}


@dataclass(frozen=True, slots=True)
class PlanText:
    """A plan as a file has it."""

    text: str
    places: tuple[tuple[int, str], ...]
    """The lines, or rows of the table, that are left to the user, and what is to be done there."""


def as_yaml(plan: Plan, config: str, description: str) -> PlanText:
    """Return the plan as YAML, for `events: {file: plan.yaml}` in the config."""
    lines = Lines()
    lines.add(f"# The tracking plan of {_printable(config)}, written by `tuzhan-connector init --events`")
    lines.add(f"# from {_printable(description)}. Hold it against 元数据管理 on the platform; what only")
    lines.add(f"# you know is marked {TODO[:-1]}. `required` stands where all of these events had the argument.")
    for key, event in plan.events.items():
        lines.add(f"{in_yaml(key)}:", _seen(event) if not event.is_placeholder else f"{TODO} {_ask_of(event).english}")
        lines.add("  # name: …", "" if event.is_placeholder else f"{TODO} {_ask_of(event).english}")
        lines.add("  args:" if event.args else "  args: {}")
        for name, argument in event.args.items():
            value = f"{{type: {argument.type}, required: true}}" if argument.required else argument.type
            ask = _ask(argument)
            notes = [f"in {argument.seen:,} of {event.events:,}"] if event.events else []
            notes += [] if ask is None else [f"{TODO} {ask.english}"]
            lines.add(f"    {in_yaml(name)}: {value}", "; ".join(notes))
    text = "\n".join(lines.lines) + "\n"
    places = [(number, line.split(TODO, 1)[1].strip()) for number, line in enumerate(lines.lines, 1) if TODO in line]
    return PlanText(text, tuple(places))


def as_table(plan: Plan) -> PlanText:
    """Return the plan as CSV with Chinese heads and words, one argument in each row, as spreadsheets open it."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(HEADS)
    places: list[tuple[int, str]] = []
    for number, (cells, remark, asks) in enumerate(_rows(plan), 2):
        rows.writerow((*cells, "；".join([*remark, *(ask.chinese for ask in asks)])))
        places += [(number, ask.english) for ask in asks]
    return PlanText(written.getvalue(), tuple(places))


def _rows(plan: Plan) -> Iterator[tuple[Sequence[str], list[str], list[_Ask]]]:
    """Yield the cells before the remark, what the remark says, and what it asks."""
    for key, event in plan.events.items():
        of_event = [f"记录中 {event.events} 条" if event.events else "记录中未见"]
        asks = [_ask_of(event)]
        if not event.args:
            yield (key, "", "", "", "", ""), of_event, asks
        for name, argument in event.args.items():
            seen = [f"{event.events} 条中 {argument.seen} 条有此参数"] if event.events else []
            ask = _ask(argument)
            cells = (key, "", name, _CHINESE_TYPES[argument.type], "是" * argument.required, "")
            yield cells, of_event + seen, asks + ([] if ask is None else [ask])
            of_event, asks = [], []


class _Ask(NamedTuple):
    """What is left to the user."""

    english: str
    chinese: str


def _ask_of(event: PlannedEvent) -> _Ask:
    if event.is_placeholder:
        route = _printable(event.routes[0])
        return _Ask(f"name the events of route {route}: none was seen", f"请填写路由 {route} 的事件标识和事件名称")
    return _Ask("what people call it (事件名称)", "请填写事件名称")


def _ask(argument: PlannedArgument) -> _Ask | None:
    if argument.others and argument.type == "string":
        english = f"{counted(argument.others, 'value')} of another type: add `as: string` to the route"
        return _Ask(english, f"{argument.others} 个值不是文本，请数据工程师加上 as: string")
    if argument.others:
        english = f"{counted(argument.others, 'value')} of another type: mend the route"
        return _Ask(english, f"{argument.others} 个值类型不同，请数据工程师确认")
    if argument.is_guessed:
        return _Ask("the type: no value was seen", "未见取值，请确认类型")
    if argument.type == "object":
        return _Ask("an object: name the part of it that is meant in the route", "取值是对象，请数据工程师确认")
    return _Ask("required?", "请确认是否必填") if argument.required else None


def _seen(event: PlannedEvent) -> str:
    return f"{counted(event.events, 'event')} of these records" if event.events else "in none of these records"


def _printable(text: str) -> str:
    return text if text.isprintable() else "the config"
