"""The preview as text: examples of what becomes of records, side by side, and how often each reference was found."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector.core.wording import counted
from connector.workbench.preview.views import (
    by_kind,
    condition_views,
    count_views,
    identity_views,
    kind_texts,
    made_view,
    not_in_all,
    objects,
    record_view,
    reference_views,
    table_views,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import JustifyMethod

    from connector.workbench.masking import Mask
    from connector.workbench.preview.outcomes import Outcome, PreviewedMapping
    from connector.workbench.preview.views import Data

_MOST_LINES: Final = 60
"""Of one value."""
_MOST_ITEMS: Final = 10
_MOST_KINDS: Final = 20
_MOST_NAMES: Final = 20
_MOST_TEXTS: Final = 5
_WIDTH_OF_FILES: Final = 120
"""Where the output is no terminal, which would have a width."""
_USUAL_PARAMS: Final = {"isMatching": True, "matchingType": 1}


@dataclass(frozen=True, slots=True)
class Display:
    """How and where a preview is shown."""

    mask: Mask
    out: Console
    every: bool
    """Every record; otherwise one of those of which the same becomes."""


def console() -> Console:
    """Return what prints to stdout."""
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(file=sys.stdout, width=_WIDTH_OF_FILES if is_free else None, highlight=False, markup=False)


def print_outcomes(outcomes: Sequence[Outcome], display: Display) -> None:
    """Print one record of each kind, or every one, with what becomes of it; then the counts."""
    mask, out, every = display.mask, display.out, display.every
    kinds = by_kind(outcomes)
    for found in kinds if every else kinds[:_MOST_KINDS]:
        title = f"{counted(len(found), 'record')}: {_joined(kind_texts(found[0], mask))}"
        out.print(Text(printable(title), "bold"))
        if some := _some_names(found, mask):
            out.print(Text(printable(some), "yellow"))
        if nested := _nested(found, mask):
            out.print(Text(printable(nested), "yellow"))
        for each in found if every else found[:1]:
            left, right = Text(_value_text(record_view(each, mask))), made_text(each, mask)
            out.print(side_by_side((heading(each, mask), left), ("becomes", right)))
    if len(kinds) > _MOST_KINDS and not every:
        out.print(Text(f"… {counted(len(kinds) - _MOST_KINDS, 'other outcome')}: --all shows every record", "bold"))
    counts = count_views(outcomes)
    parts = [f"{counted(counts['records'], 'record')}: {counts['mapped']:,} mapped", f"{counts['skipped']:,} skipped"]
    made = f"{counted(counts['items'], 'item')} and {counted(counts['dead_letters'], 'dead letter')} made"
    out.print(Text(f"{', '.join(parts)}, {counts['dead_lettered']:,} dead-lettered; {made}", "bold"))


def print_decisions(mapping: PreviewedMapping, display: Display) -> None:
    """Print how often conditions held, identity lines yielded one, and each `map` had the value."""
    rows = []
    for view in condition_views(mapping, display.mask):
        never = view["of"] and not view["held"]
        style = "red" if never and view["needed"] else ""
        note = f"saw {_numbered(view['saw'])}" if never else ""
        rows.append((style, f"{view['held']:,} of {view['of']:,}", view["condition"], view, note))
    _print_counts("conditions: in how many of the records that were asked each held", rows, mapping, display)
    rows = []
    for view in identity_views(mapping):
        note = f"{view['not_convertible']:,} not convertible" if view["not_convertible"] else ""
        style = "yellow" if note else ""
        rows.append((style, f"{view['found']:,} of {view['of']:,}", str(view["type"]), view, note))
    _print_counts(
        "identities: in how many of the records that were asked each line yielded one", rows, mapping, display
    )
    rows = []
    for view in table_views(mapping, display.mask):
        missed = view["missed"] and not view["otherwise"]
        note = f"not in it: {_numbered(view['missed'])}" if view["missed"] else ""
        style = ("yellow" if view["found"] else "red") if missed else ""
        rows.append((style, f"{view['found']:,} of {view['of']:,}", view["value"], view, note))
    _print_counts("maps: how many of the values that were looked up each has", rows, mapping, display)


def _numbered(texts: Mapping[str, int]) -> str:
    shown = [f"{text} ({count:,})" for text, count in list(texts.items())[:_MOST_TEXTS]]
    return ", ".join([*shown, "…"] if len(texts) > _MOST_TEXTS else shown)


def print_references(mapping: PreviewedMapping, display: Display) -> None:
    """Print in how many records each reference was found."""
    rows = []
    for view in reference_views(mapping, display.mask):
        style = "red" if view["of"] and not view["found"] else ""
        count = f"{view['found']:,} of {view['of']:,}"
        rows.append((style, count, view["reference"], view, _reference_note(view)))
    _print_counts("references: in how many of the records that needed it each was found", rows, mapping, display)


def _print_counts(
    title: str, rows: Sequence[tuple[str, str, str, Data, str]], mapping: PreviewedMapping, display: Display
) -> None:
    """Print a table of counts; a row is its style, the count, what was counted, its view, and a note."""
    if not rows:
        return
    what, _, _ = title.partition(":")
    name = "identity" if what == "identities" else what.removesuffix("s")
    table = Table(box=None, pad_edge=False)
    for head in ("held" if what == "conditions" else "found", name, "route", "at", ""):
        justify: JustifyMethod = "right" if head in {"held", "found"} else "left"
        table.add_column(head, justify=justify, overflow="fold", header_style="")
    for style, count, text, view, note in rows:
        place = f"{mapping.file}:{view['line']}:{view['column']}"
        table.add_row(*(Text(printable(each), style) for each in (count, text, view["route"], place, note)))
    display.out.print()
    display.out.print(Text(title, "bold"))
    display.out.print(table)


def _reference_note(view: Data) -> str:
    if view["nearest"]:
        note = f"did you mean {view['nearest']}?"
    elif view["of"] and not view["found"]:
        note = "missing or empty in all of them, and nothing is like it"
    else:
        note = ""
    if not view["needed"]:
        looked_up = "looked up all the same" if view["of"] else "not looked up"
        note = "; ".join(filter(None, (f"no record needed it: {looked_up}", note)))
    return note


def side_by_side(*columns: tuple[str, Text]) -> Table:
    """Return texts beside each other, each with its heading."""
    table = Table(box=ROUNDED, expand=True)
    for heading, _ in columns:
        table.add_column(Text(printable(heading)), ratio=1, overflow="fold", header_style="")
    table.add_row(*(text for _, text in columns))
    return table


def made_lines(view: Data) -> str:
    """Return an item or a dead letter as lines."""
    letter = view.get("dead_letter")
    if letter is not None:
        return "\n".join(("dead letter", *(f"  {name}: {printable(str(each))}" for name, each in letter.items())))
    params = view["public_params"]
    shown = "" if params == _USUAL_PARAMS else f"\npublicParams {_pretty(params)}"
    return f"to {view['target']}, by route {view['route']}\n{_pretty(view['item'])}{shown}"


def _some_names(found: Sequence[Outcome], mask: Mask) -> str:
    """Return which names only some of the items have; empty if all have all."""
    some = [f"{mask.sentence('.'.join(path))} ({count:,})" for path, count in not_in_all(found).items()]
    left_out = len(some) - _MOST_NAMES
    more = [f"{left_out:,} more"] if left_out > 0 else []
    return f"  not in all of their items: {', '.join([*some[:_MOST_NAMES], *more])}" if some else ""


def _nested(found: Sequence[Outcome], mask: Mask) -> str:
    """Return which arguments are objects; empty if none is."""
    names = [f"{mask.sentence(name)} ({count:,})" for name, count in objects(found).items()]
    shown = ", ".join(names[:_MOST_NAMES])
    return f"  an object, where the platform's documents show text and numbers: {shown}" if names else ""


def _joined(texts: Sequence[str]) -> str:
    """Return the texts, equal ones once with their number: a record may have hundreds of items."""
    return " + ".join(text if number == 1 else f"{number:,} × {text}" for text, number in Counter(texts).items())


def made_text(outcome: Outcome, mask: Mask) -> Text:
    """Return all that becomes of a record."""
    if not outcome.made:
        return Text("\n".join(("skipped", *(f"  {printable(why)}" for why in outcome.skipped_because))), "yellow")
    parts = [Text(made_lines(made_view(made, mask)), "" if made.failure is None else "red") for made in outcome.made]
    return Text("\n\n").join(parts)


def heading(outcome: Outcome, mask: Mask) -> str:
    """Return where a record is from, and what it has besides its value."""
    view = record_view(outcome, mask)
    timestamp = view["timestamp"]
    try:
        at = datetime.fromtimestamp((timestamp or 0) / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        at = str(timestamp)
    parts = [outcome.given.place, "" if timestamp is None else at]
    parts += [f"key {view['key']}"] if view["key"] is not None else []
    parts += [f"{name}: {data}" for name, data in view["headers"]]
    return "  ".join(filter(None, parts))


def _value_text(view: Data) -> str:
    if view["decoded"]:
        return _pretty(view["value"])
    return printable(view["value"] or "")


def _pretty(value: Any) -> str:  # noqa: ANN401 - JSON
    lines = json.dumps(value, ensure_ascii=False, indent=2, default=str).split("\n")
    left_out = len(lines) - _MOST_LINES
    if left_out > 0:
        lines = [*lines[:_MOST_LINES], f"… {counted(left_out, 'line')} more (--json has all)"]
    return "\n".join(map(printable, lines))


def printable(text: str) -> str:
    """Return text without characters that a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
