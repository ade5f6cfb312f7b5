"""Moments: whatever a record has for one, as epoch milliseconds or as a date.

A number, or text of digits, is told apart by its size: 14 digits are yyyyMMddHHmmss, 8 are yyyyMMdd, and
otherwise seconds, milliseconds, microseconds and nanoseconds since 1970 lie a thousand times apart. Text is
ISO 8601 or near it (blank for T, slashes, single digits); without an offset it is read in a zone. Everything is
whole-number arithmetic; what is below a millisecond is cut off.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from connector.mapping.conversions.numbers import decimal_of
from connector.mapping.errors import ConversionError, type_name

if TYPE_CHECKING:
    from connector.mapping.location import Json

UNITS: dict[str, Decimal] = {
    "s": Decimal(1000),
    "ms": Decimal(1),
    "us": Decimal("0.001"),
    "ns": Decimal("0.000001"),
    "days": Decimal(86_400_000),
}
"""Milliseconds in one of each."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_SIZES = ((10**11, "s"), (10**14, "ms"), (10**17, "us"), (10**20, "ns"))
"""Below so much, a number is in that unit: seconds until the year 5138, milliseconds likewise, …"""
_DIGITS = {8: "yyyyMMdd", 14: "yyyyMMddHHmmss"}
_LOOSE = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?",
    re.ASCII | re.IGNORECASE,
)

Conversion = Callable[["Json"], "Json"]


def timestamp(zone: tzinfo, unit: str | None) -> Conversion:
    """A function that yields epoch milliseconds."""
    to_milliseconds = _numbers(zone, unit)

    def convert(value: Json) -> Json:
        if value.__class__ is int and unit is None and 10**12 <= value < 10**13:
            return value  # milliseconds between 2001 and 2286, as most records have them
        return to_milliseconds(value)

    return convert


def date(zone: tzinfo, unit: str | None) -> Conversion:
    """A function that yields the date in the zone, as yyyy-MM-dd."""
    to_milliseconds = _numbers(zone, unit)

    def convert(value: Json) -> Json:
        try:
            moment = _EPOCH + timedelta(milliseconds=to_milliseconds(value))
            return moment.astimezone(zone).date().isoformat()
        except (OverflowError, ValueError) as error:
            raise ConversionError(f"{type_name(value)} is a moment out of range") from error

    return convert


def _numbers(zone: tzinfo, unit: str | None) -> Callable[[Json], int]:
    def to_milliseconds(value: Json) -> int:
        exact = decimal_of(value)
        if exact is not None:
            return _from_number(exact, value, zone, unit)
        if isinstance(value, str):
            return _from_text(value, zone)
        raise ConversionError(f"{type_name(value)} is not a moment")

    return to_milliseconds


def _from_number(exact: Decimal, value: Json, zone: tzinfo, unit: str | None) -> int:
    if unit is None and exact == exact.to_integral_value():
        digits = str(int(exact))
        if len(digits) in _DIGITS:
            return _from_digits(digits, value, zone)
    if unit is None:
        unit = next((unit for limit, unit in _SIZES if abs(exact) < limit), None)
    if unit is None:
        raise ConversionError(f"{type_name(value)} is too large for a moment")
    return int((exact * UNITS[unit]).to_integral_value(ROUND_FLOOR))


def _from_digits(digits: str, value: Json, zone: tzinfo) -> int:
    parts = [int(digits[:4]), *(int(digits[start : start + 2]) for start in range(4, len(digits), 2))]
    try:
        return _milliseconds(datetime(*parts, tzinfo=zone))  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError) as error:
        detail = f"{type_name(value)} of {len(digits)} digits is not {_DIGITS[len(digits)]}"
        raise ConversionError(detail) from error


def _from_text(text: str, zone: tzinfo) -> int:
    text = text.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).strip()
    try:
        moment = _parse(text)
        return _milliseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise ConversionError("text is not a moment in any known form") from error


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        match = _LOOSE.fullmatch(text)
        if match is None:
            raise
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    microsecond = int((match[7] or "").ljust(6, "0")[:6])
    moment = datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - its zone comes next
    offset = (match[8] or "").upper()
    return moment.replace(tzinfo=_offset(offset)) if offset else moment


def _offset(text: str) -> tzinfo | None:
    return datetime.fromisoformat(f"2000-01-01T00:00{text}").tzinfo


def _milliseconds(moment: datetime) -> int:
    passed = moment - _EPOCH
    return passed.days * _DAY_MS + passed.seconds * 1000 + passed.microseconds // 1000
