"""`--update`: what came out becomes what is expected, in the file, for the user to review.

Only the text of what differs is replaced: a value, a list, or a whole expectation. Comments, order and layout of all
else stay as they are byte for byte, which no library that loads and dumps YAML promises. A text that does not read as
intended, because of an anchor for example, is not written.
"""

from __future__ import annotations

import contextlib
import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.config.source_text import SourceText
from connector.config.yaml_scalars import YamlError
from connector.config.yaml_source import Span, read_yaml
from connector.workbench.testing.comparing import ABSENT, as_data, equal
from connector.workbench.testing.models import ItemExpected
from connector.workbench.testing.rendering import in_lines, in_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.config.documents import Document
    from connector.mapping.json_values import Json
    from connector.settings.models import Route
    from connector.settings.problems import Path
    from connector.workbench.testing.cases import CaseFile
    from connector.workbench.testing.comparing import Made
    from connector.workbench.testing.running import Result

_FILLED_IN: Final = frozenset({"time", "uuid"})
"""What the connector adds to an event that does not map it: of no interest to a test."""
_STEP: Final = 2
_MAX_LINE: Final = 110
_IN_THE_WAY: Final = "an anchor, an alias or an integer beyond 64 bits stands in the way"
_AFTER_ANCHOR: Final = re.compile(r"(?:&\S+\s+)?(\S)")


class NotUpdatedError(Exception):
    """The file can't be changed in a way that reads as intended; the message says why."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Puts `value` in the place of what stands at `path`; with a `key`, as that key of the table around it."""

    path: Path
    value: Json
    key: str = ""


def updated(file: CaseFile, results: Iterable[Result]) -> str:
    """Return the text of a file in which what came out of each result that failed is expected.

    Raises:
        NotUpdatedError: replacing parts of the old text does not lead to one that reads so.

    """
    edits = [edit for result in results if not result.passed for edit in edits_of(result)]
    wanted = copy.deepcopy(file.document.read.data)
    for edit in edits:
        _apply(wanted, edit)
    text = TextEditor(file.document).changed(edits)
    try:
        found = read_yaml(SourceText(text)).data
    except YamlError as error:
        raise NotUpdatedError(f"the new text would not be YAML: {error.message}") from error
    if not equal(found, wanted):
        raise NotUpdatedError(_IN_THE_WAY)
    return text


def not_updatable(file: CaseFile, results: Sequence[Result]) -> dict[int, str]:
    """Return the indices of the failed results that can't be updated even alone, and why; none if all can at once."""
    found: dict[int, str] = {}
    with contextlib.suppress(NotUpdatedError):
        updated(file, results)
        return found
    for result in results:
        try:
            updated(file, [result])
        except NotUpdatedError as error:
            found[result.case.index] = str(error)
    return found


def edits_of(result: Result) -> list[_Edit]:
    """Return what must change so that a result which failed is expected."""
    at: Path = ("tests", result.case.index)
    is_letter = result.case.dead_letter is not None
    known = ("tests", 0, "expect_dead_letter") if is_letter else ("tests", 0, "expect", 0)
    if all(len(each.path) > len(known) + (each.made is ABSENT) for each in result.differences):
        return _in_place(result)
    letters = [each for each in result.made if each.failure is not None]
    old = "expect_dead_letter" if is_letter else "expect"
    if letters and (is_letter or len(result.made) == 1):
        return [_Edit((*at, old), _letter(letters[0]), "expect_dead_letter")]
    return [_Edit((*at, old), _items(result), "expect")]


def _in_place(result: Result) -> list[_Edit]:
    """Return the smallest edits: of single values, and of the tables that name what is not there."""
    edits = {}
    for each in result.differences:
        if each.made is not ABSENT:
            edits[each.path] = _Edit(each.path, each.made)
            continue
        *around, _ = each.path
        old: Any = result.file.document.read.data
        for key in around:
            old = old[key]
        made: Any = [one.as_data() for one in result.made]
        for key in around[len(("tests", 0, "expect")) :]:
            made = made[key]
        edits[tuple(around)] = _Edit(tuple(around), _shaped(made, old))
    return [edit for path, edit in edits.items() if not any(path[:end] in edits for end in range(len(path)))]


def _items(result: Result) -> list[Json]:
    """Return all that was made as it is expected: of an item that is there already, what the test names."""
    expected = result.case.expected
    old: Sequence[Any] = expected if expected and len(expected) == len(result.made) else [None] * len(result.made)
    routes = {route.name: route for route in result.file.mapping.config.routes}
    return [
        {"dead_letter": _letter(made)}
        if made.failure is not None
        else _shaped(made.as_data(), as_data(each))
        if isinstance(each, ItemExpected)
        else _new_item(made, routes[made.route])
        for made, each in zip(result.made, old, strict=True)
    ]


def _new_item(made: Made, route: Route) -> Json:
    """Return an item as it is expected, without what the route does not map."""
    passed_over = _FILLED_IN - route.fields.keys()
    item = {name: each for name, each in made.item.items() if name not in passed_over}
    params = {name: each for name, each in made.public_params.items() if name in route.public_params}
    return {"target": made.target, "item": item, **({"public_params": params} if params else {})}


def _letter(made: Made) -> Json:
    return {name: each for name, each in made.letter().items() if name in {"route", "reason", "field"}}


def _shaped(made: Json, like: Json) -> Json:
    """Return of a table only what another one names."""
    if not isinstance(made, dict) or not isinstance(like, dict):
        return made
    return {name: _shaped(made[name], each) for name, each in like.items() if name in made}


def _apply(data: Any, edit: _Edit) -> None:  # noqa: ANN401 - JSON
    *around, last = edit.path
    for key in around:
        data = data[key]
    if edit.key and edit.key != last:
        data.pop(last, None)
    data[edit.key or last] = edit.value


class TextEditor:
    """Replaces values in the text of a document."""

    def __init__(self, document: Document) -> None:
        self._text = document.source.text
        self._read = document.read
        self._document = document
        self._break = "\r\n" if "\r\n" in self._text else "\n"

    def changed(self, edits: Iterable[_Edit]) -> str:
        """Return the text with these edits, none of which lies inside another one."""
        text = self._text
        pieces = [self._entry(edit) if edit.key else self._value(edit) for edit in edits]
        for span, piece in sorted(pieces, reverse=True):
            text = text[: span.start] + piece + text[span.end :]
        return text

    def _value(self, edit: _Edit) -> tuple[Span, str]:
        path, (start, _) = edit.path, self._read.values[edit.path]
        written = in_yaml(edit.value)
        if self._is_in_block(path) and path in self._read.keys:
            start = self._after_colon(path)
            written = f" {written}"
        return Span(start, self._end(path)), written

    def _entry(self, edit: _Edit) -> tuple[Span, str]:
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

    def _block(self, edit: _Edit, column: int) -> str:
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
            raise NotUpdatedError(_IN_THE_WAY)
        return max(ends)
