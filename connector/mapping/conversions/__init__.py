"""What `as` can do to a value: one function per word, each raising ConversionError where it can't."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.mapping.conversions import numbers, phone, strings, timestamps
from connector.mapping.location import Json

if TYPE_CHECKING:
    from datetime import tzinfo

Conversion = Callable[[Json], Json]
"""Turns one value that is not None into another; None from it is missing. May raise ConversionError."""

WHOLE_LIST: dict[str, Conversion] = {
    "joined": strings.joined,
    "list": strings.listed,
    "json": strings.json_text,
}
"""Those that take a list as it is; all others go element by element."""

_PLAIN: dict[str, Conversion] = {
    "string": strings.string,
    "integer": numbers.integer,
    "number": numbers.number,
    "boolean": numbers.boolean,
    "trim": strings.trim,
    "phone": phone.phone,
    "split": strings.split,
    "uuid": strings.uuid_of,
    "md5": strings.md5,
    "sha256": strings.sha256,
    "lower": strings.lower,
    "upper": strings.upper,
}
TIMESTAMPS = ("timestamp", "date")
NAMES = (*_PLAIN, *TIMESTAMPS, *WHOLE_LIST)


def conversion(name: str, zone: tzinfo, unit: str | None) -> Conversion:
    """The conversion of that name, one of NAMES; zone and unit matter to TIMESTAMPS."""
    if name == "timestamp":
        return timestamps.timestamp(zone, unit)
    if name == "date":
        return timestamps.date(zone, unit)
    return WHOLE_LIST.get(name) or _PLAIN[name]
