"""Envelopes of which only what is read is decoded: the same rows and changes, or left to the general way."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from connector.core.errors import DecodeError
from connector.decode.envelopes import ENVELOPES, OPENERS
from tests.unit.decode.changes import canal, canal_ddl, debezium, record, with_schema
from tests.unit.decode.test_canal import JSON

ROW = msgspec.defstruct("Row", [("level", Any, None), ("note", Any, None)])
OLD, NEW = {"id": 1, "level": 1, "note": "a"}, {"id": 1, "level": 2, "note": "a"}
ONE_ROW = {
    "canal": [
        canal("INSERT", NEW),
        canal("UPDATE", NEW, old=[{"level": 1}]),
        canal("UPDATE", NEW, old=None),
        canal("DELETE", OLD),
        canal("INIT", NEW),
    ],
    "debezium": [
        debezium("c", None, NEW),
        debezium("r", None, NEW),
        debezium("u", OLD, NEW),
        debezium("d", OLD, None),
        debezium("d", None, None),
        with_schema(debezium("u", OLD, NEW)),
        with_schema(debezium("d", OLD, None)),
    ],
}
NO_ROW = {
    "canal": [
        canal_ddl(),
        canal("UPDATE", NEW, isDdl=True),
        canal("QUERY", data=None),
        canal("TIDB_WATERMARK", data=None),
    ],
    "debezium": [debezium("t"), with_schema(debezium("m"))],
}
OTHERS: dict[str, list[Any]] = {
    "canal": [
        canal("INSERT", NEW, OLD),
        canal("UPDATE", data=[]),
        canal("?", NEW),
        canal("INSERT", data=[1]),
        {},
        [],
        1,
    ],
    "debezium": [
        {**NEW, "__op": "u"},
        debezium("u", OLD, NEW, __op=None),
        debezium("u", OLD, {**NEW, "note": "__debezium_unavailable_value"}),
        debezium("u", None, json.dumps(NEW)),
        debezium("u", [1], NEW),
        debezium("d", OLD, [1]),
        debezium("c", None, None),
        debezium("?", OLD, NEW),
        {"op": "u"},
        {**with_schema(debezium("u", OLD, NEW)), "more": 1},
        with_schema(None),
        [],
    ],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


def opened(envelope: str, value: object, *, with_before: bool = True) -> Any:  # noqa: ANN401 - rows and changes
    return OPENERS[envelope](ROW, with_before)(json.dumps(value).encode())


def assert_same(envelope: str, value: object, *, with_before: bool) -> None:
    """Assert that the opener gives what the envelope does, or raises."""
    try:
        found = opened(envelope, value, with_before=with_before)
    except Exception:  # noqa: BLE001 - of any kind: the general way is taken
        return
    assert list(found) == [
        (ROW(row.get("level"), row.get("note")), change if with_before else structs.replace(change, before=None))
        for row, change in ENVELOPES[envelope](value, record())
    ]


@pytest.mark.parametrize("with_before", [True, False])
@pytest.mark.parametrize(("envelope", "value"), cases(ONE_ROW))
def test_one_row_is_opened(envelope: str, value: object, *, with_before: bool) -> None:
    assert len(opened(envelope, value, with_before=with_before)) == 1
    assert_same(envelope, value, with_before=with_before)


@pytest.mark.parametrize(("envelope", "value"), cases(NO_ROW))
def test_what_changes_no_row_is_known(envelope: str, value: object) -> None:
    assert not opened(envelope, value)
    assert_same(envelope, value, with_before=True)


def test_several_rows_are_opened_unless_what_they_were_is_read() -> None:
    several = canal("UPDATE", NEW, OLD, old=[{"level": 1}, {"level": 3}])
    assert len(opened("canal", several, with_before=False)) == 2
    assert_same("canal", several, with_before=False)
    with pytest.raises(ValueError, match="unpack"):
        opened("canal", several, with_before=True)


@pytest.mark.parametrize(("envelope", "value"), cases(OTHERS))
def test_anything_else_is_left_to_the_general_way(envelope: str, value: object) -> None:
    with pytest.raises((msgspec.MsgspecError, LookupError, ValueError, TypeError)):
        opened(envelope, value)


A_ROW = st.none() | st.fixed_dictionaries({}, optional={"level": JSON, "note": JSON, "id": st.integers()}) | JSON
OPS = st.sampled_from(["c", "u", "d", "r", "t", "?"])
KINDS = st.sampled_from(["INSERT", "UPDATE", "DELETE", "INIT", "ALTER", "?"])
CHANGED = st.dictionaries(
    st.sampled_from(["op", "after", "before", "source", "ts_ms", "__op", "ddl"]), JSON, max_size=2
)
EVENTS = st.builds(lambda event, more: {**event, **more}, st.builds(debezium, OPS, A_ROW, A_ROW), CHANGED)
MESSAGES = st.builds(
    lambda kind, data, old, more: {**canal(kind), "data": data, "old": old, **more},
    KINDS,
    st.lists(A_ROW, max_size=2) | JSON,
    st.lists(A_ROW, max_size=2) | JSON,
    st.dictionaries(st.sampled_from(["type", "isDdl", "es", "ts", "table"]), JSON, max_size=2),
)


@given(value=EVENTS | EVENTS.map(with_schema) | MESSAGES | JSON, envelope=st.sampled_from(["canal", "debezium"]))
def test_whatever_comes_is_the_same_or_left(value: object, envelope: str) -> None:
    for with_before in (True, False):
        try:
            assert_same(envelope, value, with_before=with_before)
        except DecodeError:
            pytest.fail("the envelope refuses what was opened")
