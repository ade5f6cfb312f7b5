"""Steps that hold the arguments of an event to its definition, record by record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.errors import MappingError
from connector.mapping.expressions import Call, Value
from connector.mapping.json_values import text_form
from connector.mapping.plan.argument_types import classes_at_first_look, usual, violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.settings.models import EventArgument, EventDefinition


def held(value: Value, argument: EventArgument, field: str) -> Value:
    """Return an argument that is the same in all events that the route may make."""

    def check(got: Json) -> Json:
        hold_argument(got, argument, field)
        return got

    return value.then(check, usual=usual(argument))


def held_by_key(value: Value, key: Value, rules: Mapping[str, EventArgument | None], field: str) -> Value:
    """Return an argument of which the event key says what it must be; None: that event does not have it."""
    at_first_look = {key: classes_at_first_look(rule) for key, rule in rules.items()}

    def check(got: Json, key: Json) -> Json:
        if got.__class__ in at_first_look.get(key, ()):
            return got
        text = text_form(key) or ""
        rule = rules.get(text)
        if rule is not None:
            hold_argument(got, rule, field)
        elif got is not None:
            raise undefined_argument(text, field)
        return got

    return _with_key(value, key, check)


def held_as_a_whole(value: Value, key: Value, events: Mapping[str, EventDefinition], field: str) -> Value:
    """Return a table of arguments that is one value: its names come out of the record too."""

    def check(got: Json, key: Json) -> Json:
        text = text_form(key) or ""
        if text in events:
            hold_arguments(got, text, events[text], field)
        return got

    return _with_key(value, key, check)


def hold_arguments(got: Json, key: str, event: EventDefinition, field: str) -> None:
    """Raise MappingError for the first argument of an event that is not as it is defined. `got` may be None."""
    found = got if isinstance(got, dict) else {}
    for name, argument in event.args.items():
        hold_argument(found.get(name), argument, f"{field}.{name}")
    for name, each in found.items():
        if name not in event.args and each is not None:
            raise undefined_argument(key, f"{field}.{name}")


def hold_argument(got: Json, argument: EventArgument, field: str) -> None:
    """Raise MappingError if an argument is not as it is defined. `got` may be None."""
    if got is None:
        if argument.required:
            raise MappingError("item_invalid", field, message("missing, required (`events`)"))
        return
    broken = violation(got, argument)
    if broken is not None:
        remedy = message(": use `{conversion}`", conversion=broken.conversion) if broken.conversion else ""
        detail = message("{told} (`events`){remedy}", told=broken.told, remedy=remedy)
        raise MappingError("item_invalid", field, detail)


def undefined_argument(key: str, field: str) -> MappingError:
    """Return what to raise for an argument that an event does not have."""
    detail = message("{key} has no such argument in `events`{hint}", key=key, hint="")
    return MappingError("item_invalid", field, detail)


def _with_key(value: Value, key: Value, check: Callable[[Json, Json], Json]) -> Value:
    get, get_key = value.get, key.get

    def get_checked(value: Json, record: Record) -> Json:
        return check(get(value, record), get_key(value, record))

    return Value(get_checked, inlined=Call(check, (value.expression, key.expression)))
