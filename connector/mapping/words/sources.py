"""The words that a value begins with: `from`, `template` and `literal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.codegen import MISSING, Value, constant
from connector.mapping.references import compile_reference, compile_template, is_reference
from connector.mapping.vocabulary import Example
from connector.mapping.words.word import Operands, Word
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.mapping.lookup import Getter


def _from(_value: Value, words: Operands) -> Value:
    source, location = words.of("from")
    if not isinstance(source, list):
        found = _reference(source, location)
        return found if _next_step_drops_blank(words) else found.then(_not_blank)
    if not source:
        location.add("expected a reference, got an empty list", "bad_value")
    return Value(_first_of([_reference(each, location.at(index)).get for index, each in enumerate(source)]))


def _next_step_drops_blank(words: Operands) -> bool:
    if "default" in words or words.raw.get("required") is True:
        return False
    return any(word in words for word in ("as", "multiply", "round", "map"))


def _reference(raw: Json, location: Location) -> Value:
    if is_reference(raw):
        return compile_reference(raw, location)
    hint = f", did you mean '$.{raw}'?" if isinstance(raw, str) and not isinstance(raw, InterpolatedStr) else ""
    location.add(f"expected a reference, or a list of them{hint}", "bad_reference")
    return MISSING


def _template(_value: Value, words: Operands) -> Value:
    return compile_template(*words.of("template"))


def _literal(_value: Value, words: Operands) -> Value:
    return constant(words.raw["literal"])


def _not_blank(got: Json) -> Json:
    """Return None for blank text, anything else as it is."""
    return None if got.__class__ is str and (not got or got.isspace()) else got


def _first_of(getters: Sequence[Getter]) -> Getter:
    """Return a getter of the first value that is neither missing nor blank."""

    def first(value: Json, record: Record) -> Json:
        for get in getters:
            got = _not_blank(get(value, record))
            if got is not None:
                return got
        return None

    return first


_REFERENCE = {"type": "string", "pattern": r"^\$"}

TABLE = (
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
