"""A value of the mapping language, compiled: a literal, a reference, a list, or an object of words.

The words are applied in one order, whatever their order in the file: `from` or `template`, `default` and
`required`, `as`, `multiply` and `round`, `map` and `otherwise`. A reference by itself gives what is there;
`from` passes over blank text too. What is missing passes through every step untouched, except that `map`
gives it `otherwise`, as it does everything that is not in its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.config.problems import did_you_mean
from connector.config.scalars import Plain
from connector.mapping import steps
from connector.mapping.chain import compile_chain
from connector.mapping.failures import SkipError, UnmappableError
from connector.mapping.references import (
    DEAD_LETTER,
    SKIP,
    Getter,
    compile_reference,
    is_reference,
    literal_text,
    nothing,
)
from connector.mapping.template import compile_template

if TYPE_CHECKING:
    from connector.mapping.place import Json, Place
    from connector.record import Record

SOURCES = ("from", "template", "literal")
WORDS = (*SOURCES, "default", "required", "as", "unit", "zone", "multiply", "round", "map", "otherwise")
NOT_YET = ("extract", "each", "local")


@dataclass(frozen=True, slots=True)
class Value:
    """One compiled value; a constant one gives `literal` for every record."""

    get: Getter
    constant: bool = False
    literal: Json = None


def constant(literal: Json) -> Value:
    """A value that is the same for every record."""
    return Value(lambda _value, _record: literal, constant=True, literal=literal)


def compile_value(raw: Json, place: Place) -> Value:
    """Compile whatever stands in the place of a value; what is wrong is noted."""
    if isinstance(raw, str):
        return Value(compile_reference(raw, place)) if is_reference(raw) else constant(literal_text(raw))
    if isinstance(raw, dict):
        return _compile_words(raw, place)
    if isinstance(raw, list):
        return _compile_list(raw, place)
    if raw is None or isinstance(raw, (bool, int, float)):
        return constant(raw)
    place.add("not a value of JSON: put it in quotes", "wrong_type")
    return constant(None)


def looks_like_words(raw: Json) -> bool:
    """Whether an object where a table could stand, too, is meant as one value."""
    if not isinstance(raw, dict) or not any(word in raw for word in SOURCES):
        return False
    others = [str(key) for key in raw if key not in WORDS and key not in NOT_YET]
    return not others or all(did_you_mean(key, WORDS) for key in others)


def _compile_list(raw: list[Json], place: Place) -> Value:
    elements = [compile_value(element, place.at(index)) for index, element in enumerate(raw)]
    if all(element.constant for element in elements):
        return constant([element.literal for element in elements])
    getters = [element.get for element in elements]

    def get(value: Json, record: Record) -> Json:
        return [found for getter in getters if (found := getter(value, record)) is not None]

    return Value(get)


def _compile_words(raw: dict[Json, Json], place: Place) -> Value:
    if not _check_words(raw, place):
        return Value(nothing)
    if "literal" in raw:
        return constant(raw["literal"])
    get = _source(raw, place)
    required = raw.get("required", False)
    if not isinstance(required, bool):
        place.at("required").add("true or false", "wrong_type")
    if "default" in raw:
        get = steps.with_default(get, _fallback(raw["default"], place.at("default")))
    elif required:
        get = steps.required(get, place.field)
    chain = compile_chain(raw, place)
    get = steps.converted(get, chain, place.field) if chain else get
    if "map" in raw:
        get = _mapped(raw, get, place)
    elif "otherwise" in raw:
        place.at("otherwise").add("`otherwise` says what `map` does not: it needs one", "bad_value", at_key=True)
    if required and (chain or "map" in raw or "default" in raw):
        get = steps.required(get, place.field)
    return Value(get)


def _check_words(raw: dict[Json, Json], place: Place) -> bool:
    sound = True
    for key in raw:
        if key in NOT_YET or (key == "value" and "each" in raw):
            place.at(key).not_yet(f"`{key}`")
            sound = False
        elif key not in WORDS:
            _unknown_word(str(key), place)
            sound = False
    sources = [key for key in SOURCES if key in raw]
    if sound and not sources:
        place.at("from").add("a value is made `from` a reference, or of a `template`", "missing_key")
        sound = False
    elif len(sources) > 1:
        place.at(sources[1]).add(f"`{sources[0]}` and `{sources[1]}` exclude each other", "bad_value", at_key=True)
        sound = False
    if "literal" in raw and len(raw) > 1 and len(sources) == 1:
        place.add("`literal` stands alone", "bad_value")
        sound = False
    return sound


def _unknown_word(key: str, place: Place) -> None:
    hint = did_you_mean(key, WORDS) or " here; an object that is meant as it stands is written {literal: …}"
    place.at(key).add(f"unknown key{hint}", "unknown_key", at_key=True)


def _source(raw: dict[Json, Json], place: Place) -> Getter:
    if "template" in raw:
        return compile_template(raw["template"], place.at("template"))
    source = raw["from"]
    at = place.at("from")
    if not isinstance(source, list):
        get = _reference(source, at)
        return get if _blank_is_missing_later(raw) else steps.not_blank(get)
    if not source:
        at.add("a list of references that is empty finds nothing", "bad_value")
    return steps.first_of([_reference(each, at.at(index)) for index, each in enumerate(source)])


def _blank_is_missing_later(raw: dict[Json, Json]) -> bool:
    """Whether a step follows at once to which blank text is missing anyway."""
    if "default" in raw or raw.get("required") is True:
        return False
    return any(word in raw for word in ("as", "multiply", "round", "map"))


def _reference(raw: Json, place: Place) -> Getter:
    if is_reference(raw):
        return compile_reference(raw, place)
    hint = "" if isinstance(raw, Plain) or not isinstance(raw, str) else f": did you mean '$.{raw}'?"
    place.add(f"`from` takes a reference, or a list of them{hint}", "bad_reference")
    return nothing


def _fallback(raw: Json, place: Place) -> Getter:
    """What `default` or `otherwise` gives: a value, or an end."""
    if raw == SKIP and not isinstance(raw, Plain):
        return _skip
    if raw == DEAD_LETTER and not isinstance(raw, Plain):
        field = place.field

        def bury(_value: Json, _record: Record) -> Json:
            raise UnmappableError("requested", field, f"by `{place.path[-1]}`")

        return bury
    return compile_value(raw, place).get


def _skip(_value: Json, _record: Record) -> Json:
    raise SkipError


def _mapped(raw: dict[Json, Json], get: Getter, place: Place) -> Getter:
    at = place.at("map")
    otherwise = _fallback(raw["otherwise"], place.at("otherwise")) if "otherwise" in raw else nothing
    if not isinstance(raw["map"], dict) or not raw["map"]:
        at.add("a table of what is found and what it becomes", "wrong_type")
        return get
    table: dict[str, Value] = {}
    for key, result in raw["map"].items():
        text = steps.key_text(key)
        if not text.strip():
            at.at(key).add("blank text counts as missing: say `otherwise`", "bad_value", at_key=True)
        if text in table:
            at.at(key).add(f"'{text}' stands twice in the table: keys are compared as text", "bad_value", at_key=True)
        table[text] = compile_value(result, at.at(key))
    if all(value.constant for value in table.values()):
        return steps.looked_up(get, {text: value.literal for text, value in table.items()}, otherwise)
    return steps.looked_up_and_made(get, {text: value.get for text, value in table.items()}, otherwise)
