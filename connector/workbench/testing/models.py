"""A file of mapping tests as types: its keys and their defaults.

    config: ../connector.yaml
    tests:
      - name: a paid order becomes c_buy
        record: {topic: shop.orders, value: {status: PAID}}
        expect:
          - {target: purchases, item: {eventKey: c_buy}}

What is expected of an item stays as it is in the file: it is compared, never converted.
"""

from __future__ import annotations

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from connector.language.message import message
from connector.mapping.conversions.timestamps import timestamp
from connector.mapping.errors import ConversionError
from connector.mapping.json_values import text_form
from connector.settings.models import Model, Raw
from connector.settings.types import DEFAULT_ZONE, TEXT, Whole, expected, expected_text, refuse

DEFAULT_TIMESTAMP_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""
MAX_PARTITION: Final = (1 << 31) - 1
MAX_OFFSET: Final = (1 << 63) - 1


def _plain(value: object) -> str:
    if not isinstance(value, str):
        refuse("wrong_type", expected_text(value))
    if not value.strip():
        refuse("bad_value", message("must not be blank"))
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else refuse("wrong_type", expected(TEXT, value))


def _key(value: object) -> str | None:
    if value is None or (text := text_form(value)) is not None:
        return None if value is None else text
    return refuse("wrong_type", expected(TEXT, value))


def _headers(value: object) -> object:
    if not isinstance(value, dict):
        refuse("wrong_type", expected(message("a table of names and texts"), value))
    return {name: _key(each) for name, each in value.items()}


def _timestamp(value: object) -> int | None:
    rule = message("expected a time such as 2024-01-31T08:00:00+08:00, or epoch milliseconds")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        refuse("wrong_type", rule)
    if isinstance(value, int):
        return value if 0 <= value <= MAX_OFFSET else refuse("bad_value", rule)
    try:
        return int(timestamp(ZoneInfo(DEFAULT_ZONE))(value))
    except ConversionError:
        return refuse("bad_value", rule)


PlainText = Annotated[str, BeforeValidator(_plain)]
"""Text that is not blank; other than in a config, `$` means nothing in it."""
AnyText = Annotated[str, BeforeValidator(_text)]


class GivenRecord(Model):
    """The record of a test: exactly one of `value`, `value_text` and `value_file`."""

    topic: PlainText
    key: Annotated[str | None, BeforeValidator(_key)] = None
    headers: Annotated[dict[str, str | None], BeforeValidator(_headers)] = Field(default_factory=dict)
    partition: Whole = Field(default=0, ge=0, le=MAX_PARTITION)
    offset: Whole = Field(default=0, ge=0, le=MAX_OFFSET)
    timestamp: Annotated[int | None, BeforeValidator(_timestamp)] = DEFAULT_TIMESTAMP_MS
    """In milliseconds; None: the record has none."""
    value: Raw = None
    """Decoded already; null is a tombstone."""
    value_text: AnyText | None = None
    value_file: PlainText | None = None
    """Relative to the file of the test."""


class DeadLetterExpected(Model):
    """What is expected of a dead letter; what is left out may be anything."""

    route: AnyText | None = None
    reason: PlainText | None = None
    target: AnyText | None = None
    field: AnyText | None = None
    detail: AnyText | None = None


class ItemExpected(Model):
    """What is expected in one place of the list of items; what is left out may be anything."""

    route: PlainText | None = None
    target: PlainText | None = None
    item: dict[str, Raw] | None = None
    """A part of the item. Lists are whole, numbers are compared by value, null stands for what is not there."""
    public_params: dict[str, Raw] | None = None
    dead_letter: Raw = None
    """Instead of all others: a dead letter in this place."""


class MappingTest(Model):
    """One test; `record`, `expect` and `expect_dead_letter` are checked on their own."""

    name: PlainText
    record: Raw
    expect: Raw = None
    expect_dead_letter: Raw = None


class FileOfTests(Model):
    """The whole file."""

    config: PlainText
    """Relative to the file."""
    tests: list[Raw] = Field(min_length=1)
