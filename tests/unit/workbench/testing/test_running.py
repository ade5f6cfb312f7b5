"""What a test's record becomes, and how it is held against what the test expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.record import Record
from connector.workbench.testing.comparing import ABSENT, equal, of_part
from tests.unit.workbench.testing.project import CONFIG, PAID, differences

if TYPE_CHECKING:
    from tests.unit.workbench.testing.project import Project

ORDER = f"{{topic: shop.orders, value: {PAID}}}"


def order(more: str) -> str:
    return ORDER.replace("fen: 142000", f"fen: 142000, {more}")


@pytest.mark.parametrize(
    "expected",
    [
        "[{}]".format("{target: purchases, item: {eventKey: c_buy, eventargs: {c_price: 1420}}}"),
        "[{}]".format("{route: orders, item: {eventargs: {c_price: 1420.0}}}"),
        "[{}]".format("{target: purchases, item: {eventargs: {c_note: null}, intid: }}"),
        "[{}]".format("{item: {identities: [{identityType: phone, identityValue: '13800000000'}]}}"),
        "[{}]".format("{public_params: {matchingType: 1}}"),
        "[{}]".format("{target: purchases}"),
    ],
)
def test_what_is_expected_may_be_a_part_of_the_item(project: Project, expected: str) -> None:
    assert project.result(ORDER, f"expect: {expected}").passed


@pytest.mark.parametrize(
    ("item", "difference"),
    [
        ("{eventKey: c_byu}", ("eventKey", "c_byu", "c_buy")),
        ("{eventargs: {c_price: '1420'}}", ("c_price", "1420", 1420)),
        ("{eventargs: {c_note: x}}", ("c_note", "x", ABSENT)),
        ("{eventargs: {c_note: {}}}", ("c_note", {}, ABSENT)),
        ("{eventargs: {c_list: [1]}}", ("c_list", [1], [1, {"a": 1}])),
        ("{eventargs: {c_list: [1, {}]}}", ("c_list", [1, {}], [1, {"a": 1}])),
        ("{eventargs: {c_list: null}}", ("c_list", None, [1, {"a": 1}])),
        ("{eventargs: []}", ("eventargs", [], {"c_price": 1420, "c_list": [1, {"a": 1}]})),
    ],
)
def test_what_differs_is_told_by_its_place(project: Project, item: str, difference: tuple[str, Any, Any]) -> None:
    result = project.result(order("list: [1, {a: 1}]"), f"expect: [{{item: {item}}}]")
    assert differences(result) == [difference]


def test_all_items_are_expected_in_the_order_of_the_routes(project: Project) -> None:
    record = order("lines: [{sku: a}, {sku: b}]")
    a, b = (f"{{item: {{eventargs: {{c_sku: {sku}}}}}}}" for sku in "ab")
    assert project.result(record, f"expect: [{{route: orders}}, {a}, {b}]").passed
    assert differences(project.result(record, f"expect: [{{route: orders}}, {b}, {a}]")) == [
        ("c_sku", "b", "a"),
        ("c_sku", "a", "b"),
    ]
    [(path, expected, made)] = differences(project.result(record, f"expect: [{{route: orders}}, {a}]"))
    assert (path, len(expected), len(made)) == ("expect", 2, 3)


def test_a_skipped_record_has_no_items(project: Project) -> None:
    record = "{topic: shop.orders, value: {status: NEW}}"
    assert project.result(record, "expect: []").passed
    result = project.result(record, "expect: [{target: purchases}]")
    assert [path for path, *_ in differences(result)] == ["expect"]
    assert result.hints == (f"did not hold: {project.folder}/connector.yaml:10:13: route orders: where.$.status",)


def test_each_test_has_its_own_hints(project: Project) -> None:
    first, second = project.results(
        "  - {name: a, record: {topic: shop.orders, value: {status: NEW}}, expect: [{route: orders}]}\n"
        "  - {name: b, record: {topic: shop.orders, value: {status: PAID, fen: 0}}, expect: [{route: orders}]}\n"
    )
    assert [[hint.rpartition(" ")[2] for hint in each.hints] for each in (first, second)] == [
        ["where.$.status"],
        ["where.$.fen.gt"],
    ]


def test_conditions_that_did_not_hold_are_named_of_the_routes_that_are_meant(project: Project) -> None:
    config = CONFIG.replace(
        "    for_each: $.lines", "    where: {$.kind: a, $.status: {exists: true}}\n    for_each: $.lines"
    )
    project.write("connector.yaml", config)
    record = "{topic: shop.orders, value: {status: NEW}}"
    of_orders = f"did not hold: {project.folder}/connector.yaml:10:13: route orders: where.$.status"
    of_lines = f"did not hold: {project.folder}/connector.yaml:21:13: route lines: where.$.kind"
    for expected, hints in (
        ("expect: [{route: orders}]", (of_orders,)),
        ("expect: [{target: purchases}]", (of_orders, of_lines)),
        ("expect: [{item: {}}]", (of_orders, of_lines)),
        ("expect_dead_letter: {route: lines}", (of_lines,)),
    ):
        assert project.result(record, expected).hints == hints


@pytest.mark.parametrize(
    "expected",
    [
        "expect_dead_letter: {route: lines, reason: conversion_failed}",
        "expect_dead_letter: {field: eventargs.c_num, target: purchases}",
        "expect: [{target: purchases}, {dead_letter: {route: lines, reason: conversion_failed}}, {route: lines}]",
    ],
)
def test_one_of_the_dead_letters_is_as_expected(project: Project, expected: str) -> None:
    assert project.result(order("lines: [{sku: a, num: x}, {sku: b}]"), expected).passed


def test_a_dead_letter_is_not_passed_over_where_items_are_expected(project: Project) -> None:
    record = order("lines: [{sku: a, num: x}]")
    [(path, expected, made)] = differences(project.result(record, "expect: [{target: purchases}]"))
    assert (path, len(expected), len(made)) == ("expect", 1, 2)
    [(path, _, made)] = differences(project.result(record, "expect: [{target: purchases}, {route: lines}]"))
    assert (path, made["dead_letter"]["reason"]) == ("1", "conversion_failed")


def test_the_most_similar_dead_letter_is_shown(project: Project) -> None:
    record = order("lines: [{sku: a, num: x}]").replace("'13800000000'", "none")
    result = project.result(record, "expect_dead_letter: {route: lines, reason: value_missing}")
    assert differences(result) == [("reason", "value_missing", "identity_missing")]
    assert differences(project.result(ORDER, "expect_dead_letter: {reason: bad_time}"))[0][1] == {"reason": "bad_time"}


def test_a_value_text_goes_through_the_decoder(project: Project) -> None:
    record = "{topic: crm.x, value_text: '%s'}"
    whole = '{"op": "ADD", "mobile": "13800000000", "labels": ["a", "b"]}'
    assert project.result(record % whole, "expect: [{item: {tags: 'a,b'}, public_params: {optType: add}}]").passed
    result = project.result(record % whole[:-1], "expect_dead_letter: {reason: decode_failed}")
    assert result.passed
    assert project.result("{topic: crm.x, value_text: ''}", "expect_dead_letter: {reason: decode_failed}").passed
    assert project.result("{topic: crm.x, value_text: 'null'}", "expect_dead_letter: {route: tags}").passed


def test_a_value_file_lies_beside_the_tests(project: Project) -> None:
    project.write(
        "tests/r.json", '{"op": "DEL", "mobile": "13800000000", "labels": ["a"], "n": 12345678901234567890123}'
    )
    record = "{topic: crm.x, value_file: r.json}"
    assert project.result(record, "expect: [{target: tags, public_params: {optType: delete}}]").passed


def test_what_decode_says_of_a_topic_holds_for_files(project: Project) -> None:
    project.write("connector.yaml", CONFIG + "decode: {crm.x: {charset: gb18030}}\n")
    (project.folder / "tests/r.json").write_bytes(
        '{"mobile":"13800000000","op":"ADD","labels":"新客"}'.encode("gb18030")
    )
    assert project.result("{topic: crm.x, value_file: r.json}", "expect: [{item: {tags: 新客}}]").passed


def test_the_rows_of_a_change_are_those_of_a_value(project: Project) -> None:
    project.write("connector.yaml", CONFIG + "decode: {^crm: {envelope: canal}}\n")
    value = "{type: UPDATE, table: t, data: [{op: ADD, mobile: '13800000000', labels: a}, {op: DEL}]}"
    expected = "[{target: tags, item: {tags: a}}, {dead_letter: {reason: identity_missing}}]"
    assert project.result(f"{{topic: crm.x, value: {value}}}", f"expect: {expected}").passed
    result = project.result("{topic: crm.x, value: {a: 1}}", "expect_dead_letter: {reason: decode_failed}")
    assert result.passed


def test_null_is_a_tombstone_which_is_skipped(project: Project) -> None:
    assert project.result("{topic: crm.x, value: null}", "expect: []").passed
    result = project.result("{topic: crm.x, value: }", "expect: [{target: tags}]")
    assert result.hints == ("the record is a tombstone, which is skipped",)


def test_a_record_has_defaults(project: Project) -> None:
    [case] = project.cases("  - {name: a, record: {topic: crm.x, value_text: x}, expect: []}").cases
    assert case.record == Record("crm.x", 0, 0, 1_704_067_200_000, None, b"x", ())


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("2024-01-31T08:00:00+08:00", 1_706_659_200_000),
        ("2024-01-31 08:00:00", 1_706_659_200_000),
        ("1706659200000", 1_706_659_200_000),
        ("0", 0),
        ("null", None),
    ],
)
def test_a_record_s_timestamp_is_a_time_or_milliseconds(
    project: Project, written: str, milliseconds: int | None
) -> None:
    of_kafka = f"timestamp: {written}, key: 7, headers: {{a: x, b: , c: 5}}, partition: 3, offset: 9"
    record = f"{{topic: crm.x, value: 1, {of_kafka}}}"
    [case] = project.cases(f"  - {{name: a, record: {record}, expect: []}}").cases
    headers = (("a", b"x"), ("b", None), ("c", b"5"))
    assert case.record == Record("crm.x", 3, 9, milliseconds, b"7", None, headers)


def test_a_time_after_the_default_timestamp_has_a_hint(project: Project) -> None:
    result = project.result(order("at: '2026-01-01T00:00:00Z'"), "expect: [{target: purchases}]")
    assert result.hints == (
        "the record's timestamp is the default, 2024-01-01T00:00:00Z: give it one, near to the mapped time",
    )
    record = order("at: '2026-01-01T00:00:00Z'").replace("topic", "timestamp: '2026-01-01T00:00:00Z', topic")
    assert project.result(record, "expect: [{target: purchases}]").passed


def test_what_the_connector_fills_in_is_the_same_each_time(project: Project) -> None:
    first, second = (project.result(ORDER, "expect: []").made[0].item for _ in range(2))
    assert first == second
    assert first["time"] == 1_704_067_200_000
    assert len(first["uuid"]) == 36


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON)
def test_a_value_is_as_expected_if_it_is_expected_as_it_is(value: Any) -> None:  # noqa: ANN401 - JSON
    assert equal(value, value)
    assert list(of_part(value, value, ())) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), ("1", 1), (None, ABSENT), ([], {}), ([1], [1, 1]), ({"a": 1}, {}), (0.1, "0.1")],
)
def test_values_of_different_types_are_different(one: object, other: object) -> None:
    assert not equal(one, other)
    assert not equal(other, one)


def test_records_of_a_topic_in_avro_are_written_as_json(project: Project) -> None:
    formats = "decode: {shop.orders: {format: avro}, ^crm: {format: json_schema}}\nplatform:\n"
    registry = "group_id: g, schema_registry: {url: 'https://${REGISTRY}', properties: {ssl.ca.location: /run/ca.pem}}}"
    config = CONFIG.replace("platform:\n", formats, 1).replace("group_id: g}", registry, 1)
    project.write("connector.yaml", config)
    assert project.result(ORDER, "expect: [{target: purchases}]").passed
    tags = '{topic: crm.tags, value_text: \'{"op": "ADD", "mobile": "13800000000", "labels": ["a"]}\'}'
    assert project.result(tags, "expect: [{item: {tags: a}}]").passed
