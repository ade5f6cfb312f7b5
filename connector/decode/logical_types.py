"""From Avro's values to those that JSON has, which the mapping language understands. Pure.

Text, booleans, integers, enums, arrays, maps, records and the branches of unions are the same in both; timestamps stay
the integers that they are, which `as: timestamp` reads. The functions here make the rest; docs/formats.md has a table.
"""

from __future__ import annotations

import base64
import math
import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US: Final = 86_400_000_000
_EXACT: Final = 10**15
"""A float shows every decimal number of fewer digits as it was written."""
_FLOAT: Final = struct.Struct("<f")


def double(value: float) -> float | None:
    """Return a double; None for NaN and the infinities, which JSON does not have."""
    return value if math.isfinite(value) else None


def single(value: float) -> float | None:
    """Return a float of 32 bits as the shortest decimal number that stands for it: 19.9, not 19.899999618530273."""
    if not math.isfinite(value):
        return None
    for digits in (6, 7, 8):
        shorter = float(f"{value:.{digits}g}")
        if abs(shorter) < 3.4e38 and _FLOAT.unpack(_FLOAT.pack(shorter))[0] == value:
            return shorter
    return float(f"{value:.9g}")


def base64_text(value: bytes) -> str:
    """Return bytes as Base64."""
    return base64.b64encode(value).decode()


def decimal(unscaled: bytes, scale: int) -> int | float | str:
    """Return a decimal number (two's complement, big-endian) as JSON would have it: 1420.5.

    One with more digits than a float shows exactly is text, so that none is lost.
    """
    number = int.from_bytes(unscaled, "big", signed=True)
    if scale == 0:
        return number
    if -_EXACT < number < _EXACT:
        return float(number / 10**scale)
    digits = str(abs(number)).rjust(scale + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def date(days: int) -> str | int:
    """Return a date as yyyy-MM-dd; outside of the years 1 to 9999 the days since 1970."""
    try:
        return (_EPOCH + timedelta(days=days)).date().isoformat()
    except OverflowError:
        return days


def time_of_day(per_second: int) -> Callable[[int], str | int]:
    """Return what makes HH:mm:ss of a time since midnight, with the fraction that it has."""

    def time(value: int) -> str | int:
        microseconds = value * 1_000_000 // per_second
        return _clock(microseconds) if 0 <= microseconds < _DAY_US else value

    return time


def local_timestamp(per_second: int) -> Callable[[int], str | int]:
    """Return what makes yyyy-MM-ddTHH:mm:ss of a wall clock's time: without a zone, so that a route's `zone` counts."""

    def local(value: int) -> str | int:
        days, microseconds = divmod(value * 1_000_000 // per_second, _DAY_US)
        day = date(days)
        return f"{day}T{_clock(microseconds)}" if isinstance(day, str) else value

    return local


def _clock(microseconds: int) -> str:
    time = (_EPOCH + timedelta(microseconds=microseconds)).time()
    return time.isoformat("seconds" if not time.microsecond else "auto" if time.microsecond % 1000 else "milliseconds")


def uuid(value: bytes) -> str:
    """Return a UUID of 16 bytes as text."""
    return str(UUID(bytes=value))


PLAIN: Final[Mapping[str, Callable[..., object]]] = {
    "float": single,
    "double": double,
    "bytes": base64_text,
    "fixed": base64_text,
}
"""By the name of an Avro type without a logical type that is known here."""

LOGICAL: Final[Mapping[tuple[str, str], Callable[..., object]]] = {
    ("int", "date"): date,
    ("int", "time-millis"): time_of_day(1_000),
    ("long", "time-micros"): time_of_day(1_000_000),
    ("long", "local-timestamp-millis"): local_timestamp(1_000),
    ("long", "local-timestamp-micros"): local_timestamp(1_000_000),
    ("long", "local-timestamp-nanos"): local_timestamp(1_000_000_000),
    ("fixed", "uuid"): uuid,
}
"""By type and logical type. Decimals, of bytes and of fixed, need their scale too."""
