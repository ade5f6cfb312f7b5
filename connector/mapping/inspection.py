"""What is known of a value before any record is: whether it reads the record at all, and the type that it yields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.language.message import NOTHING, Message, message
from connector.mapping.conversions import CONVERSIONS
from connector.mapping.json_values import text_form, type_name
from connector.mapping.references import is_reference
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location

_SAME_FOR_ALL = frozenset({"$topic", "$change.op", "$change.table"})
"""References that tell no customer from another: a route reads few topics, and few tables."""
_BRACES = re.compile(r"\{\s*\$[.\w]")
_EVERY = re.compile(r"\.\*(?:\.|$)")
_BARE_PATH = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")
_CHANGING = ("extract", "default", "as", "multiply", "round")
"""Words between `from` and `map`."""
_SCALARS = frozenset({str, int, float, bool})
_KINDS: dict[str, tuple[frozenset[type], Message]] = {
    "text": (_SCALARS, message("text")),
    "texts": (_SCALARS | {list}, message("a list of texts")),
    "integer": (frozenset({str, int, float}), message("an integer")),
    "boolean": (_SCALARS, message("true or false")),
    "milliseconds": (frozenset({int, float}), message("epoch milliseconds: use `as: timestamp`")),
    "object": (frozenset(), message("an object")),
    "objects": (frozenset({list}), message("a list of objects")),
    "custom_fields": (frozenset({list}), message("a list of {{configId, configName, values}}")),
}
"""By kind of field: the types that it may be made of, and what it takes in words."""


def reads_record(raw: Json) -> bool:
    """Return whether a piece of the language has a reference whose value differs from record to record."""
    if isinstance(raw, dict):
        return "literal" not in raw and any(reads_record(each) for each in raw.values())
    if isinstance(raw, list):
        return any(reads_record(each) for each in raw)
    return (is_reference(raw) and raw not in _SAME_FOR_ALL) or (isinstance(raw, str) and bool(_BRACES.search(raw)))


def report_braces(text: str, location: Location) -> None:
    """Report a plain text that has a reference in braces, which only `template` replaces."""
    if not isinstance(text, InterpolatedStr) and _BRACES.search(text):
        location.add(message("braces have a meaning in a template only: {{template: …}}"), "suspicious")


def report_type(raw: Json, kind: str, location: Location) -> None:
    """Report a value of which is known that it never yields what its field takes. `kind` is one of the endpoints'."""
    accepted, words = _KINDS[kind]
    report_yield(raw, accepted, words, location, of_list=message(": use `as: joined`") if kind == "text" else "")


def report_yield(raw: Json, accepted: frozenset[type], words: Message, location: Location, of_list: str = "") -> None:
    """Report a value of which is known that it never yields one of these types, which are `words`.

    Nothing is reported of a value that is wrong by itself, which is reported already. `of_list` is a remedy for lists.
    """
    if any(problem.path[: len(location.path)] == location.path for problem in location.problems.errors):
        return
    found = _result(raw)
    if found is None or found[0] in accepted:
        return
    made, by, key = found
    hint = of_list if made is list else ""
    at = location.at(key) if key else location
    kind = type_name(made())
    if by:
        told = message("`{word}` yields {kind}, expected {words}{hint}", word=by, kind=kind, words=words, hint=hint)
    else:
        told = message("the reference yields {kind}, expected {words}{hint}", kind=kind, words=words, hint=hint)
    at.add(told, "wrong_type")


def known_type(raw: Json) -> type | None:
    """Return the type that a piece of the language yields where it is not missing; None if that is not known."""
    found = _result(raw)
    return None if found is None else found[0]


def report_identity(kind: str, raw: Json, location: Location) -> None:
    """Report a value that is sound by itself, and wrong or suspicious as an identity."""
    if not reads_record(raw):
        told = message(
            "the same for every record, which would put them all on one customer{hint}", hint=_path_hint(raw)
        )
        location.add(told, "bad_value")
        return
    report_type(raw, "text", location)
    named = raw.get("as") if isinstance(raw, dict) else None
    if kind == "phone" and "phone" not in (named if isinstance(named, list) else [named]):
        told = message("a phone without `as: phone`: +86, blanks and masked digits would be sent as they stand")
        location.add(told, "suspicious")


def report_unreachable(raw: Json, where: Json, location: Location) -> None:
    """Report the entries of a value's `map` that the route's `where` does not let through."""
    if not isinstance(raw, dict) or not isinstance(raw.get("map"), dict) or not isinstance(where, dict):
        return
    source = raw.get("from")
    if not isinstance(source, str) or source not in where or any(word in raw for word in _CHANGING):
        return
    wanted = where[source]
    if isinstance(wanted, dict):
        wanted = wanted.get("in", wanted.get("eq"))
    allowed = {text_form(each) for each in (wanted if isinstance(wanted, list) else [wanted])}
    if None in allowed or any(is_reference(each) for each in allowed):
        return
    for key in raw["map"]:
        if text_form(key) not in allowed:
            told = message("unreachable: `where` lets no record with it through ({source})", source=source)
            location.at("map", key).add(told, "suspicious", at_key=True)


def _path_hint(raw: Json) -> Message:
    """Return ``, did you mean '$.buyer.mobile'?`` for text that looks like a path without its `$.`."""
    bare = isinstance(raw, str) and not isinstance(raw, InterpolatedStr) and _BARE_PATH.fullmatch(raw)
    return message(", did you mean '{close}'?", close=f"$.{raw}") if bare else NOTHING


def _result(raw: Json) -> tuple[type, str, str] | None:
    """Return the type that a value has if it is not missing, what makes it so, and the key of that; None: unknown."""
    if not isinstance(raw, dict):
        return (list, "", "") if is_reference(raw) and _EVERY.search(raw) else None
    if "map" in raw or "otherwise" in raw or "literal" in raw:
        return None
    source: tuple[type, str, str] | None = None
    if "each" in raw:
        source = (list, "each", "each")
    elif is_reference(raw.get("from")) and _EVERY.search(raw["from"]):
        source = (list, "", "from")
    elif "template" in raw or "extract" in raw:
        word = "extract" if "extract" in raw else "template"
        source = (str, word, word)
    if "default" in raw:
        source = None  # it may be of any type; conversions concern it too
    source = _converted(raw.get("as"), source)
    arithmetic = next((word for word in ("multiply", "round") if word in raw), None)
    if arithmetic is not None and (source is None or source[0] is not list):
        return float, arithmetic, arithmetic
    return source


def _converted(chain: Json, source: tuple[type, str, str] | None) -> tuple[type, str, str] | None:
    for name in chain if isinstance(chain, list) else [chain]:
        conversion = CONVERSIONS.get(name) if isinstance(name, str) else None
        if conversion is None:
            continue
        if source is None or source[0] is not list or conversion.takes_list:  # else it concerns the elements
            source = (conversion.yields, f"as: {name}", "as")
    return source
