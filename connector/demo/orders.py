"""Generated shop orders: Chinese names, mobile numbers in the forms that people type.

Pure: the same seed and time give the same orders. Each order carries its expected outcome, which the demo compares
with what the connector did.
"""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHANGHAI = timezone(timedelta(hours=8))
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = ("伟", "芳", "秀英", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "艳", "勇", "子涵", "浩宇", "欣怡")
_SHOPS = ("朝阳大悦城店", "南京东路店", "天河城店", "春熙路店")
_GOODS = (
    ("创维洗衣机", 142_000),
    ("龙井茶 250g", 16_800),
    ("儿童雨衣", 5_900),
    ("蓝牙耳机", 29_900),
    ("羽绒被", 59_900),
    ("不锈钢保温杯", 8_800),
)
_BUYERS = 400
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


class ExpectedOutcome(enum.Enum):
    """The outcome that an order should have."""

    DELIVERED = "delivered"
    SKIPPED = "skipped"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True, slots=True)
class Order:
    """One record of shop.orders."""

    order_id: str
    key: bytes
    value: bytes
    expected: ExpectedOutcome


@dataclass(frozen=True, slots=True)
class _Buyer:
    number: int
    name: str
    mobile: str
    openid: str | None


class Shop:
    """Generates orders. `refused` is the number of the order that the platform refuses, `malformed` of one not JSON."""

    def __init__(self, seed: int, refused: int | None = None, malformed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311  names and prices, not secrets
        self._buyers = [self._buyer(number) for number in range(_BUYERS)]
        self._refused = refused
        self._malformed = malformed

    def orders(self, now: datetime) -> Iterator[Order]:
        """Yield orders without end, each paid within ten minutes before `now`."""
        number = 0
        while True:
            yield self._order(number, now)
            number += 1

    @staticmethod
    def order_id(number: int) -> str:
        """Return the id of an order, from its number."""
        return f"SO{number:010}"

    def _order(self, number: int, now: datetime) -> Order:
        buyer = self._random.choice(self._buyers)
        status = self._random.choices(["PAID", "REFUNDED", "CREATED"], [80, 8, 12])[0]
        if number == self._refused:
            status = "PAID"
        document = self._document(number, buyer, status, now)
        value = orjson.dumps(document)
        expected = ExpectedOutcome.SKIPPED if status == "CREATED" else ExpectedOutcome.DELIVERED
        if number == self._malformed:
            value = value[: len(value) // 2]
        if number in (self._refused, self._malformed):
            expected = ExpectedOutcome.DEAD_LETTERED
        return Order(self.order_id(number), f"buyer-{buyer.number}".encode(), value, expected)

    def _document(self, number: int, buyer: _Buyer, status: str, now: datetime) -> dict[str, Any]:
        items = [self._item() for _ in range(self._random.randint(1, 3))]
        paid_at = now.astimezone(_SHANGHAI) - timedelta(seconds=self._random.randrange(600))
        return {
            "order_id": self.order_id(number),
            "seq": number,
            "status": status,
            "shop": {"name": self._random.choice(_SHOPS)},
            "buyer": {"name": buyer.name, "mobile": buyer.mobile, "openid": buyer.openid},
            "items": items,
            "amount_fen": sum(item["price_fen"] * item["qty"] for item in items),
            "paid_at": None if status == "CREATED" else paid_at.strftime("%Y-%m-%d %H:%M:%S"),
            "scene_id": f"scene-{self._random.randrange(20)}",
        }

    def _item(self) -> dict[str, Any]:
        title, price_fen = self._random.choice(_GOODS)
        return {"title": title, "price_fen": price_fen, "qty": self._random.randint(1, 2)}

    def _buyer(self, number: int) -> _Buyer:
        name = self._random.choice(_SURNAMES) + self._random.choice(_GIVEN)
        digits = f"1{self._random.choice('3578')}{self._random.randrange(10**5):05}{number:04}"
        openid = f"o{self._random.getrandbits(96):024x}"
        if self._random.random() < 0.1:  # masked by a marketplace
            return _Buyer(number, name, f"{digits[:3]}****{digits[7:]}", openid)
        typed = self._random.choice(
            [
                digits,
                f"+86 {digits[:3]} {digits[3:7]} {digits[7:]}",
                f"{digits[:3]}-{digits[3:7]}-{digits[7:]}",
                f"0086{digits}",
                digits.translate(_FULL_WIDTH),
            ]
        )
        return _Buyer(number, name, typed, openid if self._random.random() < 0.5 else None)
