"""`where`: a table of reference: condition, compiled to one function.

All entries must hold. A condition on a missing or null field is false, whatever it says, but for
`exists: false`. Equality compares text forms: 1 equals "1", true equals "true". `gt gte lt lte` compare numbers,
exactly, and turn numeric text into them; what is no number is not greater and not less.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.conversions.numbers import decimal_of
from connector.mapping.json_values import text_form
from connector.mapping.location import Json
from connector.mapping.references import Getter, compile_reference, is_reference, literal_text
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from decimal import Decimal

    from connector.mapping.location import Location

Condition = Callable[[Json, Record], bool]
"""Whether a record is wanted. Never raises."""

_Test = Callable[[Json], bool]
"""Whether a value that is there passes."""
_Compare = Callable[[Json, Json], bool]

COMBINATIONS = ("any", "all", "not")


def compile_where(raw: Json, location: Location) -> Condition:
    """Compile a table of conditions; what is wrong is noted."""
    if not isinstance(raw, dict):
        location.add("conditions are a table, like {$.status: PAID}", "wrong_type")
        return _never
    conditions = [_entry(key, each, location.at(key)) for key, each in raw.items()]
    return conditions[0] if len(conditions) == 1 else _all_of(conditions)


def _never(_value: Json, _record: Record) -> bool:
    return False


def _all_of(conditions: list[Condition]) -> Condition:
    def holds(value: Json, record: Record) -> bool:
        for condition in conditions:  # noqa: SIM110 - half the price of all() with a generator
            if not condition(value, record):
                return False
        return True

    return holds


def _any_of(conditions: list[Condition]) -> Condition:
    return lambda value, record: any(condition(value, record) for condition in conditions)


def _entry(key: Json, raw: Json, location: Location) -> Condition:
    if key in ("any", "all"):
        if not isinstance(raw, list) or not raw:
            location.add(f"`{key}` takes a list of tables of conditions", "wrong_type")
            return _never
        conditions = [compile_where(each, location.at(index)) for index, each in enumerate(raw)]
        return _any_of(conditions) if key == "any" else _all_of(conditions)
    if key == "not":
        inner = compile_where(raw, location)
        return lambda value, record: not inner(value, record)
    if not is_reference(key):
        hint = did_you_mean(str(key), COMBINATIONS) or f": did you mean '$.{key}'?"
        location.add(f"a condition begins with a reference, or is any, all or not{hint}", "bad_reference", at_key=True)
        return _never
    return _condition(compile_reference(key, location), raw, location)


def _condition(get: Getter, raw: Json, location: Location) -> Condition:
    if isinstance(raw, list):
        return _operator("in", get, raw, location)
    if not isinstance(raw, dict):
        return _operator("eq", get, raw, location)
    if not raw:
        location.add(f"no condition: {', '.join(OPERATORS)}", "bad_value")
    return _all_of([_operator(name, get, operand, location.at(name)) for name, operand in raw.items()])


def _operator(name: Json, get: Getter, operand: Json, location: Location) -> Condition:
    if name not in OPERATORS:
        hint = did_you_mean(str(name), OPERATORS) or f": one of {', '.join(OPERATORS)}"
        location.add(f"unknown key{hint}", "unknown_key", at_key=True)
        return _never
    if name == "exists":
        return _exists(get, operand, location)
    if is_reference(operand) and name in _COMPARED:
        return _against_reference(get, compile_reference(operand, location), _COMPARED[name])
    if name in ("eq", "in"):
        return _equal_to_one_of(get, operand if name == "in" else [operand], location)
    test = _TESTS[name](operand, location)

    def holds(value: Json, record: Record) -> bool:
        got = get(value, record)
        return got is not None and test(got)

    return holds


def _equal_to_one_of(get: Getter, operands: Json, location: Location) -> Condition:
    """The commonest conditions, in one step: what is missing has no text, so it is among no texts."""
    texts = _texts(operands, location)

    def holds(value: Json, record: Record) -> bool:
        got = get(value, record)
        return (got if got.__class__ is str else text_form(got)) in texts

    return holds


def _exists(get: Getter, wanted: Json, location: Location) -> Condition:
    if not isinstance(wanted, bool):
        location.add("`exists` is true or false", "wrong_type")
    return lambda value, record: (get(value, record) is not None) is wanted


def _against_reference(get: Getter, other: Getter, compare: _Compare) -> Condition:
    def holds(value: Json, record: Record) -> bool:
        got, operand = get(value, record), other(value, record)
        return got is not None and operand is not None and compare(got, operand)

    return holds


def _number(value: Json) -> Decimal | float | None:
    kind = value.__class__
    return value if kind is int or kind is float else decimal_of(value)


def _equals(got: Json, operand: Json) -> bool:
    text = text_form(got)
    return text is not None and text == text_form(operand)


def _contains(got: Json, operand: Json) -> bool:
    text = text_form(operand)
    if isinstance(got, list):
        return any(text_form(each) == text for each in got if each is not None)
    return isinstance(got, str) and text is not None and text in got


def _compares(order: Callable[[Json, Json], bool]) -> _Compare:
    def compare(got: Json, operand: Json) -> bool:
        left, right = _number(got), _number(operand)
        return left is not None and right is not None and order(left, right)

    return compare


_COMPARED: dict[str, _Compare] = {
    "eq": _equals,
    "ne": lambda got, operand: not _equals(got, operand),
    "gt": _compares(operator.gt),
    "gte": _compares(operator.ge),
    "lt": _compares(operator.lt),
    "lte": _compares(operator.le),
    "contains": _contains,
}
"""The operators whose operand may be a reference."""


def _literal(raw: Json, location: Location) -> str:
    if isinstance(raw, str):
        if is_reference(raw):
            location.add("a reference can't stand here", "bad_reference")
        return literal_text(raw)
    text = text_form(raw)
    if text is None:
        hint = ": write {exists: false} for a field that is null or missing" if raw is None else ""
        location.add(f"a scalar is compared here{hint}", "wrong_type")
    return text or ""


def _test_not_equal(operand: Json, location: Location) -> _Test:
    text = _literal(operand, location)
    return lambda got: (got if got.__class__ is str else text_form(got)) != text


def _texts(operand: Json, location: Location) -> frozenset[str]:
    if not isinstance(operand, list) or not operand:
        location.add("a list of scalars, one of which is to be equal", "wrong_type")
        return frozenset()
    return frozenset(_literal(each, location) for each in operand)


def _test_not_in(operand: Json, location: Location) -> _Test:
    texts = _texts(operand, location)
    return lambda got: (got if got.__class__ is str else text_form(got)) not in texts


def _test_order(order: Callable[[Json, Json], bool]) -> Callable[[Json, Location], _Test]:
    def build(operand: Json, location: Location) -> _Test:
        bound = None if isinstance(operand, bool) else _number(operand)
        if bound is None:
            location.add("a number is compared here", "wrong_type")
            return lambda _got: False

        def test(got: Json) -> bool:
            number = _number(got)
            return number is not None and order(number, bound)

        return test

    return build


def _test_matches(operand: Json, location: Location) -> _Test:
    if not isinstance(operand, str):
        location.add("`matches` takes a regular expression", "wrong_type")
        return lambda _got: False
    try:
        search = re.compile(operand).search
    except re.error as error:
        location.add(f"not a regular expression: {error.msg} at position {error.pos}", "bad_value")
        return lambda _got: False

    def test(got: Json) -> bool:
        text = text_form(got)
        return text is not None and search(text) is not None

    return test


def _test_contains(operand: Json, location: Location) -> _Test:
    text = _literal(operand, location)
    return lambda got: _contains(got, text)


_TESTS: dict[str, Callable[[Json, Location], _Test]] = {
    "ne": _test_not_equal,
    "not_in": _test_not_in,
    "gt": _test_order(operator.gt),
    "gte": _test_order(operator.ge),
    "lt": _test_order(operator.lt),
    "lte": _test_order(operator.le),
    "matches": _test_matches,
    "contains": _test_contains,
}
OPERATORS = ("eq", "in", *_TESTS, "exists")
