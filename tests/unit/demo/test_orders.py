from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from connector.demo.orders import Fate, Shop

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def test_the_same_seed_gives_the_same_orders() -> None:
    assert list(itertools.islice(Shop(7).orders(NOW), 50)) == list(itertools.islice(Shop(7).orders(NOW), 50))


def test_orders_have_all_fates_that_need_no_trouble() -> None:
    fates = Counter(order.fate for order in itertools.islice(Shop(1).orders(NOW), 1000))
    assert fates[Fate.DELIVERED] > 700
    assert fates[Fate.SKIPPED] > 50
    assert Fate.DEAD_LETTERED not in fates


def test_the_poisonous_order_is_sound_and_the_broken_one_is_no_json() -> None:
    orders = list(itertools.islice(Shop(1, poison=3, broken=5).orders(NOW), 10))
    assert [number for number, order in enumerate(orders) if order.fate is Fate.DEAD_LETTERED] == [3, 5]
    assert orjson.loads(orders[3].value)["status"] == "PAID"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(orders[5].value)


def test_one_buyer_is_one_kafka_key_and_every_buyer_can_be_identified() -> None:
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
