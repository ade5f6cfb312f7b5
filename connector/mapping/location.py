"""Where in the file the compiler is, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.settings.problems import Code, Path, Problems

Json = Any
"""A decoded value, or a piece of one; None for what is missing or null."""


@dataclass(frozen=True, slots=True)
class Location:
    """A key of the file, and the name that a dead letter has for what is made there."""

    problems: Problems
    path: Path
    field: str = ""

    def at(self, *keys: str | int) -> Location:
        """A key below that belongs to the same field."""
        return Location(self.problems, (*self.path, *keys), self.field)

    def under(self, key: str | int) -> Location:
        """A key below that makes a field of its own."""
        field = f"{self.field}.{key}" if self.field else str(key)
        return Location(self.problems, (*self.path, key), field)

    def named(self, field: str) -> Location:
        """The same location, with another name for dead letters."""
        return Location(self.problems, self.path, field)

    def add(self, message: str, code: Code, *, at_key: bool = False) -> None:
        """Note one problem here."""
        self.problems.add(self.path, message, code, at_key=at_key)

    def unknown_key(self, allowed: Iterable[str]) -> None:
        """Note that this key may not stand here."""
        self.problems.unknown_key(self.path, allowed)

    def not_yet(self, what: str) -> None:
        """Note that this key is a word of the language that does not work yet."""
        self.add(f"{what} is not supported yet", "unknown_key", at_key=True)
