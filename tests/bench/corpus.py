"""The records of the mapping benchmark: shapes that real topics have, each with routes and a hand-written function.

A hand-written function is what a good engineer writes with orjson in an afternoon: it makes the same item, encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import orjson

from tests.bench.hand_written import Uuids, milliseconds, order_item, phone
from tests.bench.workload import order, order_route

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import Record

NOW_MS = 1_760_000_000_000
TOPIC = "shop.orders"
Made = list[bytes]


@dataclass(frozen=True)
class Shape:
    """One kind of record."""

    name: str
    value: Callable[[int], bytes]
    """Returns the value of the record with this number."""
    routes: list[dict[str, Any]] = field(default_factory=lambda: [order_route(TOPIC)])
    by_hand: Callable[[Uuids, Record], Made] | None = None
    """None: the function for orders."""
    goal: float = 1.1
    """The highest ratio to the hand-written function."""
    envelope: Literal["canal", "debezium"] | None = None
    """The topic's."""


def changed(number: int, **more: Any) -> bytes:  # noqa: ANN401 - JSON
    value = orjson.loads(order(number, NOW_MS))
    return orjson.dumps({**value, **more})


def _objects(count: int) -> dict[str, Any]:
    """Return fields that nobody reads."""
    return {
        f"extension_{each:02d}": {"code": f"c-{each:04d}", "label": "会员权益说明", "rank": each, "on": each % 2 == 0}
        for each in range(count)
    }


def _snowflake(number: int) -> dict[str, Any]:
    return {
        "order_id": f"{7_218_345_000_000_000_000 + number}",
        "trace_id": f"{0x12345678901234567890123456789012 + number:032x}",
    }


def _by_hand_order(uuids: Uuids, record: Record) -> Made:
    assert record.value is not None
    made = order_item(orjson.loads(record.value), record.topic, record.partition, record.offset, _ms(record), uuids)
    return [] if made is None else [orjson.dumps(made)]


def _ms(record: Record) -> int:
    assert record.timestamp_ms is not None
    return record.timestamp_ms


def _canal(number: int) -> bytes:
    row = {"id": str(number), "mobile": f"138{number:08d}", "status": "1", "amount": "199.90", "created": "1759999000"}
    others = {f"column_{each}": f"value {each}" for each in range(12)}
    envelope = {"database": "shop", "table": "orders", "type": "INSERT", "isDdl": False, "es": NOW_MS, "sql": ""}
    types = dict.fromkeys([*row, *others], "varchar(64)")
    return orjson.dumps({**envelope, "mysqlType": types, "data": [{**row, **others}], "old": None})


CANAL_ROUTE: dict[str, Any] = {
    "name": "canal",
    "topics": [TOPIC],
    "to": "purchases",
    "where": {"$.type": ["INSERT", "UPDATE"], "$.table": "orders"},
    "event_key": "c_buy",
    "identity": [{"type": "phone", "value": {"from": "$.data.0.mobile", "as": "phone"}}],
    "fields": {
        "time": "$.es",
        "eventargs": {
            "c_id": "$.data.0.id",
            "c_price": {"from": "$.data.0.amount", "as": "number"},
            "c_status": {"from": "$.data.0.status", "map": {"1": "paid", "2": "closed"}},
        },
    },
}


def _by_hand_canal(uuids: Uuids, record: Record) -> Made:
    assert record.value is not None
    change = orjson.loads(record.value)
    if change["type"] not in ("INSERT", "UPDATE") or change["table"] != "orders":
        return []
    row, sent = change["data"][0], _ms(record)
    made = {
        "identities": [{"identityValue": phone(row["mobile"]), "identityType": "phone"}],
        "time": milliseconds(change["es"], sent),
        "uuid": uuids.of(record.topic, record.partition, record.offset, sent),
        "eventKey": "c_buy",
        "eventargs": {
            "c_id": row["id"],
            "c_price": float(row["amount"]),
            "c_status": {"1": "paid", "2": "closed"}[row["status"]],
        },
    }
    return [orjson.dumps(made)]


def _debezium(number: int) -> bytes:
    names = ("id", "mobile", "status", "amount", "note", "created", "shop", "remark")
    schema = {"type": "struct", "fields": [{"field": each, "type": "string", "optional": True} for each in names * 2]}
    after = {"id": number, "mobile": f"138{number:08d}", "status": "PAID", "amount": 19990, "note": "", "remark": None}
    source = {"version": "2.7", "connector": "mysql", "name": "shop", "db": "shop", "table": "orders", "pos": 4711}
    payload = {"before": {**after, "status": "NEW"}, "after": after, "source": source, "op": "u", "ts_ms": NOW_MS}
    return orjson.dumps({"schema": schema, "payload": payload})


DEBEZIUM_ROUTE: dict[str, Any] = {
    "name": "debezium",
    "topics": [TOPIC],
    "to": "purchases",
    "where": {"$.payload.op": ["c", "u"]},
    "event_key": {"from": "$.payload.after.status", "map": {"PAID": "c_buy"}, "otherwise": "$skip"},
    "identity": [{"type": "phone", "value": {"from": "$.payload.after.mobile", "as": "phone"}}],
    "fields": {
        "time": "$.payload.ts_ms",
        "eventargs": {
            "c_id": "$.payload.after.id",
            "c_price": {"from": "$.payload.after.amount", "multiply": 0.01},
        },
    },
}


def _by_hand_debezium(uuids: Uuids, record: Record) -> Made:
    assert record.value is not None
    payload = orjson.loads(record.value)["payload"]
    after, sent = payload["after"], _ms(record)
    if payload["op"] not in ("c", "u") or after["status"] != "PAID":
        return []
    made = {
        "identities": [{"identityValue": phone(after["mobile"]), "identityType": "phone"}],
        "time": milliseconds(payload["ts_ms"], sent),
        "uuid": uuids.of(record.topic, record.partition, record.offset, sent),
        "eventKey": "c_buy",
        "eventargs": {"c_id": after["id"], "c_price": after["amount"] / 100},
    }
    return [orjson.dumps(made)]


def _by_hand_twice(uuids: Uuids, record: Record) -> Made:
    assert record.value is not None
    value, sent = orjson.loads(record.value), _ms(record)
    made = order_item(value, record.topic, record.partition, record.offset, sent, uuids)
    if made is None:
        return []
    visit = {
        "identities": made["identities"],
        "time": sent,
        "uuid": _VISITS.of(record.topic, record.partition, record.offset, sent),
        "eventKey": "c_visit",
        "eventargs": {"c_shop": value["shop"]["name"]},
    }
    return [orjson.dumps(made), orjson.dumps(visit)]


_VISITS = Uuids("cluster", "visits")
VISIT_ROUTE: dict[str, Any] = {
    "name": "visits",
    "topics": [TOPIC],
    "to": "purchases",
    "event_key": "c_visit",
    "identity": [{"type": "phone", "value": {"from": "$.buyer.mobile", "as": "phone"}}],
    "fields": {"eventargs": {"c_shop": "$.shop.name"}},
}


def _lines(number: int) -> bytes:
    lines = [{"sku": f"sku-{each}", "title": "创维洗衣机", "qty": each, "fen": 100 * each} for each in range(1, 11)]
    return changed(number, items=lines)


LINES_ROUTE: dict[str, Any] = {
    "name": "lines",
    "topics": [TOPIC],
    "to": "purchases",
    "for_each": "$.items",
    "event_key": "c_line",
    "identity": [{"type": "phone", "value": {"from": "$.buyer.mobile", "as": "phone"}}],
    "fields": {"eventargs": {"c_sku": "$item.sku", "c_qty": "$item.qty", "c_order": "$.order_id"}},
}


def _by_hand_lines(uuids: Uuids, record: Record) -> Made:
    assert record.value is not None
    value, sent = orjson.loads(record.value), _ms(record)
    identities = [{"identityValue": phone(value["buyer"]["mobile"]), "identityType": "phone"}]
    return [
        orjson.dumps(
            {
                "identities": identities,
                "time": sent,
                "uuid": uuids.of(record.topic, record.partition, record.offset, sent, index),
                "eventKey": "c_line",
                "eventargs": {"c_sku": line["sku"], "c_qty": line["qty"], "c_order": value["order_id"]},
            }
        )
        for index, line in enumerate(value["items"])
    ]


def _in_envelope(route: dict[str, Any], *prefixes: str) -> dict[str, Any]:
    """Return a route for the rows of an envelope, made of one that reads the envelope as plain JSON."""
    text = orjson.dumps({**route, "where": {"$change.op": ["insert", "update"]}}).decode()
    for prefix in prefixes:
        text = text.replace(prefix, "$.")
    rows: dict[str, Any] = orjson.loads(text)
    rows["fields"]["time"] = "$change.ts"
    return rows


_ESCAPES = 'a "quoted"\\ line\nand 😀 中文' * 8

CORPUS = (
    Shape("small order", lambda number: order(number, NOW_MS), goal=0.85),
    Shape("snowflake and trace ids", lambda number: changed(number, **_snowflake(number))),
    Shape("1.4 kB", lambda number: changed(number, **_objects(13)), goal=0.65),
    Shape(
        "4.6 kB, 40 objects not read", lambda number: changed(number, **_objects(54), **_snowflake(number)), goal=0.55
    ),
    Shape("30 kB", lambda number: changed(number, **_objects(380))),
    Shape("escapes and CJK", lambda number: changed(number, note=_ESCAPES, shop={"id": 1, "name": _ESCAPES})),
    Shape("a miss: half is skipped", lambda number: changed(number, status="NEW" if number % 2 else "PAID")),
    Shape("Canal row of text", _canal, [CANAL_ROUTE], _by_hand_canal),
    Shape("Debezium envelope", _debezium, [DEBEZIUM_ROUTE], _by_hand_debezium),
    Shape(
        "Canal, by its envelope",
        _canal,
        [_in_envelope(CANAL_ROUTE, "$.data.0.")],
        _by_hand_canal,
        envelope="canal",
    ),
    Shape(
        "Debezium, by its envelope",
        _debezium,
        [_in_envelope(DEBEZIUM_ROUTE, "$.payload.after.")],
        _by_hand_debezium,
        envelope="debezium",
    ),
    Shape("two routes", lambda number: order(number, NOW_MS), [order_route(TOPIC), VISIT_ROUTE], _by_hand_twice),
    Shape("for_each over 10 lines", _lines, [LINES_ROUTE], _by_hand_lines),
)


def by_hand(shape: Shape) -> Callable[[Record], Made]:
    """Return the hand-written function of a shape."""
    function, uuids = shape.by_hand or _by_hand_order, Uuids("cluster", shape.routes[0]["name"])
    return lambda record: function(uuids, record)
