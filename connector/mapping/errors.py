"""How the mapping of one record can fail. None of these exceptions leaves this package.

ConversionError   a conversion does not accept a value
MappingError      the record goes to the dead letters
SkipItem          the config says `$skip`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message

if TYPE_CHECKING:
    from connector.language.message import Message


class ConversionError(Exception):
    """A value can't be converted; the text gives its type, never its content.

    It takes what `message` takes, and makes the message when that is asked for: where a marketplace masks the phone
    numbers, one is raised for each record, and nobody reads it.
    """

    def __init__(self, template: str, /, **arguments: object) -> None:
        self._template = template
        self._arguments = arguments

    @property
    def told(self) -> Message:
        """The text, for `check`."""
        return message(self._template, **self._arguments)

    def __str__(self) -> str:
        return self._template.format(**self._arguments)


class MappingError(Exception):
    """The record can't be mapped; the attributes become the dead letter's headers."""

    def __init__(self, reason: str, field: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.detail = detail


class SkipItem(Exception):  # noqa: N818 - a decision of the config, not an error
    """The config says that this record makes no item."""
