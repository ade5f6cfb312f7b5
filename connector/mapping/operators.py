"""The operators of `where`, as one table. To add one, add an entry.

A condition on a missing value is false, except for `exists: false`. Equality compares text forms: 1 equals "1", true
equals "true". Numbers, and text that is a number, are compared exactly; anything else is neither greater nor less.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.conversions.numbers import decimal_of
from connector.mapping.json_values import Json, text_form
from connector.mapping.references import compile_reference, is_reference, literal_text
from connector.mapping.vocabulary import Example, Schema, Term

if TYPE_CHECKING:
    from decimal import Decimal

    from connector.mapping.location import Location
    from connector.mapping.lookup import Getter

Condition = Callable[[Json, Record], bool]
"""Returns whether a record is wanted. Never raises."""
Build = Callable[["Getter", Json, "Location"], Condition]
"""Compiles an operand to a condition on what the getter finds, or reports what is wrong with it."""
Compare = Callable[[Json, Json], bool]
"""Compares a value with the operand, neither of them missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator(Term):
    """One operator of a condition."""

    build: Build


def never(_value: Json, _record: Record) -> bool:
    """Return False: the condition of a record that no condition could be compiled for."""
    return False


def one_of(get: Getter, operand: Json, location: Location) -> Condition:
    """Compile `in`, and a list in the place of a condition."""
    return _among(get, _texts(operand, location))


def equal(get: Getter, operand: Json, location: Location) -> Condition:
    """Compile `eq`, and a scalar in the place of a condition."""
    if is_reference(operand):
        return _against_reference(get, operand, location, _equals)
    return _among(get, frozenset((_literal(operand, location),)))


def _among(get: Getter, texts: frozenset[str]) -> Condition:
    """The most frequent conditions in one step: None, the text form of a missing value, is not among the texts."""

    def holds(value: Json, record: Record) -> bool:
        got = get(value, record)
        return (got if got.__class__ is str else text_form(got)) in texts

    return holds


def _exists(get: Getter, wanted: Json, location: Location) -> Condition:
    if not isinstance(wanted, bool):
        location.add("expected true or false", "wrong_type")
    return lambda value, record: (get(value, record) is not None) is wanted


def _test(get: Getter, test: Callable[[Json], bool]) -> Condition:
    def holds(value: Json, record: Record) -> bool:
        got = get(value, record)
        return got is not None and test(got)

    return holds


def _against_reference(get: Getter, reference: str, location: Location, compare: Compare) -> Condition:
    other = compile_reference(reference, location).get

    def holds(value: Json, record: Record) -> bool:
        got, operand = get(value, record), other(value, record)
        return got is not None and operand is not None and compare(got, operand)

    return holds


def _not_equal(get: Getter, operand: Json, location: Location) -> Condition:
    if is_reference(operand):
        return _against_reference(get, operand, location, lambda got, other: not _equals(got, other))
    text = _literal(operand, location)
    return _test(get, lambda got: text_form(got) != text)


def _not_in(get: Getter, operand: Json, location: Location) -> Condition:
    texts = _texts(operand, location)
    return _test(get, lambda got: text_form(got) not in texts)


def _ordered(order: Compare) -> Build:
    def compare(got: Json, operand: Json) -> bool:
        left, right = _number(got), _number(operand)
        return left is not None and right is not None and order(left, right)

    def build(get: Getter, operand: Json, location: Location) -> Condition:
        if is_reference(operand):
            return _against_reference(get, operand, location, compare)
        bound = None if isinstance(operand, bool) else _number(operand)
        if bound is None:
            location.add("expected a number", "wrong_type")
            return never

        def test(got: Json) -> bool:
            number = _number(got)
            return number is not None and order(number, bound)

        return _test(get, test)

    return build


def _matches(get: Getter, operand: Json, location: Location) -> Condition:
    if not isinstance(operand, str):
        location.add("expected a regular expression", "wrong_type")
        return never
    try:
        search = re.compile(operand).search
    except re.error as error:
        location.add(f"not a regular expression: {error.msg} at position {error.pos}", "bad_value")
        return never
    return _test(get, lambda got: (text := text_form(got)) is not None and search(text) is not None)


def _contains(get: Getter, operand: Json, location: Location) -> Condition:
    if is_reference(operand):
        return _against_reference(get, operand, location, _holds)
    text = _literal(operand, location)
    return _test(get, lambda got: _holds(got, text))


def _number(value: Json) -> Decimal | float | None:
    kind = value.__class__
    return value if kind is int or kind is float else decimal_of(value)


def _equals(got: Json, operand: Json) -> bool:
    text = text_form(got)
    return text is not None and text == text_form(operand)


def _holds(got: Json, operand: Json) -> bool:
    text = text_form(operand)
    if isinstance(got, list):
        return any(text_form(each) == text for each in got if each is not None)
    return isinstance(got, str) and text is not None and text in got


def _texts(operand: Json, location: Location) -> frozenset[str]:
    if not isinstance(operand, list) or not operand:
        location.add("expected a list of scalars", "wrong_type")
        return frozenset()
    return frozenset(_literal(each, location) for each in operand)


def _literal(raw: Json, location: Location) -> str:
    if isinstance(raw, str):
        if is_reference(raw):
            location.add("a reference is not allowed here", "bad_reference")
        return literal_text(raw)
    text = text_form(raw)
    if text is None:
        hint = ": write {exists: false} for a field that is null or missing" if raw is None else ""
        location.add(f"expected a scalar{hint}", "wrong_type")
    return text or ""


_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_SCALARS: Schema = {"type": "array", "items": _SCALAR, "minItems": 1}
_NUMBER: Schema = {"type": ["number", "string"]}
_BOOLEAN: Schema = {"type": "boolean"}
_TEXT: Schema = {"type": "string"}


def _entry(name: str, build: Build, doc: str, schema: Schema, operand: str, *records: Json) -> Operator:
    """Return an operator; of the values in its examples, the first one passes and the second does not."""
    passes = zip(records, (True, False), strict=True)
    examples = tuple(Example(f"{{$.a: {{{name}: {operand}}}}}", {"a": record}, result) for record, result in passes)
    return Operator(name=name, build=build, doc=doc, schema=schema, examples=examples)


OPERATORS: dict[str, Operator] = {
    each.name: each
    for each in (
        _entry("eq", equal, "The value equals this.", _SCALAR, "PAID", "PAID", "NEW"),
        _entry("ne", _not_equal, "The value does not equal this.", _SCALAR, "PAID", "NEW", "PAID"),
        _entry("in", one_of, "The value equals one of these.", _SCALARS, "[1, 2]", "2", 3),
        _entry("not_in", _not_in, "The value equals none of these.", _SCALARS, "[1, 2]", 3, "2"),
        _entry("gt", _ordered(operator.gt), "The value is greater.", _NUMBER, "0", "0.5", 0),
        _entry("gte", _ordered(operator.ge), "The value is greater or equal.", _NUMBER, "0", 0, -1),
        _entry("lt", _ordered(operator.lt), "The value is less.", _NUMBER, "10", 9.5, "10"),
        _entry("lte", _ordered(operator.le), "The value is less or equal.", _NUMBER, "10", "10", "many"),
        _entry(
            "exists",
            _exists,
            "true: the value is present and not null; false: it is missing or null.",
            _BOOLEAN,
            "true",
            "",
            None,
        ),
        _entry(
            "matches",
            _matches,
            "The regular expression is found in the text form.",
            _TEXT,
            '"^c_"',
            "c_a",
            "a",
        ),
        _entry(
            "contains",
            _contains,
            "Text contains this text, or a list this element.",
            _SCALAR,
            "VIP",
            ["VIP"],
            "vip",
        ),
    )
}
"""Their operands may be references, except those of in, not_in, exists and matches."""
