"""Full-width punctuation where YAML, or a setting, needs the ASCII one: the commonest slip of Chinese input methods.

In prose it is right: nothing here looks at titles, templates and comments unless something is wrong with them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from connector.config.source_text import Slip
from connector.language.message import message

_ASCII: Final = {
    "：": (message("the Chinese colon"), ":"),
    "，": (message("the Chinese comma"), ","),
    "、": (message("the Chinese enumeration comma"), ","),
    "“": (message("the Chinese opening quote"), '"'),
    "”": (message("the Chinese closing quote"), '"'),
    "‘": (message("the Chinese opening quote"), "'"),
    "’": (message("the Chinese closing quote"), "'"),
    "。": (message("the Chinese full stop"), "."),
    "｛": (message("the full-width brace"), "{"),
    "｝": (message("the full-width brace"), "}"),
    "［": (message("the full-width bracket"), "["),
    "］": (message("the full-width bracket"), "]"),
    "＄": (message("the full-width dollar"), "$"),
    "－": (message("the full-width hyphen"), "-"),
    "／": (message("the full-width slash"), "/"),
    "＃": (message("the full-width number sign"), "#"),
    "\u3000": (message("the full-width blank"), " "),
    "\xa0": (message("the no-break space"), " "),
}
_FULL_WIDTH: Final = re.compile(f"[{''.join(_ASCII)}]")
_MAX_PLACES: Final = 8
_QUOTED_REFERENCE: Final = re.compile(r"\s*([“”‘’])\$\.")
_PROSE: Final = re.compile(f"[^\\x00-\\x7f{''.join(_ASCII)}]")
"""A character that is neither ASCII nor such punctuation: with one, the text may be Chinese prose."""


def has_full_width(text: object) -> bool:
    """Whether full-width punctuation is in `text`."""
    return _FULL_WIDTH.search(str(text)) is not None


def find(text: str, start: int, end: int, *, blank: bool = False) -> Slip | None:
    """Return the first full-width punctuation of `text[start:end]`; with `blank`, a colon lacks the one after it."""
    match = _FULL_WIDTH.search(text, start, end)
    return None if match is None else _slip(text, match.start(), blank=blank)


def may_be_prose(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` may be Chinese prose, in which full-width punctuation is right."""
    return _PROSE.search(text, start, end) is not None


def for_colon(text: str, start: int, end: int) -> Slip | None:
    """Return the full-width colon of `text[start:end]`, which lacks an ASCII one."""
    index = text.find("：", start, end)
    return None if index < 0 else _slip(text, index, blank=True)


def around_reference(text: str, start: int, end: int) -> Slip | None:
    """Return the Chinese quote before a reference: “$.a” would be text."""
    match = _QUOTED_REFERENCE.match(text, start, end)
    return None if match is None else _slip(text, match.start(1))


def replacements(line: str, column: int) -> list[tuple[Slip, str]]:
    """Return what may be wrong with a line before `column`, each with the line put right.

    Each full-width character alone, each pair of quotes, then all at once, as if the first were to blame:

        {type：phone}          ->  (5, '：' is …)  {type: phone}
        group_id: “a: b”       ->  (10, '“' is …)  group_id: "a: b"
    """
    places = [match.start() for match in _FULL_WIDTH.finditer(line)]
    places = [place for place in places if place <= column][-_MAX_PLACES:]
    candidates = [[place] for place in places]
    candidates += [list(pair) for pair in pairwise(places) if line[pair[0]] in "“‘"]
    if places:
        candidates.append(places)
    return [(_slip(line, candidate[0], blank=True), _replaced(line, candidate)) for candidate in candidates]


def _replaced(line: str, places: list[int]) -> str:
    for place in reversed(places):
        after = " " if line[place] in "：，、－" and line[place + 1 : place + 2] != " " else ""
        line = f"{line[:place]}{_ASCII[line[place]][1]}{after}{line[place + 1 :]}"
    return line


def _slip(text: str, index: int, *, blank: bool = False) -> Slip:
    character = text[index]
    name, ascii_character = _ASCII[character]
    quoted = f"'{ascii_character}'" if ascii_character != "'" else '"\'"'
    instead = message("a blank") if ascii_character == " " else message("{sign}", sign=quoted)
    if blank and character == "：":
        instead = message("{instead} and a blank", instead=instead)
    told = message(
        "'{character}' is {name} (U+{number:04X}): write {instead}",
        character=character,
        name=name,
        number=ord(character),
        instead=instead,
    )
    return Slip(index, told)
