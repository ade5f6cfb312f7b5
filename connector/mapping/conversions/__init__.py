"""The conversions of `as`, as one table: code, meaning, options and examples of each stand in its module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.conversions import numbers, phone, strings, timestamps

if TYPE_CHECKING:
    from connector.mapping.conversions.conversion import Conversion, Option

CONVERSIONS: dict[str, Conversion] = {
    each.name: each for each in (*strings.TABLE, *numbers.TABLE, *phone.TABLE, *timestamps.TABLE)
}
OPTIONS: dict[str, Option] = {option.name: option for each in CONVERSIONS.values() for option in each.options}
"""The words beside `as` that belong to some of them."""


def taking(option: str) -> tuple[str, ...]:
    """Return the names of the conversions that take an option."""
    return tuple(each.name for each in CONVERSIONS.values() if option in [taken.name for taken in each.options])
