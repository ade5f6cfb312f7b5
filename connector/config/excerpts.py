"""The line of the file below a message, with a caret under the place, as compilers show it on a terminal.

Lines that may hold a secret are not shown.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Final

from connector.config.secrets import KEY_WORDS, is_secret

if TYPE_CHECKING:
    from connector.config.located import LocatedProblem
    from connector.config.source_text import Position, SourceText
    from connector.config.yaml_source import YamlSource

_COLUMNS_BEFORE: Final = 50
_COLUMNS_AFTER: Final = 50
"""How much of a long line is shown around the caret, in columns of a terminal."""
_SECRET_LINE: Final = re.compile(rf"{KEY_WORDS}|\bauth\b|//[^/\s]*@", re.IGNORECASE)


class Excerpts:
    """Shows lines of one file."""

    def __init__(self, source: SourceText, read: YamlSource | None = None) -> None:
        self._source = source
        self._read = read

    def below(self, problem: LocatedProblem) -> str:
        """Return the excerpt for a problem, a line break in front; empty if it might show a secret."""
        position = problem.position
        if is_secret(problem.path) or position.line in self._secret_lines:
            return ""
        return "\n" + excerpt(self._source.line(position.line), position)

    @cached_property
    def _secret_lines(self) -> set[int]:
        lines = _lines_of_secret_keys(self._source, is_yaml=self._read is not None)
        for path, span in self._read.values.items() if self._read is not None else ():
            if is_secret(path):
                lines.update(range(self._source.position(span.start).line, self._source.position(span.end).line + 1))
        return lines


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


def _lines_of_secret_keys(source: SourceText, *, is_yaml: bool) -> set[int]:
    """Return the lines that may hold a secret, by their text alone.

    They have a key that sounds secret or are indented under one; in text that is not YAML, where a value may end
    anywhere, the line after them is one too.
    """
    found: set[int] = set()
    under: int | None = None  # the indentation of the secret key around the line
    follows = False
    for number in range(1, source.lines + 1):
        line = source.line(number)
        content = line.lstrip()
        if not content:
            continue
        indent = len(line) - len(content)
        if under is not None and (indent < under or (indent == under and not content.startswith("-"))):
            under = None
        named = _SECRET_LINE.search(line) is not None
        if named and under is None:
            under = indent
        if named or follows or under is not None:
            found.add(number)
        follows = named and not is_yaml
    return found
