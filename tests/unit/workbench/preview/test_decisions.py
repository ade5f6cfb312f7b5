"""How often conditions held and what `map` lacks: what a preview says of what is not made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.workbench.masking import Mask
from connector.workbench.preview.views import by_kind, condition_views, identity_views, kind_view, table_views
from tests.unit.workbench.preview.configs import CONFIG, given, previewed

if TYPE_CHECKING:
    from pathlib import Path

    from connector.workbench.preview.outcomes import Outcome, PreviewedMapping

KEY = "{from: $.status, map: {PAID: c_buy, REFUNDED: c_refund}}"
WHERE = "{$.status: [PAID, REFUNDED]}"


def run(folder: Path, text: str, *values: dict[str, Any]) -> tuple[PreviewedMapping, list[Outcome]]:
    mapping = previewed(folder, text)
    return mapping, mapping.outcomes([given({"buyer": {"mobile": "13812345678"}, **each}) for each in values])


def conditions(mapping: PreviewedMapping) -> list[tuple[str, int, int, bool, dict[str, int]]]:
    views = condition_views(mapping, Mask(mapping.config))
    return [(each["condition"], each["held"], each["of"], each["needed"], each["saw"]) for each in views]


def maps(mapping: PreviewedMapping) -> list[tuple[str, int, int, dict[str, int]]]:
    views = table_views(mapping, Mask(mapping.config))
    return [(each["value"], each["found"], each["of"], each["missed"]) for each in views]


def test_a_condition_that_never_holds_says_what_it_saw(tmp_path: Path) -> None:
    values: list[dict[str, Any]] = [{"status": "paid"}, {"status": "paid"}, {"status": "王小明"}, {}, {"status": {}}]
    mapping, _ = run(tmp_path, CONFIG, *values)
    saw = {"paid": 2, "missing": 2, "字字字": 1}
    assert conditions(mapping) == [("where.$.status", 0, 5, True, saw)]


def test_conditions_are_counted_by_record_and_later_ones_only_if_they_are_asked(tmp_path: Path) -> None:
    where = "{$.status: PAID, $.n: {gt: 1, lt: 5}}"
    mapping, _ = run(tmp_path, CONFIG.replace(WHERE, where), {"status": "PAID", "n": 3}, {"status": "NEW", "n": 3})
    found = [(name, held, of) for name, held, of, _, _ in conditions(mapping)]
    assert found == [("where.$.status", 1, 2), ("where.$.n.gt", 1, 1), ("where.$.n.lt", 1, 1)]


def test_what_is_in_any_and_not_need_not_hold(tmp_path: Path) -> None:
    where = "{any: [{$.a: 1}, {$.b: 1}], not: {$.c: 1}}"
    mapping, _ = run(tmp_path, CONFIG.replace(WHERE, where), {"status": "PAID", "b": 1})
    assert [needed for _, _, _, needed, _ in conditions(mapping)] == [False, False, False]


def test_a_condition_on_elements_holds_in_a_record_if_it_holds_for_one(tmp_path: Path) -> None:
    text = CONFIG.replace(f"    where: {WHERE}", "    for_each: $.items\n    where: {$item.n: 1}")
    mapping, _ = run(tmp_path, text, {"status": "PAID", "items": [{"n": 1}, {"n": 2}, {"n": 1}]})
    assert [(held, of) for _, held, of, _, _ in conditions(mapping)] == [(1, 1)]


def test_a_map_says_which_values_it_lacks_and_shows_codes_only(tmp_path: Path) -> None:
    text = CONFIG.replace(f"    where: {WHERE}\n", "")
    mapping, _ = run(tmp_path, text, {"status": "PAID"}, {"status": "closed"}, {"status": "13812345678"}, {})
    assert maps(mapping) == [("event_key", 1, 3, {"closed": 1, "99999999999": 1})]


def test_what_skips_by_otherwise_is_counted_and_a_conversion_comes_before_the_map(tmp_path: Path) -> None:
    key = "{from: $.status, as: upper, map: {PAID: c_buy}, otherwise: $skip}"
    text = CONFIG.replace(f"    where: {WHERE}\n", "").replace(KEY, key)
    mapping, _ = run(tmp_path, text, {"status": "paid"}, {"status": "closed"})
    assert maps(mapping) == [("event_key", 1, 2, {"CLOSED": 1})]
    assert table_views(mapping, Mask(mapping.config))[0]["otherwise"] is True


def test_elements_of_a_list_are_looked_up_one_by_one(tmp_path: Path) -> None:
    text = CONFIG.replace("c_name: $.name", "c_name: {from: $.l, map: {a: 1, b: 2}}")
    mapping, _ = run(tmp_path, text, {"status": "PAID", "l": ["a", "b", "close"]})
    assert maps(mapping)[1] == ("fields.eventargs.c_name", 2, 3, {"close": 1})


def test_arguments_that_are_objects_are_named(tmp_path: Path) -> None:
    mapping, outcomes = run(tmp_path, CONFIG, {"status": "PAID", "name": {"a": 1}}, {"status": "PAID", "name": "x"})
    [kind] = by_kind(outcomes)
    assert kind_view(kind, Mask(mapping.config))["objects"] == {"eventargs.c_name": 1}


def test_items_of_different_routes_are_not_held_against_each_other(tmp_path: Path) -> None:
    other = (
        CONFIG[CONFIG.index("  - name: orders") :].replace("name: orders", "name: more").replace(", c_name: $.name", "")
    )
    mapping, outcomes = run(tmp_path, CONFIG + other, {"status": "PAID", "name": "x"}, {"status": "PAID", "name": "y"})
    [kind] = by_kind(outcomes)
    assert kind_view(kind, Mask(mapping.config))["not_in_all_items"] == {}


def test_an_identity_that_can_not_be_converted_is_counted_apart_from_one_that_is_absent(tmp_path: Path) -> None:
    masked = {"status": "PAID", "buyer": {"mobile": "138****5678"}}
    mapping, _ = run(tmp_path, CONFIG, {"status": "PAID"}, masked, {"status": "PAID", "buyer": {}}, {"status": "NEW"})
    [view] = identity_views(mapping)
    assert (view["type"], view["found"], view["of"], view["not_convertible"]) == ("phone", 1, 3, 1)
