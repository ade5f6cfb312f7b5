"""`template`: text with references in braces; `{{` and `}}` are braces themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.json_values import text_form
from connector.mapping.references import is_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.mapping.location import Json, Location

_PART = re.compile(r'(?P<text>(?:[^{}]|\{\{|\}\})+)|\{(?P<reference>(?:[^{}"]|"(?:[^"\\]|\\.)*")*)\}')


class Template(NamedTuple):
    """A template, taken apart."""

    references: tuple[str, ...]
    filled: Callable[..., str | None]
    """The text with what the references found, in their order; None if a part is missing, blank or no scalar."""


def compile_template(raw: Json, location: Location) -> Template:
    """Take a template apart; what is wrong is noted."""
    if not isinstance(raw, str):
        location.add("a template is text with {references} in it", "wrong_type")
        return Template((), _filler(""))
    pattern, references = "", []
    position = 0
    while position < len(raw):
        match = _PART.match(raw, position)
        if match is None:
            location.add("a brace is not closed; braces themselves are written {{ and }}", "bad_value")
            break
        if match["text"] is not None:
            pattern += match["text"].replace("{{", "{").replace("}}", "}").replace("%", "%%")
        elif is_reference(reference := match["reference"].strip()):
            pattern += "%s"
            references.append(reference)
        else:
            location.add(f"'{{{reference}}}' holds no reference: they begin with $", "bad_reference")
        position = match.end()
    return Template(tuple(references), _filler(pattern))


def _filler(pattern: str) -> Callable[..., str | None]:
    def filled(*found: Json) -> str | None:
        for part in found:
            if part.__class__ is not str:
                return filled(*texts) if None not in (texts := [text_form(each) for each in found]) else None
            if not part or part.isspace():
                return None
        return pattern % found

    return filled
