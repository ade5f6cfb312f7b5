"""What a scalar of the file means: the core schema of YAML 1.2, and no other rule.

`NO` and `12:30` are text, `010` is ten, `2024-01-01` is text. Numbers that JSON does not have are refused.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ruamel.yaml.events import ScalarEvent

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Position(NamedTuple):
    """A place in the file, 1-based."""

    line: int
    column: int


class YamlError(Exception):
    """The text is not YAML, or not the YAML of a config. The message is one line and shows no value."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def place_of(event: object) -> Position:
    """Where an event of ruamel's begins."""
    mark = event.start_mark  # type: ignore[attr-defined]  # every event of ruamel has one
    return Position(mark.line + 1, mark.column + 1)


def refuse_tag(event: object, place: Position) -> None:
    """Refuse what is tagged: nothing is built from tags.

    Raises:
        YamlError: the event has a tag.

    """
    tag = getattr(event, "tag", None)
    if tag:
        tag = tag.replace("tag:yaml.org,2002:", "!!")
        raise YamlError(f"tags are not used here: remove the '{tag}', or quote the text", place)


def key_text(event: ScalarEvent, place: Position) -> str:
    """Read a key: text as it is written, so that `010` and `1` find what a record has; `True` is `true`.

    Raises:
        YamlError: it is tagged, or holds half a character.

    """
    value: str = event.value
    if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
        refuse_tag(event, place)
    if not event.style and value in _BOOL:
        return value.lower()
    return _sane(value, place)


def scalar(event: ScalarEvent, place: Position) -> object:
    """Read a value: text if it is quoted, else what it looks like.

    Raises:
        YamlError: it is tagged, a number that JSON does not have, or holds half a character.

    """
    text: str = event.value
    if event.style or event.tag in {"!", "tag:yaml.org,2002:str"}:
        return _sane(text, place)
    if event.tag is not None:
        refuse_tag(event, place)
    return _plain_scalar(text, place)


def _sane(text: str, place: Position) -> str:
    if _SURROGATE.search(text):
        raise YamlError("half a character (\\ud800 to \\udfff): write the character itself", place)
    return text


def _plain_scalar(text: str, place: Position) -> object:
    """What an unquoted scalar means by the core schema of YAML 1.2."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) or _BASED_INT.fullmatch(text):
        number = int(text, 10 if _INT.fullmatch(text) else 0) if len(text) <= 64 else 1 << 64
        if not -(1 << 63) <= number < 1 << 64:
            raise YamlError("a whole number beyond 64 bits: put it in quotes if text is meant", place)
        return number
    if _FLOAT.fullmatch(text):
        fraction = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(fraction):
            raise YamlError("not a number that JSON has: put it in quotes if text is meant", place)
        return fraction
    return text
