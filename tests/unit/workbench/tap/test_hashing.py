from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from connector.workbench.tap.hashing import holds, value_hash

if TYPE_CHECKING:
    from connector.mapping.json_values import Json


def test_the_hash_is_what_sha256sum_prints() -> None:
    assert value_hash("oX1王") == hashlib.sha256("oX1王".encode()).hexdigest()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("13800138000", "13800138000"),
        ({"buyer": {"mobile": 13800138000}}, "13800138000"),
        ({"tags": [{"name": "王小明"}]}, "王小明"),
        ({"payload": '{"openid": "oX1"}'}, "oX1"),
        ({"n": 1.5}, "1.5"),
    ],
)
def test_a_value_is_found_wherever_it_stands(value: Json, text: str) -> None:
    assert holds(value, value_hash(text)[:16])
    assert not holds(value, value_hash(f"{text}x")[:16])


def test_names_true_and_null_are_no_values() -> None:
    value: Json = {"name": True, "other": None}
    assert not any(holds(value, value_hash(text)) for text in ("name", "True", "true", "None", "null", "1"))


def test_a_value_of_many_levels_does_not_exhaust_the_stack() -> None:
    value: Json = "deep"
    for _ in range(5000):
        value = [value]
    assert holds(value, value_hash("deep"))
