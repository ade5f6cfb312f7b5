"""Why nothing becomes of a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.source_text import Position

SkipKind = Literal["no_route", "tombstone", "condition", "skip", "nothing"]

_TEXTS: Final[Mapping[SkipKind, str]] = {
    "no_route": "no route reads {topic}",
    "tombstone": "a tombstone: the record has no value",
    "condition": "{route}: did not hold: {conditions}",
    "skip": "{route}: the config says $skip",
    "nothing": "{route}: there is nothing in it to make an item of",
}


@dataclass(frozen=True, slots=True)
class FailedCondition:
    """A condition that did not hold."""

    path: str
    """In its route: ``where.$.status``."""
    file: str
    position: Position

    def __str__(self) -> str:
        """Return it with its place."""
        return f"{self.path} ({self.file}:{self.position.line}:{self.position.column})"


@dataclass(frozen=True, slots=True)
class Skip:
    """Why one route, or none at all, makes nothing of a record."""

    kind: SkipKind
    topic: str
    route: str = ""
    """Empty if no route is to blame."""
    conditions: tuple[FailedCondition, ...] = ()

    def __str__(self) -> str:
        """Return it as a sentence."""
        conditions = " and ".join(map(str, self.conditions))
        return _TEXTS[self.kind].format(topic=self.topic, route=self.route, conditions=conditions)
