"""What a word is: one entry of the table of words, and what its code gets to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.mapping.errors import MappingError, SkipItem
from connector.mapping.expressions import Value
from connector.mapping.vocabulary import DEAD_LETTER, SKIP, Term
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.mapping.lookup import Getter

VALUE_SCHEMA = {"$ref": "#/$defs/Value"}


@dataclass(frozen=True, slots=True)
class Operands:
    """The words of one value, as they stand in the file."""

    raw: dict[Json, Json]
    location: Location
    compile: Callable[[Json, Location], Value]
    """Compiles a value inside this one."""
    compile_structure: Callable[[Json, Location], Value]
    """Compiles the same where tables of values and lists of them are allowed too."""
    default: Getter | None
    """What stands beside `default`, compiled: several words use it."""

    def __contains__(self, word: str) -> bool:
        return word in self.raw

    def of(self, word: str) -> tuple[Json, Location]:
        """Return what stands beside a word, and where."""
        return self.raw[word], self.location.at(word)


CompileWord = Callable[[Value, Operands], Value]
"""Returns the value after the word was applied to it, or reports what is wrong with the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Term):
    """One word of a value: to add one, add an entry to the table of its module."""

    compile: CompileWord
    source: bool = False
    """The value begins with it: an object of words has exactly one such word."""


def compile_fallback(raw: Json, location: Location, compile_value: Callable[[Json, Location], Value]) -> Getter:
    """Return the getter of what stands beside `default` or `otherwise`: a value, $skip or $dead_letter."""
    if raw == SKIP and not isinstance(raw, InterpolatedStr):
        return _skip
    if raw != DEAD_LETTER or isinstance(raw, InterpolatedStr):
        return compile_value(raw, location).get

    def dead_letter(_value: Json, _record: Record) -> Json:
        raise MappingError("requested", location.field, f"by `{location.path[-1]}`")

    return dead_letter


def _skip(_value: Json, _record: Record) -> Json:
    raise SkipItem
