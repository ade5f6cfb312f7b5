"""The words that find a value: `from`, `template`, `literal`, `extract`, `default` and `required`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.errors import MappingError
from connector.mapping.expressions import MISSING, NOT_BLANK, Usual, Value, constant
from connector.mapping.json_values import text_form
from connector.mapping.references import compile_reference, compile_template, is_reference
from connector.mapping.vocabulary import DEAD_LETTER, SKIP, Example
from connector.mapping.wording import not_a_regular_expression
from connector.mapping.words.word import VALUE_SCHEMA, Operands, Word
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.mapping.lookup import Getter


def _from(_value: Value, words: Operands) -> Value:
    source, location = words.of("from")
    if not isinstance(source, list):
        found = _reference(source, location)
        return found if _next_step_drops_blank(words) else found.then(_not_blank, usual=Usual(str, NOT_BLANK))
    if not source:
        location.add(message("expected a reference, got an empty list"), "bad_value")
    return _first_of([_reference(each, location.at(index)) for index, each in enumerate(source)])


def _next_step_drops_blank(words: Operands) -> bool:
    if "default" in words or words.raw.get("required") is True:
        return False
    return any(word in words for word in ("extract", "as", "multiply", "round", "map"))


def _reference(raw: Json, location: Location) -> Value:
    if is_reference(raw):
        return compile_reference(raw, location)
    is_shown = isinstance(raw, str) and not isinstance(raw, InterpolatedStr)
    hint = message(", did you mean '{close}'?", close=f"$.{raw}") if is_shown else ""
    location.add(message("expected a reference, or a list of them{hint}", hint=hint), "bad_reference")
    return MISSING


def _template(_value: Value, words: Operands) -> Value:
    return compile_template(*words.of("template"))


def _literal(_value: Value, words: Operands) -> Value:
    return constant(words.raw["literal"])


def _not_blank(got: Json) -> Json:
    """Return None for blank text, anything else as it is."""
    return None if got.__class__ is str and (not got or got.isspace()) else got


def _first_of(values: Sequence[Value]) -> Value:
    """Return the first value that is neither missing nor blank."""
    first, *others = values or [MISSING]
    for other in others:
        first = first.then(_or_other(other.get), "value", "record", usual=Usual(str, NOT_BLANK, text=True))
    return first.then(_not_blank, usual=Usual(str, NOT_BLANK))


def _or_other(other: Getter) -> Callable[[Json, Json, Record], Json]:
    def found(got: Json, value: Json, record: Record) -> Json:
        got = _not_blank(got)
        return other(value, record) if got is None else got

    return found


def _extract(value: Value, words: Operands) -> Value:
    pattern, location = words.of("extract")
    if not isinstance(pattern, str):
        location.add(message("expected a regular expression"), "wrong_type")
        return MISSING
    try:
        expression = re.compile(pattern)
    except (re.error, OverflowError) as error:
        location.add(not_a_regular_expression(error), "bad_value")
        return MISSING
    if expression.groups == 0:
        location.add(message("no group: put parentheses around the part to extract, as in ^SKU-(.+)$"), "bad_value")
        return MISSING
    return value.then(_extracted(expression))


def _extracted(expression: re.Pattern[str]) -> Callable[[Json], Json]:
    """Return a step that finds group 1 in the text form of a value, or of each element of a list."""

    def found_in(scalar: Json) -> Json:
        text = text_form(scalar)
        match = None if text is None else expression.search(text)
        return None if match is None else _not_blank(match[1])

    def extract(got: Json) -> Json:
        if got.__class__ is list:
            return [part for each in got if (part := found_in(each)) is not None] or None
        return found_in(got)

    return extract


def _default(value: Value, words: Operands) -> Value:
    return value if words.default is None else with_default(value, words.default)


def _required(value: Value, words: Operands) -> Value:
    wanted, location = words.of("required")
    if not isinstance(wanted, bool):
        location.add(message("expected true or false"), "wrong_type")
    return value.then(required(location.field)) if wanted is True else value


def with_default(value: Value, default: Getter) -> Value:
    """Return a value that falls back to `default` where it is missing."""

    def found(got: Json, value: Json, record: Record) -> Json:
        return default(value, record) if got is None else got

    return value.then(found, "value", "record", usual=Usual(None))


def required(field: str) -> Callable[[Json], Json]:
    """Return a step that sends the record to the dead letters if the value is missing."""

    def demand(got: Json) -> Json:
        if got is None:
            raise MappingError("value_missing", field, "a required value is missing")
        return got

    return demand


_REFERENCE = {"type": "string", "pattern": r"^\$"}

SOURCES = (
    Word(
        name="from",
        doc="A reference, or a list of references: the first that is neither missing nor null nor blank.",
        schema={"anyOf": [_REFERENCE, {"type": "array", "items": _REFERENCE, "minItems": 1}]},
        examples=(
            Example("{from: $.a}", {"a": 5}, 5),
            Example("{from: [$.a, $.b]}", {"a": " ", "b": "x"}, "x"),
            Example("{from: $.a}", {"a": " "}, None),
        ),
        compile=_from,
        source=True,
    ),
    Word(
        name="template",
        doc="Text with {reference} inside; {{ and }} are braces. If a part is missing or blank, the value is missing.",
        schema={"type": "string"},
        examples=(
            Example('{template: "order {$.id} of {$.shop.name}"}', {"id": 7, "shop": {"name": "店"}}, "order 7 of 店"),
            Example('{template: "order {$.id}"}', {}, None),
        ),
        compile=_template,
        source=True,
    ),
    Word(
        name="literal",
        doc="An object or a list that is sent as it stands; no other word stands beside it.",
        examples=(Example("{literal: {from: app, n: [1]}}", {}, {"from": "app", "n": [1]}),),
        compile=_literal,
        source=True,
    ),
)
TABLE = (
    Word(
        name="extract",
        doc="The first group of a regular expression in the text form of the value, wherever it is found there; missing"
        " if it is not found. A list: of each element.",
        schema={"type": "string", "pattern": r"\(|\$\{"},
        examples=(
            Example("{from: $.a, extract: '^SKU-([0-9]+)'}", {"a": "SKU-4711-red"}, "4711"),
            Example("{from: $.a, extract: '^SKU-([0-9]+)'}", {"a": "4711"}, None),
            Example("{from: $.a, extract: '^SKU-([0-9]+)', default: none}", {"a": "4711"}, "none"),
            Example("{from: $.a, extract: '(.)$'}", {"a": ["a1", "b2"]}, ["1", "2"]),
        ),
        compile=_extract,
    ),
    Word(
        name="default",
        doc="Used if the value is missing, or is not in `map`. $skip: no item. $dead_letter: a dead letter.",
        schema=VALUE_SCHEMA,
        examples=(
            Example("{from: $.a, default: none}", {}, "none"),
            Example("{from: $.a, default: $.b}", {"b": 5}, 5),
            Example("{from: $.a, default: $skip}", {}, SKIP),
        ),
        compile=_default,
    ),
    Word(
        name="required",
        doc="true: a missing value sends the record to the dead letters. Otherwise the field is left out.",
        schema={"type": "boolean"},
        examples=(Example("{from: $.a, required: true}", {}, DEAD_LETTER),),
        compile=_required,
    ),
)
