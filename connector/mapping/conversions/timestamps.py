"""Conversions of points in time: to epoch milliseconds, and to a date.

The unit of a number, or of text that holds one, follows from its size: 14 digits are yyyyMMddHHmmss, 8 are yyyyMMdd;
apart from these, seconds, milliseconds, microseconds and nanoseconds since 1970 differ by a factor of a thousand.
Other text is ISO 8601 or close to it (blank for T, slashes, single digits, 年月日). Text without an offset is local
time of a zone. The arithmetic is exact; fractions of a millisecond are cut off.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from connector.language.message import message
from connector.mapping.conversions.conversion import Conversion, Option
from connector.mapping.conversions.numbers import decimal_of
from connector.mapping.errors import ConversionError
from connector.mapping.expressions import Usual
from connector.mapping.json_values import type_name
from connector.mapping.vocabulary import Example
from connector.settings.types import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.mapping.conversions.conversion import Convert
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location

UNITS: dict[str, Decimal] = {
    "s": Decimal(1000),
    "ms": Decimal(1),
    "us": Decimal("0.001"),
    "ns": Decimal("0.000001"),
    "days": Decimal(86_400_000),
}
"""Milliseconds in one of each."""

_LONGEST = 100
"""Characters of a time; longer text is refused before it is looked at."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_SECONDS_BELOW, _MICROSECONDS_BELOW = 10**11, 10**17
_SIZES = ((_SECONDS_BELOW, "s"), (10**14, "ms"), (_MICROSECONDS_BELOW, "us"), (10**20, "ns"))
"""Numbers below the limit are in that unit: seconds up to the year 5138, and so on."""
USUAL_MS = (10**12, 10**13)
"""Milliseconds between 2001 and 2286, as most records have them."""
_DIGITS = {8: "yyyyMMdd", 14: "yyyyMMddHHmmss"}
_LOOSE = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_CHINESE_DATE = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]", re.ASCII)
_CHINESE_TIME = re.compile(r"(\d{1,2})\s*[时時点點]\s*(?:(\d{1,2})\s*分\s*(?:(\d{1,2})\s*秒)?)?", re.ASCII)


def timestamp(zone: tzinfo, unit: str | None = None, *, local: bool = False) -> Convert:
    """Return a function that yields epoch milliseconds."""
    to_milliseconds = _numbers(zone, unit, local=local)
    is_plain = unit is None and not local

    def convert(value: Json) -> Json:
        if is_plain and value.__class__ is int and (milliseconds := _by_size(value)) is not None:
            return milliseconds
        return to_milliseconds(value)

    return convert


def _by_size(number: int) -> int | None:
    """Return a whole number that is not written as a date in milliseconds, as `_from_number` does; None if unsure."""
    if 10**8 <= number < 10**13:  # 9 to 13 digits
        return number * 1000 if number < _SECONDS_BELOW else number
    if 10**14 <= number < 10**20:  # 15 digits or more
        return number // (1000 if number < _MICROSECONDS_BELOW else 1_000_000)
    return None


def _usual_milliseconds(given: Mapping[str, Json]) -> Usual | None:
    low, high = USUAL_MS
    return None if "unit" in given or given.get("local") else Usual(int, f"{low} <= {{0}} and {{0}} < {high}")


def date(zone: tzinfo, unit: str | None = None, *, local: bool = False) -> Convert:
    """Return a function that yields the date in the zone as yyyy-MM-dd."""
    to_milliseconds = _numbers(zone, unit, local=local)

    def convert(value: Json) -> Json:
        try:
            moment = _EPOCH + timedelta(milliseconds=to_milliseconds(value))
            return moment.astimezone(zone).date().isoformat()
        except (OverflowError, ValueError) as error:
            raise ConversionError("{kind} is a time outside of the years 1 to 9999", kind=type_name(value)) from error

    return convert


def _numbers(zone: tzinfo, unit: str | None, *, local: bool) -> Callable[[Json], int]:
    def to_milliseconds(value: Json) -> int:
        exact = decimal_of(value)
        if exact is not None:
            return _from_number(exact, value, zone, unit, local=local)
        if isinstance(value, str):
            return _from_text(value, zone)
        raise ConversionError("expected a time, got {kind}", kind=type_name(value))

    return to_milliseconds


def _from_number(exact: Decimal, value: Json, zone: tzinfo, unit: str | None, *, local: bool) -> int:
    if unit is None and exact == exact.to_integral_value():
        digits = str(int(exact))
        if len(digits) in _DIGITS:
            return _from_digits(digits, value, zone)
    if unit is None:
        unit = next((unit for limit, unit in _SIZES if abs(exact) < limit), None)
    if unit is None:
        raise ConversionError("{kind} is too large for a time", kind=type_name(value))
    milliseconds = int((exact * UNITS[unit]).to_integral_value(ROUND_FLOOR))
    return _wall_clock(milliseconds, zone) if local else milliseconds


def _wall_clock(milliseconds: int, zone: tzinfo) -> int:
    """Return when clocks of the zone show what a clock in UTC shows at that time."""
    try:
        shown = _EPOCH + timedelta(milliseconds=milliseconds)
        return _milliseconds(shown.replace(tzinfo=zone))
    except OverflowError as error:
        raise ConversionError("a time outside of the years 1 to 9999") from error


def _from_digits(digits: str, value: Json, zone: tzinfo) -> int:
    parts = [int(digits[:4]), *(int(digits[start : start + 2]) for start in range(4, len(digits), 2))]
    try:
        return _milliseconds(datetime(*parts, tzinfo=zone))  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError) as error:
        number, form = len(digits), _DIGITS[len(digits)]
        raise ConversionError(
            "{kind} of {number} digits is not {form}", kind=type_name(value), number=number, form=form
        ) from error


def _from_text(text: str, zone: tzinfo) -> int:
    text = text.strip()
    if len(text) > _LONGEST:
        raise ConversionError("text is not a time in any known form")
    if not text.isascii():
        text = _without_chinese(unicodedata.normalize("NFKC", text)).strip()
    try:
        moment = _parse(text)
        return _milliseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise ConversionError("text is not a time in any known form") from error


def _without_chinese(text: str) -> str:
    """Return `1990年1月31日 9时5分` as `1990-1-31 9:05`; text of any other form as it is."""
    text = _CHINESE_DATE.sub(r"\1-\2-\3 ", text)
    return _CHINESE_TIME.sub(lambda match: ":".join((match[1], *(part or "0" for part in match.groups()[1:]))), text)


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        match = _LOOSE.fullmatch(text)
        if match is None:
            raise
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    microsecond = int((match[7] or "").ljust(6, "0")[:6])
    moment = datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - the zone is added below
    offset = (match[8] or "").upper()
    return moment.replace(tzinfo=_offset(offset)) if offset else moment


def _offset(text: str) -> tzinfo | None:
    return datetime.fromisoformat(f"2000-01-01T00:00{text}").tzinfo


def _milliseconds(moment: datetime) -> int:
    passed = moment - _EPOCH
    return passed.days * _DAY_MS + passed.seconds * 1000 + passed.microseconds // 1000


def _parse_zone(name: Json, location: Location) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        location.add(message("no such time zone: names are like Asia/Shanghai"), "bad_value")
        return UTC


def _parse_unit(unit: Json, location: Location) -> str | None:
    if not isinstance(unit, str) or unit not in UNITS:
        location.add(message("expected one of {names}", names=", ".join(UNITS)), "bad_value")
        return None
    return unit


def _parse_local(local: Json, location: Location) -> bool:
    if not isinstance(local, bool):
        location.add(message("expected true or false"), "wrong_type")
    return local is True


UNIT = Option(
    name="unit",
    doc="With `as: timestamp` and `as: date`: the unit of numbers, which otherwise follows from their size.",
    schema={"enum": [*UNITS]},
    examples=(
        Example("{from: $.day, as: date, unit: days}", {"day": 18582}, "2020-11-16"),
        Example("{from: $.at, as: timestamp, unit: s}", {"at": 20201116}, 20201116000),
    ),
    parse=_parse_unit,
)
LOCAL = Option(
    name="local",
    doc="With `as: timestamp` and `as: date`: true: a number is not a time but what a clock in the zone showed, counted"
    " as if in UTC (a DATETIME column in Debezium).",
    schema={"type": "boolean"},
    examples=(
        Example("{from: $.at, as: timestamp, local: true}", {"at": 1605519415673}, 1605490615673),
        Example("{from: $.at, as: date, local: true}", {"at": 1605571199000}, "2020-11-16"),
    ),
    parse=_parse_local,
    default=False,
)
ZONE = Option(
    name="zone",
    doc=f"With `as: timestamp` and `as: date`: the zone of text without an offset; default {DEFAULT_ZONE}.",
    schema={"type": "string"},
    examples=(
        Example("{from: $.at, as: timestamp, zone: Europe/Berlin}", {"at": "2020-11-16 02:36:55"}, 1605490615000),
        Example("{from: $.at, as: date, zone: UTC}", {"at": 1605490615673}, "2020-11-16"),
    ),
    parse=_parse_zone,
    default=ZoneInfo(DEFAULT_ZONE),
)
FORMS: dict[Json, str] = {
    1605490615: "seconds since 1970",
    1605490615673: "milliseconds",
    1605490615673999: "microseconds",
    1605490615673999888: "nanoseconds",
    "1605490615.673": "the same as text, with a fraction",
    20201116093655: "yyyyMMddHHmmss, as number or text",
    "20201116": "yyyyMMdd, as number or text",
    "2020-11-16T09:36:55.673+08:00": "ISO 8601; Z, +08 and +0800 as well",
    "2020-11-16 09:36:55": "a blank for T",
    "2020-11-16 09:36": "without seconds",
    "2020/11/16 9:36:55": "slashes and single digits",
    "2020-11-16": "a date",
    "2020年11月16日": "a date in Chinese, 日 or 号; a time may follow, with colons or 时分秒",
    "２０２０－１１－１６": "full-width digits and signs",
}
"""The forms of a time, as examples of 2020-11-16 in Shanghai."""

TABLE = (
    Conversion(
        "timestamp",
        timestamp,
        "Epoch milliseconds, from a time in any of the forms below.",
        ((1605490615, 1605490615000), ("2020-11-16 09:36:55.5", 1605490615500), (20201116093655, 1605490615000)),
        impossible=("yesterday", "2020-02-30", True),
        options=(UNIT, LOCAL, ZONE),
        yields=int,
        usual=_usual_milliseconds,
    ),
    Conversion(
        "date",
        date,
        "The date in the zone as yyyy-MM-dd, from a time in any of the forms below.",
        ((1605490615673, "2020-11-16"), ("2020/1/6", "2020-01-06"), ("2020-11-16T20:00:00Z", "2020-11-17")),
        impossible=("yesterday",),
        options=(UNIT, LOCAL, ZONE),
        settled=True,
    ),
)
