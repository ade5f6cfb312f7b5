"""The words for a table of values: `map` and `otherwise`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.conversions import CONVERSIONS
from connector.mapping.errors import ConversionError
from connector.mapping.expressions import Usual, Value
from connector.mapping.json_values import Json, text_form
from connector.mapping.lookup import Getter, nothing
from connector.mapping.vocabulary import DEAD_LETTER, Example
from connector.mapping.words.finding import with_default
from connector.mapping.words.word import VALUE_SCHEMA, Operands, Word, compile_fallback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.record import Record


def _map(value: Value, words: Operands) -> Value:
    raw, location = words.of("map")
    otherwise = _compile_otherwise(words) if "otherwise" in words else nothing
    if not isinstance(raw, dict) or not raw:
        location.add(message("expected a table of values and what becomes of them"), "wrong_type")
        return value
    table: dict[str, Value] = {}
    for key, result in raw.items():
        text, at = text_form(key) or str(key), location.at(key)
        if not text.strip():
            at.add(message("blank text counts as missing: use `otherwise`"), "bad_value", at_key=True)
        if text in table:
            at.add(message("the table has this key twice: keys are compared as text"), "bad_value", at_key=True)
        elif text.strip() and (conversion := _unreachable(text, words)):
            told = message("unreachable: `as: {conversion}` never yields this", conversion=conversion)
            at.add(told, "bad_value", at_key=True)
        table[text] = at.observed("entry", words.compile(result, at))
    usual = None
    if all(result.constant for result in table.values()):
        literals = {text: result.literal for text, result in table.items()}
        look_up = looked_up(literals, otherwise)
        is_text = all(isinstance(literal, str) and literal.strip() for literal in literals.values())
        usual = Usual(str, "{0} in {1}", "{1}[{0}]", literals, text=is_text)
    else:
        look_up = looked_up_and_made({text: result.get for text, result in table.items()}, otherwise)
    value = value.then(look_up, "value", "record", usual=usual)
    if words.default is not None and "otherwise" not in words:  # a value that is not in the table counts as missing
        value = with_default(value, words.default)
    return value


def _compile_otherwise(words: Operands) -> Getter:
    raw, location = words.of("otherwise")
    return location.observed("entry", Value(compile_fallback(raw, location, words.compile))).get


def _unreachable(key: str, words: Operands) -> str:
    """Return the conversion before the table that never yields a key; empty if there is none."""
    chain = words.raw.get("as")
    last = chain[-1] if isinstance(chain, list) and chain else chain
    conversion = CONVERSIONS.get(last) if isinstance(last, str) else None
    if conversion is None or not conversion.settled or "multiply" in words or "round" in words:
        return ""
    try:
        reached = text_form(conversion.build({})(key)) == key
    except ConversionError:
        reached = False
    return "" if reached else conversion.name


def _otherwise(value: Value, words: Operands) -> Value:
    if "map" not in words:
        location = words.location.at("otherwise")
        location.add(message("`otherwise` belongs to `map`"), "bad_value", at_key=True)
    return value


_ABSENT = object()


def looked_up(table: Mapping[str, Json], otherwise: Getter) -> Callable[[Json, Json, Record], Json]:
    """Return a step that looks a value, or each element of a list, up in a table of constants."""

    def look_up(got: Json, value: Json, record: Record) -> Json:
        if got.__class__ is list:
            found = [table.get(text_form(each) or "", _ABSENT) for each in got]
            made = [otherwise(value, record) if each is _ABSENT else each for each in found]
            return [each for each in made if each is not None] or None
        text = got if got.__class__ is str else text_form(got)
        result = table.get(text, _ABSENT)  # type: ignore[arg-type] # None is in no table
        return otherwise(value, record) if result is _ABSENT else result

    return look_up


def looked_up_and_made(table: Mapping[str, Getter], otherwise: Getter) -> Callable[[Json, Json, Record], Json]:
    """Return the same step for a table whose results depend on the record."""
    choose = looked_up(table, lambda _value, _record: otherwise)

    def look_up(got: Json, value: Json, record: Record) -> Json:
        chosen = choose(got, value, record)
        if isinstance(chosen, list):
            return [made for make in chosen if (made := make(value, record)) is not None] or None
        return None if chosen is None else chosen(value, record)  # None: the list was empty

    return look_up


TABLE = (
    Word(
        name="map",
        doc="Looks the value up in a table by its text form: 1 finds '1'. A value that is not in the table is missing.",
        schema={"type": "object", "additionalProperties": VALUE_SCHEMA, "minProperties": 1},
        examples=(
            Example("{from: $.a, map: {M: 男, F: 女}}", {"a": "M"}, "男"),
            Example("{from: $.a, map: {1: one}}", {"a": "1"}, "one"),
            Example("{from: $.a, map: {M: 男, F: 女}}", {"a": "X"}, None),
        ),
        compile=_map,
    ),
    Word(
        name="otherwise",
        doc="Used for what is not in `map`, missing values included. $skip: no item. $dead_letter: a dead letter.",
        schema=VALUE_SCHEMA,
        examples=(
            Example("{from: $.a, map: {M: 男}, otherwise: 女}", {"a": "F"}, "女"),
            Example("{from: $.a, map: {PAID: c_buy}, otherwise: $dead_letter}", {"a": "NEW"}, DEAD_LETTER),
        ),
        compile=_otherwise,
    ),
)
