"""Odd records from a seed: an order of a shop in which a few places hold what no one expects.

Wrong types, huge numbers, blanks, deep nesting, JSON in text, byte order marks, names that come twice, bytes that are
not UTF-8, halves of documents: in places that the mapping of every_word.yaml reads, and in others.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from connector.core.record import UNREADABLE_HEADERS, Headers, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path(__file__).with_name("every_word.yaml")
TOPICS = ("shop.orders", "shop.orders", "shop.orders", "shop.orders", "crm.all", "none.reads.it")
NOW_MS = 1_760_000_000_000
_RAW = "@raw@"

Make = Callable[[random.Random], Any]


class OddRecord(NamedTuple):
    """A record, and what must become of it."""

    record: Record
    clean: bytes | None
    """Not None: the value is spoiled in a place that no route reads; mapped as if this were the value instead."""


def parts(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The transform of every_word.yaml: none, one or many values, or an exception, by what it gets."""
    if not isinstance(value, dict):
        return None
    lines = value.get("lines")
    return (
        [{"n": len(line)} for line in lines if line is not None] if isinstance(lines, list) else {"n": value["count"]}
    )


def order(chance: random.Random) -> dict[str, Any]:
    """Return a sound order."""
    lines = [
        {"sku": f"A-{number}", "qty": chance.randint(0, 3), "kind": "c_line"} for number in range(chance.randint(0, 4))
    ]
    return {
        "order_id": f"NO{chance.getrandbits(40)}",
        "status": chance.choice(["PAID", "PAID", "REFUNDED", "NEW", 1]),
        "amount": chance.choice([142000, "1999", 19.99, 0]),
        "count": chance.randint(0, 5),
        "gift": chance.choice([True, "是", 0]),
        "kind": chance.choice(["a", "b", "c"]),
        "category": chance.choice(["p", "q"]),
        "dept": 5,
        "way": 2,
        "op": chance.choice(["ADD", "DEL"]),
        "scene_id": "100",
        "paid_at": chance.choice([NOW_MS - 5000, "2025-10-09 16:00:00", 1_760_000_000]),
        "note": chance.choice(["SKU-4711 red", "c_x", " VIP "]),
        "labels": chance.choice([["VIP", "上海"], "VIP, new", ["a"], None]),
        "extra": {"deep": {"er": [1, {"x": None}]}, "n": 1},
        "shop": {"name": "上海店"},
        "odd key": {"x": 1},
        "buyer": {
            "id": 7,
            "name": "王小明",
            "sex": chance.choice(["M", 2, "?"]),
            "born": "1990年1月31日",
            "mobile": chance.choice(["+86 138-0013-8000", 13800138000, "138****8000"]),
            "openid": "oX1",
            "platform": "workwechat",
            "mpid": "wx1",
            "wechat": "yes",
        },
        "lines": lines,
        "unread": {"a": [1, 2, {"b": "c"}]},
    }


def nested(depth: int, *, objects: bool) -> str:
    """Return JSON that nests so deep, as text."""
    return '{"a":' * depth + "1" + "}" * depth if objects else "[" * depth + "]" * depth


def is_deep(data: bytes) -> bool:
    """Return whether JSON nests deeper than Python code that calls itself can follow."""
    return data.count(b'{"a":') > 300 or data.count(b"[" * 8) > 60


ODD_VALUES: tuple[Make, ...] = (
    lambda _: None,
    lambda chance: chance.choice([True, False]),
    lambda chance: chance.choice([0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, -(10**40), 10**400]),
    lambda chance: chance.choice([-0.0, 0.1 + 0.2, 1e308, 5e-324, 1e16, 12.0, -1.5]),
    lambda chance: chance.choice(["", " ", "\t\r\n", "\u3000", "\u200b", "\ufeff", "\x00", "null", "None", "NaN", "-"]),
    lambda chance: chance.choice(
        ["13800138000", "+86 138 0013 8000", "138****8000", "１３８００１３８０００", "c_x", "VIP", "PAID"]
    ),
    lambda chance: chance.choice(
        ["2020-02-30", "2020年11月16日 9时", "0000-00-00 00:00:00", "20201116", "16/11/2020", "1e3", "0x1F"]
    ),
    lambda chance: chance.choice(
        ["1", "01", "1.0", "１", "+1", "1,000", ".5", "9" * 50, "9" * 500, "a,b,,a", ",", "是", "yes"]
    ),
    lambda chance: "中😀é\u0301" * chance.choice([1, 100]),
    lambda chance: "x" * chance.choice([36, 37, 5000]),
    lambda chance: chance.choice(
        ['{"sku": 1}', "[1, null, [2]]", '{"a": {"b": "c"}}', "[", "{}", "[]", '["', '{"a":NaN}', "[1e999]"]
    ),
    lambda chance: nested(chance.choice([3, 200, 900, 1100, 5000]), objects=chance.random() < 0.5),
    lambda chance: json.dumps(json.dumps(json.dumps({"sku": [1]}))[: chance.choice([3, 99])]),
    lambda _: [],
    lambda _: {},
    lambda chance: [None] * chance.choice([1, 3]),
    lambda chance: [chance.choice([1, "a,b", " ", None, True, {"sku": "s", "qty": "2"}, [1], 1.5]) for _ in range(4)],
    lambda chance: {"sku": [1], "0": {"sku": 5}, "x": chance.choice([1, None]), "name": {"name": 1}},
    lambda chance: [[["x"]] * chance.choice([1, 3])],
    lambda chance: [{"sku": n, "qty": n - 1} for n in range(chance.choice([1, 200]))],
    lambda chance: raw(nested(chance.choice([3, 200, 900, 1010, 3000]), objects=chance.random() < 0.5)),
    lambda _: raw('{"x":1,"x":{"sku":2},"sku":3,"sku":null}'),
    lambda _: raw('{"\\u0073ku":"s","\\u006eame":"n"}'),
    lambda chance: raw(
        chance.choice(["1E5", "-0", "1.000", "0.1e1", "100000000000000000000.0", "1e-400", "12345678901234567890123"])
    ),
)
"""Each makes a value that can be decoded."""

NOT_JSON = (
    "NaN",
    "Infinity",
    "-Infinity",
    "01",
    "+1",
    "1.",
    ".5",
    "'x'",
    "tru",
    "[1,]",
    '{"a":1,}',
    "1e",
    '"\\ud83d"',
    '"\\x"',
    '"\t"',
    "",
)
"""What makes the whole record undecodable, wherever it stands."""
SPOILED = (b'"\xff"', b'"\xed\xa0\xbd"', b'"\xc0\xaf"', "王".encode("gb18030").join((b'"', b'"')), b"1e999")
"""What makes it undecodable only where it is read."""


def raw(text: str) -> str:
    """Return text that stands for a piece of JSON, which is written as it is."""
    return f"{_RAW}{text}{_RAW}"


def encoded(value: Any, chance: random.Random) -> bytes:  # noqa: ANN401 - JSON
    """Return a value as JSON, with its raw pieces as they are."""
    text = json.dumps(value, ensure_ascii=chance.random() < 0.3, indent=chance.choice([None, None, None, 1]))
    pieces = text.split(_RAW)
    for index in range(1, len(pieces), 2):
        pieces[index] = json.loads(f'"{pieces[index]}"')
        pieces[index - 1] = pieces[index - 1][:-1]
        pieces[index + 1] = pieces[index + 1][1:]
    return "".join(pieces).encode()


def odd_place(value: dict[str, Any], chance: random.Random) -> tuple[Any, Any]:
    """Return an object or a list in a record, and the name or position of one of its entries."""
    place: Any = value
    name: Any = chance.choice([*value])
    while isinstance(place[name], (dict, list)) and place[name] and chance.random() < 0.6:
        place = place[name]
        name = chance.choice([*place]) if isinstance(place, dict) else chance.randrange(len(place))
    return place, name


def odd_value(chance: random.Random) -> tuple[bytes | None, bytes | None]:
    """Return the value of a record and, if it is spoiled where nothing is read, the same value without that."""
    value = order(chance)
    for _ in range(chance.choice([0, 1, 1, 2, 3, 6])):
        place, name = odd_place(value, chance)
        place[name] = chance.choice(ODD_VALUES)(chance)
    if chance.random() < 0.1:
        value["unread"] = None
        data = encoded(value, chance)
        if is_deep(data):
            return data, None  # decoded as a whole, because msgspec does not nest so deep
        if chance.random() < 0.2:
            return data.replace(b'"buyer"', b'"\xff"'), data.replace(b'"buyer"', b'"gone"')
        return data.replace(b'"unread": null', b'"unread": ' + chance.choice(SPOILED)), data
    if chance.random() < 0.06:
        place, name = odd_place(value, chance)
        place[name] = raw(chance.choice(NOT_JSON))
    data = encoded(value, chance)
    return chance.choice(_WHOLE)(data) if chance.random() < 0.15 else data, None


_WHOLE: tuple[Callable[[bytes], bytes | None], ...] = (
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: b"\xef\xbb\xbf" * 3 + data,
    lambda data: b" \r\n\t" + data + b"\n",
    lambda data: data[: len(data) // 2],
    lambda data: data + b"}",
    lambda data: data + data,
    lambda data: b"[" + data + b"]",
    lambda data: json.dumps(data.decode()).encode(),
    lambda data: data.replace(b'"status": "', b'"status": "\xff'),
    lambda data: data.replace(b'"status"', b'"status":"NEW","status"'),
    lambda data: data.decode().encode("utf-16"),
    lambda data: data.decode().encode("gb18030"),
    lambda data: data.replace(b'"lines"', b'"lines":{"0":1},"lines"'),
    lambda _: b"",
    lambda _: b" ",
    lambda _: b"null",
    lambda _: b"7",
    lambda _: b'"text"',
    lambda _: b"{}",
    lambda _: b"[]",
    lambda _: b"\x00\x00\x00\x00\x01",
    lambda _: None,
)


def odd_headers(chance: random.Random) -> Headers:
    """Return headers, which may be missing, empty, binary or unreadable."""
    return chance.choice(
        [(), (), (("trace", b"t1"),), (("trace", None),), (("trace", b"\xff"), ("trace", b"")), UNREADABLE_HEADERS]
    )


def odd_records(seed: int, number: int) -> Iterator[OddRecord]:
    """Yield so many records, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - the same records every time
    for offset in range(number):
        data, clean = odd_value(chance)
        key = chance.choice([None, b"", b"k", b"\xff\xfe", "键".encode()])
        at_ms = chance.choice([NOW_MS, NOW_MS, NOW_MS, None, 0])
        topic = chance.choice(TOPICS)
        record = Record(topic, offset % 3, offset, at_ms, key, data, odd_headers(chance))
        yield OddRecord(record, clean)
