"""Topics of change data capture: `$` is a row, `$change` what was done to it, and each row has an item."""

from __future__ import annotations

import json
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.record import DEAD_LETTERS, Item, Record, RecordPart
from connector.decode.envelopes import Change
from connector.mapping.elements import at_element, at_row, number_of
from tests.unit.decode.changes import ES, canal, canal_ddl, debezium, with_schema
from tests.unit.mapping.helpers import (
    NOW_MS,
    TAG,
    TOPIC,
    args_of,
    body,
    compiled,
    failure,
    found,
    mapper,
    record,
    route,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.mapping import Mapper

CANAL = {TOPIC: {"envelope": "canal"}}
DEBEZIUM = {TOPIC: {"envelope": "debezium"}}
CHANGED = {"$change.op": ["insert", "update"]}
ROW = {"id": "1", "phone": "13800000000", "level": "2"}
SHOWN = {
    "op": "$change.op",
    "was": "$change.before.level",
    "is": "$.level",
    "table": "$change.table",
    "ts": "$change.ts",
}


def changes(decode: dict[str, Any] = CANAL, **changed: Any) -> Mapper:  # noqa: ANN401 - keys of a route
    keys: dict[str, Any] = {"where": CHANGED, "fields": {"eventargs": SHOWN}, **changed}
    return mapper(route(**keys), decode=decode)


def rows(*numbers: int, kind: str = "UPDATE", **changed: object) -> dict[str, Any]:
    """Return a message of Canal with a row for each number, the level of which was 0."""
    return canal(
        kind,
        *(
            {**ROW, "id": str(number), "phone": f"138{number:08d}", "level": str(number), **changed}
            for number in numbers
        ),
        old=[{"level": "0"} for _ in numbers],
    )


def test_what_was_done_to_the_row_can_be_referred_to() -> None:
    made = body(changes().items(record(rows(3))))
    assert made["eventargs"] == {"op": "update", "was": "0", "is": "3", "table": "member", "ts": ES}
    event = debezium("u", {**ROW, "level": 1}, {**ROW, "level": 2})
    for value in (event, with_schema(event)):
        made = body(changes(DEBEZIUM).items(record(value)))
        assert made["eventargs"] == {"op": "update", "was": 1, "is": 2, "table": "member", "ts": ES}


def test_a_record_of_one_row_goes_the_fast_way_unless_a_route_splits_the_row() -> None:
    assert "def map_topic" in changes().source(TOPIC)
    assert "def map_topic" in changes(DEBEZIUM).source(TOPIC)
    assert not changes(**LINES).source(TOPIC)
    assert "def map_topic" in changes({TOPIC: {"envelope": "canal", "charset": "gb18030"}}).source(TOPIC)
    assert not changes(fields={"eventargs": {"all": "$"}}).source(TOPIC)


def test_a_delete_is_mapped_as_the_row_was() -> None:
    deleted = changes(DEBEZIUM, where={"$change.op": "delete"})
    assert body(deleted.items(record(debezium("d", ROW))))["eventargs"]["is"] == "2"
    assert (
        body(changes(where={"$change.op": "delete"}).items(record(rows(4, kind="DELETE"))))["eventargs"]["was"] == "4"
    )


@pytest.mark.parametrize("value", [canal_ddl(), canal("UPDATE", old=[]), rows(1, kind="DELETE"), rows(1, kind="INIT")])
def test_what_no_route_wants_and_what_changes_no_row_is_skipped(value: object) -> None:
    assert list(changes().items(record(value))) == []


def test_a_tombstone_is_skipped() -> None:
    assert list(changes(DEBEZIUM).items(record().replace(value=None))) == []


@pytest.mark.parametrize("value", [b"{", {"phone": "1"}, [], b"null", b"\xff"])
def test_what_is_no_envelope_is_one_dead_letter_without_a_route(value: object) -> None:
    told = failure(changes().items(record(value)))
    assert told.reason == "decode_failed"
    [item] = changes().items(record(value))
    assert (item.target, item.route) == (DEAD_LETTERS, "")


def test_the_rows_of_a_record_have_an_item_each_with_a_uuid_of_its_own() -> None:
    given_record = record(rows(1, 2, 3))
    items = changes().items(given_record)
    assert [json.loads(item.body)["eventargs"]["is"] for item in items] == ["1", "2", "3"]
    assert len({json.loads(item.body)["uuid"] for item in items}) == 3
    assert all(item.record is given_record for item in items)
    assert [item.part for item in items] == [RecordPart(row=number) for number in range(3)]
    assert list(changes().items(given_record)) == list(items)


def test_the_one_row_of_a_record_has_the_uuid_that_the_record_would_have() -> None:
    [one] = changes().items(record(rows(1)))
    [plain] = mapper(route()).items(record({"phone": "1"}))
    assert json.loads(one.body)["uuid"] == json.loads(plain.body)["uuid"]
    assert one.part == RecordPart()


def test_the_first_rows_have_the_uuids_that_elements_would_have() -> None:
    of_rows = changes().items(record(rows(1, 2, 3)))
    of_elements = mapper(route(for_each="$.data")).items(record({**ROW, "data": [1, 2, 3]}))
    assert [json.loads(one.body)["uuid"] for one in of_rows] == [json.loads(one.body)["uuid"] for one in of_elements]


def test_a_row_that_fails_leaves_the_others_alone_and_is_named() -> None:
    value = rows(1, 2, 3)
    value["data"][1]["phone"] = None
    first, failed, last = changes().items(record(value))
    assert failed.failure is not None
    assert (failed.failure.reason, failed.part) == ("identity_missing", RecordPart(row=1))
    assert failed.failure.detail.startswith("row 1 of the change: ")
    assert (first.failure, last.failure) == (None, None)
    alone = failure(changes().items(record(rows(1, phone=None))))
    assert not alone.detail.startswith("row")


def test_conditions_are_those_of_each_row() -> None:
    wanted = changes(where={"$change.op": "update", "$.level": {"gt": 1}, "$change.before.level": {"ne": "3"}})
    assert len(wanted.items(record(rows(1, 2, 3)))) == 2


def test_a_change_to_a_value_is_a_condition_on_both_rows() -> None:
    paid = changes(where={"$change.op": "update", "$.level": "2", "$change.before.level": {"ne": "2"}})
    unchanged = canal("UPDATE", ROW, old=[{"phone": "1"}])
    assert len(paid.items(record(rows(2)))) == 1
    assert list(paid.items(record(unchanged))) == []


def test_the_items_come_route_by_route_and_row_by_row() -> None:
    mapped = mapper(*(route(name=name, where=CHANGED) for name in "ab"), decode=CANAL)
    items = mapped.items(record(rows(1, 2)))
    assert [(item.route, item.part.row) for item in items] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


LINES: dict[str, Any] = {
    "for_each": "$.lines",
    "fields": {"eventargs": {"x": "$item.x", "i": "$index", "op": "$change.op"}},
}


def test_for_each_makes_items_of_the_list_in_each_row() -> None:
    value = rows(1, 2, lines=json.dumps([{"x": "a"}, None, {"x": "c"}]))
    items = changes(**LINES).items(record(value))
    made = [json.loads(item.body) for item in items]
    assert [each["eventargs"] for each in made] == 2 * [
        {"x": "a", "i": 0, "op": "update"},
        {"x": "c", "i": 2, "op": "update"},
    ]
    assert len({each["uuid"] for each in made}) == 4
    assert [item.part for item in items] == [RecordPart(row, element) for row in (0, 1) for element in (0, 2)]
    [one, _] = changes(**LINES).items(record(rows(1, lines=[{"x": 1}, {"x": 2}])))
    assert one.part == RecordPart(element=0)


def test_a_failure_in_a_row_and_an_element_names_both() -> None:
    fields = {"eventargs": {"x": {"from": "$item", "as": "number"}}}
    items = changes(**LINES | {"fields": fields}).items(record(rows(1, 2, lines=["1", "x"])))
    details = [item.failure.detail.partition("list: ")[0] for item in items if item.failure is not None]
    assert details == ["row 0 of the change: element 1 of the ", "row 1 of the change: element 1 of the "]
    no_list = failure(changes(**LINES).items(record(rows(1, lines="secret"))))
    assert no_list.detail == "for_each: expected a list, got text"
    several = [item.failure for item in changes(**LINES).items(record(rows(1, 2, lines="secret")))]
    assert [each.detail.partition(":")[0] for each in several if each] == ["row 0 of the change", "row 1 of the change"]
    parts = [item.part for item in changes(**LINES).items(record(rows(1, 2, lines="secret")))]
    assert parts == [RecordPart(row=0), RecordPart(row=1)]


PLACES = st.tuples(st.integers(0, 2**21 - 1), st.none() | st.integers(0, 2**21 - 1))


@given(one=PLACES, other=PLACES)
def test_the_number_of_a_part_is_its_own(one: tuple[int, int | None], other: tuple[int, int | None]) -> None:
    def number(row: int, element: int | None) -> int:
        part = at_row(record(), Change("insert", None, None, None), row)
        return number_of(part if element is None else at_element(part, None, element))

    if (one[0], one[1] or 0) != (other[0], other[1] or 0):
        assert number(*one) != number(*other)
    assert number(*one) < 2**42


def test_each_inside_a_row_sees_the_change() -> None:
    fields = {"eventargs": {"all": {"each": "$.tags", "value": {"tag": "$item", "op": "$change.op"}}}}
    made = body(changes(fields=fields).items(record(rows(1, tags=["a", "b"]))))
    assert made["eventargs"]["all"] == [{"tag": "a", "op": "update"}, {"tag": "b", "op": "update"}]


def test_templates_identities_keys_and_parameters_may_refer_to_the_change() -> None:
    mapped = changes(
        event_key={"from": "$change.op", "map": {"insert": "c_new", "update": "c_changed"}},
        identity=[{"type": "phone", "value": {"from": ["$change.before.phone", "$.phone"]}}],
        fields={"eventargs": {"c_note": {"template": "{$change.table}: {$change.before.level}->{$.level}"}}},
    )
    value = canal("UPDATE", ROW, old=[{"phone": "13900000000", "level": "1"}])
    made = body(mapped.items(record(value)))
    assert (made["eventKey"], made["eventargs"]) == ("c_changed", {"c_note": "member: 1->2"})
    assert made["identities"][0]["identityValue"] == "13900000000"
    ops = {"from": "$change.op", "map": {"insert": "add", "delete": "delete"}}
    tags = mapper(
        route(event_key=None, public_params={"optType": ops}, fields={"tags": "$.level"}),
        endpoint=TAG,
        target={"public_params": {"optType": "add"}},
        decode=CANAL,
    )
    [item] = tags.items(record(rows(1, kind="DELETE")))
    assert json.loads(item.params)["optType"] == "delete"


@pytest.fixture
def _function() -> Iterator[None]:
    module = types.ModuleType("function_of_changes")
    module.f = lambda row: [{**row, "n": n} for n in range(2)]  # type: ignore[attr-defined]
    module.one = lambda row: {**row, "n": len(row)}  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    yield
    del sys.modules[module.__name__]


@pytest.mark.usefixtures("_function")
def test_transform_gets_each_row_and_its_values_still_see_the_change() -> None:
    fields = {"eventargs": {"n": "$.n", "op": "$change.op"}}
    mapped = changes(transform="function_of_changes:f", fields=fields)
    items = mapped.items(record(rows(1, 2)))
    assert args_of(items) == [{"n": 0, "op": "update"}, {"n": 1, "op": "update"}] * 2
    assert len({json.loads(item.body)["uuid"] for item in items}) == 4
    assert list(mapped.items(record(rows(1, kind="DELETE")))) == []
    single = changes(transform="function_of_changes:one", fields=fields).items(record(rows(1, 2)))
    assert [item.part for item in single] == [RecordPart(row=0), RecordPart(row=1)]


# -- values as these systems write them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "raw", "expected"),
    [
        ("199.90", {"as": "number"}, 199.9),
        ("1", {"as": "boolean"}, True),
        ("1", {"map": {1: "gold", 2: "silver"}}, "gold"),
        ("2020-11-16 09:36:55", {"as": "timestamp"}, 1605490615000),
        ("2020-11-16 01:36:55 +00:00", {"as": "timestamp"}, 1605490615000),
        ("", {"as": "number", "default": 0}, 0),
        ("0000-00-00 00:00:00", {"as": "timestamp", "on_error": "omit"}, None),
    ],
)
def test_the_text_values_of_canal_are_converted(value: str, raw: dict[str, Any], expected: object) -> None:
    mapped = changes(fields={"eventargs": {"x": {"from": "$.x", **raw}}})
    assert body(mapped.items(record(rows(1, x=value)))).get("eventargs", {}).get("x") == expected


def test_the_text_values_of_canal_are_compared_as_numbers_and_as_text() -> None:
    mapped = changes(where={"$change.op": "update", "$.n": {"gte": 10}, "$.flag": 1})
    assert len(mapped.items(record(rows(1, n="9.50", flag="1")))) == 0
    assert len(mapped.items(record(rows(1, n="10.50", flag="1")))) == 1


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (1_605_519_415_000, {}),  # DATETIME: milliseconds of what the clock showed, as if in UTC
        (1_605_519_415_000_000, {}),  # DATETIME(6): microseconds
        (18_582, {"unit": "days"}),  # DATE
        ("2020-11-16T01:36:55Z", {}),  # TIMESTAMP: a time, which `local` leaves alone
    ],
)
def test_the_clock_times_of_debezium_are_read_again_in_the_zone(value: object, raw: dict[str, Any]) -> None:
    times = {"from": "$.at", "as": "timestamp", "local": True, **raw}
    made = body(changes(DEBEZIUM, fields={"time": times}).items(record(debezium("c", None, {**ROW, "at": value}))))
    assert made["time"] == (1_605_456_000_000 if "unit" in raw else 1_605_490_615_000)


# -- the check ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("$change", "'$change' is not a reference: `$change` has op, before, table, ts"),
        ("$change.opp", "'$change.opp' is not a reference: `$change` has op, before, table, ts, did you mean 'op'?"),
        ("$change.op.x", "'$change.op.x' is not a reference: `$change` has op, before, table, ts"),
        ("$change.before.", "'$change.before.' is not a reference: `$change` has op, before, table, ts"),
        ("$changes.op", "'$changes.op' is not a reference"),
    ],
)
def test_what_the_change_does_not_have_is_an_error(reference: str, message: str) -> None:
    [(path, code, text)] = found(route(where=CHANGED, event_key=reference), decode=CANAL)
    assert (path, code) == (("routes", 0, "event_key"), "bad_reference")
    assert text.startswith(message)


@pytest.mark.parametrize(
    "decode",
    [{}, {TOPIC: {}}, {"other": {"envelope": "canal"}}, {"^other": {"envelope": "canal"}}],
)
def test_a_change_where_no_topic_has_an_envelope_is_an_error(decode: dict[str, Any]) -> None:
    expected = "$change has no meaning here: no topic of the route has an `envelope` under `decode`"
    errors = found(route(where=CHANGED), decode=decode)
    assert [(code, text) for _, code, text in errors] == [("bad_reference", expected)]


@pytest.mark.parametrize(
    ("topics", "key", "means"),
    [
        (["^ord"], "orders", True),
        (["^ord"], "^orders", True),
        (["^orders[.].*"], "^orders", True),
        (["^.*"], "^crm", True),
        (["^shop[.]a|crm"], "^crm", True),
        (["^crm?"], "^cr[.]", True),
        (["^orders"], "^crm", False),
        ([r"^shop\.orders"], r"^shop\.crm", False),
        (["^orders"], "crm", False),
        (["crm"], "^orders|crm", True),
    ],
)
def test_patterns_that_may_have_a_topic_in_common_are_assumed_to(topics: list[str], key: str, *, means: bool) -> None:
    errors = found(route(topics=topics, where=CHANGED), decode={key: {"envelope": "canal"}})
    assert [code for _, code, _ in errors] == ([] if means else ["bad_reference"])


def warnings(decode: dict[str, Any] = CANAL, **changed: Any) -> list[tuple[Any, str]]:  # noqa: ANN401 - a route's keys
    mapping, problems = compiled(route(**changed), decode=decode)
    assert mapping is not None, problems.errors
    return [(each.path[2:], each.code) for each in problems.found if each.path[2] != "identity"]


OP = {"$change.op": ["insert", "update"]}
PAID = {"$.status": "PAID"}


@pytest.mark.parametrize(
    "where",
    [
        OP,
        {**PAID, **OP},
        {"$change.op": {"ne": "snapshot"}},
        {"not": {"$change.op": "snapshot"}},
        {"not": {"any": [PAID, {"$change.op": "snapshot"}]}},
        {"all": [PAID, OP]},
        {"any": [OP, {**PAID, "$change.op": "delete"}]},
        {"not": {"not": OP}},
        {"not": {"all": [OP, OP]}},
    ],
    ids=str,
)
def test_a_route_that_chooses_operations_is_sound(where: object) -> None:
    assert warnings(where=where) == []


@pytest.mark.parametrize(
    "where",
    [
        PAID,
        {"any": [OP, PAID]},
        {"not": {"$change.op": "snapshot", **PAID}},
        {"not": {"all": [PAID, {"$change.op": "snapshot"}]}},
        {"not": PAID},
        {"$change.table": "member"},
        {"$change.before.op": "insert"},
    ],
    ids=str,
)
def test_a_route_that_a_snapshot_may_pass_is_warned_of(where: object) -> None:
    assert warnings(where=where) == [(("where",), "cdc_without_op")]


def test_a_route_of_changes_without_conditions_is_warned_of_at_its_topics() -> None:
    assert warnings() == [(("topics",), "cdc_without_op")]
    assert warnings({"^ord": {"envelope": "debezium"}}, topics=["^orders"]) == [(("topics",), "cdc_without_op")]
    assert warnings({"other": {"envelope": "canal"}}) == []
    _, problems = compiled(route(), decode=DEBEZIUM)
    [message] = [each.message for each in problems.found if each.code == "cdc_without_op"]
    assert message == (
        "orders is change data capture (debezium), and `where` has no condition on `$change.op`: a snapshot would send"
        " history as new events; add `$change.op: [insert, update]`"
    )


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ({}, []),
        ({"otherwise": "$skip"}, []),
        ({"otherwise": "$dead_letter"}, []),
        ({"otherwise": "c_other"}, ["cdc_without_op"]),
        ({"default": "c_other"}, ["cdc_without_op"]),
        ({"map": {"insert": "c_new", "snapshot": "c_old"}, "otherwise": "c_other"}, []),
        ({"map": {"insert": "c_new"}, "from": "$.level"}, ["cdc_without_op"]),
    ],
)
def test_an_event_key_that_is_looked_up_by_the_operation_chooses_too(words: dict[str, Any], codes: list[str]) -> None:
    key = {"from": "$change.op", "map": {"insert": "c_new"}, **words}
    assert [code for _, code in warnings(event_key=key)] == codes


@pytest.mark.parametrize(
    ("where", "path", "hint"),
    [
        ({"$change.op": "INSERT"}, ("where", "$change.op"), "insert"),
        ({"$change.op": ["update", "c"]}, ("where", "$change.op"), "insert"),
        ({"$change.op": {"ne": "r"}}, ("where", "$change.op", "ne"), "snapshot"),
        ({"$change.op": {"not_in": ["snapshot", "Delete"]}}, ("where", "$change.op", "not_in"), "delete"),
        ({"any": [OP, {"not": {"$change.op": "u"}}]}, ("where", "any", 1, "not", "$change.op"), "update"),
    ],
)
def test_a_condition_on_what_is_no_operation_is_suspicious(where: Any, path: Any, hint: str) -> None:  # noqa: ANN401
    _, problems = compiled(route(where=where), decode=CANAL)
    [one] = [each for each in problems.found if each.path[2] != "identity"]
    assert (one.path[2:], one.code) == (path, "suspicious")
    assert one.message == (
        f"no operation, so it is never found: insert, update, delete, snapshot, did you mean '{hint}'?"
    )


@pytest.mark.parametrize("where", [OP, {"$change.op": {"matches": "^(INS|ins)"}}, {"$change.op": {"ne": "$.op"}}])
def test_conditions_that_may_hold_are_sound(where: Any) -> None:  # noqa: ANN401 - a piece of the language
    assert warnings(where=where) == []


def test_entries_of_a_map_for_what_is_no_operation_are_suspicious() -> None:
    key = {"from": "$change.op", "map": {"INSERT": "c_new", "update": "c_changed"}}
    fields = {"eventargs": {"list": [{"from": "$change.op", "map": {"c": 1}}], "x": {"from": "$.op", "map": {"c": 1}}}}
    assert warnings(where=OP, event_key=key, fields=fields) == [
        (("event_key", "map", "INSERT"), "suspicious"),
        (("fields", "eventargs", "list", 0, "map", "c"), "suspicious"),
    ]


@pytest.mark.parametrize(
    ("decode", "reference", "suspicious"),
    [
        (CANAL, "$.data.0.level", True),
        (CANAL, "$.data.*.level", True),
        (CANAL, "$.data.level", False),
        (CANAL, "$.after.level", False),
        (DEBEZIUM, "$.after.level", True),
        (DEBEZIUM, "$.payload.after.level", True),
        (DEBEZIUM, "$.after", False),
        (DEBEZIUM, "$.data.0.level", False),
        ({}, "$.payload.after.level", False),
    ],
)
def test_a_path_into_the_envelope_is_suspicious(decode: dict[str, Any], reference: str, *, suspicious: bool) -> None:
    fields = {"eventargs": {"x": {"from": reference, "as": "number"}, "y": {"template": f"{{{reference}}}"}}}
    found = warnings(decode, where=OP if decode else None, fields=fields)
    places = ([("fields", "eventargs", "x", "from"), ("fields", "eventargs", "y", "template")]) if suspicious else []
    assert found == [(place, "suspicious") for place in places]


def test_the_operation_and_the_table_are_no_identity() -> None:
    for reference in ("$change.op", "$change.table"):
        errors = found(route(where=OP, identity=[{"type": "openid", "value": reference}]), decode=CANAL)
        assert [code for _, code, _ in errors] == ["bad_value"]


def test_a_topic_without_an_envelope_beside_others_is_suspicious_if_the_change_is_read() -> None:
    assert warnings(topics=["plain", TOPIC], where=OP) == [(("topics", 0), "suspicious")]
    assert warnings(topics=["plain", TOPIC], where=PAID) == [(("where",), "cdc_without_op")]
    mapped = mapper(route(topics=["plain", TOPIC], where={"not": {"$change.op": "snapshot"}}), decode=CANAL)
    assert len(mapped.items(record(ROW).replace(topic="plain"))) == 1


# -- anything ---------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
A_ROW = st.fixed_dictionaries(
    {"id": JSON}, optional={"phone": st.just("13800000000") | JSON, "lines": JSON, "level": JSON}
)
A_MESSAGE = st.one_of(
    st.builds(
        lambda kind, rows, old: canal(kind, *rows, old=old),
        st.sampled_from(["INSERT", "UPDATE", "DELETE", "INIT", "ALTER", "?"]),
        st.lists(A_ROW, max_size=4),
        st.none() | st.lists(A_ROW, max_size=4),
    ),
    st.builds(debezium, st.sampled_from("cudrt?"), st.none() | A_ROW, st.none() | A_ROW),
    JSON,
)
ROWS = route(name="rows", fields={"eventargs": SHOWN}, where={"not": {"$change.op": "snapshot"}})
PRESENT = route(name="present", where=CHANGED, fields={"eventargs": {"is": "$.level", "n": "$.lines.0.x"}})
SETS = {"general": [ROWS, route(name="lines", **LINES)], "fast": [PRESENT], "fast, with before": [ROWS, PRESENT]}
ANY = {
    (envelope, name): mapper(*routes, decode={TOPIC: {"envelope": envelope}})
    for envelope in ("canal", "debezium")
    for name, routes in SETS.items()
}


@given(value=A_MESSAGE | A_MESSAGE.map(with_schema), which=st.sampled_from([*ANY]))
def test_whatever_comes_every_row_ends_in_an_item_a_dead_letter_or_is_skipped(
    value: object, which: tuple[str, str]
) -> None:
    given_record = Record(TOPIC, 0, 0, NOW_MS, None, json.dumps(value).encode(), ())
    items: Sequence[Item] = ANY[which].items(given_record)
    assert all(item.record is given_record for item in items)
    made = [json.loads(item.body)["uuid"] for item in items if item.failure is None]
    by_route = [(item.route, item.part) for item in items]
    assert len(set(made)) == len(made)
    assert len(set(by_route)) == len(by_route)


WITHOUT_BEFORE = {name: each for name, each in SHOWN.items() if name != "was"}
BY_OPERATION = {"from": "$change.op", "map": {"update": "u"}, "otherwise": {"template": "{$change.table}"}}
FAST = {
    envelope: mapper(
        route(name="rows", fields={"eventargs": WITHOUT_BEFORE}, where={"not": {"$change.op": "snapshot"}}),
        route(name="ids", identity=[{"type": "uid", "value": "$.id"}], event_key=BY_OPERATION),
        decode={TOPIC: {"envelope": envelope}},
    )
    for envelope in ("canal", "debezium")
}
AROUND = ["type", "isDdl", "table", "es", "ts", "data", "op", "ts_ms", "source", "before", "after", "schema", "__op"]


@given(
    value=A_MESSAGE | A_MESSAGE.map(lambda value: with_schema(value) if isinstance(value, dict) else value),
    more=st.dictionaries(st.sampled_from(AROUND), JSON, max_size=2),
    envelope=st.sampled_from(["canal", "debezium"]),
)
def test_rows_of_the_fast_way_are_those_of_the_general_way(value: object, more: dict[str, Any], envelope: str) -> None:
    """The mapper compares them: see `BothWays`."""
    data = json.dumps({**value, **more} if isinstance(value, dict) else value).encode()
    FAST[envelope].items(Record(TOPIC, 0, 0, NOW_MS, None, data, ()))


def test_a_value_that_the_log_of_the_database_lacks_is_looked_for_in_the_row_before() -> None:
    event = debezium("u", {**ROW, "level": 1}, {**ROW, "level": "__debezium_unavailable_value"})
    assert args_of(FAST["debezium"].items(record(event))[:1])[0]["is"] == 1


@pytest.mark.parametrize(
    ("envelope", "value", "count"),
    [("canal", rows(1, 2), 2), ("debezium", with_schema(debezium("u", ROW, {**ROW, "not_read": 0})), 1)],
)
def test_of_a_usual_message_only_what_is_read_is_decoded(envelope: str, value: object, count: int) -> None:
    mapping, _ = compiled(route(fields={"eventargs": WITHOUT_BEFORE}), decode={TOPIC: {"envelope": envelope}})
    assert mapping is not None
    fast = mapping.mapper("cluster")
    assert "change.op" in fast.source(TOPIC)
    data = json.dumps(value).replace('"sqlType": {', '"sqlType": {"id": 1e999, ').replace(": 0}", ": 1e999}")
    assert "1e999" in data
    assert [item.failure for item in fast.items(record(data.encode()))] == [None] * count
