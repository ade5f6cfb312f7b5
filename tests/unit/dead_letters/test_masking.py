"""What is left of a value when it is masked."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.dead_letters.masking import mask_bytes, mask_numbers, mask_text, mask_value


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("13800000000", "99999999999"),
        ("Anna Li", "Aaaa Aa"),
        ("王小明", "字字字"),
        ("o-4711@shop.cn", "a-9999@aaaa.aa"),
        ("", ""),
    ],
)
def test_a_text_keeps_its_form(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@given(st.text())
def test_no_letter_and_no_digit_of_a_text_remains(text: str) -> None:
    masked = mask_text(text)
    assert len(masked) == len(text)
    assert all(not one.isalnum() or one in "9Aa字" for one in masked)


def test_of_json_the_keys_the_small_numbers_and_the_structure_remain() -> None:
    value = {"status": "PAID", "buyer": {"mobile": "138", "id": 123456, "vip": True}, "fen": [1420, -7.5, None]}
    assert orjson.loads(mask_value(orjson.dumps(value))) == {
        "status": "AAAA",
        "buyer": {"mobile": "999", "id": "999999", "vip": True},
        "fen": [1420, -7.5, None],
    }


def test_a_key_that_is_a_phone_number_is_masked_too() -> None:
    assert mask_value(b'{"13800000000": 1}') == b'{"99999999999":1}'


def test_a_value_that_is_not_json_is_masked_as_text_or_told_by_its_length() -> None:
    assert mask_value(b"no json 13800000000") == b"aa aaaa 99999999999"
    assert mask_value(b"\xff\xfe\x00") == b"<3 bytes>"
    assert mask_bytes(b'{"a": "b"}') == b'{"a": "a"}'


def test_a_sentence_keeps_its_words_and_loses_its_numbers_and_addresses() -> None:
    assert mask_numbers("手机号 13800000000 无效 (code 400)") == "手机号 99999999999 无效 (code 400)"
    assert mask_numbers("no such user: li@shop.cn") == "no such user: aa@aaaa.aa"
