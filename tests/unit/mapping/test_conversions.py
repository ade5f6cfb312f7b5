"""The conversions, `multiply` and `round`: results and refused values."""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping.conversions import CONVERSIONS, numbers, timestamps
from connector.mapping.conversions.phone import phone
from connector.mapping.errors import ConversionError
from tests.unit.mapping.helpers import failure, failure_of, mapper, record, route, value_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
AT_MS = 1_605_490_615_000  # 2020-11-16 09:36:55 in Shanghai, 01:36:55 in UTC


def convert(name: str, value: Any, unit: str | None = None) -> Any:  # noqa: ANN401 - JSON
    return CONVERSIONS[name].build({"unit": unit, "zone": SHANGHAI})(value)


@pytest.mark.parametrize(
    "written",
    [
        "13800000000",
        "+86 138 0000 0000",
        "+86-138-0000-0000",
        "0086 13800000000",
        "8613800000000",
        "013800000000",
        "(+86) 138.0000.0000",
        "+8613800000000",
        "138\u200b0000\ufeff0000",
        "138\u00a00000\u30000000",
        "138—0000–0000",
        "【138】0000（0000）",
        " 13800000000\n",
        13800000000,
        13800000000.0,
        8613800000000,
    ],
)
def test_a_phone_number_is_recognised_in_all_usual_notations(written: object) -> None:
    assert convert("phone", written) == "13800000000"


@pytest.mark.parametrize(
    "written",
    [
        "138****0000",
        "1380000000",
        "138000000000",
        "12800000000",
        "+1 380 000 0000",
        "8608613800000000",
        "0013800000000",
        "86138000000000",
        "13800000000 ext 5",
        "x" * 100_000,
        "",
        "١٣٨٠٠٠٠٠٠٠٠",
        13800000000.5,
        -13800000000,
        True,
        {},
        1e300,
    ],
)
def test_anything_but_a_mainland_mobile_number_is_refused(written: object) -> None:
    with pytest.raises(ConversionError):
        convert("phone", written)


@given(st.text() | st.integers() | FLOATS)
def test_a_converted_phone_number_stays_as_it_is(value: object) -> None:
    try:
        once = phone(value)
    except ConversionError:
        return
    assert phone(once) == once


@given(
    st.sampled_from(["", "+86", "0086", "86", "0", "+86 ", "（+86）"]), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
)
def test_a_mobile_number_is_recognised_behind_every_prefix(prefix: str, number: str) -> None:
    assert phone(prefix + number) == number
    assert phone(prefix + number[:3] + "-" + number[3:7] + " " + number[7:]) == number


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1605490615, AT_MS),
        (1605490615673, AT_MS + 673),
        (1605490615673999, AT_MS + 673),
        (1605490615673999888, AT_MS + 673),
        ("1605490615", AT_MS),
        ("1605490615673", AT_MS + 673),
        (1605490615.673, AT_MS + 673),
        ("1605490615.673", AT_MS + 673),
        (20201116093655, AT_MS),
        ("20201116093655", AT_MS),
        ("20201116", AT_MS - 34_615_000),
        (20201116, AT_MS - 34_615_000),
        ("2020-11-16T01:36:55Z", AT_MS),
        ("2020-11-16T01:36:55.673Z", AT_MS + 673),
        ("2020-11-16T01:36:55.673999999Z", AT_MS + 673),
        ("2020-11-16T09:36:55+08:00", AT_MS),
        ("2020-11-16T09:36:55.673+0800", AT_MS + 673),
        ("2020-11-16T09:36:55+08", AT_MS),
        ("2020-11-16 09:36:55", AT_MS),
        ("2020-11-16 09:36", AT_MS - 55_000),
        ("2020-11-16", AT_MS - 34_615_000),
        ("2020/11/16 09:36:55", AT_MS),
        ("2020/11/16", AT_MS - 34_615_000),
        ("2020-11-16 9:36:55.5", AT_MS + 500),
        ("2020/11/16 9:36:55 +08:00", AT_MS),
        ("2020/1/6 9:6:5", 1_578_272_765_000),
        (" 2020-11-16 09:36:55 ", AT_MS),
        ("２０２０－１１－１６ ０９：３６：５５", AT_MS),
        ("20201116T093655", AT_MS),
        ("2020年11月16日 09:36:55", AT_MS),
        ("2020年11月16日09:36:55.5", AT_MS + 500),
        ("2020 年 11 月 16 号 9时36分55秒", AT_MS),
        ("2020年11月16日9点36分", AT_MS - 55_000),
        ("２０２０年１１月１６日", AT_MS - 34_615_000),
        ("1990年1月31日", 633_715_200_000),
        ("1990年1月31日 0时", 633_715_200_000),
        (0, 0),
        (-1, -1000),
    ],
)
def test_a_timestamp_is_read_in_all_usual_forms(written: object, expected: int) -> None:
    assert convert("timestamp", written) == expected


@pytest.mark.parametrize(
    ("written", "unit", "expected"),
    [
        (1605490615, "s", AT_MS),
        (20201116, "s", 20_201_116_000),
        (5, "ms", 5),
        (1605490615673, "us", 1_605_490_615),
        (1605490615673, "ns", 1_605_490),
        (18582, "days", 18582 * 86_400_000),
        ("18582", "days", 18582 * 86_400_000),
        (0.5, "s", 500),
        ("2020-11-16 09:36:55", "s", AT_MS),
    ],
)
def test_unit_sets_the_unit_of_a_number(written: object, unit: str, expected: int) -> None:
    assert convert("timestamp", written, unit) == expected


@pytest.mark.parametrize(
    ("written", "words", "expected"),
    [
        (1605519415673, {}, AT_MS + 673),
        ("1605519415673", {}, AT_MS + 673),
        (1605519415, {}, AT_MS),
        (18582, {"unit": "days"}, 18582 * 86_400_000 - 8 * 3_600_000),
        (1605519415673, {"zone": "UTC"}, 1605519415673),
        (-1, {"unit": "ms"}, -1 - 8 * 3_600_000),
        (20201116093655, {}, AT_MS),
        ("2020-11-16 09:36:55", {}, AT_MS),
        ("2020-11-16T01:36:55Z", {}, AT_MS),
    ],
)
def test_local_reads_a_number_as_what_a_clock_in_the_zone_showed(
    written: object, words: dict[str, Any], expected: int
) -> None:
    assert value_of({"from": "$.x", "as": "timestamp", "local": True, **words}, written) == expected


def test_the_local_date_of_a_wall_clock_is_the_date_that_it_showed() -> None:
    assert value_of({"from": "$.x", "as": "date", "local": True}, 1605571199000) == "2020-11-16"
    assert value_of({"from": "$.x", "as": "date", "local": False}, 1605571199000) == "2020-11-17"


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)), st.sampled_from(["UTC", "Asia/Shanghai"]))  # noqa: DTZ001 - wall clocks
def test_local_and_text_without_an_offset_mean_the_same(at: datetime, zone: str) -> None:
    shown = (at - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001 - wall clocks
    words = {"from": "$.x", "as": "timestamp", "zone": zone}
    assert value_of({**words, "local": True, "unit": "ms"}, shown) == value_of(words, at.isoformat(" "))


@pytest.mark.parametrize("written", [10**17, -(10**17), 253_402_300_799_999 + 1])
def test_a_wall_clock_outside_of_the_calendar_is_refused(written: int) -> None:
    told = failure_of({"from": "$.x", "as": "timestamp", "local": True, "unit": "ms"}, written)
    assert (told.reason, told.detail) == ("conversion_failed", "as: timestamp: a time outside of the years 1 to 9999")


@pytest.mark.parametrize(
    "written",
    [
        True,
        "yesterday",
        "",
        20201316093655,
        99999999,
        "2020-02-30",
        "2020-11-16 25:00:00",
        "2020-11-16T09:36:55+99:00",
        "20-11-16",
        10**25,
        "9" * 5000,
        [],
        {},
        "0000-01-01",
        "2020年11月",
        "2020年13月1日",
        "2020年11月16日 下午3时",
        "9时36分",
        "年月日",
    ],
)
def test_anything_but_a_time_is_refused(written: object) -> None:
    with pytest.raises(ConversionError):
        convert("timestamp", written)


def test_text_without_an_offset_is_read_in_the_zone() -> None:
    text = "2020-07-01 00:00:00"
    in_berlin = {"from": "$.x", "as": "timestamp", "zone": "Europe/Berlin"}
    assert value_of(in_berlin, text) - value_of({"from": "$.x", "as": "timestamp"}, text) == 6 * 3_600_000


@given(st.datetimes(datetime(2001, 9, 10), datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis wants it naive
def test_all_forms_of_a_time_give_the_same_milliseconds(at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    exact = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    micro = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    local = at.astimezone(SHANGHAI)
    forms = [exact, str(exact), micro, micro * 1000, at.isoformat(), local.isoformat(), f"{local:%Y-%m-%d %H:%M:%S.%f}"]
    assert [convert("timestamp", form) for form in forms] == [exact] * len(forms)
    whole = exact // 1000
    seconds = [whole, f"{local:%Y%m%d%H%M%S}", f"{local:%Y/%m/%d %H:%M:%S}", int(f"{local:%Y%m%d%H%M%S}")]
    assert [convert("timestamp", form) for form in seconds] == [whole * 1000] * len(seconds)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["s", "ms", "us", "ns"]))
def test_units_differ_by_a_thousand(number: int, unit: str) -> None:
    milliseconds = timestamps.timestamp(UTC, unit)(number)
    assert milliseconds == {"s": number * 1000, "ms": number, "us": number // 1000, "ns": number // 10**6}[unit]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2020-11-16 23:59:59", "2020-11-16"),
        ("2020/1/6", "2020-01-06"),
        (1605490615673, "2020-11-16"),
        ("2020-11-16T20:00:00Z", "2020-11-17"),
        ("19900101", "1990-01-01"),
    ],
)
def test_the_date_is_the_local_date_of_the_zone(written: object, expected: str) -> None:
    assert convert("date", written) == expected


@given(st.integers(-(10**13), 10**13), st.decimals(-(10**6), 10**6, allow_nan=False, places=4))
def test_multiplication_is_exact(number: int, factor: Decimal) -> None:
    exact = Decimal(number) * factor
    got = numbers.arithmetic(factor, None)(number)
    assert got == (int(exact) if exact == int(exact) else float(exact))
    assert isinstance(got, int) == (exact == int(exact))


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=4), st.integers(0, 4))
def test_rounding_is_half_away_from_zero(number: Decimal, digits: int) -> None:
    got = numbers.arithmetic(Decimal(1), digits)(str(number))
    assert abs(Decimal(str(got)) - number) <= Decimal(5).scaleb(-digits - 1)
    assert Decimal(str(got)) == round(Decimal(str(got)), digits)


@pytest.mark.parametrize(
    ("words", "value", "expected"),
    [
        ({"multiply": 0.01}, 142000, "1420"),
        ({"multiply": 0.01}, 1999, "19.99"),
        ({"as": "number", "multiply": 0.01}, "1999", "19.99"),
        ({"multiply": 0.01}, 29, "0.29"),
        ({"multiply": 100}, 19.99, "1999"),
        ({"multiply": 100}, 1.15, "115"),
        ({"multiply": 0.1}, 3, "0.3"),
        ({"multiply": 3}, 0.1, "0.3"),
        ({"round": 2}, 1.005, "1.01"),
        ({"round": 0}, 2.5, "3"),
        ({"round": 0}, -2.5, "-3"),
        ({"multiply": 0.01, "round": 1}, 1995, "20"),
        ({"multiply": 0.001, "round": 2}, 19995, "20"),
        ({"multiply": 1}, 10**25, str(10**25)),
        ({"as": "number"}, "１２.５", "12.5"),
        ({"as": "number"}, "1420.00", "1420"),
        ({"as": "integer"}, "12.0", "12"),
        ({"as": "integer"}, "98765432109876543210", "98765432109876543210"),
    ],
)
def test_arithmetic_has_no_binary_rounding_errors(words: dict[str, Any], value: object, expected: str) -> None:
    assert str(value_of({"from": "$.x", **words}, value)) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("string", 12, "12"),
        ("string", 12.0, "12"),
        ("string", 0.5, "0.5"),
        ("string", True, "true"),
        ("trim", "  x ", "x"),
        ("trim", " \t", None),
        ("lower", "ÀB", "àb"),
        ("upper", "ab", "AB"),
        ("boolean", "yes", True),
        ("boolean", "FALSE", False),
        ("boolean", 1, True),
        ("boolean", "否", False),
        ("split", "a, b,,c", ["a", "b", "c"]),
        ("split", " , ", None),
        ("list", "a", ["a"]),
        ("list", ["a"], ["a"]),
        ("json", {"a": [1, "中"]}, '{"a":[1,"中"]}'),
        ("joined", ["a", " b ", "a", "", None, 3], "a,b,3"),
        ("joined", [], None),
        ("joined", "a", "a"),
        ("uuid", "4711", str(uuid.uuid5(uuid.NAMESPACE_URL, "4711"))),
        ("md5", "中", hashlib.md5("中".encode(), usedforsecurity=False).hexdigest()),
        ("sha256", "中", hashlib.sha256("中".encode()).hexdigest()),
    ],
)
def test_conversions_of_text(name: str, value: object, expected: object) -> None:
    assert convert(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("string", {}),
        ("integer", "12.5"),
        ("integer", True),
        ("number", "1,420.00"),
        ("number", "12 yuan"),
        ("number", "1e999999999"),
        ("number", "NaN"),
        ("number", False),
        ("boolean", "perhaps"),
        ("boolean", 2),
        ("joined", ["a,b"]),
        ("joined", [{}]),
        ("json", [10**30]),
        ("md5", []),
    ],
)
def test_impossible_conversions_are_refused(name: str, value: object) -> None:
    with pytest.raises(ConversionError):
        convert(name, value)


@given(
    st.sampled_from([*CONVERSIONS]),
    st.booleans() | st.integers() | FLOATS | st.text() | st.lists(st.text(), max_size=3),
)
def test_a_conversion_returns_json_or_raises_conversion_error(name: str, value: object) -> None:
    with contextlib.suppress(ConversionError):
        json.dumps(convert(name, value))


def test_a_list_is_converted_element_by_element() -> None:
    assert value_of({"from": "$.x", "as": ["string", "trim"]}, [1, " a ", None, " "]) == ["1", "a"]
    assert value_of({"from": "$.x", "as": ["trim", "joined"]}, [" a", "b "]) == "a,b"
    assert value_of({"from": "$.x", "multiply": 0.01}, [100, 250]) == [1, 2.5]
    assert value_of({"from": "$.x", "as": "trim"}, [" "]) is None


def test_a_failed_conversion_reports_field_type_and_rule_but_not_the_value() -> None:
    failure = failure_of({"from": "$.x", "as": "phone"}, "secret-4711")
    assert (failure.reason, failure.target, failure.field) == ("conversion_failed", "t", "eventargs.c_x")
    assert failure.detail == "as: phone: expected a mainland mobile number of 11 digits, got text"
    assert "multiply: expected a number, got text" in failure_of({"from": "$.x", "multiply": 2}, "secret-4711").detail
    assert "4711" not in str(failure)


@pytest.mark.parametrize(
    "fields", [{"time": {"from": "$.at", "as": "timestamp"}}, {"intid": {"from": "$.at", "multiply": 2}}]
)
def test_a_list_where_one_value_belongs_is_refused_at_its_first_element(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its length: to convert a thousand elements takes a thousand times as long, for nothing."""
    asked: list[object] = []

    def counted(value: object) -> object:
        asked.append(value)
        return decimal_of(value)

    decimal_of = numbers.decimal_of
    monkeypatch.setattr(numbers, "decimal_of", counted)
    monkeypatch.setattr(timestamps, "decimal_of", counted)
    told = failure(mapper(route(fields=fields)).items(record({"phone": "13800138000", "at": [None, "20201116"] * 500})))
    assert (told.reason, told.field) == ("conversion_failed", next(iter(fields)))
    assert told.detail.endswith("expected one value, got a list")
    assert asked.count("20201116") == 2  # the first element, by either way
    for empty in ([], [None], None):
        assert mapper(route(fields=fields)).items(record({"phone": "13800138000", "at": empty}))[0].failure is None


@given(st.integers(-(10**21), 10**21))
def test_a_whole_number_is_a_time_by_its_digits_whichever_way_is_taken(number: int) -> None:
    def read(value: object) -> object:
        try:
            return convert("timestamp", value)
        except ConversionError:
            return None

    assert read(number) == read(str(number))
