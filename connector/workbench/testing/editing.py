"""Replacing values in the text of a YAML file.

Comments, order and layout of all else stay as they are byte for byte, which no library that loads and dumps YAML
promises. The caller reads the new text and compares: an anchor or an alias may stand in the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.config.yaml_source import Span
from connector.workbench.testing.rendering import in_lines, in_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.config.documents import Document
    from connector.mapping.json_values import Json
    from connector.settings.problems import Path

IN_THE_WAY: Final = "an anchor, an alias or an integer beyond 64 bits stands in the way"
_STEP: Final = 2
_MAX_LINE: Final = 110
_AFTER_ANCHOR: Final = re.compile(r"(?:&\S+\s+)?(\S)")


class NotUpdatedError(Exception):
    """The file can't be changed in a way that reads as intended; the message says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Puts `value` in the place of what stands at `path`; with a `key`, as that key of the table around it."""

    path: Path
    value: Json
    key: str = ""


class TextEditor:
    """Replaces values in the text of a document."""

    def __init__(self, document: Document) -> None:
        self._text = document.source.text
        self._read = document.read
        self._document = document
        self._break = "\r\n" if "\r\n" in self._text else "\n"

    def changed(self, edits: Iterable[Edit]) -> str:
        """Return the text with these edits, none of which lies inside another one."""
        text = self._text
        pieces = [self._entry(edit) if edit.key else self._value(edit) for edit in edits]
        for span, piece in sorted(pieces, reverse=True):
            text = text[: span.start] + piece + text[span.end :]
        return text

    def _value(self, edit: Edit) -> tuple[Span, str]:
        path, (start, _) = edit.path, self._read.values[edit.path]
        written = in_yaml(edit.value)
        if self._is_in_block(path) and path in self._read.keys:
            start = self._after_colon(path)
            written = f" {written}"
        return Span(start, self._end(path)), written

    def _entry(self, edit: Edit) -> tuple[Span, str]:
        """Replace an entry of the table of a test, or add one at its end."""
        path, table = edit.path, edit.path[:-1]
        is_block = not self._is_flow(table)
        first = next(key for key in self._read.keys if key[:-1] == table)
        column = self._document.position(first, at_key=True).column - 1
        written = self._block(edit, column) if is_block else f"{edit.key}: {in_yaml(edit.value)}"
        if path in self._read.keys:
            return Span(self._read.keys[path].start, self._end(path)), written
        end = self._end(max((key for key in self._read.keys if key[:-1] == table), key=self._end))
        if not is_block:
            return Span(end, end), f", {written}"
        index = min((at for sign in "\r\n" if (at := self._text.find(sign, end)) >= 0), default=len(self._text))
        return Span(index, index), f"{self._break}{' ' * column}{written}"

    def _block(self, edit: Edit, column: int) -> str:
        if not isinstance(edit.value, list) or not edit.value:
            return f"{edit.key}: {in_yaml(edit.value)}"
        indent = " " * (column + _STEP)
        lines = in_lines(edit.value, _MAX_LINE - len(indent))
        return self._break.join((f"{edit.key}:", *(indent + line for line in lines)))

    def _is_flow(self, path: Path) -> bool:
        found = _AFTER_ANCHOR.match(self._text, self._read.values[path].start)
        return found is not None and found[1] in "{["

    def _is_in_block(self, path: Path) -> bool:
        """Whether a value is a table or a list of lines, or nothing at all: then it has no place of its own."""
        is_scalar = path in self._read.scalars
        return not is_scalar and (self._is_empty(path) or not self._is_flow(path))

    def _is_empty(self, path: Path) -> bool:
        return self._read.values[path] == self._read.keys.get(path)

    def _after_colon(self, path: Path) -> int:
        return self._text.index(":", self._read.keys[path].end) + 1

    def _end(self, path: Path) -> int:
        """Return where a value ends: of a table or a list of lines, where its last value does."""
        if self._is_empty(path):
            return self._after_colon(path)
        start, end = self._read.values[path]
        if start == end or path in self._read.scalars or self._is_flow(path):
            return start + len(self._text[start:end].rstrip())  # the lines of `|` end with a line break
        ends = [self._end(each) for each in self._read.values if each[:-1] == path]
        if not ends:
            raise NotUpdatedError(IN_THE_WAY)
        return max(ends)
