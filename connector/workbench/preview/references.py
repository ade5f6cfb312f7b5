"""In how many records each reference of a config found something, counted while records are mapped.

A reference is *asked* in a record if its value is needed there: not if `where` has said no before, nor if an earlier
reference of a list was there. It *found* something if that is neither missing nor null nor blank nor empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.mapping.elements import ElementRecord, change_of, element_of
from connector.workbench.preview.paths import existing_paths, is_empty, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.lookup import Getter
    from connector.settings.problems import Path

_MOST_SAMPLES: Final = 50
"""So many records are looked at for what a reference that finds nothing may have meant."""
_BEFORE: Final = "$change.before"


@dataclass(slots=True)
class ReferenceCount:
    """What became of one reference of one route."""

    text: str
    """As the config has it."""
    path: Path
    """Where it stands first."""
    get: Getter
    asked: int = 0
    """In so many records."""
    found: int = 0
    """In so many of these."""
    unneeded: bool = False
    """No record needed it: `asked` and `found` say what would have been."""
    nearest: str = ""
    """An existing path, if nothing was found; empty if none is near."""
    last_asked: int = -1
    last_found: int = -1
    existing: dict[str, None] = field(default_factory=dict)
    """The paths that records have in which it found nothing."""
    samples: int = 0

    def count(self, number: int, got: Json) -> bool:
        """Count what it got in a record. Return whether that is the first look at a record that lacks it."""
        first = self.last_asked != number
        self.asked += first
        self.last_asked = number
        if is_empty(got):
            return first and not self.found and self.samples < _MOST_SAMPLES
        self.found += self.last_found != number
        self.last_found = number
        return False


class References:
    """Observes the references of one mapping. `begin` is called before each record."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Path, str], ReferenceCount] = {}
        self._number = 0
        self._known: dict[tuple[str, int], list[str]] = {}
        """The paths of values of this record, which live as long."""

    @property
    def counts(self) -> list[ReferenceCount]:
        """All references, in no order."""
        return list(self._counts.values())

    def begin(self) -> None:
        """Another record follows."""
        self._number += 1
        self._known.clear()

    def observe(self, path: Path, get: Getter, text: str) -> Getter:
        """Return `get`, which counts now."""
        count = self._counts.setdefault((path[:2], text), ReferenceCount(text, path, get))

        def counted(value: Json, record: Record) -> Json:
            got = get(value, record)
            if count.count(self._number, got):
                self._remember(count, value, record)
            return got

        return counted

    def look_up_unneeded(
        self, values: Iterable[tuple[Json, Record]], may_be_in: Callable[[ReferenceCount, Record], bool]
    ) -> None:
        """Look up in decoded values what no record needed; only paths into the record can be.

        `may_be_in` says whether a record is one in which a reference can be looked up.
        """
        unneeded = [count for count in self._counts.values() if not count.asked and count.text.startswith("$.")]
        for count in unneeded:
            count.unneeded = True
        for value, record in values if unneeded else ():
            self.begin()
            for count in unneeded:
                if may_be_in(count, record) and count.count(self._number, count.get(value, record)):
                    self._remember(count, value, record)

    def conclude(self) -> None:
        """Find what those that found nothing may have meant."""
        for count in self._counts.values():
            if not count.found:
                count.nearest = nearest(count.text, count.existing)

    def _remember(self, count: ReferenceCount, value: Json, record: Record) -> None:
        count.samples += 1
        if count.text.startswith("$headers."):
            paths = [f"$headers.{name}" for name, _ in record.headers]
        elif count.text.startswith("$item"):
            element = element_of(record) if isinstance(record, ElementRecord) else None
            paths = self._paths("$item", element)
        elif count.text.startswith(_BEFORE):
            paths = self._paths(_BEFORE, getattr(change_of(record), "before", None))
        elif count.text.startswith("$."):
            paths = self._paths("$", value)
        else:
            return
        count.existing.update(dict.fromkeys(paths))

    def _paths(self, root: str, value: Json) -> list[str]:
        key = root, id(value)
        if key not in self._known:
            self._known[key] = existing_paths(root, value)
        return self._known[key]
