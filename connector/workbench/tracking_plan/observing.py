"""What the arguments of events hold in the items that a mapping makes of records: types and numbers, no value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.mapping.plan.argument_types import violation
from connector.mapping.plan.route import ARGUMENTS
from connector.settings.models import ArgumentType, EventArgument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.mapping.json_values import Json
    from connector.workbench.testing.comparing import Made

_NARROWER: Final[tuple[ArgumentType, ...]] = ("integer", "date")
"""Types whose values may as well be numbers or texts."""


@dataclass(slots=True)
class SeenArgument:
    """The values that one argument had."""

    seen: int = 0
    types: Counter[ArgumentType] = field(default_factory=Counter)
    """By type, of string, number, boolean, array and object: how many values are of it."""
    narrower: Counter[ArgumentType] = field(default_factory=Counter)
    """How many values are an integer, or a date, too."""

    def add(self, value: Json) -> None:
        """Count a value, which is not None."""
        self.seen += 1
        self.types[json_type(value)] += 1
        self.narrower.update(each for each in _NARROWER if violation(value, EventArgument(type=each)) is None)

    def merge(self, other: SeenArgument) -> None:
        """Count what another one has counted."""
        self.seen += other.seen
        self.types += other.types
        self.narrower += other.narrower

    def all_are(self, kind: ArgumentType) -> bool:
        """Whether there are values, and each is right for this type."""
        return 0 < self.seen == (self.narrower if kind in _NARROWER else self.types)[kind]


@dataclass(slots=True)
class SeenEvent:
    """The events of one key that one route has made."""

    events: int = 0
    args: dict[str, SeenArgument] = field(default_factory=dict)

    def add(self, item: Json) -> None:
        """Count an item."""
        self.events += 1
        for name, value in (item.get(ARGUMENTS) or {}).items():
            if value is not None:
                self.args.setdefault(str(name), SeenArgument()).add(value)


SeenEvents = dict[str, dict[str, SeenEvent]]
"""By route and by event key, in the order in which they came."""


def observed(made: Iterable[Made], routes: Iterable[str]) -> SeenEvents:
    """Return what was seen in the items of these routes."""
    found: SeenEvents = {route: {} for route in routes}
    for each in made:
        if each.failure is None and each.route in found:
            found[each.route].setdefault(each.item["eventKey"], SeenEvent()).add(each.item)
    return found


def json_type(value: Json) -> ArgumentType:
    """Return the type of a value, which is not None, in the words of a plan."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
