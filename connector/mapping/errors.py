"""How the mapping of one record can fail. None of these exceptions leaves this package.

ConversionError   a conversion does not accept a value
MappingError      the record goes to the dead letters
SkipItem          the config says `$skip`
"""

from __future__ import annotations


class ConversionError(Exception):
    """A value can't be converted; the message gives its type, never its content."""


class MappingError(Exception):
    """The record can't be mapped; the attributes become the dead letter's headers."""

    def __init__(self, reason: str, field: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.detail = detail


class SkipItem(Exception):  # noqa: N818 - a decision of the config, not an error
    """The config says that this record makes no item."""
