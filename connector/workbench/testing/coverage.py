"""What of a mapping the tests reach: routes, conditions, entries of a `map`, identity lines.

A route is reached if it makes an item or a dead letter of a record, or skips it by `$skip`; a condition, if it is
asked, whatever its answer; an entry, if a value is found in the table (`otherwise`: if it is not); an identity line, if
it yields an identity. The conditions and the rest are observed by what is compiled in (`connector.mapping.location`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from connector.config.located import path_text
from connector.mapping.json_values import text_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Part
    from connector.mapping.lookup import Getter
    from connector.settings.problems import Path

Kind = Literal["route", "condition", "entry", "identity"]
KINDS: Final[dict[Kind, str]] = {
    "route": "routes",
    "condition": "conditions",
    "entry": "map entries",
    "identity": "identity lines",
}
"""With their plural names, in the order of reports."""
_SINGULAR: Final[dict[Kind, str]] = {
    "route": "route",
    "condition": "condition",
    "entry": "map entry",
    "identity": "identity line",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a mapping that a test may reach."""

    kind: Kind
    path: Path
    """In the config."""
    route: str

    @property
    def name(self) -> str:
        """The part in words: ``route orders: map entry event_key.map.PAID``."""
        if self.kind == "route":
            return f"route {self.route}"
        return f"route {self.route}: {_SINGULAR[self.kind]} {path_text(self.path[2:])}"


class Coverage:
    """Collects what is reached of one mapping, whose routes have these indices and names."""

    def __init__(self, routes: Sequence[tuple[int, str]]) -> None:
        self._names = dict(routes)
        self._reached: Counter[Place] = Counter({Place("route", ("routes", index), name): 0 for index, name in routes})
        self.failed: set[Path] = set()
        """The conditions that did not hold since `begin`."""

    def begin(self) -> None:
        """Forget which conditions failed: another record follows."""
        self.failed.clear()

    def reach_routes(self, names: Iterable[str]) -> None:
        """Count these routes as reached."""
        for index, name in self._names.items():
            self._reached[Place("route", ("routes", index), name)] += name in names

    def observe(self, part: Part, path: Path, get: Getter, _text: str) -> Getter:
        """Return `get`, which counts now when it reaches its part: an `Observe` of the mapping."""
        if part not in ("condition", "entry", "identity"):
            return get
        place = Place(part, path, self._names[int(path[1])])
        self._reached[place] += 0

        def condition(value: Json, record: Record) -> Json:
            self._reached[place] += 1
            holds = get(value, record)
            if not holds:
                self.failed.add(path)
            return holds

        def entry(value: Json, record: Record) -> Json:
            self._reached[place] += 1
            return get(value, record)

        def identity(value: Json, record: Record) -> Json:
            found = get(value, record)
            self._reached[place] += bool((text_form(found) or "").strip())
            return found

        return {"condition": condition, "entry": entry, "identity": identity}[part]

    def places(self, kind: Kind | None = None) -> list[Place]:
        """Return all places, or those of one kind, in the order of the config's routes."""
        return sorted((each for each in self._reached if kind in {None, each.kind}), key=lambda each: each.path[1])

    def missed(self, kind: Kind | None = None) -> list[Place]:
        """Return the places that no test has reached."""
        return [each for each in self.places(kind) if not self._reached[each]]

    @property
    def percent(self) -> int:
        """How much is reached; 100 means all of it."""
        total = len(self.places())
        return (total - len(self.missed())) * 100 // total
