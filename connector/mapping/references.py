"""How references are written: `$.buyer.mobile`, `$.items.*.sku`, `$key`, `$headers.trace_id`, and inside templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.decode.envelopes import Change
from connector.language.message import message
from connector.mapping.elements import change_of, element_of, position_of
from connector.mapping.expressions import MISSING, Reference, Template, Value, constant
from connector.mapping.json_values import text_form
from connector.mapping.lookup import EVERY, OF_RECORD, Getter, Path, Wildcard, header_getter, path_getter
from connector.mapping.vocabulary import DEAD_LETTER, SKIP
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.language.message import Message
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location

FORMS = {
    "$.path.to.it": "an entry of the decoded record",
    "$.list.0.x": "the same in an element of a list, counted from 0",
    "$.list.*.x": "the same in every element, as a list",
    '$."odd key"': "a name with blanks, dots or quotes",
    "$": "the whole decoded record",
    "$key": "the record's key as text",
    "$headers.name": "a header as text",
    "$topic": "the record's topic",
    "$partition": "its partition",
    "$offset": "its offset",
    "$timestamp": "its Kafka timestamp in milliseconds",
    "$item": "the element of the list, inside `for_each` and `each`; $item.sku an entry of it",
    "$index": "the position of that element, counted from 0",
    "$change.op": "of a topic with an `envelope`: insert, update, delete or snapshot",
    "$change.before": "the row before the change, where the envelope tells; $change.before.level an entry of it",
    "$change.table": "the table, without the database",
    "$change.ts": "when the database made the change, in milliseconds since 1970",
}
"""Every form of a reference, and what it refers to."""

CHANGE_OP = "$change.op"
_OF_CHANGE = Change.__struct_fields__

_SEGMENT = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^\s."\[\]{}]+))')
_ESCAPED = re.compile(r"\\(.)")
_WORD = re.compile(r"\$\w*")
_ITEM = re.compile(r"(?:^|\{)\s*\$(?:item|index)\b")
_CHANGE = re.compile(r"(?:^|\{)\s*\$change\b")
_TEMPLATE_PART = re.compile(r'(?P<text>(?:[^{}]|\{\{|\}\})+)|\{(?P<reference>(?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}')


def is_reference(raw: object) -> bool:
    """Return whether a scalar of the file is a reference. Text from a `${…}` never is one."""
    return isinstance(raw, str) and not isinstance(raw, InterpolatedStr) and raw.startswith("$") and raw[1:2] != "$"


def literal_text(raw: str) -> str:
    """Return the text that a literal of the file stands for: `$$x` is `$x`."""
    if isinstance(raw, InterpolatedStr):
        return str(raw)
    return raw[1:] if raw.startswith("$$") else raw


def compile_reference(text: str, location: Location) -> Value:
    """Compile one reference, or report what is wrong with it."""
    return location.observed("reference", _compile(text, location), text)


def _compile(text: str, location: Location) -> Value:
    word = _first_word(text)
    if text in (SKIP, DEAD_LETTER):
        in_map = "map" in location.path
        hint = message(": leave this value out, for `otherwise: {action}`", action=text) if in_map else ""
        told = message(
            "'{action}' is only allowed as the value of `default` and `otherwise`{hint}", action=text, hint=hint
        )
        location.add(told, "bad_reference")
        return MISSING
    compile_part = _OF_PARTS.get(word)
    if compile_part is not None:
        return compile_part(text, location)
    if text == "$" or text.startswith("$."):
        path = _parse_path(text[1:])
        if path is not None:
            location.scope.reads.add(path)
            _report_envelope(path, location)
            get = path_getter(path)
            names = tuple(str(name) for name in path)
            return Value(get, inlined=None if EVERY in path or not path else Reference(names, get))
    elif text in OF_RECORD:
        return Value(OF_RECORD[text])
    elif text.startswith("$headers."):
        return Value(header_getter(_header_name(text.removeprefix("$headers."))))
    location.add(_not_a_reference(text), "bad_reference")
    return MISSING


def _compile_element_reference(text: str, location: Location) -> Value:
    path = () if text == "$index" else _parse_path(text.removeprefix("$item"))
    if path is None:
        location.add(_not_a_reference(text), "bad_reference")
        return MISSING
    if not location.scope.has_item:
        told = message(
            "{word} has no meaning here, but in a route with `for_each`, and inside `each`", word=_first_word(text)
        )
        location.add(told, "bad_reference")
        return MISSING
    if text == "$index":
        return Value(lambda _value, record: position_of(record), inlined="position")
    if location.scope.element is not None:
        location.scope.reads.add((*location.scope.element, *path))
    get_entry = path_getter(path)
    get: Getter = lambda _value, record: get_entry(element_of(record), record)  # noqa: E731 - one line
    names = tuple(str(name) for name in path)
    return Value(get, inlined=None if EVERY in path else Reference(names, get, "element"))


def _report_envelope(path: Path, location: Location) -> None:
    """Report a path into the envelope, as a topic without `envelope` would need it."""
    match location.scope.envelope, path:
        case "canal", ("data", entry, *_) if entry is EVERY or str(entry).isdecimal():
            pass
        case "debezium", ("after" | "payload", _, *_):
            pass
        case _:
            return
    told = message("`$` is the row already, and what is around it `$change`: is this path too long?")
    location.add(told, "suspicious")


def _compile_change_reference(text: str, location: Location) -> Value:
    name, *rest = _parse_path(text.removeprefix("$change")) or ("",)
    if name not in _OF_CHANGE or (rest and name != "before"):
        told = message(
            "{text} is not a reference: `$change` has {names}{hint}",
            text=_shown(text),
            names=", ".join(_OF_CHANGE),
            hint=did_you_mean(str(name), _OF_CHANGE),
        )
        location.add(told, "bad_reference")
        return MISSING
    if not location.scope.has_change:
        told = message("$change has no meaning here: no topic of the route has an `envelope` under `decode`")
        location.add(told, "bad_reference")
        return MISSING
    location.scope.change_reads.add(str(name))
    get_entry = path_getter(tuple(rest))
    get: Getter = lambda _value, record: get_entry(getattr(change_of(record), str(name), None), record)  # noqa: E731
    return Value(get, inlined=None if rest else Reference((str(name),), get, "change"))


_OF_PARTS = {
    "$item": _compile_element_reference,
    "$index": _compile_element_reference,
    "$change": _compile_change_reference,
}


def mentions_item(raw: Json) -> bool:
    """Return whether `$item` or `$index` occurs anywhere in a piece of the language, in templates too."""
    return _mentions(raw, _ITEM)


def mentions_change(raw: Json) -> bool:
    """Return whether `$change` occurs anywhere in a piece of the language, in templates too."""
    return _mentions(raw, _CHANGE)


def _mentions(raw: Json, pattern: re.Pattern[str]) -> bool:
    if isinstance(raw, dict):
        return any(_mentions(each, pattern) for pair in raw.items() for each in pair)
    if isinstance(raw, list):
        return any(_mentions(each, pattern) for each in raw)
    return isinstance(raw, str) and pattern.search(raw) is not None


def _first_word(text: str) -> str:
    match = _WORD.match(text)
    return match[0] if match is not None else ""


def _not_a_reference(text: str) -> Message:
    return message("{text} is not a reference{hint}", text=_shown(text), hint=_hint(text))


def _shown(text: str) -> Message:
    return message("text from a ${{…}}") if isinstance(text, InterpolatedStr) else message("'{text}'", text=text)


def _hint(text: str) -> Message:
    if "[" in text:
        return message(": write an element of a list as $.items.0, all of them as $.items.*")
    if text.startswith(("$.", "$item.")):
        return message(': put a name with blanks or dots in quotes, $."odd key".x')
    guess = "$." + text[1:]
    if not isinstance(text, InterpolatedStr) and text != "$headers" and _parse_path(guess[1:]):
        return message(", did you mean '{close}'? Write '${text}' for the literal '{text}'", close=guess, text=text)
    return message(": references are {names}; write $$ for a literal that begins with $", names=", ".join(FORMS))


def _parse_path(text: str) -> Path | None:
    segments: list[str | Wildcard] = []
    position = 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None:
            return None
        quoted, plain = match[1], match[2]
        if quoted is not None:
            segments.append(_ESCAPED.sub(r"\1", quoted))
        else:
            segments.append(EVERY if plain == "*" else plain)
        position = match.end()
    return tuple(segments)


def _header_name(text: str) -> str:
    quoted = _SEGMENT.fullmatch("." + text)
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted is not None and quoted[1] is not None else text


def compile_template(raw: Json, location: Location) -> Value:
    """Compile text with `{reference}` inside (`{{` and `}}` are braces), or report what is wrong with it.

    The value is missing if a part is missing, blank or not a scalar.
    """
    if not isinstance(raw, str):
        location.add(message("expected text with {{references}} in it"), "wrong_type")
        return MISSING
    texts = [""]
    parts: list[Value] = []
    position = 0
    while position < len(raw):
        match = _TEMPLATE_PART.match(raw, position)
        if match is None:
            location.add(message("a brace is not closed; write {{{{ and }}}} for braces themselves"), "bad_value")
            return MISSING
        if match["text"] is not None:
            texts[-1] += match["text"].replace("{{", "{").replace("}}", "}")
        elif is_reference(reference := match["reference"].strip()):
            texts.append("")
            kept = InterpolatedStr(reference) if isinstance(raw, InterpolatedStr) else reference  # hides it in messages
            parts.append(compile_reference(kept, location))
        else:
            location.add(message("what stands in braces must be a reference, which begins with $"), "bad_reference")
        position = match.end()
    if not parts:
        return constant(texts[0])
    fill, getters = _filler(texts), [part.get for part in parts]
    get: Getter = lambda value, record: fill(*[get(value, record) for get in getters])  # noqa: E731 - one line
    return Value(get, inlined=Template(tuple(texts), tuple(part.expression for part in parts), get))


def _filler(texts: Sequence[str]) -> Callable[..., str | None]:
    pattern = "%s".join(text.replace("%", "%%") for text in texts)

    def filled(*found: Json) -> str | None:
        for part in found:
            if part.__class__ is not str:
                forms = [text_form(each) for each in found]
                return None if None in forms else filled(*forms)
            if not part or part.isspace():
                return None
        return pattern % found

    return filled
