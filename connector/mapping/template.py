"""`template`: text with references in braces; `{{` and `}}` are braces themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.mapping.references import Getter, compile_reference, is_reference, nothing
from connector.mapping.texts import text_form

if TYPE_CHECKING:
    from connector.mapping.place import Json, Place
    from connector.record import Record

_PART = re.compile(r'(?P<text>(?:[^{}]|\{\{|\}\})+)|\{(?P<reference>(?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}')


def compile_template(raw: Json, place: Place) -> Getter:
    """Compile a template; a part that is missing, blank or no scalar makes the whole missing."""
    if not isinstance(raw, str):
        place.add("a template is text with {references} in it", "wrong_type")
        return nothing
    parts: list[str | Getter] = []
    position = 0
    while position < len(raw):
        match = _PART.match(raw, position)
        if match is None:
            place.add("a brace is not closed; braces themselves are written {{ and }}", "bad_value")
            return nothing
        parts.append(_part(match, place))
        position = match.end()
    return _filled(parts)


def _part(match: re.Match[str], place: Place) -> str | Getter:
    if match["text"] is not None:
        return match["text"].replace("{{", "{").replace("}}", "}")
    reference = match["reference"].strip()
    if is_reference(reference):
        return compile_reference(reference, place)
    place.add(f"'{{{reference}}}' holds no reference: they begin with $", "bad_reference")
    return nothing


def _filled(parts: list[str | Getter]) -> Getter:
    pattern = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts)
    getters = [part for part in parts if not isinstance(part, str)]

    def fill(value: Json, record: Record) -> Json:
        texts = []
        for get in getters:
            got = get(value, record)
            text = got if got.__class__ is str else text_form(got)
            if not text or text.isspace():
                return None
            texts.append(text)
        return pattern % tuple(texts)

    return fill
