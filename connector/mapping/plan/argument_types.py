"""The types of arguments, and what a value of each is. Nothing is converted: a plan says what is right."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from connector.language.message import message
from connector.mapping.expressions import Usual
from connector.mapping.json_values import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.language.message import Message
    from connector.mapping.json_values import Json
    from connector.settings.models import ArgumentType, EventArgument

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_FIRST_MS = 10**11
"""Smaller numbers are seconds, as for `as: timestamp`: in milliseconds they would be times before March 1973."""
_FIRST_US = 10**14


class Accepted(NamedTuple):
    """What a type accepts."""

    classes: frozenset[type]
    words: Message
    """What is expected, in words."""
    conversion: str
    """What to write in the route; empty if nothing makes such a value."""


class Violation(NamedTuple):
    """How a value breaks the plan."""

    told: Message
    conversion: str = ""
    """What to write in the route, as in `Accepted`."""


TYPES: Mapping[ArgumentType, Accepted] = {
    "string": Accepted(frozenset({str}), message("text"), "as: string"),
    "number": Accepted(frozenset({int, float}), message("a number"), "as: number"),
    "integer": Accepted(frozenset({int, float}), message("an integer"), "as: integer"),
    "boolean": Accepted(frozenset({bool}), message("true or false"), "as: boolean"),
    "date": Accepted(frozenset({str, int, float}), message("a date, yyyy-MM-dd or epoch milliseconds"), "as: date"),
    "array": Accepted(frozenset({list}), message("a list"), "as: list"),
    "object": Accepted(frozenset({dict}), message("an object"), ""),
}


def violation(value: Json, argument: EventArgument) -> Violation | None:
    """Return how a value, which is not None, breaks the plan; the message does not show it."""
    accepted = TYPES[argument.type]
    kind = str if isinstance(value, str) else value.__class__  # text out of `${…}` has a class of its own
    got: Message | None = None
    if kind not in accepted.classes:
        got = type_name("" if kind is str else value)
    elif argument.type == "integer" and kind is float and not value.is_integer():
        got = message("a number with a fraction")
    elif argument.type == "date":
        got = _other_than_date(value, kind)
    if got is not None:
        return Violation(message("expected {what}, got {kind}", what=accepted.words, kind=got), accepted.conversion)
    if argument.max_length is not None and len(value) > argument.max_length:
        most, length = argument.max_length, len(value)
        return Violation(message("expected at most {most} characters, got {length}", most=most, length=length))
    return None


def _other_than_date(value: Json, kind: type) -> Message | None:
    """Return what a text or a number is if it is no date; None if it is one."""
    if kind is not str:
        size = abs(value)
        if size < _FIRST_MS:
            return message("seconds")
        return None if size < _FIRST_US else message("a number of a finer unit")
    try:
        if _DATE.fullmatch(value):
            datetime.fromisoformat(value)
            return None
    except ValueError:
        pass
    return message("text of another form")


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
