"""The text of a file by lines: where an index stands, and how one place of it is shown on a terminal.

Line breaks are those of editors: LF, CR LF and CR. Lines and columns are 1-based and count characters.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_COLUMNS_BEFORE, _COLUMNS_AFTER = 50, 50
"""How much of a long line is shown around the caret, in columns of a terminal."""


class Position(NamedTuple):
    """A place in a YAML file: 1-based, counted in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Slip:
    """Something wrong at one place of a text."""

    index: int
    message: str


class SourceText:
    """A text that finds its lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        breaks = list(_LINE_BREAK.finditer(text))
        self._starts = [0, *(match.end() for match in breaks)]
        self._ends = [*(match.start() for match in breaks), len(text)]

    def position(self, index: int) -> Position:
        """Return the place of the character at `index`; of a line break, the place after the last character."""
        line = bisect_right(self._starts, index)
        return Position(line, index - self._starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return a line without its line break; empty past the end of the text."""
        if number > len(self._starts):
            return ""
        return self.text[self._starts[number - 1] : self._ends[number - 1]]

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._starts)

    def span(self, number: int) -> tuple[int, int]:
        """Return where the line `number` begins and ends in the text, its line break left out."""
        return self._starts[number - 1], self._ends[number - 1]


def excerpt(line: str, position: Position) -> str:
    """Return a line of the file with a caret under `position`, as compilers show it.

    A caret stands right where wide characters take two columns of the terminal:

         7 |   title：下单
           |        ^
    """
    before, after = _printable(line[: position.column - 1]), _printable(line[position.column - 1 :])
    shown_before = _fitting(before[::-1], _COLUMNS_BEFORE)[::-1]
    shown_after = _fitting(after, _COLUMNS_AFTER)
    start = "…" if len(shown_before) < len(before) else ""
    end = "…" if len(shown_after) < len(after) else ""
    number = f"{position.line:>5}"
    caret = " " * _width(start + shown_before) + "^"
    return f"{number} | {start}{shown_before}{shown_after}{end}\n{' ' * len(number)} | {caret}"


def _printable(text: str) -> str:
    """`text` with a blank for each tab, and a mark for each character that must not reach a terminal."""
    return "".join(
        character if character.isprintable() or character == "\u3000" else " " if character == "\t" else "\ufffd"
        for character in text
    )


def _fitting(text: str, columns: int) -> str:
    """Return as much of the beginning of `text` as fits into `columns`."""
    used = 0
    for index, character in enumerate(text):
        used += _width(character)
        if used > columns:
            return text[:index]
    return text


def _width(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
