"""How often conditions held, identity lines yielded one, and a `map` had the value, counted while records are mapped.

A condition that never holds, a phone that is none, and a table that lacks values make nothing wrong: something is not
made, which is not seen by looking at what is. So they are counted, and what they saw is kept where it helps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.mapping.errors import MappingError
from connector.mapping.json_values import text_form
from connector.workbench.preview.paths import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Part
    from connector.mapping.lookup import Getter
    from connector.settings.problems import Path

_MOST_TEXTS: Final = 100
"""So many different values are kept of each."""
MISSING: Final = "missing"
OTHER: Final = "an object or a list"


@dataclass(slots=True)
class ConditionCount:
    """What became of one condition of one route."""

    path: Path
    asked: int = 0
    """In so many records."""
    held: int = 0
    """In so many of these, for some element at least."""
    saw: Counter[str] = field(default_factory=Counter)
    """The values for which it did not hold, as text, MISSING or OTHER."""
    last_asked: int = -1
    last_held: int = -1

    @property
    def is_needed(self) -> bool:
        """Whether the route makes nothing unless it holds: it is in no `any` and no `not`."""
        return not {"any", "not"} & {*self.path}


@dataclass(slots=True)
class TableCount:
    """What became of one `map` of one route."""

    path: Path
    """Of the value that has it."""
    has_otherwise: bool
    asked: int = 0
    """So many values were looked up."""
    found: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    """Those that are not in it, as text."""


@dataclass(slots=True)
class IdentityCount:
    """What became of one identity line of one route."""

    path: Path
    asked: set[int] = field(default_factory=set)
    """The records in which it was."""
    found: set[int] = field(default_factory=set)
    """Those in which it yielded an identity, of some element at least."""
    unusable: set[int] = field(default_factory=set)
    """Those with a value that could not be converted: a phone with stars in it."""


class Decisions:
    """Observes the conditions, identity lines and tables of one mapping. `begin` is called before each record."""

    def __init__(self, config: Json) -> None:
        """`config` is the data of the file."""
        self.conditions: dict[Path, ConditionCount] = {}
        self.tables: dict[Path, TableCount] = {}
        self.identities: dict[Path, IdentityCount] = {}
        self._config = config
        self._number = 0
        self._got: dict[Path, Json] = {}
        """What was computed last: of references in conditions by their place, of a value's words by the value's."""

    def begin(self) -> None:
        """Another record follows."""
        self._number += 1
        self._got.clear()

    def observe(self, part: Part, path: Path, get: Getter) -> Getter:
        """Return `get`, which counts now if it is of interest."""
        if part == "condition":
            return self._condition(self.conditions.setdefault(path, ConditionCount(path)), get)
        if part == "identity":
            return self._identity(self.identities.setdefault(path, IdentityCount(path)), get)
        if part == "reference" and "where" in path:
            return self._remembered(path, get)
        if part != "word":
            return get
        table = _at(self._config, path) if path[-1] == "map" else None
        if isinstance(table, dict):
            has_otherwise = "otherwise" in _at(self._config, path[:-1])
            count = self.tables.setdefault(path[:-1], TableCount(path[:-1], has_otherwise))
            get = self._table(count, frozenset(text_form(key) or str(key) for key in table), get)
        return self._remembered(path[:-1], get)

    def _remembered(self, path: Path, get: Getter) -> Getter:
        def remembered(value: Json, record: Record) -> Json:
            got = self._got[path] = get(value, record)
            return got

        return remembered

    def _identity(self, count: IdentityCount, get: Getter) -> Getter:
        def counted(value: Json, record: Record) -> Json:
            count.asked.add(self._number)
            try:
                got = get(value, record)
            except MappingError:  # the conversion is impossible; the mapping takes that for absent
                count.unusable.add(self._number)
                raise
            if not is_empty(got):
                count.found.add(self._number)
            return got

        return counted

    def _condition(self, count: ConditionCount, get: Getter) -> Getter:
        path = count.path

        def counted(value: Json, record: Record) -> Json:
            holds = get(value, record)
            count.asked += count.last_asked != self._number
            count.last_asked = self._number
            if holds:
                count.held += count.last_held != self._number
                count.last_held = self._number
            else:
                _note(count.saw, self._got.get(path, self._got.get(path[:-1])))
            return holds

        return counted

    def _table(self, count: TableCount, keys: frozenset[str], get: Getter) -> Getter:
        def counted(value: Json, record: Record) -> Json:
            self._got.pop(count.path, None)
            try:
                return get(value, record)
            finally:  # `otherwise: $skip` raises
                looked_up = self._got.get(count.path)
                for each in looked_up if isinstance(looked_up, list) else [looked_up]:
                    if is_empty(each):
                        continue
                    count.asked += 1
                    if text_form(each) in keys:
                        count.found += 1
                    else:
                        _note(count.missed, each)

        return counted


def _note(texts: Counter[str], value: Json) -> None:
    text = MISSING if is_empty(value) else text_form(value) or OTHER
    if text in texts or len(texts) < _MOST_TEXTS:
        texts[text] += 1


def _at(data: Json, path: Path) -> Mapping[Json, Json]:
    """Return what stands at a place of the file."""
    for key in path:
        data = data[key]
    return data  # type: ignore[no-any-return] # a table
