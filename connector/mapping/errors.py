"""What a record can do to its mapping, as exceptions that never leave this package."""

from __future__ import annotations


class ConversionError(Exception):
    """A conversion can't be done; says why, without the value."""


class MappingError(Exception):
    """The record goes to the dead letters."""

    def __init__(self, reason: str, field: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.detail = detail


class SkipItem(Exception):  # noqa: N818 - what the config asks for, not an error
    """The config says `$skip`: no item."""


def type_name(value: object) -> str:
    """What a value is, in JSON's words: all that a dead letter says of it."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


_TYPE_NAMES: dict[type, str] = {
    str: "text",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
