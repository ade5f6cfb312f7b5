"""The text of a file by lines. Line breaks are those of editors: LF, CR LF and CR."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from connector.language.message import Message

_LINE_BREAK = re.compile(r"\r\n|\n|\r")


class Position(NamedTuple):
    """A place in a YAML file: 1-based, counted in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Slip:
    """Something wrong at one place of a text."""

    index: int
    message: Message


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
