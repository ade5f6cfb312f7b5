"""The words `as` (with the options of its conversions), `multiply`, `round` and `on_error`."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.conversions import CONVERSIONS, OPTIONS, numbers, taking
from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.expressions import MISSING, Value
from connector.mapping.vocabulary import DEAD_LETTER, Example
from connector.mapping.wording import both_of
from connector.mapping.words.word import Operands, Word
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.mapping.conversions.conversion import Conversion, Convert, Option
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location

_MAX_DECIMAL_PLACES = 12
CONVERTING = ("as", "multiply", "round")
"""The words that can fail."""


def _as(value: Value, words: Operands) -> Value:
    chain = _named_conversions(*words.of("as"))
    taken = {option.name: option for each in chain for option in each.options}
    given = {name: option.parse(*words.of(name)) for name, option in taken.items() if name in words}
    if chain and chain[-1].name == "number" and ("multiply" in words or "round" in words):
        chain.pop()  # arithmetic reads numbers and their text itself, and exactly
    for index, each in enumerate(chain):
        convert = each.build(given)
        may_be_list = not words.location.scope.one_value or any(later.takes_list for later in chain[index:])
        convert_list = convert if each.takes_list else _of_elements(convert, may_be_list=may_be_list)
        step = _converted(convert, convert_list, f"as: {each.name}", words)
        value = value.then(step, usual=each.usual(given))
    return value


def _named_conversions(given: Json, location: Location) -> list[Conversion]:
    if isinstance(given, list):
        if not given:
            location.add(message("expected a conversion, got an empty list"), "bad_value")
        candidates = [(name, location.at(index)) for index, name in enumerate(given)]
    else:
        candidates = [(given, location)]
    chain = []
    for name, where in candidates:
        if isinstance(name, str) and name in CONVERSIONS:
            chain.append(CONVERSIONS[name])
        else:
            hint = did_you_mean(str(name), CONVERSIONS) or message(
                ": expected one of {names}", names=", ".join(CONVERSIONS)
            )
            where.add(message("no such conversion{hint}", hint=hint), "bad_value")
    return chain


def _option(option: Option) -> Word:
    """Return the word of an option; `as` reads its value."""

    def check(value: Value, words: Operands) -> Value:
        named = words.raw.get("as")
        takers = taking(option.name)
        if not any(name in takers for name in (named if isinstance(named, list) else [named])):
            belongs = both_of([f"`as: {name}`" for name in takers])
            told = message("`{word}` belongs to {others}", word=option.name, others=belongs)
            words.location.at(option.name).add(told, "bad_value", at_key=True)
        return value

    return Word(name=option.name, doc=option.doc, schema=option.schema, examples=option.examples, compile=check)


def _arithmetic(value: Value, words: Operands) -> Value:
    """Multiply and round as one exact step."""
    factor: Decimal | None = Decimal(1)
    digits = None
    if "multiply" in words:
        raw, location = words.of("multiply")
        factor = None if isinstance(raw, bool) else numbers.decimal_of(raw)
        if factor is None:
            location.add(message("expected a number"), "wrong_type")
    if "round" in words:
        digits, location = words.of("round")
        if not isinstance(digits, int) or isinstance(digits, bool) or not 0 <= digits <= _MAX_DECIMAL_PLACES:
            told = message("expected a number of decimal places, 0 to {most}", most=_MAX_DECIMAL_PLACES)
            location.add(told, "bad_value")
            return MISSING
    if factor is None:
        return MISSING
    rule = " and ".join(word for word in ("multiply", "round") if word in words)
    usual = None if digits is not None else numbers.usual_product(factor)
    convert = numbers.arithmetic(factor, digits)
    convert_list = _of_elements(convert, may_be_list=not words.location.scope.one_value)
    return value.then(_converted(convert, convert_list, rule, words), usual=usual)


def _round(value: Value, words: Operands) -> Value:
    """Round, unless `multiply` stands beside it: then `_arithmetic` has rounded already."""
    return value if "multiply" in words else _arithmetic(value, words)


def _on_error(value: Value, words: Operands) -> Value:
    """Check the word; the conversions read it."""
    action, location = words.of("on_error")
    if action != "omit":
        told = message("expected omit; without it, an impossible conversion sends the record to the dead letters")
        location.add(told, "bad_value")
    elif not any(word in words for word in CONVERTING):
        others = ", ".join(f"`{word}`" for word in CONVERTING)
        told = message("`{word}` belongs to {others}", word="on_error", others=others)
        location.add(told, "bad_value", at_key=True)
    return value


def _of_elements(convert: Convert, *, may_be_list: bool) -> Convert:
    """Return a function that converts each element of a list; it refuses the first if the result must not be one."""

    def convert_elements(elements: Json) -> Json:
        made = [convert(element) for element in elements if element is not None]
        return [element for element in made if element is not None] or None

    def refuse(elements: Json) -> Json:
        """Convert no more than needed: a long list would take a long time, and be refused after it."""
        for element in elements:
            if element is not None and convert(element) is not None:
                raise ConversionError("expected one value, got a list")

    return convert_elements if may_be_list else refuse


def _converted(convert: Convert, convert_list: Convert, rule: str, words: Operands) -> Callable[[Json], Json]:
    """Return a step that converts a value, or a list.

    `rule` names the conversion in dead letters. Blank text is missing, and with `on_error: omit` so is what can't be
    converted.
    """
    field, scope = words.location.field, words.location.scope
    omits = words.raw.get("on_error") == "omit"

    def step(got: Json) -> Json:
        if got.__class__ is str:
            if not got or got.isspace():
                return None
        elif got is None:
            return None
        try:
            return convert_list(got) if got.__class__ is list else convert(got)
        except ConversionError as error:
            if omits:
                scope.omitted[scope.route, field] += 1
                return None
            raise MappingError("conversion_failed", field, f"{rule}: {error}") from error

    return step


_CONVERSION = {"enum": [*CONVERSIONS]}

TABLE = (
    Word(
        name="as",
        doc="A conversion, or a list of conversions that are applied one after the other. A list is converted element"
        " by element; where a field takes one value, it is refused. A value that can't be converted sends the record to"
        " the dead letters.",
        schema={"anyOf": [_CONVERSION, {"type": "array", "items": _CONVERSION, "minItems": 1}]},
        examples=(
            Example("{from: $.a, as: phone}", {"a": "+86 138-0000-0000"}, "13800000000"),
            Example("{from: $.a, as: [trim, upper]}", {"a": " vip "}, "VIP"),
            Example("{from: $.a, as: [trim, upper]}", {"a": [" vip ", "new"]}, ["VIP", "NEW"]),
            Example("{from: $.a, as: integer}", {"a": "many"}, DEAD_LETTER),
        ),
        compile=_as,
    ),
    *(_option(option) for option in OPTIONS.values()),
    Word(
        name="multiply",
        doc="Multiplies a number, or text that is one, in exact decimal arithmetic.",
        schema={"type": ["number", "string"]},
        examples=(
            Example("{from: $.fen, multiply: 0.01}", {"fen": 1999}, 19.99),
            Example("{from: $.fen, multiply: 0.01}", {"fen": "142000"}, 1420),
        ),
        compile=_arithmetic,
    ),
    Word(
        name="round",
        doc=f"Rounds to this number of decimal places, 0 to {_MAX_DECIMAL_PLACES}; halves away from zero.",
        schema={"type": "integer", "minimum": 0, "maximum": _MAX_DECIMAL_PLACES},
        examples=(
            Example("{from: $.a, round: 2}", {"a": 1.005}, 1.01),
            Example("{from: $.fen, multiply: 0.01, round: 1}", {"fen": 1995}, 20),
        ),
        compile=_round,
    ),
    Word(
        name="on_error",
        doc="omit: a value that `as`, `multiply` or `round` can't convert is missing, and counted, instead of sending"
        " the record to the dead letters.",
        schema={"enum": ["omit"]},
        examples=(
            Example("{from: $.a, as: integer, on_error: omit}", {"a": "many"}, None),
            Example("{from: $.a, as: integer, on_error: omit}", {"a": "12"}, 12),
        ),
        compile=_on_error,
    ),
)
