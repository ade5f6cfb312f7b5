"""`as: phone` against the forms in which marketplaces, CRMs, databases, spreadsheets and phones write numbers.

Each expected number is written down, not computed: a form is made of a number by decorating it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from connector.mapping.conversions.phone import phone
from connector.mapping.errors import ConversionError
from tests.unit.mapping.helpers import failure_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENTS = (
    *(f"13{digit}" for digit in range(10)),
    *(f"14{digit}" for digit in (0, 1, 4, 5, 6, 7, 8, 9)),
    *(f"15{digit}" for digit in (0, 1, 2, 3, 5, 6, 7, 8, 9)),
    *(f"16{digit}" for digit in (2, 5, 6, 7)),
    *(f"17{digit}" for digit in range(9)),
    *(f"18{digit}" for digit in range(10)),
    *(f"19{digit}" for digit in (0, 1, 2, 3, 5, 6, 7, 8, 9)),
)
"""The first digits that are dealt out to China Mobile, Unicom, Telecom, Broadnet and the virtual operators."""
NUMBERS = tuple(f"{segment}{10004711 + 137 * index}" for index, segment in enumerate(SEGMENTS))

DECORATIONS: tuple[tuple[str, str], ...] = (
    ("as it is", "{n}"),
    ("E.164", "+86{n}"),
    ("an international form: a blank", "+86 {n}"),
    ("libphonenumber INTERNATIONAL", "+86 {a} {b} {c}"),
    ("libphonenumber NATIONAL", "{a} {b} {c}"),
    ("RFC 3966 without its tel:", "+86-{a}-{b}-{c}"),
    ("WeChat's getPhoneNumber: phoneNumber", "+86{n}"),
    ("Taobao address with country code", "86-{n}"),
    ("Tmall global", "86{n}"),
    ("dialled from abroad", "0086{n}"),
    ("dialled from abroad, with a dash", "0086-{n}"),
    ("a trunk zero, as landlines dial it", "0{n}"),
    ("dashes", "{a}-{b}-{c}"),
    ("the other grouping of dashes", "{x}-{y}-{z}"),
    ("dots", "{a}.{b}.{c}"),
    ("brackets around the country", "(+86){n}"),
    ("brackets and a blank", "(86) {a}-{b}-{c}"),
    ("Chinese brackets", "（+86）{n}"),
    ("corner brackets", "【{n}】"),
    ("a blank at each end", " {n} "),
    ("a tab, which keeps a spreadsheet from making it 1.38E+10", "{n}\t"),
    ("a tab in front", "\t{n}"),
    ("the end of a line of CSV", "{n}\r\n"),
    ("a no-break space of a web page", "{a}\u00a0{b}\u00a0{c}"),
    ("a narrow no-break space", "{a}\u202f{b}\u202f{c}"),
    ("an ideographic space", "\u3000{n}\u3000"),
    ("an iPhone's contacts: embedded direction marks", "\u202d{n}\u202c"),
    ("an iPhone's contacts, international", "\u202d+86 {a}-{b}-{c}\u202c"),
    ("a left-to-right mark", "\u200e{n}"),
    ("a zero width space of a chat", "{a}\u200b{b}\u200b{c}"),
    ("a zero width joiner", "{n}\u200d"),
    ("a byte order mark at the start of a file", "\ufeff{n}"),
    ("a soft hyphen", "{a}\u00ad{b}\u00ad{c}"),
    ("a word joiner", "{a}\u2060{b}{c}"),
    ("en dashes of a word processor", "{a}–{b}–{c}"),
    ("em dashes", "{a}—{b}—{c}"),
    ("non-breaking hyphens", "{a}\u2011{b}\u2011{c}"),
    ("middle dots", "{a}·{b}·{c}"),
    ("bullets", "{a}•{b}•{c}"),
    ("full-width digits of an input method", "{wide}"),
    ("full-width digits and plus", "＋８６{wide}"),
    ("full-width digits and brackets", "（８６）{wide}"),
    ("full-width dashes", "{a}－{b}－{c}"),
    ("mathematical digits of a nickname", "{bold}"),
)
"""How a number is written, and by whom."""


def decorated(number: str, form: str) -> str:
    return form.format(
        n=number,
        a=number[:3],
        b=number[3:7],
        c=number[7:],
        x=number[:4],
        y=number[4:8],
        z=number[8:],
        wide="".join("０１２３４５６７８９"[int(digit)] for digit in number),
        bold="".join("𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"[int(digit)] for digit in number),
    )


def rows() -> Iterator[tuple[object, str]]:
    """Yield a form and the number that it stands for."""
    for index, number in enumerate(NUMBERS):
        yield number, number
        yield int(number), number
        yield float(number), number
        yield int(f"86{number}"), number
        for step in range(6):  # each decoration on several numbers, each number in several forms
            _, form = DECORATIONS[(index * 5 + step * 7) % len(DECORATIONS)]
            yield decorated(number, form), number
    for _, form in DECORATIONS:
        yield decorated("13800138000", form), "13800138000"
        yield decorated("19912345678", form), "19912345678"


TABLE = list(rows())

MASKED = (
    "138****8000",
    "138****8000 ",
    "+86 138****8000",
    "138xxxx8000",
    "138XXXX8000",
    "138＊＊＊＊8000",
    "138••••8000",
    "138····8000",
    "138----8000",
    "1380013****",
    "*******8000",
    "1**********",
    "***********",
    "~AxOZEmfnGGXcXtN8n3p//IH8NQ==~1~",
    "$138$AQIDBAUGBwgJCgsMDQ4PEA==$1$",
    "#8TjN#DIkzy1DgJvzu8Q==#",
    "##VxAQ6Zk#13800138000##",
    "encrypted:QmFzZTY0",
    "c3RyaW5nIG9mIDExIGRpZ2l0cw==",
    "7c4a8d09ca3762af61e59520943dc26494f8941b",
    "25d55ad283aa400af464c76d713c07ad",
)
"""What marketplaces give instead of a number: masked, encrypted, hashed."""

OTHER_NUMBERS = (
    "10086",
    "95588",
    "110",
    "021-12345678",
    "(021) 1234 5678",
    "0755-8601-3388",
    "02112345678",
    "075512345678",
    "400-820-8820",
    "4008208820",
    "800 820 8820",
    "12345678",
    "6123 4567",
    "+852 9123 4567",
    "00852-91234567",
    "+853 6612 3456",
    "+886 912 345 678",
    "0912345678",
    "+1 415 555 2671",
    "+44 7911 123456",
    "+81 90-1234-5678",
    "+65 8123 4567",
    "8618612345",
    "+8613",
    "10012345678",
    "11012345678",
    "12012345678",
    "12345678901",
    "20012345678",
    "99999999999",
    "00000000000",
    "08600138000",
)
"""Numbers that are no mobile numbers of the mainland."""

MISTYPED = (
    "1380013800",
    "138001380001",
    "13800138000 13900139000",
    "13800138000,13900139000",
    "13800138000/13900139000",
    "13800138000;",
    "13800138000、13900139000",
    "13800138000-1234",
    "13800138000转1234",
    "13800138000 ext 8",
    "13800138000#1234",
    "手机13800138000",
    "tel:13800138000",
    "tel:+8613800138000",
    "13800138000(张三)",
    "张三",
    "'13800138000",
    '"13800138000"',
    "=13800138000",
    '="13800138000"',
    "13800138000.0",
    "1.3800138E10",
    "1.3800138e+10",
    "1.38E+10",
    "138001380O0",
    "l3800138000",
    "I3800138000",
    "1380o138000",
    "一三八零零一三八零零零",
    "+86+8613800138000",
    "+86 86 13800138000",
    "+86013800138000",
    "008613800138000 ext",
    "0086 0086 13800138000",
    "086-13800138000",
    "00 86 0 13800138000",
    "+085213800138000",
    "+13800138000",
    "-",
    "--",
    "N/A",
    "n/a",
    "null",
    "NULL",
    "None",
    "undefined",
    "nan",
    "NaN",
    "无",
    "暂无",
    "未填写",
    "保密",
    "0",
    "1",
    "+86",
    "86",
    "()",
    "（）",
    "\u200b",
    "\ufeff",
    "13800138000@qq.com",
    "user_13800138000",
    "openid:oX13800138000",
    "١٣٨٠٠١٣٨٠٠٠x",
    "1" * 64,
    "1" * 65,
    "0" * 10_000,
    "-" * 10_000 + "13800138000",
    "13800138000" * 100,
    "\ud83d\ude00",
    "\x00",
    "13800138000\x00",
    "1380013\u03008000",
)
"""What people and programs put where a number should be: the record has no phone, rather than a wrong one."""

OTHER_TYPES: tuple[object, ...] = (
    True,
    False,
    0,
    1,
    -1,
    -13800138000,
    1380013800,
    138001380000,
    10**30,
    -(10**30),
    13800138000.5,
    1.38e10 + 0.25,
    -13800138000.0,
    1e300,
    -0.0,
    0.5,
    float("inf"),
    float("-inf"),
    float("nan"),
    {},
    {"phone": "13800138000"},
)
INVALID = [*MASKED, *OTHER_NUMBERS, *MISTYPED, *OTHER_TYPES]


def test_the_tables_are_large_and_without_repetitions() -> None:
    assert len(TABLE) > 600
    assert len(set(map(repr, INVALID))) == len(INVALID) > 140
    assert set(SEGMENTS) >= {"170", "171", "162", "190", "199", "147"}
    assert max(Counter(number for _, number in TABLE).values()) < 2 * len(DECORATIONS)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_number_of_each_segment_is_read_in_each_of_its_forms(segment: str) -> None:
    for form, number in TABLE:
        if number.startswith(segment):
            assert phone(form) == number, ascii(form)


@pytest.mark.parametrize(("by", "form"), DECORATIONS, ids=[by for by, _ in DECORATIONS])
def test_a_form_is_read_whatever_the_number(by: str, form: str) -> None:
    del by
    assert [phone(decorated(number, form)) for number in NUMBERS] == list(NUMBERS)


@pytest.mark.parametrize("value", INVALID, ids=lambda value: ascii(value)[:40])
def test_what_is_no_mobile_number_is_no_phone_and_is_not_shown(value: object) -> None:
    with pytest.raises(ConversionError) as refused:
        phone(value)
    message = str(refused.value)
    assert message.startswith("expected a mainland mobile number of 11 digits, got ")
    assert not any(digit in message.removeprefix("expected a mainland mobile number of 11 digits") for digit in "13890")


def test_the_word_reads_the_same_as_the_conversion() -> None:
    for form, number in TABLE[::17]:
        assert value_of({"from": "$.x", "as": "phone"}, form) == number
    assert value_of({"from": "$.x", "as": "phone"}, ["+86 13800138000", None, "１３９００１３９０００"]) == [
        "13800138000",
        "13900139000",
    ]
    for blank in ("", " ", "\t\r\n", "\u3000", None):
        assert value_of({"from": "$.x", "as": "phone"}, blank) is None
    told = failure_of({"from": "$.x", "as": "phone"}, "138****8000")
    assert (told.reason, told.field) == ("conversion_failed", "eventargs.c_x")


def test_what_is_passed_over_without_digits_has_none_in_any_form() -> None:
    """A text without numeric characters is not normalised: no other character ever becomes digits."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if not character.isnumeric() and not 0xD800 <= code < 0xE000:
            assert not re.search("[0-9]", unicodedata.normalize("NFKC", character)) or not is_digits(character), code


def is_digits(character: str) -> bool:
    """Return whether nothing but digits is left of a character."""
    left = unicodedata.normalize("NFKC", character)
    return all(each in "+0123456789" or unicodedata.category(each) in {"Cf", "Zs", "Pd", "Ps", "Pe"} for each in left)
