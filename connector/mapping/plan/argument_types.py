"""The types of arguments, and what a value of each is. Nothing is converted: a plan says what is right."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.expressions import Usual
from connector.mapping.json_values import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.json_values import Json
    from connector.settings.models import ArgumentType, EventArgument

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_FIRST_MS = 10**11
"""Smaller numbers are seconds, as for `as: timestamp`: in milliseconds they would be times before March 1973."""
_FIRST_US = 10**14


class Accepted(NamedTuple):
    """What a type accepts."""

    classes: frozenset[type]
    words: str
    """What is expected, in words."""
    conversion: str
    """What to write in the route; empty if nothing makes such a value."""


class Violation(NamedTuple):
    """How a value breaks the plan."""

    message: str
    conversion: str = ""
    """What to write in the route, as in `Accepted`."""


TYPES: Mapping[ArgumentType, Accepted] = {
    "string": Accepted(frozenset({str}), "text", "as: string"),
    "number": Accepted(frozenset({int, float}), "a number", "as: number"),
    "integer": Accepted(frozenset({int, float}), "an integer", "as: integer"),
    "boolean": Accepted(frozenset({bool}), "true or false", "as: boolean"),
    "date": Accepted(frozenset({str, int, float}), "a date, yyyy-MM-dd or epoch milliseconds", "as: date"),
    "array": Accepted(frozenset({list}), "a list", "as: list"),
    "object": Accepted(frozenset({dict}), "an object", ""),
}


def violation(value: Json, argument: EventArgument) -> Violation | None:
    """Return how a value, which is not None, breaks the plan; the message does not show it."""
    accepted = TYPES[argument.type]
    kind = str if isinstance(value, str) else value.__class__  # text out of `${…}` has a class of its own
    got = ""
    if kind not in accepted.classes:
        got = type_name("" if kind is str else value)
    elif argument.type == "integer" and kind is float and not value.is_integer():
        got = "a number with a fraction"
    elif argument.type == "date":
        got = _other_than_date(value, kind)
    if got:
        return Violation(f"expected {accepted.words}, got {got}", accepted.conversion)
    if argument.max_length is not None and len(value) > argument.max_length:
        return Violation(f"expected at most {argument.max_length} characters, got {len(value)}")
    return None


def _other_than_date(value: Json, kind: type) -> str:
    """Return what a text or a number is if it is no date; empty if it is one."""
    if kind is not str:
        size = abs(value)
        return "" if _FIRST_MS <= size < _FIRST_US else "seconds" if size < _FIRST_MS else "a number of a finer unit"
    try:
        if _DATE.fullmatch(value):
            datetime.fromisoformat(value)
            return ""
    except ValueError:
        pass
    return "text of another form"


def usual(argument: EventArgument) -> Usual | None:
    """Return the values that are right at a first look; None if there are none."""
    classes = _AT_FIRST_LOOK[argument.type]
    if not classes:
        return None
    if len(classes) > 1:
        return Usual(None, "{0}.__class__ in {1}", bound=classes)
    length = "" if argument.max_length is None else f"len({{0}}) <= {argument.max_length}"
    return Usual(next(iter(classes)), length)


def classes_at_first_look(argument: EventArgument | None) -> frozenset[type]:
    """Return the classes of which every value is right; None stands for an argument that an event does not have."""
    if argument is None:
        return frozenset({type(None)})
    classes = _AT_FIRST_LOOK[argument.type] if argument.max_length is None else frozenset[type]()
    return classes if argument.required else classes | {type(None)}


_AT_FIRST_LOOK: Mapping[ArgumentType, frozenset[type]] = {
    **{name: accepted.classes for name, accepted in TYPES.items()},
    "integer": frozenset({int}),
    "date": frozenset(),
}
"""The classes whose values are right, but for their length."""
