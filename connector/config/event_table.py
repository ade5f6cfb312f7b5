"""A tracking plan as a table: a CSV file as spreadsheets save it, one argument in each row.

    event key, name,  argument, type,   required
    c_buy,     下单,   c_goods,  string,
    ,          ,      c_price,  number, yes

An empty event key means that of the row above, as cells that are merged in a spreadsheet become. Columns are found by
their heads, below a title if there is one; others are passed over. The charset is UTF-8, UTF-16 or GBK, the separator a
comma, a semicolon or a tab. A place is a row and a column, counted from 1.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.config.documents import MAX_FILE_BYTES
from connector.config.located import LocatedProblem, quoting
from connector.config.source_text import Position
from connector.config.table_words import HEADS, NO, REQUIRED_COLUMNS, TYPES, YES, Column, plain
from connector.language.message import NOTHING, message
from connector.settings.problems import Problems, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.language.message import Message
    from connector.settings.problems import Code, Path, Problem

_SEPARATORS: Final = (",", ";", "\t", "，", "；")
_ROWS_ABOVE_HEADS: Final = 10
_LETTERS: Final = 26
_BLANK: Final = "\ufeff\u200b"
"""Characters that `strip` keeps, and nobody sees."""

Cell = tuple[int, int]
"""Row and column, from 1."""


class TableError(Exception):
    """The content is no table of events at all."""

    def __init__(self, told: Message, row: int = 1, code: Code = "unreadable_file") -> None:
        super().__init__(told)
        self.message = told
        self.row = row
        self.code = code


@dataclass(slots=True)
class EventTable:
    """The events of a table as data, and where each part of it stands."""

    data: dict[str, dict[str, object]] = field(default_factory=dict)
    cells: dict[Path, Cell] = field(default_factory=dict)
    texts: dict[Cell, str] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)
    """By column: what stands in its head."""
    problems: Problems = field(default_factory=Problems)
    """What is wrong with cells; all paths begin below `events`."""

    def located(self, found: Sequence[Problem]) -> tuple[LocatedProblem, ...]:
        """Return these problems and those of the cells, sorted by place."""
        known = {each.path for each in self.problems.found}
        further = [each for each in found if each.path not in known]
        return tuple(sorted(map(self._locate, (*self.problems.found, *further))))

    def _locate(self, problem: Problem) -> LocatedProblem:
        path = problem.path
        while path and path not in self.cells:
            path = path[:-1]
        row, column = self.cells.get(path, (1, 1))
        head = self.heads.get(column, "")
        place = f"{_column_name(column)}{row}" + (f" ({head})" if head else "")
        text = self.texts.get((row, column), "")
        told = quoting(text, problem.message) if text and path == problem.path else problem.message
        return LocatedProblem(Position(row, column), (place,), told, problem.code)


def _column_name(column: int) -> str:
    name = ""
    while column:
        column, letter = divmod(column - 1, _LETTERS)
        name = chr(ord("A") + letter) + name
    return name


def read_table(content: bytes) -> EventTable:
    """Read a table of events.

    Raises:
        TableError: there is none.

    """
    rows = _rows(_text(content))
    number, columns = _heads(rows)
    table = EventTable(heads={column + 1: rows[number][column].strip() for column in columns.values()})
    reader = _Reader(table, columns)
    for row, cells in enumerate(rows[number + 1 :], number + 2):
        reader.row(row, cells)
    return table


def _text(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise TableError(message("larger than 1 MiB: this is not a tracking plan"))
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TableError(message("this is a workbook, not a CSV file: in the spreadsheet, save it as CSV (CSV UTF-8)"))
    charsets = ["utf-16"] if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for charset in charsets:
        try:
            text = content.decode(charset)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise TableError(
        message("this is not text in UTF-8, UTF-16 or GBK: in the spreadsheet, save it as CSV (CSV UTF-8)")
    )


def _rows(text: str) -> list[list[str]]:
    """Return the cells, by the separator with which most heads of columns are found."""
    named = text[4:5] if text[:4].lower() == "sep=" else ""
    separators = (named,) if named.strip() or named == "\t" else _SEPARATORS
    found = [_split(text, separator) for separator in separators]
    best = max(found, key=lambda rows: len(_best_heads(rows)[1]) if isinstance(rows, list) else 0)
    if isinstance(best, TableError):
        raise best
    return best


def _split(text: str, separator: str) -> list[list[str]] | TableError:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            rows.append([cell.strip().strip(_BLANK).strip() for cell in row])  # noqa: PERF401 - counted if one fails
    except csv.Error as error:
        told = message("not a CSV file: {why}; is a quotation mark not closed?", why=str(error))
        return TableError(told, len(rows) + 1)
    return rows


def _best_heads(rows: Sequence[Sequence[str]]) -> tuple[int, dict[Column, int]]:
    """Return the row with most heads, and the columns by what they hold."""
    found = [(_columns(row), number) for number, row in enumerate(rows[:_ROWS_ABOVE_HEADS])]
    columns, number = max(found, key=lambda each: len(each[0]), default=({}, 0))
    return number, columns


def _columns(row: Sequence[str]) -> dict[Column, int]:
    words = {plain(cell): index for index, cell in reversed([*enumerate(row)])}
    return {
        column: words[next(head for head in heads if head in words)]
        for column, heads in HEADS.items()
        if any(head in words for head in heads)
    }


def _heads(rows: Sequence[Sequence[str]]) -> tuple[int, dict[Column, int]]:
    number, columns = _best_heads(rows)
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        cells = [cell for cell in rows[number] if plain(cell)] if rows else []
        like = [cell for cell in cells if did_you_mean(plain(cell), HEADS[missing[0]])]
        hint = message(": did you mean '{name}' to be it?", name=like[0]) if like else NOTHING
        raise TableError(_no_column(missing[0], hint), number + 1, "missing_key")
    return number, columns


def _no_column(column: Column, hint: Message) -> Message:
    chinese = next(head for head in HEADS[column] if not re.search("[a-z]", head))
    return message("no column '{column}' (or '{chinese}'){hint}", column=column, chinese=chinese, hint=hint)


class _Reader:
    """Reads row by row."""

    def __init__(self, table: EventTable, columns: dict[Column, int]) -> None:
        self._table = table
        self._columns = columns
        self._key = ""
        self._row = 0
        self._cells: Sequence[str] = ()

    def row(self, row: int, cells: Sequence[str]) -> None:
        """Read one row."""
        self._row, self._cells = row, cells
        if not any(self._cell(column) for column in self._columns):
            return
        self._key = self._cell("event key") or self._key
        if not self._key:
            told = message("missing: no row above has an event key either")
            self._add(("", row), "event key", told, "missing_key")
            return
        event = self._event()
        argument = self._cell("argument")
        if argument:
            self._argument(event, argument)
        elif self._cell("type") or self._cell("max length"):
            told = message("missing: this row has a type")
            self._add((self._key, "args", "", row), "argument", told, "missing_key")

    def _event(self) -> dict[str, object]:
        known = self._key in self._table.data
        event = self._table.data.setdefault(self._key, {"args": {}})
        if not known:
            self._place((self._key,), "event key")
        name = self._cell("name")
        if name and event.setdefault("name", name) != name:
            row = self._table.cells[self._key, "name"][0]
            path = (self._key, "name", self._row)
            self._add(path, "name", message("row {row} has another name of this event", row=row), "suspicious")
        elif name and (self._key, "name") not in self._table.cells:
            self._place((self._key, "name"), "name")
        return event

    def _argument(self, event: dict[str, object], argument: str) -> None:
        args = event["args"]
        assert isinstance(args, dict)  # noqa: S101 - `_event` made it
        path: Path = (self._key, "args", argument)
        if argument in args:
            row = self._table.cells[path][0]
            told = message("{event} has this argument already, in row {row}", event=self._key, row=row)
            self._add((*path, self._row), "argument", told, "duplicate_name")
            return
        self._place(path, "argument")
        made: dict[str, object] = {"required": self._required((*path, "required"))}
        args[argument] = made
        self._place((*path, "type"), "type")
        kind = self._cell("type")
        if kind:
            made["type"] = TYPES.get(plain(kind), kind)
        length = self._length((*path, "max_length"))
        if length is not None:
            made["max_length"] = length

    def _required(self, path: Path) -> bool:
        word = plain(self._cell("required"))
        if word not in YES | NO:
            self._add(path, "required", message("expected yes or no (是 or 否)"), "bad_value")
        return word in YES

    def _length(self, path: Path) -> int | None:
        text = plain(self._cell("max length")).removesuffix(".0")
        if text in NO:
            return None
        self._place(path, "max length")
        if text.isdecimal():
            return int(text)
        self._add(path, "max length", message("expected an integer"), "bad_value")
        return None

    def _cell(self, column: Column) -> str:
        index = self._columns.get(column)
        return "" if index is None or index >= len(self._cells) else self._cells[index]

    def _place(self, path: Path, column: Column) -> None:
        place = (self._row, self._columns[column] + 1) if column in self._columns else (self._row, 1)
        self._table.cells[path] = place
        self._table.texts[place] = self._cell(column)

    def _add(self, path: Path, column: Column, told: Message, code: Code) -> None:
        self._place(path, column)
        self._table.problems.add(path, told, code)
