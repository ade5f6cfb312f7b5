"""What a conversion is: one entry of the table of `as`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.mapping.json_values import Json
from connector.mapping.vocabulary import Term

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.expressions import Usual
    from connector.mapping.location import Location

Convert = Callable[[Json], Json]
"""Converts one value that is not None; returns None if nothing is left of it. Raises ConversionError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Term):
    """A word beside `as` that belongs to some conversions."""

    parse: Callable[[Json, Location], Json]
    """Returns what the conversion gets for the word's value; reports a value that is not allowed."""
    default: Json = None
    """What the conversion gets if the word is absent."""


def _nothing_usual(_given: Mapping[str, Json]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion: to add one, add an entry to the table of its module."""

    name: str
    function: Callable[..., Json]
    """A Convert; with options: called with them by name, returns the Convert."""
    doc: str
    examples: tuple[tuple[Json, Json], ...]
    """Values and what becomes of them."""
    impossible: tuple[Json, ...] = ()
    """Values that can't be converted."""
    takes_list: bool = False
    """It gets a list as a whole; the others get its elements one by one."""
    options: tuple[Option, ...] = ()
    yields: type = str
    """The type of the result, if anything is left; of an element if it gets the elements of a list."""
    settled: bool = False
    """Whether applying it to the text of its own result changes nothing."""
    usual: Callable[[Mapping[str, Json]], Usual | None] = _nothing_usual
    """Returns for which values generated code need not call it; gets the options that are given."""

    def build(self, given: Mapping[str, Json]) -> Convert:
        """Return the function; options that are not given have their defaults."""
        if not self.options:
            return self.function
        convert: Convert = self.function(
            **{option.name: given.get(option.name, option.default) for option in self.options}
        )
        return convert
