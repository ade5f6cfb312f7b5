"""`where`: a table of reference: condition, compiled to one value, true or false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.expressions import Among, Call, Joined, Step, Usual, Value
from connector.mapping.operators import OPERATORS, Bounded, OneOf, never
from connector.mapping.references import compile_reference, is_reference
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location

COMBINATIONS = {"any": "One of these must hold.", "all": "All of these must hold.", "not": "This must not hold."}


def compile_where(raw: Json, location: Location) -> Value:
    """Compile a table of conditions, all of which must hold, or report what is wrong with it."""
    if not isinstance(raw, dict):
        location.add(message("expected a table of conditions, like {{$.status: PAID}}"), "wrong_type")
        return NEVER
    return location.observed("where", _all_of([_entry(key, each, location.at(key)) for key, each in raw.items()]))


def _all_of(conditions: list[Value]) -> Value:
    if len(conditions) == 1:
        return conditions[0]
    getters = [condition.get for condition in conditions]

    def holds(value: Json, record: Record) -> bool:
        for get in getters:  # noqa: SIM110 - twice as fast as all() with a generator
            if not get(value, record):
                return False
        return True

    joined = Joined("and", tuple(condition.expression for condition in conditions))
    return Value(holds, inlined=joined if conditions else None)


def _any_of(conditions: list[Value]) -> Value:
    getters = [condition.get for condition in conditions]
    joined = Joined("or", tuple(condition.expression for condition in conditions))
    return Value(lambda value, record: any(get(value, record) for get in getters), inlined=joined)


def _entry(key: Json, raw: Json, location: Location) -> Value:
    if key in ("any", "all"):
        if not isinstance(raw, list) or not raw:
            location.add(message("expected a list of tables of conditions"), "wrong_type")
            return NEVER
        conditions = [compile_where(each, location.at(index)) for index, each in enumerate(raw)]
        return _any_of(conditions) if key == "any" else _all_of(conditions)
    if key == "not":
        inner = compile_where(raw, location)
        get = inner.get
        return Value(lambda value, record: not get(value, record), inlined=Joined("not", (inner.expression,)))
    if not is_reference(key):
        hint = did_you_mean(str(key), COMBINATIONS) or message(", did you mean '{close}'?", close=f"$.{key}")
        told = message("expected a reference, or any, all or not{hint}", hint=hint)
        location.add(told, "bad_reference", at_key=True)
        return NEVER
    return _condition(compile_reference(key, location), raw, location)


def _condition(found: Value, raw: Json, location: Location) -> Value:
    if not isinstance(raw, dict):
        return _operator("in" if isinstance(raw, list) else "eq", found, raw, location)
    if not raw:
        location.add(message("expected a condition: {names}", names=", ".join(OPERATORS)), "bad_value")
    return _all_of([_operator(name, found, operand, location.at(name)) for name, operand in raw.items()])


def _operator(name: Json, found: Value, operand: Json, location: Location) -> Value:
    return location.observed("condition", _compile_operator(name, found, operand, location))


def _compile_operator(name: Json, found: Value, operand: Json, location: Location) -> Value:
    if name not in OPERATORS:
        hint = did_you_mean(str(name), OPERATORS) or message(": expected one of {names}", names=", ".join(OPERATORS))
        location.add(message("unknown key{hint}", hint=hint), "unknown_key", at_key=True)
        return NEVER
    if is_reference(operand):  # it needs the record, not only what is found
        return Value(OPERATORS[name].condition(found.get, operand, location))
    test = OPERATORS[name].condition(_itself, operand, location)
    if isinstance(test, OneOf):
        return Value(OneOf(found.get, test.texts), inlined=Among(found.expression, test.texts))
    get = found.get
    if isinstance(test, Bounded):
        usual = Usual(int, result=f"({{0}} {test.symbol} {test.bound})")
        step = Step(found.expression, usual, test.holds, ("record",))
        return Value(lambda value, record: test.holds(get(value, record), record), inlined=step)
    holds = lambda value, record: test(get(value, record), record)  # noqa: E731 - one line
    return Value(holds, inlined=Call(test, (found.expression, "record")))


def _itself(found: Json, _record: Record) -> Json:
    return found


NEVER = Value(never)
"""Stands for a condition that could not be compiled."""
