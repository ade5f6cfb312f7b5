"""The generated orders."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from connector.demo.orders import ExpectedOutcome, Shop

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def test_the_same_seed_gives_the_same_orders() -> None:
    assert list(itertools.islice(Shop(7).orders(NOW), 50)) == list(itertools.islice(Shop(7).orders(NOW), 50))


def test_orders_are_delivered_or_skipped_unless_numbers_of_failing_ones_are_given() -> None:
    outcomes = Counter(order.expected for order in itertools.islice(Shop(1).orders(NOW), 1000))
    assert outcomes[ExpectedOutcome.DELIVERED] > 700
    assert outcomes[ExpectedOutcome.SKIPPED] > 50
    assert ExpectedOutcome.DEAD_LETTERED not in outcomes


def test_the_refused_order_is_valid_and_the_malformed_one_is_not_json() -> None:
    orders = list(itertools.islice(Shop(1, refused=3, malformed=5).orders(NOW), 10))
    assert [number for number, order in enumerate(orders) if order.expected is ExpectedOutcome.DEAD_LETTERED] == [3, 5]
    assert orjson.loads(orders[3].value)["status"] == "PAID"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(orders[5].value)


def test_each_buyer_has_one_kafka_key_and_can_be_identified() -> None:
    mobiles: dict[bytes, str] = {}
    for order in itertools.islice(Shop(1).orders(NOW), 2000):
        buyer = orjson.loads(order.value)["buyer"]
        assert mobiles.setdefault(order.key, buyer["mobile"]) == buyer["mobile"]
        assert "*" not in buyer["mobile"] or buyer["openid"]
    assert len(set(mobiles.values())) == len(mobiles) > 300


def test_an_order_is_paid_shortly_before_now_in_shanghai() -> None:
    documents = [orjson.loads(order.value) for order in itertools.islice(Shop(1).orders(NOW), 200)]
    paid = [document["paid_at"] for document in documents if document["status"] != "CREATED"]
    assert all("2024-06-01 19:50:00" < text <= "2024-06-01 20:00:00" for text in paid)
