"""`as: timestamp` against the forms in which marketplaces, payment services, databases, languages and logs write times.

What is expected is computed by the calendar of the standard library from the moment that is written, never from the
text: a form is made of a moment by a writer.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from connector.mapping.conversions import timestamps
from connector.mapping.errors import ConversionError
from tests.unit.mapping.helpers import failure_of, mapper, record, route, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHANGHAI = ZoneInfo("Asia/Shanghai")
WIDE = str.maketrans("0123456789-:", "０１２３４５６７８９－：")

MOMENTS = (
    datetime(2020, 11, 16, 1, 36, 55, 673_999, tzinfo=UTC),
    datetime(2024, 2, 29, 15, 59, 59, 999_999, tzinfo=UTC),  # the last moment of a leap day in Shanghai
    datetime(2024, 2, 28, 16, 0, 0, 0, tzinfo=UTC),  # its first
    datetime(2023, 12, 31, 16, 0, 0, 1_000, tzinfo=UTC),  # the first millisecond of a year in Shanghai
    datetime(2001, 9, 9, 1, 46, 40, 0, tzinfo=UTC),  # 10 digits of seconds from here on
    datetime(2001, 9, 9, 1, 46, 39, 0, tzinfo=UTC),  # 9 digits
    datetime(2038, 1, 19, 3, 14, 8, 0, tzinfo=UTC),  # beyond 31 bits of seconds
    datetime(2019, 8, 5, 4, 3, 2, 10_000, tzinfo=UTC),  # single digits, and a fraction that begins with a zero
    datetime(1999, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    datetime(1986, 7, 1, 0, 0, 0, 0, tzinfo=UTC),  # China had summer time then: +09:00
    datetime(1991, 4, 13, 18, 0, 1, 0, tzinfo=UTC),  # a second after its last spring change
    datetime(1970, 1, 2, 0, 0, 0, 0, tzinfo=UTC),
    datetime(2099, 12, 31, 15, 59, 59, 0, tzinfo=UTC),
)


class Writer(NamedTuple):
    """One form of a time."""

    by: str
    write: Callable[[datetime], object]
    """Gets the moment in Shanghai."""
    keeps_us: int = 1_000_000
    """What it cuts the moment to: a second unless said otherwise."""


def form(text: str) -> Callable[[datetime], str]:
    return lambda at: at.strftime(text)


def epoch(at: datetime, unit_us: int) -> int:
    return (calendar.timegm(at.utctimetuple()) * 1_000_000 + at.microsecond) // unit_us


def milli(at: datetime) -> str:
    return f"{at.microsecond // 1000:03d}"


def loose(at: datetime, joint: str = "/") -> str:
    return f"{at.year}{joint}{at.month}{joint}{at.day} {at.hour}:{at.minute:02d}:{at.second:02d}"


def offset(at: datetime, colon: str = ":") -> str:
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    return f"+{minutes // 60:02d}{colon}{minutes % 60:02d}"


DAY_US = 86_400_000_000
MS_US, MINUTE_US, HOUR_US = 1000, 60_000_000, 3_600_000_000
WRITERS = (
    Writer("MySQL DATETIME; Taobao and JD: created, pay_time", form("%Y-%m-%d %H:%M:%S")),
    Writer("MySQL DATETIME(3)", lambda at: f"{at:%Y-%m-%d %H:%M:%S}.{milli(at)}", MS_US),
    Writer("MySQL DATETIME(6); ClickHouse DateTime64(6)", form("%Y-%m-%d %H:%M:%S.%f"), MS_US),
    Writer("MySQL DATE", form("%Y-%m-%d"), DAY_US),
    Writer("PostgreSQL timestamptz", lambda at: f"{at:%Y-%m-%d %H:%M:%S.%f}+{offset(at)[1:3]}", MS_US),
    Writer("PostgreSQL in UTC", lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00", MS_US),
    Writer("SQL Server datetime2(7)", lambda at: f"{at:%Y-%m-%d %H:%M:%S.%f}0", MS_US),
    Writer("SQL Server datetimeoffset", lambda at: f"{at:%Y-%m-%d %H:%M:%S.%f}0 {offset(at)}", MS_US),
    Writer("Hive and Spark", form("%Y-%m-%d %H:%M:%S.%f"), MS_US),
    Writer("Java Instant.toString", lambda at: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z", MS_US),
    Writer("Java LocalDateTime.toString", form("%Y-%m-%dT%H:%M:%S.%f"), MS_US),
    Writer("Java OffsetDateTime; WeChat Pay v3: success_time", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}{offset(at)}"),
    Writer("Jackson", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{milli(at)}{offset(at, '')}", MS_US),
    Writer(
        "JavaScript toISOString",
        lambda at: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{milli(at.astimezone(UTC))}Z",
        MS_US,
    ),
    Writer("Go time.RFC3339Nano", lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%f}789{offset(at)}", MS_US),
    Writer("Python isoformat", lambda at: at.isoformat(), MS_US),
    Writer("Python isoformat of a local time", lambda at: at.replace(tzinfo=None).isoformat(), MS_US),
    Writer("Python str", str, MS_US),
    Writer(".NET o, with seven digits", lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%f}4{offset(at)}", MS_US),
    Writer("lower case of RFC 3339", lambda at: f"{at.astimezone(UTC):%Y-%m-%dt%H:%M:%S}z"),
    Writer("log4j and logback ISO8601", lambda at: f"{at:%Y-%m-%d %H:%M:%S},{milli(at)}", MS_US),
    Writer("Python logging", lambda at: f"{at:%Y-%m-%d %H:%M:%S},{milli(at)}", MS_US),
    Writer("nginx $time_iso8601", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}{offset(at)}"),
    Writer("Go log", form("%Y/%m/%d %H:%M:%S")),
    Writer("a spreadsheet in Chinese", loose),
    Writer("a spreadsheet, to the minute", lambda at: loose(at).rpartition(":")[0], MINUTE_US),
    Writer("a spreadsheet, a day", lambda at: f"{at.year}/{at.month}/{at.day}", DAY_US),
    Writer("dashes and single digits", lambda at: loose(at, "-")),
    Writer("a form of a web page: datetime-local", form("%Y-%m-%dT%H:%M"), MINUTE_US),
    Writer("WeChat Pay v2: time_end", form("%Y%m%d%H%M%S")),
    Writer("UnionPay txnTime as a number", lambda at: int(f"{at:%Y%m%d%H%M%S}")),
    Writer("SAP and banks: a day", form("%Y%m%d"), DAY_US),
    Writer("a day as a number", lambda at: int(f"{at:%Y%m%d}"), DAY_US),
    Writer("ISO 8601, basic", form("%Y%m%dT%H%M%S")),
    Writer("ISO 8601, basic, in UTC", lambda at: f"{at.astimezone(UTC):%Y%m%dT%H%M%S}Z"),
    Writer("Chinese", lambda at: f"{at.year}年{at.month}月{at.day}日", DAY_US),
    Writer("Chinese, two digits", form("%Y年%m月%d日"), DAY_US),
    Writer("Chinese, spoken", lambda at: f"{at.year}年{at.month}月{at.day}号", DAY_US),
    Writer("Chinese and colons", form("%Y年%m月%d日 %H:%M:%S")),
    Writer("Chinese in full", form("%Y年%m月%d日 %H时%M分%S秒")),
    Writer("Chinese in full, close", form("%Y年%m月%d日%H时%M分%S秒")),
    Writer(
        "Chinese, to the minute", lambda at: f"{at.year}年{at.month}月{at.day}日 {at.hour}时{at.minute}分", MINUTE_US
    ),
    Writer("Chinese, to the hour", lambda at: f"{at.year}年{at.month}月{at.day}日{at.hour}点", HOUR_US),
    Writer("Chinese, traditional", lambda at: f"{at.year}年{at.month}月{at.day}日 {at.hour}時{at.minute}分", MINUTE_US),
    Writer("Chinese with blanks", lambda at: f"{at.year} 年 {at.month} 月 {at.day} 日", DAY_US),
    Writer("full-width", lambda at: f"{at:%Y-%m-%d %H:%M:%S}".translate(WIDE)),
    Writer("full-width Chinese", lambda at: f"{at:%Y年%m月%d日}".translate(WIDE), DAY_US),
    Writer("blanks around", lambda at: f"  {at:%Y-%m-%d %H:%M:%S}\t\n"),
    Writer("two blanks between", form("%Y-%m-%d  %H:%M:%S")),
    Writer("a blank before the offset", lambda at: f"{at:%Y-%m-%d %H:%M:%S} {offset(at)}"),
    Writer("a blank before the offset, without its colon", lambda at: f"{at:%Y-%m-%d %H:%M:%S} {offset(at, '')}"),
    Writer("in New York", lambda at: at.astimezone(ZoneInfo("America/New_York")).isoformat(), MS_US),
    Writer(
        "in India, half an hour off",
        lambda at: at.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat(),
        MS_US,
    ),
    Writer("PDD and Douyin: seconds", lambda at: epoch(at, 1_000_000)),
    Writer("PHP time() in JSON: text", lambda at: str(epoch(at, 1_000_000))),
    Writer("Java and JavaScript: milliseconds", lambda at: epoch(at, MS_US), MS_US),
    Writer("milliseconds in a Canal row: text", lambda at: str(epoch(at, MS_US)), MS_US),
    Writer("milliseconds as a float of a data frame", lambda at: float(epoch(at, MS_US)), MS_US),
    Writer("Python time.time() as text", lambda at: f"{epoch(at, 1_000_000)}.{at.microsecond:06d}", MS_US),
    Writer("nginx $msec", lambda at: f"{epoch(at, 1_000_000)}.{milli(at)}", MS_US),
    Writer("PostgreSQL epoch with a fraction, as a number", lambda at: epoch(at, MS_US) / 1000, MS_US),
    Writer("Debezium MicroTimestamp; ClickHouse", lambda at: epoch(at, 1), MS_US),
    Writer("microseconds as text", lambda at: str(epoch(at, 1)), MS_US),
    Writer("Go UnixNano; OpenTelemetry; Pulsar", lambda at: epoch(at, 1) * 1000 + 321, MS_US),
    Writer("nanoseconds as text", lambda at: str(epoch(at, 1) * 1000 + 321), MS_US),
)
BY_SIZE = frozenset(
    writer.by for writer in WRITERS if "econds" in writer.by or "epoch" in writer.by or "Micro" in writer.by
) | {"PHP time() in JSON: text", "Python time.time() as text", "nginx $msec", "Go UnixNano; OpenTelemetry; Pulsar"}
"""Numbers since 1970: their unit is told by their size, which needs a time after 1973 (or `unit`)."""


def cut(at: datetime, to_us: int) -> int:
    """Return the milliseconds of a moment in Shanghai, cut to what a writer keeps of it."""
    if to_us >= MINUTE_US:
        at = at.replace(second=0, microsecond=0)
    if to_us >= HOUR_US:
        at = at.replace(minute=0)
    if to_us >= DAY_US:
        at = at.replace(hour=0)
    return epoch(at, min(to_us, 1_000_000)) * min(to_us, 1_000_000) // 1000


def rows() -> Iterator[tuple[str, object, int]]:
    for writer in WRITERS:
        for moment in MOMENTS:
            at = moment.astimezone(SHANGHAI)
            if writer.by in BY_SIZE and moment.year < 1974:
                continue
            yield writer.by, writer.write(at), cut(at, writer.keeps_us)


TABLE = list(rows())
read = timestamps.timestamp(SHANGHAI)

INVALID: tuple[object, ...] = (
    "0000-00-00 00:00:00",
    "0000-00-00",
    "2020-00-16",
    "2020-11-00",
    "2020-13-01",
    "2020-11-31",
    "2021-02-29 00:00:00",
    "2020-11-16 25:00:00",
    "2020-11-16 09:60:00",
    "2020-11-16 09:36:60",
    "2020-11-16 09:36:55.",
    "2020-11-16T09:36:55+99:00",
    "2020-11-16T09:36:55+8",
    "2020-11-16T09:36:55+08:00[Asia/Shanghai]",
    "2020-11-16 09:36:55 CST",
    "2020-11-16 09:36:55 UTC",
    "2020-11-16 09:36:55 Asia/Shanghai",
    "2020-11-16 9:36 AM",
    "2020-11-16 下午3:36",
    "2020年11月16日 下午3时36分",
    "2020年11月",
    "2020年",
    "11月16日",
    "二〇二〇年十一月十六日",
    "2020年13月1日",
    "2020年2月30日",
    "2020年11月16日 25时",
    "09:36:55",
    "9时36分",
    "20-11-16",
    "20/11/16",
    "11/16/2020",
    "16/11/2020",
    "16.11.2020",
    "11/16/2020 09:36:55",
    "16/Nov/2020:09:36:55 +0800",
    "16-NOV-20 09.36.55.673000 AM",
    "Mon, 16 Nov 2020 01:36:55 GMT",
    "Mon Nov 16 09:36:55 2020",
    "Mon Nov 16 2020 09:36:55 GMT+0800 (中国标准时间)",
    "Mon Nov 16 09:36:55 CST 2020",
    "Nov 16, 2020 9:36:55 AM",
    "2020.11.16",
    "2020_11_16",
    "2020 11 16",
    "2020-11-16-09-36-55",
    "2020-11-16 09-36-55",
    "2020/11-16T",
    "2020-11-16T",
    "2020-11",
    "/Date(1605490615673)/",
    "@1605490615",
    "1605490615s",
    "1605490615673ms",
    "1,605,490,615",
    "0x5FB1D7F7",
    "PT1H",
    "P1D",
    "now",
    "today",
    "yesterday",
    "昨天",
    "刚刚",
    "3天前",
    "null",
    "NULL",
    "None",
    "NaN",
    "Invalid Date",
    "Invalid date",
    "长期",
    "永久",
    "-",
    "--",
    "/",
    "年月日",
    "infinity",
    "-infinity",
    "9" * 19 + "99",
    "9" * 400,
    "9" * 5000,
    "2020-11-16 " * 50,
    "2020-11-16\x00",
    "2020-11-16 09:36:55; DROP",
    "20201316",
    "20200230",
    "20201116093699",
    "20201116253655",
    "99999999",
    "99999999999999",
    20201316,
    20200230,
    99999999,
    20201116093699,
    20201116246000,
    10**20,
    10**25,
    -(10**25),
    1e300,
    True,
    False,
    {},
    {"$date": 1605490615673},
    {"seconds": 1605490615, "nanos": 0},
)
"""What is refused: no calendar's date, half a date, ambiguous (day and month, morning and afternoon, a zone's name)."""
TOO_SMALL = ("202011", 202011, "44151.4006", 44151.4006, "00000000", 0, "0", -1, 2020, 1, 1e-9, 999_999)
"""A month, a spreadsheet's number of a day, a placeholder: as numbers since 1970 they are times before 2000."""
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
LOCAL_TIMES = (
    *(datetime(year, month, 15, 12, 30) for year in (1940, 1986, 1991, 2020) for month in range(1, 13)),  # noqa: DTZ001
    datetime(2020, 3, 29, 2, 30),  # noqa: DTZ001 - which Berlin's clocks pass over
    datetime(2020, 10, 25, 2, 30),  # noqa: DTZ001 - which they show twice: the first one counts
    datetime(1900, 1, 1, 0, 0),  # noqa: DTZ001 - Shanghai's own mean time, +08:05:43
    datetime(1986, 5, 4, 2, 30),  # noqa: DTZ001 - which China's clocks pass over
)


def test_the_tables_are_large_and_every_writer_writes_every_moment() -> None:
    assert len(TABLE) > 700
    assert len({repr(value) for _, value, _ in TABLE}) > 500
    assert len({writer.by for writer in WRITERS}) == len(WRITERS) > 60
    assert len(set(map(repr, INVALID))) == len(INVALID) > 100
    assert sum(by == "MySQL DATE" for by, _, _ in TABLE) == len(MOMENTS)


@pytest.mark.parametrize("by", [writer.by for writer in WRITERS])
def test_every_moment_is_read_as_a_writer_writes_it(by: str) -> None:
    wrong = [
        (value, expected, read(value)) for named, value, expected in TABLE if named == by and read(value) != expected
    ]
    assert wrong == []


@pytest.mark.parametrize("value", INVALID, ids=lambda value: ascii(value)[:40])
def test_what_is_no_time_is_refused_and_not_guessed(value: object) -> None:
    with pytest.raises(ConversionError):
        read(value)


@pytest.mark.parametrize("value", TOO_SMALL, ids=ascii)
def test_a_number_that_is_no_time_of_an_event_is_a_dead_letter_where_it_is_the_time_of_one(value: object) -> None:
    assert read(value) < epoch(datetime(2000, 1, 1, tzinfo=UTC), MS_US)
    fields = {"time": {"from": "$.at", "as": "timestamp"}}
    [item] = mapper(route(fields=fields)).items(record({"phone": "13800138000", "at": value}))
    assert item.failure is not None
    assert (item.failure.reason, item.failure.field) == ("bad_time", "time")


@pytest.mark.parametrize("zone", ZONES)
def test_text_without_an_offset_is_what_the_clocks_of_the_zone_showed_summer_time_included(zone: str) -> None:
    for shown in LOCAL_TIMES:
        expected = epoch(shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), MS_US)
        for text in (shown.isoformat(" "), f"{shown:%Y%m%d%H%M%S}", f"{shown:%Y年%m月%d日 %H:%M}"):
            assert value_of({"from": "$.x", "as": "timestamp", "zone": zone}, text) == expected, (zone, text)


def test_chinas_summer_time_is_known() -> None:
    """Written down from the decree: from 1986 to 1991 the clocks were an hour ahead in summer."""
    assert read("1986-07-01 09:00:00") == calendar.timegm((1986, 7, 1, 0, 0, 0)) * 1000
    assert read("1992-07-01 08:00:00") == calendar.timegm((1992, 7, 1, 0, 0, 0)) * 1000


def test_the_word_reads_the_same_as_the_conversion() -> None:
    for _, value, expected in TABLE[::23]:
        assert value_of({"from": "$.x", "as": "timestamp"}, value) == expected
    for blank in ("", " ", "\u3000", None):
        assert value_of({"from": "$.x", "as": "timestamp"}, blank) is None
    told = failure_of({"from": "$.x", "as": "timestamp"}, "16/11/2020")
    assert (told.reason, told.detail) == ("conversion_failed", "as: timestamp: text is not a time in any known form")
