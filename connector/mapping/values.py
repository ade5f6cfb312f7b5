"""The compiler of whatever stands in the place of a value: a literal, a reference, a list, or an object of words.

A value that is missing passes every word unchanged, except `default`, `required` and `map`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.expressions import MISSING, Value, constant
from connector.mapping.inspection import report_braces
from connector.mapping.references import compile_reference, is_reference, literal_text
from connector.mapping.words import SOURCES, WORDS
from connector.mapping.words.finding import required
from connector.mapping.words.word import Operands, compile_fallback
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location


def compile_value(raw: Json, location: Location) -> Value:
    """Compile whatever stands in the place of a value, or report what is wrong with it."""
    return location.observed("value", _compile(raw, location))


def _compile(raw: Json, location: Location) -> Value:
    if isinstance(raw, str):
        if is_reference(raw):
            return compile_reference(raw, location)
        report_braces(raw, location)
        return constant(literal_text(raw))
    if isinstance(raw, dict):
        return _compile_words(raw, location)
    if isinstance(raw, list):
        return _compile_list(raw, location)
    if raw is None or isinstance(raw, (bool, int, float)):
        return constant(raw)
    location.add(message("expected a JSON value: put it in quotes"), "wrong_type")
    return MISSING


def looks_like_words(raw: Json) -> bool:
    """Return whether an object that may also be a table of values is an object of words."""
    if not isinstance(raw, dict) or not any(word in raw for word in SOURCES):
        return False
    others = [str(key) for key in raw if key not in WORDS]
    return not others or all(did_you_mean(key, WORDS) for key in others)


def compile_structure(raw: Json, location: Location) -> Value:
    """Compile a value, or a table or a list of such: where an object need not be one of words.

    A table, and a list in one, is missing if it has references and all of them are missing.
    """
    if isinstance(raw, dict) and not looks_like_words(raw):
        return _compile_table({str(key): compile_structure(each, location.under(key)) for key, each in raw.items()})
    if not isinstance(raw, list):
        return compile_value(raw, location)
    elements = [compile_structure(element, location.at(index)) for index, element in enumerate(raw)]
    if all(element.constant for element in elements):
        return constant([element.literal for element in elements])
    whole = _compile_table({str(index): element for index, element in enumerate(elements)})
    return whole.then(lambda found: None if found is None else [*found.values()])


def _compile_table(values: dict[str, Value]) -> Value:
    if all(value.constant for value in values.values()):
        return constant({name: value.literal for name, value in values.items() if value.literal is not None})
    entries = [(name, value.get, value.constant) for name, value in values.items()]

    def get(value: Json, record: Record) -> Json:
        made = {}
        found = False
        for name, get_entry, is_constant in entries:
            got = get_entry(value, record)
            if got is not None:
                made[name] = got
                found = found or not is_constant
        return made if found else None

    return Value(get)


def _compile_list(raw: list[Json], location: Location) -> Value:
    elements = [compile_value(element, location.at(index)) for index, element in enumerate(raw)]
    if all(element.constant for element in elements):
        return constant([element.literal for element in elements])
    getters = [element.get for element in elements]

    def get(value: Json, record: Record) -> Json:
        return [found for getter in getters if (found := getter(value, record)) is not None]

    return Value(get)


def _compile_words(raw: dict[Json, Json], location: Location) -> Value:
    if not _check_words(raw, location):
        return MISSING
    default = compile_fallback(raw["default"], location.at("default"), compile_value) if "default" in raw else None
    words = Operands(raw, location, compile_value, compile_structure, default)
    value = MISSING
    applied = [word for word in WORDS.values() if word.name in raw]
    for word in applied:
        value = location.at(word.name).observed("word", word.compile(value, words))
    if raw.get("required") is True and applied[-1].name != "required":  # a later word may have lost the value
        value = value.then(required(location.field))
    return value


def _check_words(raw: dict[Json, Json], location: Location) -> bool:
    """Report words that do not exist or exclude each other."""
    sound = True
    for key in raw:
        if key not in WORDS:
            literal = message("; write {{literal: …}} for an object that is a literal")
            told = message("unknown key{hint}", hint=did_you_mean(str(key), WORDS) or literal)
            location.at(key).add(told, "unknown_key", at_key=True)
            sound = False
    given = [source for source in SOURCES if source in raw]
    if sound and not given:
        told = message("expected one of the keys {names}", names=", ".join(SOURCES))
        location.at(SOURCES[0]).add(told, "missing_key")
        sound = False
    elif len(given) > 1:
        told = message("`{one}` and `{other}` exclude each other", one=given[0], other=given[1])
        location.at(given[1]).add(told, "bad_value", at_key=True)
        sound = False
    if given == ["literal"] and len(raw) > 1:
        location.add(message("no other key may stand beside `literal`"), "bad_value")
        sound = False
    return sound
