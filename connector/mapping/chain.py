"""`as`, `multiply` and `round` of a value: one chain of conversions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from connector.mapping import conversions
from connector.mapping.conversions import numbers, timestamps
from connector.settings.problems import did_you_mean
from connector.settings.types import DEFAULT_ZONE

if TYPE_CHECKING:
    from datetime import tzinfo

    from connector.mapping.conversions import Conversion
    from connector.mapping.location import Json, Location

_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Link:
    """One conversion, and how a dead letter names it."""

    convert: Conversion
    rule: str
    takes_list: bool = False


def compile_chain(raw: dict[Json, Json], location: Location) -> list[Link]:
    """The conversions that a value's words ask for, in their order; empty: none."""
    names = _names(raw, location)
    zone, unit = _zone(raw, location), _unit(raw, location)
    if not any(name in conversions.TIMESTAMPS for name in names):
        for word in ("unit", "zone"):
            if word in raw:
                at = location.at(word)
                at.add(f"`{word}` belongs to `as: timestamp` and `as: date`", "bad_value", at_key=True)
    links = [
        Link(conversions.conversion(name, zone, unit), f"as: {name}", name in conversions.WHOLE_LIST) for name in names
    ]
    arithmetic = _arithmetic(raw, location)
    if arithmetic and names and names[-1] == "number":
        links.pop()  # arithmetic reads numbers and their text itself, and exactly
    return [*links, *arithmetic]


def _names(raw: dict[Json, Json], location: Location) -> list[str]:
    if "as" not in raw:
        return []
    given, at = raw["as"], location.at("as")
    if isinstance(given, list):
        if not given:
            at.add("a list of conversions that is empty", "bad_value")
        candidates = [(name, at.at(index)) for index, name in enumerate(given)]
    else:
        candidates = [(given, at)]
    names = []
    for name, where in candidates:
        if name in conversions.NAMES:
            names.append(str(name))
        else:
            hint = did_you_mean(str(name), conversions.NAMES) or f": one of {', '.join(conversions.NAMES)}"
            where.add(f"no such conversion{hint}", "bad_value")
    return names


def _zone(raw: dict[Json, Json], location: Location) -> tzinfo:
    name = raw.get("zone", DEFAULT_ZONE)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        location.at("zone").add("no such time zone: names are like Asia/Shanghai", "bad_value")
        return UTC


def _unit(raw: dict[Json, Json], location: Location) -> str | None:
    unit = raw.get("unit")
    if "unit" in raw and unit not in timestamps.UNITS:
        location.at("unit").add(f"one of {', '.join(timestamps.UNITS)}", "bad_value")
        return None
    return unit


def _arithmetic(raw: dict[Json, Json], location: Location) -> list[Link]:
    if "multiply" not in raw and "round" not in raw:
        return []
    factor = numbers.decimal_of(raw["multiply"]) if "multiply" in raw else Decimal(1)
    if factor is None or isinstance(raw.get("multiply"), bool):
        location.at("multiply").add("`multiply` takes a number", "wrong_type")
        factor = Decimal(1)
    digits = raw.get("round")
    if "round" in raw and (not isinstance(digits, int) or isinstance(digits, bool) or not 0 <= digits <= _MOST_DIGITS):
        location.at("round").add(f"`round` takes a number of decimal places, 0 to {_MOST_DIGITS}", "bad_value")
        digits = None
    rule = " and ".join(word for word in ("multiply", "round") if word in raw)
    return [Link(numbers.arithmetic(factor, digits), rule)]
