"""A value of the mapping language, compiled: a literal, a reference, a list, or an object of words.

The words are applied in one order, whatever their order in the file: `from` or `template`, `default` and
`required`, `as`, `multiply` and `round`, `map` and `otherwise`. A reference by itself gives what is there;
`from` passes over blank text too. What is missing passes through every step untouched, except that `map`
gives it `otherwise`, as it does everything that is not in its table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.mapping import steps
from connector.mapping.chain import compile_chain
from connector.mapping.codegen import RECORD, Call, Expression, Same, function, path_expression
from connector.mapping.errors import MappingError, SkipItem
from connector.mapping.references import (
    DEAD_LETTER,
    SKIP,
    Getter,
    compile_reference,
    is_reference,
    literal_text,
    nothing,
    plain_names,
)
from connector.mapping.template import compile_template
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import Record
    from connector.mapping.location import Json, Location

SOURCES = ("from", "template", "literal")
WORDS = (*SOURCES, "default", "required", "as", "unit", "zone", "multiply", "round", "map", "otherwise")
NOT_YET = ("extract", "each", "local")


@dataclass(frozen=True, slots=True)
class Value:
    """One compiled value; a constant one gives `literal` for every record."""

    get: Getter
    constant: bool = False
    literal: Json = None
    path: Expression | None = None

    @property
    def expression(self) -> Expression:
        """The value as a part of a function that is written out; finds the same in an object."""
        if self.constant:
            return Same(self.literal)
        return Call(self.get, RECORD) if self.path is None else self.path

    def then(self, step: Callable[..., Json], *more: str) -> Value:
        """What a step makes of it; `more`, of `value` and `record`, are given to the step, too."""
        get = self.get
        path = Call(step, (self.expression, *more))
        match more:
            case ("value", "record"):
                return Value(lambda value, record: step(get(value, record), value, record), path=path)
            case ("record",):
                return Value(lambda value, record: step(get(value, record), record), path=path)
            case _:
                return Value(lambda value, record: step(get(value, record)), path=path)

    def compiled(self) -> Getter:
        """The value as one function."""
        return self.get if self.constant else function(self.expression, self.get)


def constant(literal: Json) -> Value:
    """A value that is the same for every record."""
    return Value(lambda _value, _record: literal, constant=True, literal=literal)


def refer(reference: str, location: Location) -> Value:
    """The value of a reference."""
    return Value(compile_reference(reference, location), path=path_expression(plain_names(reference)))


def compile_value(raw: Json, location: Location) -> Value:
    """Compile whatever stands in the location of a value; what is wrong is noted."""
    if isinstance(raw, str):
        return refer(raw, location) if is_reference(raw) else constant(literal_text(raw))
    if isinstance(raw, dict):
        return _compile_words(raw, location)
    if isinstance(raw, list):
        return _compile_list(raw, location)
    if raw is None or isinstance(raw, (bool, int, float)):
        return constant(raw)
    location.add("not a value of JSON: put it in quotes", "wrong_type")
    return constant(None)


def looks_like_words(raw: Json) -> bool:
    """Whether an object where a table could stand, too, is meant as one value."""
    if not isinstance(raw, dict) or not any(word in raw for word in SOURCES):
        return False
    others = [str(key) for key in raw if key not in WORDS and key not in NOT_YET]
    return not others or all(did_you_mean(key, WORDS) for key in others)


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
        return Value(nothing)
    if "literal" in raw:
        return constant(raw["literal"])
    found = _source(raw, location)
    required = raw.get("required", False)
    if not isinstance(required, bool):
        location.at("required").add("true or false", "wrong_type")
    demand = steps.required(location.field)
    default = _fallback(raw["default"], location.at("default")) if "default" in raw else None
    if default is not None:
        found = Value(steps.with_default(found.get, default))
    elif required:
        found = found.then(demand)
    chain = compile_chain(raw, location)
    found = found.then(steps.converted(chain, location.field)) if chain else found
    if "map" in raw:
        found = _mapped(raw, found, location)
        if default is not None and "otherwise" not in raw:  # what is not in the table counts as not found
            found = Value(steps.with_default(found.get, default))
    elif "otherwise" in raw:
        location.at("otherwise").add("`otherwise` says what `map` does not: it needs one", "bad_value", at_key=True)
    if required and (chain or "map" in raw or "default" in raw):
        found = found.then(demand)
    return found


def _check_words(raw: dict[Json, Json], location: Location) -> bool:
    sound = True
    for key in raw:
        if key in NOT_YET or (key == "value" and "each" in raw):
            location.at(key).not_yet(f"`{key}`")
            sound = False
        elif key not in WORDS:
            _unknown_word(str(key), location)
            sound = False
    sources = [key for key in SOURCES if key in raw]
    if sound and not sources:
        location.at("from").add("a value is made `from` a reference, or of a `template`", "missing_key")
        sound = False
    elif len(sources) > 1:
        location.at(sources[1]).add(f"`{sources[0]}` and `{sources[1]}` exclude each other", "bad_value", at_key=True)
        sound = False
    if "literal" in raw and len(raw) > 1 and len(sources) == 1:
        location.add("`literal` stands alone", "bad_value")
        sound = False
    return sound


def _unknown_word(key: str, location: Location) -> None:
    hint = did_you_mean(key, WORDS) or " here; an object that is meant as it stands is written {literal: …}"
    location.at(key).add(f"unknown key{hint}", "unknown_key", at_key=True)


def _source(raw: dict[Json, Json], location: Location) -> Value:
    if "template" in raw:
        return _template(raw["template"], location.at("template"))
    source = raw["from"]
    at = location.at("from")
    if not isinstance(source, list):
        found = _reference(source, at)
        return found if _blank_is_missing_later(raw) else found.then(steps.not_blank)
    if not source:
        at.add("a list of references that is empty finds nothing", "bad_value")
    return Value(steps.first_of([_reference(each, at.at(index)).get for index, each in enumerate(source)]))


def _template(raw: Json, location: Location) -> Value:
    """Text with what its references find in it; one of two, as most are, is written out with them."""
    text = compile_template(raw, location)
    parts = [refer(reference, location) for reference in text.references]
    getters = [part.get for part in parts]
    fill = text.filled
    get: Getter = lambda value, record: fill(*[get(value, record) for get in getters])  # noqa: E731
    return Value(get, path=Call(fill, tuple(part.expression for part in parts)))


def _blank_is_missing_later(raw: dict[Json, Json]) -> bool:
    """Whether a step follows at once to which blank text is missing anyway."""
    if "default" in raw or raw.get("required") is True:
        return False
    return any(word in raw for word in ("as", "multiply", "round", "map"))


def _reference(raw: Json, location: Location) -> Value:
    if is_reference(raw):
        return refer(raw, location)
    hint = "" if isinstance(raw, InterpolatedStr) or not isinstance(raw, str) else f": did you mean '$.{raw}'?"
    location.add(f"`from` takes a reference, or a list of them{hint}", "bad_reference")
    return Value(nothing)


def _fallback(raw: Json, location: Location) -> Getter:
    """What `default` or `otherwise` gives: a value, or an end."""
    if raw == SKIP and not isinstance(raw, InterpolatedStr):
        return _skip
    if raw == DEAD_LETTER and not isinstance(raw, InterpolatedStr):
        field = location.field

        def bury(_value: Json, _record: Record) -> Json:
            raise MappingError("requested", field, f"by `{location.path[-1]}`")

        return bury
    return compile_value(raw, location).get


def _skip(_value: Json, _record: Record) -> Json:
    raise SkipItem


def _mapped(raw: dict[Json, Json], found: Value, location: Location) -> Value:
    at = location.at("map")
    otherwise = _fallback(raw["otherwise"], location.at("otherwise")) if "otherwise" in raw else nothing
    if not isinstance(raw["map"], dict) or not raw["map"]:
        at.add("a table of what is found and what it becomes", "wrong_type")
        return found
    table: dict[str, Value] = {}
    for key, result in raw["map"].items():
        text = steps.key_text(key)
        if not text.strip():
            at.at(key).add("blank text counts as missing: say `otherwise`", "bad_value", at_key=True)
        if text in table:
            at.at(key).add(f"'{text}' stands twice in the table: keys are compared as text", "bad_value", at_key=True)
        table[text] = compile_value(result, at.at(key))
    if all(value.constant for value in table.values()):
        look_up = steps.looked_up({text: value.literal for text, value in table.items()}, otherwise)
    else:
        look_up = steps.looked_up_and_made({text: value.get for text, value in table.items()}, otherwise)
    return found.then(look_up, "value", "record")
