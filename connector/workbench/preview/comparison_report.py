"""The preview of what would change: as text, and as data."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from rich.text import Text

from connector.core.wording import counted
from connector.workbench.preview.comparison import by_texts
from connector.workbench.preview.report import heading, made_text, printable, side_by_side
from connector.workbench.preview.views import outcome_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.workbench.masking import Mask
    from connector.workbench.preview.comparison import Change
    from connector.workbench.preview.report import Display
    from connector.workbench.preview.views import Data

_MOST_SHOWN: Final = 20


def print_changes(found: Sequence[Change], total: int, files: tuple[str, str], display: Display) -> None:
    """Print one record of each difference, or every one; `files` are the old config and the new one."""
    (old, new), mask, out, every = files, display.mask, display.out, display.every
    groups = by_texts(found)
    for group in groups if every else groups[:_MOST_SHOWN]:
        out.print(Text(f"{counted(len(group), 'record')}:", "bold"))
        for text in group[0].texts:
            out.print(Text(f"  {printable(mask.sentence(text))}"))
        for change in group if every else group[:1]:
            out.print(Text(heading(change.after, mask), "dim"))
            before, after = _marked(made_text(change.before, mask), made_text(change.after, mask))
            out.print(side_by_side((f"before ({old})", before), (f"now ({new})", after)))
    if len(groups) > _MOST_SHOWN and not every:
        out.print(Text(f"… {counted(len(groups) - _MOST_SHOWN, 'other difference')}: --all shows every record", "bold"))
    changed = f"{len(found):,} would change, {total - len(found):,} would not"
    out.print(Text(f"{counted(total, 'record')}: {changed}", "bold"))


def _marked(before: Text, after: Text) -> tuple[Text, Text]:
    """Return both with the lines coloured that the other one lacks."""
    old, new = before.plain.split("\n"), after.plain.split("\n")
    kept = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    same_old = {block.a + offset for block in kept for offset in range(block.size)}
    same_new = {block.b + offset for block in kept for offset in range(block.size)}
    return _coloured(old, same_old, "red"), _coloured(new, same_new, "green")


def _coloured(lines: Sequence[str], same: set[int], colour: str) -> Text:
    return Text("\n").join(Text(line, "" if index in same else colour) for index, line in enumerate(lines))


def changes_data(found: Sequence[Change], total: int, mask: Mask) -> Data:
    """Return the changes as data."""
    return {
        "counts": {"records": total, "changed": len(found), "unchanged": total - len(found)},
        "changes": [
            {"change": [mask.sentence(text) for text in group[0].texts], "records": len(group)}
            for group in by_texts(found)
        ],
        "records": [_change_view(change, mask) for change in found],
    }


def _change_view(change: Change, mask: Mask) -> Data:
    before, after = outcome_view(change.before, mask), outcome_view(change.after, mask)
    record = after.pop("record")
    del before["record"]
    return {
        "record": record,
        "change": [mask.sentence(text) for text in change.texts],
        "before": before,
        "after": after,
    }
