"""Settings with a type: durations, sizes, rates, whole numbers, flags and text, read from the file's scalars.

What came out of `${…}` is text (`InterpolatedStr`) and is converted; what stands in the file itself has its type by
YAML's rules and must be the right one: `"500"` in quotes is text, and text is not a number. No message shows a value.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal, NoReturn
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, WithJsonSchema
from pydantic_core import PydanticCustomError

DEFAULT_ZONE = "Asia/Shanghai"
"""Where text without an offset is read."""

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)", re.ASCII)
_SIZE = re.compile(r"(\d{1,9})(KiB|MiB|GiB|B)", re.ASCII)
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)/(s|m)", re.ASCII)
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_RATE_UNITS = {"s": 1.0, "m": 60.0}
_WHOLE = re.compile(r"[-+]?\d{1,18}", re.ASCII)


class InterpolatedStr(str):
    """Text that came out of `${…}`: a literal, never a reference, whatever it begins with; its repr hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "InterpolatedStr('***')"


def kind(value: object) -> str:
    """What a value from the file is, in the words of its reader."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a table"


def _refuse(code: Literal["wrong_type", "bad_value", "bad_reference"], message: str) -> NoReturn:
    raise PydanticCustomError(code, "{message}", {"message": message})


def refuse_reference(value: str) -> None:
    """Raise if a setting's text is written as a reference into the record: a setting has no record to look at."""
    if value.startswith("$") and not isinstance(value, InterpolatedStr) and not value.startswith("$$"):
        _refuse(
            "bad_reference",
            "a setting can't refer to the record: write ${NAME} for an environment variable,"
            " or $$ for text that begins with $",
        )


def _text(value: object) -> object:
    if not isinstance(value, str):
        hint = "; put it in quotes" if isinstance(value, bool | int | float) else ""
        _refuse("wrong_type", f"must be text, not {kind(value)}{hint}")
    refuse_reference(value)
    return value[1:] if value.startswith("$$") and not isinstance(value, InterpolatedStr) else value


def _credential(value: object) -> object:
    text = _text(value)
    if isinstance(text, str) and not text.strip():
        _refuse("bad_value", "must not be blank")
    return text.strip() if isinstance(text, str) else text


def _property(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _text(value)
    return _refuse("wrong_type", f"must be text, a number, true or false, not {kind(value)}")


def _whole(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, InterpolatedStr) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return _refuse("wrong_type", f"must be a whole number, not {kind(value)}")


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, InterpolatedStr) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    return _refuse("wrong_type", f"must be true or false, not {kind(value)}")


def _match(pattern: re.Pattern[str], value: object, rule: str) -> re.Match[str]:
    match = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        _refuse("bad_value" if isinstance(value, str) else "wrong_type", rule)
    return match


def _duration(value: object) -> float:
    match = _match(_DURATION, value, "a duration is a number with a unit: 250ms, 10s, 5m, 1h")
    return float(match[1]) * _DURATION_UNITS[match[2]]


def _size(value: object) -> int:
    match = _match(_SIZE, value, "a size is a whole number with a unit: 512KiB, 1MiB")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def _rate(value: object) -> float:
    rule = "a rate is requests per second or minute, more than none: 50/s, 600/m"
    match = _match(_RATE, value, rule)
    if float(match[1]) <= 0:
        _refuse("bad_value", rule)
    return float(match[1]) / _RATE_UNITS[match[2]]


_ZONE = ZoneInfo(DEFAULT_ZONE)


def _start(value: object) -> object:
    rule = "must be earliest, latest or a time, like 2024-01-31T00:00:00+08:00 (without an offset: Asia/Shanghai)"
    if not isinstance(value, str):
        _refuse("wrong_type", rule)
    if value in {"earliest", "latest"}:
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        _refuse("bad_value", rule)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=_ZONE)


_NUMBER_WITH_UNIT = r"^\d+(\.\d+)?"
Text = Annotated[str, BeforeValidator(_text)]
"""Text as it is meant: `$$x` is `$x`, and a reference is refused."""
Credential = Annotated[str, BeforeValidator(_credential)]
"""Text without blanks around it (a file ends with a line break), and not blank."""
Secret = Annotated[SecretStr, BeforeValidator(_credential)]
Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": f"{_NUMBER_WITH_UNIT}(ms|s|m|h)$"}),
]
"""In seconds."""
Size = Annotated[int, BeforeValidator(_size), WithJsonSchema({"type": "string", "pattern": r"^\d+(B|KiB|MiB|GiB)$"})]
"""In bytes."""
Rate = Annotated[
    float, BeforeValidator(_rate), WithJsonSchema({"type": "string", "pattern": f"{_NUMBER_WITH_UNIT}/(s|m)$"})
]
"""In requests per second."""
Property = Annotated[
    str | int | float | bool,
    BeforeValidator(_property),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
Start = Annotated[
    Literal["earliest", "latest"] | datetime,
    BeforeValidator(_start),
    WithJsonSchema({"anyOf": [{"enum": ["earliest", "latest"]}, {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d"}]}),
]
Positive = Field(gt=0)
"""Laid over a duration or a size that can't be none."""
