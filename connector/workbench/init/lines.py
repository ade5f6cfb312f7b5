"""Lines of YAML with comments, and how references and counts are written in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from unicodedata import east_asian_width

from connector.core.wording import counted
from connector.workbench.init.names import normal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.workbench.init.fields import Field
    from connector.workbench.init.inference import Proposal

TODO: Final = "TODO(you):"
"""How the comment begins at a place that only the user can fill."""
_COLUMN: Final = 64
_LINE: Final = 120
_PLAIN: Final = re.compile(r"\$[\w.-]*\w")
_WORD: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")


class Lines:
    """Lines of YAML with comments in one column."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str, comment: str = "") -> None:
        """Add a line; the comment stands before it if it is too long to stand beside it."""
        if comment:
            comment = f"# {comment}"
            if _width(text) >= _COLUMN or _COLUMN + _width(comment) > _LINE:
                indent = " " * (len(text) - len(text.lstrip()))
                self.lines += [f"{indent}{comment}", text]
                return
            text += " " * (_COLUMN - _width(text)) + comment
        self.lines.append(text)


def _width(text: str) -> int:
    """Return how many columns a terminal needs: two for a Chinese character."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def references(fields: Sequence[Field]) -> str:
    """Return a reference, or several of which the first that is there counts."""
    found = [quoted(each.reference) for each in fields]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def quoted(text: str) -> str:
    """Return a reference as YAML."""
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"


def seen(each: Field, found: Proposal) -> str:
    """Return in how many of the records a field is."""
    return f"in {len(each.values):,} of {counted(found.records, 'record')}"


def seen_in_any(fields: Sequence[Field], found: Proposal) -> str:
    """Return in how many of the records one of the fields is."""
    numbers = {number for each in fields for number in each.values}
    return f"in {len(numbers):,} of {counted(found.records, 'record')}"


def slug(name: str) -> str:
    """Return a name as a part of a key of the platform; empty if it is not in ASCII letters."""
    found = _NOT_A_WORD.sub("_", normal(name)).strip("_")
    return found if name.isascii() and (_WORD.fullmatch(found) or found.isdecimal()) else ""
