"""The fields that records have: each path with its values, objects and lists walked into, JSON in text too."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from connector.dead_letters.masking import mask_numbers
from connector.mapping.lookup import parsed
from connector.workbench.preview.paths import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from connector.mapping.json_values import Json

Path = tuple[str, ...]
"""Names from the value down; the elements of a list are `*`, all taken together."""

EVERY: Final = "\0*"
"""Stands for the elements of a list in a path: no name of a field that is walked into."""
_MOST_FIELDS: Final = 3000
_MOST_LOOKED_AT: Final = 500
_MOST_DEPTH: Final = 8
_MOST_ELEMENTS: Final = 5
_MOST_NAMES: Final = 200
"""An object of more is a table whose names are data."""


@dataclass(slots=True)
class Field:
    """One path, and what it has in the records that have it."""

    path: Path
    values: dict[int, Json] = field(default_factory=dict)
    """By the number of the record: its first value there that is neither null nor blank."""
    is_list: bool = False
    """Whether some record has a list of objects there."""

    @property
    def name(self) -> str:
        """The last name; of the elements of a list, the list's."""
        return next((each for each in reversed(self.path) if each != EVERY), "")

    @property
    def reference(self) -> str:
        """How a config refers to it: in a list, to the first element."""
        return reference(self.path)

    @property
    def in_list(self) -> bool:
        """Whether it is in an element of a list."""
        return EVERY in self.path

    def share(self, holds: Callable[[Json], bool]) -> float:
        """Return of how many of its values something holds, from 0 to 1; of many values, the first are looked at."""
        looked_at = list(islice(self.values.values(), _MOST_LOOKED_AT))
        return sum(map(holds, looked_at)) / len(looked_at) if looked_at else 0.0


def reference(path: Path, root: str = "$") -> str:
    """Return a path as a reference."""
    return ".".join((root, *("0" if name == EVERY else segment(name) for name in path)))


def survey(values: Iterable[Json]) -> list[Field]:
    """Return the fields of decoded values, in the order in which they come; the record itself is none.

    Left out are names that may be data: with a number of five digits or a mail address, or that can't be printed.
    """
    found: dict[Path, Field] = {}
    for number, value in enumerate(values):
        for path, each in _walk(value, ()):
            known = found.get(path)
            if known is None:
                if len(found) >= _MOST_FIELDS:
                    continue
                known = found[path] = Field(path)
            if isinstance(each, list):
                known.is_list = True
            else:
                known.values.setdefault(number, each)
    return list(found.values())


def _walk(value: Json, at: Path) -> Iterator[tuple[Path, Json]]:
    """Yield scalars with their paths, and the lists of objects."""
    value = unfolded(value)
    if isinstance(value, dict):
        if len(at) < _MOST_DEPTH and len(value) <= _MOST_NAMES:
            for name, each in value.items():
                if is_plain_name(name):
                    yield from _walk(each, (*at, name))
    elif isinstance(value, list):
        if any(isinstance(each, dict) for each in value):
            yield at, value
        for each in value[:_MOST_ELEMENTS] if len(at) < _MOST_DEPTH else ():
            yield from _walk(each, (*at, EVERY))
    elif at and value is not None and not (isinstance(value, str) and not value.strip()):
        yield at, value


def unfolded(value: Json) -> Json:
    """Return the object or the list that a text holds as JSON; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        held = parsed(value)
        return value if held is None else held
    return value


def is_plain_name(name: str) -> bool:
    """Return whether a name may be shown: it is surely no data, and a config can have it on one line."""
    if not name.strip() or len(name) > _LONGEST_NAME or "${" in name:  # `${` is a variable wherever it stands
        return False
    return name.isprintable() and mask_numbers(name) == name


_LONGEST_NAME: Final = 60


def covering(fields: Sequence[Field], records: int, most: int) -> list[Field]:
    """Return, of fields in order of preference, those that add records to the ones before: at least one in fifty."""
    chosen: list[Field] = []
    covered: set[int] = set()
    for each in fields:
        added = each.values.keys() - covered
        if len(chosen) < most and added and len(added) * 50 >= records:
            chosen.append(each)
            covered |= added
    return chosen
