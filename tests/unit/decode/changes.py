"""Messages of change data capture in the shapes of the systems that write them."""

from __future__ import annotations

from typing import Any

from connector.core.record import Record

ES = 1_605_490_615_000
TS = 1_605_490_615_673

Json = dict[str, Any]


def record(value: bytes | None = b"{}", *headers: tuple[str, bytes]) -> Record:
    return Record("crm.member", 0, 7, TS, b'{"id":1}', value, headers)


def canal(kind: str = "UPDATE", *rows: Json, old: object = None, **changed: object) -> Json:
    """Return a message of Canal; the values of its rows are text, as Canal writes them."""
    columns = list(rows[0]) if rows else []
    return {
        "data": list(rows),
        "database": "crm",
        "es": ES,
        "id": 31,
        "isDdl": False,
        "mysqlType": dict.fromkeys(columns, "varchar(64)"),
        "old": old,
        "pkNames": ["id"],
        "sql": "",
        "sqlType": dict.fromkeys(columns, 12),
        "table": "member",
        "ts": TS,
        "type": kind,
        **changed,
    }


def canal_ddl(kind: str = "ALTER") -> Json:
    sql = "ALTER TABLE `member` ADD COLUMN `city` varchar(32) NULL"
    nothing = {"data": None, "mysqlType": None, "sqlType": None, "pkNames": None}
    return canal(kind, **nothing, isDdl=True, sql=sql)


def debezium(op: str = "u", before: object = None, after: object = None, **changed: object) -> Json:
    """Return a change event of Debezium's connector for MySQL, without a schema."""
    source = {
        "version": "2.7.3.Final",
        "connector": "mysql",
        "name": "crm",
        "ts_ms": ES,
        "snapshot": "first" if op == "r" else "false",
        "db": "crm",
        "sequence": None,
        "ts_us": ES * 1000,
        "ts_ns": ES * 1_000_000,
        "table": "member",
        "server_id": 223344,
        "gtid": None,
        "file": "binlog.000042",
        "pos": 4711,
        "row": 0,
        "thread": 12,
        "query": None,
    }
    return {"before": before, "after": after, "source": source, "transaction": None, "op": op, "ts_ms": TS, **changed}


def with_schema(payload: object) -> Json:
    """Return what the JSON converter writes with schemas.enable=true."""
    fields = [{"type": "string", "optional": True, "field": "op"}]
    return {
        "schema": {"type": "struct", "fields": fields, "optional": False, "name": "crm.crm.member.Envelope"},
        "payload": payload,
    }
