"""Which path a reference that finds nothing may have meant."""

from __future__ import annotations

import pytest

from connector.workbench.preview.paths import existing_paths, nearest

ORDER = {
    "buyer": {"mobile": "13800000000", "open_id": "x", "gone": None},
    "items": [{"sku": "a"}, {"sku": "b", "odd key": 1}],
    "ext": '{"channel": {"id": 7}}',
    "amount_fen": 5,
}


def test_the_paths_are_those_that_a_reference_can_have() -> None:
    assert existing_paths("$", ORDER) == [
        "$.buyer",
        "$.buyer.mobile",
        "$.buyer.open_id",
        "$.items",
        "$.items.*",
        "$.items.*.sku",
        "$.items.0",
        "$.items.0.sku",
        "$.items.*",
        "$.items.*.sku",
        '$.items.*."odd key"',
        "$.items.1",
        "$.items.1.sku",
        '$.items.1."odd key"',
        "$.ext",
        "$.ext.channel",
        "$.ext.channel.id",
        "$.amount_fen",
    ]
    assert existing_paths("$item", "text") == existing_paths("$", None) == []


def test_paths_of_a_huge_or_deep_value_are_bounded() -> None:
    deep: object = 1
    for _ in range(10_000):
        deep = {"a": deep}
    assert len(existing_paths("$", {str(number): deep for number in range(10_000)})) == 2000


def test_the_same_last_name_counts_more_than_a_similar_beginning() -> None:
    assert nearest("$.mobile", ["$.mobility", "$.order.buyer.mobile"]) == "$.order.buyer.mobile"


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("$.buyer.moblie", "$.buyer.mobile"),
        ("$.buyer.Mobile", "$.buyer.mobile"),
        ("$.mobile", "$.buyer.mobile"),
        ("$.buyer.info.mobile", "$.buyer.mobile"),
        ("$.buyer.openid", "$.buyer.open_id"),
        ("$.items.7.sku", "$.items.0.sku"),
        ("$.items.sku", "$.items.*.sku"),
        ("$.amountFen", "$.amount_fen"),
        ("$.ext.chanel.id", "$.ext.channel.id"),
        ("$.whatever", ""),
        ("$.x", ""),
    ],
)
def test_the_nearest_existing_path_is_found(wanted: str, meant: str) -> None:
    assert nearest(wanted, existing_paths("$", ORDER)) == meant
