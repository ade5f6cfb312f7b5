"""Which decoding a topic has, and charsets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.errors import DecodeError
from connector.core.record import Record
from connector.decode import decodings
from connector.settings.models import Decode
from tests.unit.mapping.helpers import body, failure, mapper, record, route

GB = {"charset": "gb18030"}


def read(value: bytes, **decode: str) -> object:
    of = decodings({"t": Decode.model_validate(decode)})
    return of("t").read(Record("t", 0, 0, None, None, value, ()))


def test_a_name_comes_before_patterns_and_the_first_pattern_before_later_ones() -> None:
    of = decodings(
        {
            "^crm": Decode.model_validate(GB),
            "^crm[.]member": Decode(),
            "crm.order": Decode(),
        }
    )
    assert not of("crm.member").plain
    assert of("crm.order").plain
    assert of("shop.crm").plain, "a pattern matches from the beginning"
    assert of("crm.a") is of("crm.b")


@pytest.mark.parametrize("codec", ["gb18030", "gbk", "gb2312"])
def test_the_chinese_encodings_are_read(codec: str) -> None:
    value = {"name": "张三", "city": "北京"}
    assert read(json.dumps(value, ensure_ascii=False).encode(codec), **GB) == value


@given(value=st.dictionaries(st.text(), st.text()))
def test_whatever_gb18030_can_write_is_read(value: dict[str, str]) -> None:
    assert read(json.dumps(value, ensure_ascii=False).encode("gb18030"), **GB) == value


def test_byte_order_marks_are_passed_over() -> None:
    data = json.dumps({"name": "张三"}, ensure_ascii=False)
    assert read(data.encode("utf-8-sig")) == read(data.encode()) == json.loads(data)
    assert read(("\ufeff" + data).encode("gb18030"), **GB) == json.loads(data)
    assert read(data.encode("utf-8-sig"), **GB) == json.loads(data), "a mark of UTF-8 says that it is UTF-8"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected JSON, got an empty value"),
        (b'{"a":"\xff"}', "not GB18030 at byte offset 6"),
        ('{"a":"中"}'.encode(), "not GB18030 at byte offset 8: it is UTF-8; drop `charset: gb18030`"),
        ('{"a":1}'.encode("utf-16"), "looks like UTF-16, which is not supported; write UTF-8 (or GB18030)"),
        ('{"a":1}'.encode("utf-16-le"), "looks like UTF-16"),
        ('{"名":1'.encode("gbk"), "not JSON: unexpected end of data at line 1"),
    ],
)
def test_what_is_not_gb18030_is_reported_with_a_remedy(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(data, **GB)
    assert message in str(caught.value)


def test_a_topic_in_gb18030_is_mapped() -> None:
    mapped = mapper(route(fields={"eventargs": {"c_city": "$.city"}}), decode={"^ord": GB})
    data = json.dumps({"phone": "13800000000", "city": "北京"}, ensure_ascii=False)
    assert body(mapped.items(record(data.encode("gbk"))))["eventargs"] == {"c_city": "北京"}
    assert mapped.source("orders"), "generated code decodes JSON in any charset"
    assert failure(mapped.items(record(b"\xff"))).reason == "decode_failed"
    assert body(mapper(route()).items(record(data.encode())))["eventKey"] == "c_buy"
