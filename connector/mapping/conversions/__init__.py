"""What `as` can do to a value: one function per word, each raising ImpossibleError where it can't."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.mapping.conversions import moments, numbers, phone, texts
from connector.mapping.place import Json

if TYPE_CHECKING:
    from datetime import tzinfo

Conversion = Callable[[Json], Json]
"""Turns one value that is not None into another; None from it is missing. May raise ImpossibleError."""

WHOLE_LIST: dict[str, Conversion] = {
    "joined": texts.joined,
    "list": texts.listed,
    "json": texts.json_text,
}
"""Those that take a list as it is; all others go element by element."""

_PLAIN: dict[str, Conversion] = {
    "string": texts.string,
    "integer": numbers.integer,
    "number": numbers.number,
    "boolean": numbers.boolean,
    "trim": texts.trim,
    "phone": phone.phone,
    "split": texts.split,
    "uuid": texts.uuid_of,
    "md5": texts.md5,
    "sha256": texts.sha256,
    "lower": texts.lower,
    "upper": texts.upper,
}
MOMENTS = ("timestamp", "date")
NAMES = (*_PLAIN, *MOMENTS, *WHOLE_LIST)


def conversion(name: str, zone: tzinfo, unit: str | None) -> Conversion:
    """The conversion of that name, one of NAMES; zone and unit matter to MOMENTS."""
    if name == "timestamp":
        return moments.timestamp(zone, unit)
    if name == "date":
        return moments.date(zone, unit)
    return WHOLE_LIST.get(name) or _PLAIN[name]
