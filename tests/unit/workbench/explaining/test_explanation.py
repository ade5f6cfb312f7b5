"""An explanation says what the mapping did, for each route and part of a record, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.config.loading import load
from connector.decode.decoding import FORMATS_OF_TESTS
from connector.workbench.explaining.explanation import Explainer
from tests.support.odd_records import CONFIG, odd_records
from tests.unit.workbench.explaining.explained import PHONE, config, document, explain, record, text

if TYPE_CHECKING:
    from pathlib import Path

ORDER = {"status": "PAID", "amount": 1999, "buyer": {"mobile": "+86 138-0013-8000", "name": "王小明"}}


def test_odd_records_become_what_they_become_without_an_observer() -> None:
    loaded = load(CONFIG, {})
    mapper = loaded.mapping.mapper("cluster")
    explainer = Explainer(loaded.config, "cluster", FORMATS_OF_TESTS)
    outcomes = set()
    for odd in odd_records(9, 200):
        skipped = mapper.skipped.copy()
        items = list(mapper.items(odd.record))
        explanation = explainer.explain(odd.record)
        parts = [part for route in explanation.routes for part in route.parts]
        if explanation.undecodable:
            assert [item.route for item in items] == [""]
            continue
        made = [part.item.replace(record=None) for part in parts if part.item is not None]
        assert made == [item.replace(record=None) for item in items]
        assert sum(part.outcome == "skipped" for part in parts) == (mapper.skipped - skipped).total()
        outcomes |= {part.outcome for part in parts}
        text(explanation)
        document(explanation)
    assert outcomes == {"item", "dead_letter", "skipped", "not_wanted"}


def test_each_value_tells_what_it_saw_and_what_each_word_made_of_it(tmp_path: Path) -> None:
    route = {
        "where": {"$.status": ["PAID", "REFUNDED"], "$.amount": {"gt": 0}},
        "event_key": {"from": "$.status", "map": {"PAID": "c_buy"}},
        "fields": {"eventargs": {"c_price": {"from": "$.amount", "multiply": 0.01}}},
    }
    shown = text(explain(config(tmp_path, route), ORDER), unmask=True)
    assert "shop.orders[0]@41  2025-10-09T08:53:20.000+00:00  key key-4711" in shown
    assert "route r0 → t (event/v2/batchAdd): 1 item" in shown
    assert "$.status: [PAID, REFUNDED]  saw PAID: holds" in shown
    assert "$.amount.gt: 0  saw 1999: holds" in shown
    assert 'identity[0] phone: $.buyer.mobile "+86 138-0013-8000" → as: phone "13800138000"' in shown
    assert "event_key: $.status PAID → map: {PAID: c_buy} c_buy" in shown
    assert "fields.eventargs.c_price: $.amount 1999 → multiply: 0.01 19.99" in shown
    assert "eventargs: {c_price: 19.99}" in shown
    order = [shown.index(each) for each in ("where:", "identity[0]", "event_key:", "fields.eventargs", "→ an item")]
    assert order == sorted(order)


def test_a_typo_in_a_path_is_seen_with_the_name_that_is_there(tmp_path: Path) -> None:
    route = {"fields": {"eventargs": {"c_name": "$.buyer.nam", "c_none": "$.shop.title"}}}
    shown = text(explain(config(tmp_path, route), ORDER))
    assert "fields.eventargs.c_name: $.buyer.nam missing, did you mean $.buyer.name?" in shown
    assert "fields.eventargs.c_none: $.shop.title missing\n" in shown


@pytest.mark.parametrize(
    ("route", "value", "outcome", "why"),
    [
        ({"where": {"$.status": "NEW"}}, ORDER, "not_wanted", "$.status: NEW  saw AAAA: does not hold"),
        (
            {"where": {"any": [{"$.x": 1}, {"not": {"$.status": "PAID"}}]}},
            ORDER,
            "not_wanted",
            "any[1].not.$.status: PAID",
        ),
        (
            {"event_key": {"from": "$.x", "default": "$skip"}},
            ORDER,
            "skipped",
            "default: ",
        ),
        ({"identity_missing": "$skip"}, {"buyer": {}}, "skipped", "identity[0] phone: $.buyer.mobile missing"),
        ({}, {"buyer": {"mobile": "138****8000"}}, "dead_letter", "expected a mainland mobile number of 11 digits"),
        ({"event_key": "$.x"}, ORDER, "dead_letter", "a dead letter, event_key_unmapped of event_key"),
        (
            {"fields": {"time": "$.buyer.name"}},
            ORDER,
            "dead_letter",
            "item_invalid of time: expected epoch milliseconds",
        ),
    ],
    ids=["where", "any", "skip", "no identity", "conversion", "event key", "kind"],
)
def test_why_there_is_no_item(tmp_path: Path, route: dict[str, object], value: object, outcome: str, why: str) -> None:
    explanation = explain(config(tmp_path, route), value)
    [part] = explanation.routes[0].parts
    assert part.outcome == outcome
    assert why in text(explanation)


def test_a_missing_identity_is_asked_for_once(tmp_path: Path) -> None:
    shown = text(explain(config(tmp_path, {}), {"buyer": {}}))
    assert shown.count("identity[0] phone:") == 1


def test_each_element_has_its_own_steps_and_outcome(tmp_path: Path) -> None:
    route = {
        "for_each": "$.lines",
        "where": {"$.status": "PAID", "$item.qty": {"gt": 0}},
        "fields": {"eventargs": {"c_sku": {"from": "$item.sku", "required": True}}},
    }
    lines = [{"sku": "A", "qty": 1}, {"qty": 2}, None, {"sku": "C", "qty": 0}]
    explanation = explain(config(tmp_path, route), {**ORDER, "lines": lines})
    [explained] = explanation.routes
    assert [(part.part.element, part.outcome) for part in explained.parts] == [
        (0, "item"),
        (1, "dead_letter"),
        (3, "not_wanted"),
    ]
    shown = text(explanation)
    assert "1 item, 1 dead letter, 1 not wanted" in shown
    assert "for_each: $.lines" in shown
    not_paid = explain(config(tmp_path, route), {**ORDER, "status": "NEW", "lines": lines})
    assert "route r0 → t (event/v2/batchAdd): no item: not wanted" in text(not_paid)
    assert "no item: nothing to make items of" in text(explain(config(tmp_path, route), ORDER))


def test_rows_of_a_change_have_their_own_steps(tmp_path: Path) -> None:
    canal = {
        "type": "INSERT",
        "isDdl": False,
        "table": "orders",
        "ts": 1,
        "data": [{"mobile": "13800138000"}, {"mobile": "x"}],
    }
    route = {
        "where": {"$change.op": "insert"},
        "identity": [{"type": "phone", "value": {"from": "$.mobile", "as": "phone"}}],
    }
    explained = explain(config(tmp_path, route, decode={"shop.orders": {"envelope": "canal"}}), canal)
    assert [(part.part.row, part.outcome) for part in explained.routes[0].parts] == [(0, "item"), (1, "dead_letter")]
    assert "row 1: dead letter" in text(explained)


def test_what_is_not_mapped_at_all_is_said(tmp_path: Path) -> None:
    sound = config(tmp_path, {}, {"topics": ["crm.tags"], "name": "tags"})
    assert "a tombstone (no value): skipped" in text(explain(sound, None))
    assert "a dead letter, decode_failed: the value is not JSON" in text(explain(sound, b"{"))
    assert "skipped: no route reads this topic" in text(explain(sound, ORDER, topic="other"))
    assert "route tags: reads crm.tags" in text(explain(sound, ORDER))


def test_bytes_that_are_not_utf_8_where_nothing_is_read_are_as_harmless_as_to_run(tmp_path: Path) -> None:
    explanation = explain(config(tmp_path, {}), b'{"buyer": {"mobile": "13800138000"}, "note": "\xff"}')
    assert explanation.routes[0].parts[0].outcome == "item"


def test_personal_data_is_masked_and_what_stands_in_the_config_is_not(tmp_path: Path) -> None:
    route = {"where": {"$.status": "PAID"}, "fields": {"eventargs": {"c_name": "$.buyer.name", "c_by": "下单"}}}
    explanation = explain(config(tmp_path, route), ORDER)
    for shown in (text(explanation), str(document(explanation))):
        assert not [secret for secret in ("138", "8000", "王小明", "4711") if secret in shown]
        assert "下单" in shown
        assert "PAID" in shown
    for shown in (text(explanation, unmask=True), str(document(explanation, unmask=True))):
        assert "13800138000" in shown
        assert "王小明" in shown


def test_the_document_has_every_step_with_its_place_in_the_config(tmp_path: Path) -> None:
    route = {"where": {"$.status": "PAID"}, "identity": [PHONE, {"type": "uid", "value": "$offset"}]}
    [explained] = document(explain(config(tmp_path, route), ORDER))["routes"]
    [part] = explained["parts"]
    where, phone, uid, *_ = part["steps"]
    assert (where["at"], where["result"]) == ("routes[0].where", True)
    [condition] = where["steps"]
    assert (condition["at"], condition["operand"]) == ("routes[0].where.$.status", "PAID")
    assert [step["reference"] for step in condition["steps"]] == ["$.status"]
    assert phone["at"] == "routes[0].identity[0]" or phone["at"] == "routes[0].identity[0].value"
    assert uid["result"] == 41
    assert part["item"]["eventKey"] == "c_buy"
    assert part["public_params"] == {"isMatching": True, "matchingType": 1}


def test_a_record_is_explained_twice_the_same(tmp_path: Path) -> None:
    explainer = Explainer(config(tmp_path, {}), "cluster", FORMATS_OF_TESTS)
    first, second = (document(explainer.explain(record(ORDER))) for _ in range(2))
    assert first == second


def test_of_a_long_list_the_first_elements_of_each_outcome_are_shown_and_all_of_them_are_in_the_document(
    tmp_path: Path,
) -> None:
    route = {"for_each": "$.lines", "where": {"$item": {"ne": 7}}}
    explanation = explain(config(tmp_path, route), {**ORDER, "lines": [*range(3000)]})
    shown = text(explanation)
    assert "element 20: item" in shown
    assert "element 21" not in shown
    assert "element 7: not wanted" in shown
    assert "… and 2979 more: item (--json has all of them)" in shown
    assert "more lines (--json has all of them)" in shown
    assert len(shown.splitlines()) < 600
    assert len(document(explanation)["routes"][0]["parts"]) == 3000


def test_what_on_error_leaves_out_is_said_and_a_missing_value_is_only_missing(tmp_path: Path) -> None:
    number = {"as": "integer", "on_error": "omit"}
    route = {"fields": {"eventargs": {"a": {"from": "$.status", **number}, "b": {"from": "$.none", **number}}}}
    shown = text(explain(config(tmp_path, route), ORDER))
    assert "eventargs.a: $.status aaaa".lower() in shown.lower()
    assert "→ as: integer can't be converted: left out (on_error: omit)\n" in shown
    assert "fields.eventargs.b: $.none missing\n" in shown


def test_texts_of_variables_are_not_shown(tmp_path: Path) -> None:
    route = {
        "where": {"$.status": {"ne": "${SECRET}"}},
        "event_key": {"from": "$.status", "map": {"PAID": "${SECRET}"}},
        "fields": {"eventargs": {"c": "${SECRET}", "d": {"from": "$.x", "default": "${SECRET}"}}},
    }
    explanation = explain(config(tmp_path, route, environ={"SECRET": "hunter-2"}), ORDER)
    for shown in (text(explanation), str(document(explanation))):
        assert "hunter" not in shown
        assert "${…}" in shown


def test_values_that_hold_json_as_text_and_paths_into_them_are_shown(tmp_path: Path) -> None:
    route = {"fields": {"eventargs": {"sku": "$.payload.sku", "typo": "$.payload.skv"}}}
    shown = text(explain(config(tmp_path, route), {**ORDER, "payload": '{"sku": "A"}'}))
    assert "fields.eventargs.sku: $.payload.sku A" in shown
    assert "$.payload.skv missing, did you mean $.payload.sku?" in shown


def test_nothing_of_a_record_disturbs_a_terminal(tmp_path: Path) -> None:
    route = {"fields": {"eventargs": {"a": "$.oddname", "b": "$.note"}}}
    value = {**ORDER, "odd\x1bname": "x\u202ey", "note": "\x07\x1b[2J"}
    shown = text(explain(config(tmp_path, route), value, key=b"k\x1b[0m"), unmask=True)
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "did you mean" in shown
