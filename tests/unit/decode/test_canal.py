"""Canal's messages, in the shapes of Canal itself, of TiCDC and of the transmission services of clouds."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.errors import DecodeError
from connector.decode.envelopes import Change
from connector.decode.envelopes.canal import canal as rows_of
from tests.unit.decode.changes import ES, TS, canal, canal_ddl, record

OLD = {"id": "1", "mobile": "13800000000", "level": "1", "city": None}
NEW = {**OLD, "level": "2"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
KINDS = ("INSERT", "UPDATE", "DELETE")
ROW = st.dictionaries(st.sampled_from(["id", "mobile", "level"]), st.none() | st.text(max_size=3), max_size=3)


def only(value: object) -> tuple[Any, Change]:
    [row] = rows_of(value, record())
    return row


def test_an_insert_is_the_row() -> None:
    assert only(canal("INSERT", NEW)) == (NEW, Change("insert", None, "member", ES))


def test_an_update_has_the_whole_row_before_it() -> None:
    assert only(canal("UPDATE", NEW, old=[{"level": "1"}])) == (NEW, Change("update", OLD, "member", ES))


def test_a_delete_is_the_row_before_it() -> None:
    assert only(canal("DELETE", OLD)) == (OLD, Change("delete", OLD, "member", ES))


def test_a_full_load_is_a_snapshot() -> None:
    assert only(canal("INIT", NEW))[1].op == "snapshot"


def test_each_row_of_a_statement_is_a_row() -> None:
    rows = [{"id": str(number), "level": "2"} for number in range(3)]
    found = rows_of(canal("UPDATE", *rows, old=[{"level": "1"}, {"level": None}, {"level": "3"}]), record())
    assert [row for row, _ in found] == rows
    assert [change.before["level"] for _, change in found] == ["1", None, "3"]


def test_former_values_that_can_be_of_another_row_are_not_told() -> None:
    """Canal leaves a row in which nothing changed out of `old`, but not out of `data`."""
    found = rows_of(canal("UPDATE", {"id": "1"}, {"id": "2"}, old=[{"level": "1"}]), record())
    assert [change.before for _, change in found] == [None, None]


@pytest.mark.parametrize("old", [None, [], [None], "text", {"level": "1"}])
def test_an_update_without_former_values_has_no_row_before_it(old: object) -> None:
    assert only(canal("UPDATE", NEW, old=old))[1].before is None


def test_without_the_time_of_execution_the_time_of_sending_counts() -> None:
    assert only(canal("INSERT", NEW, es=None))[1].ts == TS
    assert only(canal("INSERT", NEW, es=0))[1].ts == TS
    assert only({"type": "INSERT", "data": [NEW]})[1] == Change("insert", None, None, None)


@pytest.mark.parametrize(
    "message",
    [
        canal_ddl(),
        *(canal_ddl(kind) for kind in ("CREATE", "ERASE", "RENAME", "TRUNCATE", "CINDEX", "DINDEX", "QUERY")),
        canal_ddl("GRANT"),
        canal("QUERY", data=None, isDdl=False, sql="BEGIN"),
        canal("TIDB_WATERMARK", data=None, _tidb={"watermarkTs": 429918007904436226}),
        canal("UPDATE", old=[]),
    ],
    ids=lambda message: message["type"],
)
def test_what_changes_no_row_has_no_row(message: object) -> None:
    assert list(rows_of(message, record())) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "expected a Canal message (type, table, data), got null"),
        ([canal("INSERT", NEW)], "expected a Canal message (type, table, data), got a list"),
        ("INSERT", "expected a Canal message (type, table, data), got text"),
        (NEW, "expected a Canal message (type, table, data), got an object without the text `type`"),
        ({"type": 1, "data": [NEW]}, "got an object without the text `type`"),
        (
            {"type": "insert", "data": NEW},
            "`type` of a Canal message is INSERT, UPDATE, DELETE, INIT or a statement's",
        ),
        (canal("INSERT", data=None), "`data` of a Canal message is a list of rows, got null"),
        (canal("INSERT", data={"id": "1"}), "`data` of a Canal message is a list of rows, got an object"),
        (canal("INSERT", data=[NEW, "1"]), "`data` of a Canal message is a list of rows, got a list with text"),
        (canal("INSERT", data=[NEW, None]), "got a list with null"),
    ],
)
def test_anything_else_is_an_error_with_a_remedy(value: object, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        rows_of(value, record())
    assert message in str(caught.value)
    assert str(caught.value).endswith("Then correct or drop its `envelope` under `decode`")
    assert "13800000000" not in str(caught.value)


@given(
    rows=st.lists(ROW, max_size=4), old=st.lists(ROW, max_size=4), kind=st.sampled_from(["INSERT", "UPDATE", "DELETE"])
)
def test_every_row_comes_out_as_it_is_and_nothing_is_changed(rows: list[Any], old: list[Any], kind: str) -> None:
    message = canal(kind, *rows, old=old)
    before = copy.deepcopy(message)
    found = rows_of(message, record())
    assert [row for row, _ in found] == rows
    assert {change.op for _, change in found} <= {kind.lower()}
    assert message == before
    for (row, change), was in zip(found, old, strict=False):
        if kind == "UPDATE" and len(old) == len(rows):
            assert change.before == {**row, **was}


@given(value=JSON | st.builds(canal, st.sampled_from(["INSERT", "UPDATE", "x"]), data=JSON, old=JSON, isDdl=JSON))
def test_whatever_comes_is_rows_or_an_error(value: object) -> None:
    try:
        found = rows_of(value, record())
    except DecodeError:
        return
    assert all(isinstance(row, dict) for row, _ in found)
