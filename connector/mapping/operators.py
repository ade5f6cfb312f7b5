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
from connector.language.message import message
from connector.mapping.conversions.numbers import decimal_of
from connector.mapping.json_values import Json, text_form
from connector.mapping.references import compile_reference, is_reference, literal_text
from connector.mapping.vocabulary import Example, Schema, Term
from connector.mapping.wording import not_a_regular_expression

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
    compare: Compare | None
    """Used if the operand is a reference; None: it can't be one."""

    def condition(self, get: Getter, operand: Json, location: Location) -> Condition:
        """Compile a condition, or report what is wrong with its operand."""
        compare = self.compare
        if compare is None or not is_reference(operand):
            return self.build(get, operand, location)
        other = compile_reference(operand, location).get

        def holds(value: Json, record: Record) -> bool:
            got, expected = get(value, record), other(value, record)
            return got is not None and expected is not None and compare(got, expected)

        return holds


@dataclass(frozen=True, slots=True)
class Bounded:
    """The condition that a number is on one side of a bound: a class, because code generation looks into it."""

    holds: Condition
    symbol: str
    bound: int

    def __call__(self, value: Json, record: Record) -> bool:
        """Return whether it holds."""
        return self.holds(value, record)


@dataclass(frozen=True, slots=True)
class OneOf:
    """The condition that a value equals one of these texts: a class, because code generation looks into it."""

    get: Getter
    texts: frozenset[str]

    def __call__(self, value: Json, record: Record) -> bool:
        """Return whether it holds."""
        got = self.get(value, record)
        return (got if got.__class__ is str else text_form(got)) in self.texts


_SYMBOLS = {operator.gt: ">", operator.ge: ">=", operator.lt: "<", operator.le: "<="}


def never(_value: Json, _record: Record) -> bool:
    """Return False: stands for a condition that could not be compiled."""
    return False


def _equal(get: Getter, operand: Json, location: Location) -> Condition:
    return _among(get, frozenset((_literal(operand, location),)))


def _one_of(get: Getter, operand: Json, location: Location) -> Condition:
    return _among(get, _texts(operand, location))


def _among(get: Getter, texts: frozenset[str]) -> Condition:
    """The most frequent conditions in one step: None, the text form of a missing value, is not among the texts."""
    return OneOf(get, texts)


def _exists(get: Getter, wanted: Json, location: Location) -> Condition:
    if not isinstance(wanted, bool):
        location.add(message("expected true or false"), "wrong_type")
    return lambda value, record: (get(value, record) is not None) is wanted


def _test(get: Getter, test: Callable[[Json], bool]) -> Condition:
    def holds(value: Json, record: Record) -> bool:
        got = get(value, record)
        return got is not None and test(got)

    return holds


def _not_equal(get: Getter, operand: Json, location: Location) -> Condition:
    text = _literal(operand, location)
    return _test(get, lambda got: text_form(got) != text)


def _not_in(get: Getter, operand: Json, location: Location) -> Condition:
    texts = _texts(operand, location)
    return _test(get, lambda got: text_form(got) not in texts)


def _bounded(order: Compare) -> Build:
    def build(get: Getter, operand: Json, location: Location) -> Condition:
        bound = None if isinstance(operand, bool) else _number(operand)
        if bound is None:
            location.add(message("expected a number"), "wrong_type")
            return never
        test = _test(get, lambda got: (number := _number(got)) is not None and order(number, bound))
        return Bounded(test, _SYMBOLS[order], bound) if isinstance(bound, int) else test

    return build


def _ordered(order: Compare) -> Compare:
    def compare(got: Json, operand: Json) -> bool:
        left, right = _number(got), _number(operand)
        return left is not None and right is not None and order(left, right)

    return compare


def _matches(get: Getter, operand: Json, location: Location) -> Condition:
    if not isinstance(operand, str):
        location.add(message("expected a regular expression"), "wrong_type")
        return never
    try:
        search = re.compile(operand).search
    except re.error as error:
        location.add(not_a_regular_expression(error), "bad_value")
        return never
    return _test(get, lambda got: (text := text_form(got)) is not None and search(text) is not None)


def _contains(get: Getter, operand: Json, location: Location) -> Condition:
    text = _literal(operand, location)
    return _test(get, lambda got: _holds(got, text))


def _number(value: Json) -> Decimal | float | None:
    kind = value.__class__
    return value if kind is int or kind is float else decimal_of(value)


def _equals(got: Json, operand: Json) -> bool:
    text = text_form(got)
    return text is not None and text == text_form(operand)


def _differs(got: Json, operand: Json) -> bool:
    return not _equals(got, operand)


def _holds(got: Json, operand: Json) -> bool:
    text = text_form(operand)
    if isinstance(got, list):
        return any(text_form(each) == text for each in got if each is not None)
    return isinstance(got, str) and text is not None and text in got


def _texts(operand: Json, location: Location) -> frozenset[str]:
    if not isinstance(operand, list) or not operand:
        location.add(message("expected a list of scalars"), "wrong_type")
        return frozenset()
    return frozenset(_literal(each, location) for each in operand)


def _literal(raw: Json, location: Location) -> str:
    if isinstance(raw, str):
        if is_reference(raw):
            location.add(message("a reference is not allowed here"), "bad_reference")
        return literal_text(raw)
    text = text_form(raw)
    if text is None:
        hint = message(": write {{exists: false}} for a field that is null or missing") if raw is None else ""
        location.add(message("expected a scalar{hint}", hint=hint), "wrong_type")
    return text or ""


_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_SCALARS: Schema = {"type": "array", "items": _SCALAR, "minItems": 1}
_NUMBER: Schema = {"type": ["number", "string"]}
_BOOLEAN: Schema = {"type": "boolean"}
_TEXT: Schema = {"type": "string"}


def _entry(
    name: str, code: tuple[Build, Compare | None], doc: str, schema: Schema, operand: str, *values: Json
) -> Operator:
    """Return an operator; of the values in its examples, the first one passes and the second does not."""
    build, compare = code
    passes = zip(values, (True, False), strict=True)
    examples = tuple(Example(f"{{$.a: {{{name}: {operand}}}}}", {"a": value}, result) for value, result in passes)
    return Operator(name=name, build=build, compare=compare, doc=doc, schema=schema, examples=examples)


def _order(name: str, order: Compare, doc: str, operand: str, *values: Json) -> Operator:
    return _entry(name, (_bounded(order), _ordered(order)), doc, _NUMBER, operand, *values)


_TABLE = (
    _entry("eq", (_equal, _equals), "The value equals this.", _SCALAR, "PAID", "PAID", "NEW"),
    _entry("ne", (_not_equal, _differs), "The value does not equal this.", _SCALAR, "PAID", "NEW", "PAID"),
    _entry("in", (_one_of, None), "The value equals one of these.", _SCALARS, "[1, 2]", "2", 3),
    _entry("not_in", (_not_in, None), "The value equals none of these.", _SCALARS, "[1, 2]", 3, "2"),
    _order("gt", operator.gt, "The value is greater.", "0", "0.5", 0),
    _order("gte", operator.ge, "The value is greater or equal.", "0", 0, -1),
    _order("lt", operator.lt, "The value is less.", "10", 9.5, "10"),
    _order("lte", operator.le, "The value is less or equal.", "10", "10", "many"),
    _entry(
        "exists", (_exists, None), "true: present and not null; false: missing or null.", _BOOLEAN, "true", "", None
    ),
    _entry("matches", (_matches, None), "The regular expression is found in the text form.", _TEXT, "^c_", "c_a", "a"),
    _entry("contains", (_contains, _holds), "A text with this in it, or a list of it.", _SCALAR, "VIP", ["VIP"], "vip"),
)
OPERATORS: dict[str, Operator] = {each.name: each for each in _TABLE}
