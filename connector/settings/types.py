"""The types of settings: durations, sizes, rates, integers, flags and text, read from the file's scalars.

What came out of `${…}` is text (`InterpolatedStr`) and is converted. What stands in the file itself has its type by
YAML's rules and must be the right one: `"500"` in quotes is text, and text is not a number. No message shows a value.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal, NoReturn, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainValidator, SecretStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from connector.core.concurrency import MAX_LIMIT
from connector.language.message import Message, message

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_ZONE = "Asia/Shanghai"
"""The time zone of times without an offset."""

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)", re.ASCII)
_SIZE = re.compile(r"(\d{1,9})(KiB|MiB|GiB|B)", re.ASCII)
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)/(s|m)", re.ASCII)
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_RATE_UNITS = {"s": 1.0, "m": 60.0}
_WHOLE = re.compile(r"[-+]?\d{1,18}", re.ASCII)


class InterpolatedStr(str):
    """Text that came out of `${…}`: always a literal, even if it begins with `$`. Its repr hides it."""

    __slots__ = ("read_again",)

    read_again: Callable[[], str | None]
    """Returns the text as it is now if it came out of a file; None if that can't be read, or there is no file."""

    def __new__(cls, text: str = "", read_again: Callable[[], str | None] = lambda: None) -> Self:
        """Return the text."""
        self = super().__new__(cls, text)
        self.read_again = read_again
        return self

    def __repr__(self) -> str:
        return "InterpolatedStr('***')"


def expected(what: Message, value: object) -> Message:
    """Return ``expected text, got a number``."""
    return message("expected {what}, got {kind}", what=what, kind=_KINDS.get(type(value), TEXT))


TEXT: Final = message("text")
A_TABLE: Final = message("a table")
A_LIST: Final = message("a list")
_KINDS: Final = {
    type(None): message("nothing"),
    bool: message("true or false"),
    int: message("a number"),
    float: message("a number"),
    list: A_LIST,
    dict: A_TABLE,
}


def expected_text(value: object) -> Message:
    """Return ``expected text, got a number; quote it``."""
    told = expected(TEXT, value)
    return message("{told}; quote it", told=told) if isinstance(value, bool | int | float) else told


def refuse(code: Literal["wrong_type", "bad_value", "bad_reference"], why: Message) -> NoReturn:
    """Raise what pydantic reports as an error with this code and this message, for `config.messages`."""
    raise PydanticCustomError(code, "{message}", {"message": why})


def refuse_reference(value: str) -> None:
    """Raise if the text of a setting is a reference into the record, because a setting has no record.

    Raises:
        PydanticCustomError: with the code `bad_reference`.

    """
    if value.startswith("$") and not isinstance(value, InterpolatedStr) and not value.startswith("$$"):
        refuse(
            "bad_reference",
            message(
                "a setting can't refer to the record: write ${{NAME}} for an environment variable,"
                " or $$ for text that begins with $"
            ),
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        refuse("wrong_type", expected_text(value))
    refuse_reference(value)
    return value[1:] if value.startswith("$$") and not isinstance(value, InterpolatedStr) else value


def _credential(value: object) -> str:
    text = _text(value).strip()
    if not text:
        refuse("bad_value", message("must not be blank"))
    return text


class SecretSource(SecretStr):
    """A secret. Its repr hides it; what came out of `${file:…}` can be read again, because files are replaced."""

    def __init__(self, secret: str, read_again: Callable[[], str | None] = lambda: None) -> None:
        super().__init__(secret)
        self._read_again = read_again

    def read_again(self) -> str | None:
        """Return the secret as it is now; None if it did not come out of a file, or that can't be read. Never waits."""
        return self._read_again()


def _secret(value: object) -> SecretSource:
    text = _credential(value)
    return SecretSource(text, value.read_again) if isinstance(value, InterpolatedStr) else SecretSource(text)


def _property(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _text(value)
    return refuse("wrong_type", expected(message("text, a number, true or false"), value))


def _whole(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, InterpolatedStr) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return refuse("wrong_type", expected(message("an integer"), value))


def _in_flight(value: object) -> object:
    if isinstance(value, str) and value.strip() == "auto":
        return "auto"
    if isinstance(value, InterpolatedStr) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        refuse("wrong_type", expected(message("an integer or auto"), value))
    if not 1 <= value <= MAX_LIMIT:
        at_least, at_most = message("must be at least {ge}", ge=1), message("must be at most {le}", le=MAX_LIMIT)
        refuse("bad_value", at_least if value < 1 else at_most)
    return value


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, InterpolatedStr) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    return refuse("wrong_type", expected(message("true or false"), value))


def _match(pattern: re.Pattern[str], value: object, rule: Message) -> re.Match[str]:
    match = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        refuse("bad_value" if isinstance(value, str) else "wrong_type", rule)
    return match


def _duration(value: object) -> float:
    match = _match(_DURATION, value, message("expected a duration, such as 250ms, 10s, 5m or 1h"))
    return float(match[1]) * _DURATION_UNITS[match[2]]


def duration_text(seconds: float) -> str:
    """Return a duration as it is written in the file."""
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def size_text(size: int) -> str:
    """Return a size in bytes, of whole KiB, as it is written in the file."""
    return f"{size >> 20}MiB" if size % (1 << 20) == 0 else f"{size >> 10}KiB"


def _size(value: object) -> int:
    match = _match(_SIZE, value, message("expected a size, such as 512KiB or 1MiB"))
    return int(match[1]) * _SIZE_UNITS[match[2]]


def _rate(value: object) -> float:
    rule = message("expected a rate above zero, such as 50/s or 600/m")
    match = _match(_RATE, value, rule)
    if float(match[1]) <= 0:
        refuse("bad_value", rule)
    return float(match[1]) / _RATE_UNITS[match[2]]


_ZONE = ZoneInfo(DEFAULT_ZONE)


def _start(value: object) -> object:
    rule = message(
        "expected earliest, latest or a time such as 2024-01-31T00:00:00+08:00 (without an offset: {zone})",
        zone=DEFAULT_ZONE,
    )
    if not isinstance(value, str):
        refuse("wrong_type", rule)
    if value in {"earliest", "latest"}:
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        refuse("bad_value", rule)
    return time if time.tzinfo is not None else time.replace(tzinfo=_ZONE)


_ABOVE_ZERO = r"^(?=.*[1-9])\d+(\.\d+)?"
"""Every duration, size and rate of the file is more than zero."""
Text = Annotated[str, BeforeValidator(_text)]
"""Text in which `$$x` stands for `$x`, and which is not a reference."""
Credential = Annotated[str, BeforeValidator(_credential)]
"""Text that is not blank, stripped (a secret file ends with a line break)."""
Secret = Annotated[
    SecretSource,
    PlainValidator(_secret),
    WithJsonSchema({"type": "string", "format": "password", "writeOnly": True}),
]
Whole = Annotated[int, BeforeValidator(_whole)]
InFlight = Annotated[
    int | Literal["auto"],
    BeforeValidator(_in_flight),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, {"const": "auto"}]}),
]
"""Requests at the same time."""
Flag = Annotated[bool, BeforeValidator(_flag)]
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": f"{_ABOVE_ZERO}(ms|s|m|h)$"}),
]
"""In seconds."""
Size = Annotated[
    int, BeforeValidator(_size), WithJsonSchema({"type": "string", "pattern": r"^(?=.*[1-9])\d+(B|KiB|MiB|GiB)$"})
]
"""In bytes."""
Rate = Annotated[float, BeforeValidator(_rate), WithJsonSchema({"type": "string", "pattern": f"{_ABOVE_ZERO}/(s|m)$"})]
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
"""For a duration or a size that must not be zero."""
