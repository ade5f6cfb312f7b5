"""`events: {file: …}`: the tracking plan out of a file of its own, as YAML or as a table, and the places in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from connector.config.documents import Document, UnreadableError, read_content, read_document, unreadable
from connector.config.event_table import EventTable, TableError, read_table
from connector.config.interpolation import interpolate
from connector.config.located import LocatedProblem
from connector.config.source_text import Position
from connector.language.message import message
from connector.runtime.files import stamp
from connector.settings.problems import Problem, Problems
from connector.settings.types import expected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.config.excerpts import Excerpts
    from connector.runtime.files import Stamp

_YAML: Final = frozenset({".yaml", ".yml", ".json"})
_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})
_WORKBOOKS: Final = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".et", ".numbers"})


@dataclass(frozen=True, slots=True)
class EventsFile:
    """The file of a tracking plan."""

    file: str
    """Its path, from where the config's own is."""
    data: Mapping[str, object] | None
    """The events; None if the file has none: then `problems` say why."""
    problems: tuple[LocatedProblem, ...] = ()
    """What keeps it from being read."""
    source: Document | EventTable | None = None
    unreplaced: tuple[Problem, ...] = ()
    """`${…}` in it that can't be replaced."""
    below: tuple[str, ...] = ()
    """The keys in the file under which the events stand."""
    unreadable: Excerpts | None = None

    @property
    def excerpts(self) -> Excerpts | None:
        """What shows its lines; None for a table."""
        return self.source.excerpts if isinstance(self.source, Document) else self.unreadable

    def located(self, found: Sequence[Problem]) -> tuple[LocatedProblem, ...]:
        """Return problems with the events, whose paths begin with `events`, at their places in the file."""
        if self.source is None:
            return self.problems
        moved = [Problem((*self.below, *each.path[1:]), each.message, each.code, each.at_key) for each in found]
        if isinstance(self.source, Document):
            located = self.source.located(self.unreplaced, moved)
        else:
            located = self.source.located(moved)
        return tuple(each._replace(file=self.file) for each in located)


def events_file(
    raw: object, config: str, environ: Mapping[str, str], problems: Problems, seen: dict[str, Stamp] | None = None
) -> EventsFile | None:
    """Return the file that `events` names; None if the events stand in the config itself. Reports what is wrong.

    `config` is the config's own path, from whose folder a relative one begins. `seen` gets the files that are read, as
    they were before.
    """
    seen = {} if seen is None else seen
    if not isinstance(raw, dict) or "file" not in raw or isinstance(raw["file"], dict):
        return None
    for key in raw.keys() - {"file"}:
        told = message("`file` has all events: move this there, or drop `file`")
        problems.add(("events", key), told, "bad_value", at_key=True)
    name, at = raw["file"], ("events", "file")
    if not isinstance(name, str) or not name.strip():
        problems.add(at, expected(message("the path of a file"), name), "wrong_type")
        return EventsFile("", None)
    ending = FilePath(name).suffix.lower()
    if ending in _WORKBOOKS:
        told = message("a workbook can't be read: save it as CSV (CSV UTF-8) and name that file")
        problems.add(at, told, "bad_value")
    elif ending not in _YAML | _TABLES:
        problems.add(at, message("expected a file that ends in .yaml or .csv"), "bad_value")
    else:
        file = os.path.normpath(FilePath(config).parent / name)
        seen[file] = stamp(file)
        try:
            return _read_yaml(file, environ, seen) if ending in _YAML else _read_table(file)
        except UnreadableError as error:
            if error.sha256:  # it exists
                return EventsFile(file, None, (error.problem._replace(file=file),), unreadable=error.excerpts)
            problems.add(at, unreadable(file, error.problem), "unreadable_file")
    return EventsFile("", None)


def _read_yaml(file: str, environ: Mapping[str, str], seen: dict[str, Stamp]) -> EventsFile:
    document, unreplaced = read_document(file, (message("event keys"),)), Problems()
    data = interpolate(document.read.data, environ, unreplaced, seen)
    below: tuple[str, ...] = ()
    if isinstance(data, dict) and list(data) == ["events"] and isinstance(data["events"], dict):
        data, below = data["events"], ("events",)  # as it would stand in the config
    return EventsFile(file, data, source=document, unreplaced=tuple(unreplaced.found), below=below)  # type: ignore[arg-type] # the root of a document is a table


def _read_table(file: str) -> EventsFile:
    try:
        table = read_table(read_content(file))
    except TableError as error:
        problem = LocatedProblem(Position(error.row, 1), (), error.message, error.code, file)
        return EventsFile(file, None, (problem,))
    return EventsFile(file, table.data, source=table)
