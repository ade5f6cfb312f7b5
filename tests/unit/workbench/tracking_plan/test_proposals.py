"""Which events, arguments, types and requirements a plan proposes, and how it says them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.config.event_table import read_table
from connector.workbench.preview.outcomes import PreviewedMapping
from connector.workbench.preview.sources import sound_config
from connector.workbench.tracking_plan.inference import Plan, event_routes, propose
from connector.workbench.tracking_plan.observing import observed
from connector.workbench.tracking_plan.writing import as_table, as_yaml
from tests.unit.workbench.preview.configs import given

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = """\
kafka: {{bootstrap_servers: "b:9092", group_id: g}}
platform: {{auth: {{token: "${{TOKEN}}"}}}}
targets: {{t: {{endpoint: event/v2/batchAdd}}}}
routes:
  - name: orders
    topics: [shop.orders]
    to: t
    event_key: {event_key}
    identity: [{{type: openid, value: $.id}}]
    fields: {{eventargs: {arguments}}}
"""


def proposed(folder: Path, event_key: str, arguments: str, *values: dict[str, Any]) -> Plan:
    file = folder / "connector.yaml"
    file.write_text(ROUTE.format(event_key=event_key, arguments=arguments), encoding="utf-8")
    checked = sound_config(file, needs_kafka=False)
    assert checked.config is not None
    outcomes = PreviewedMapping(checked, "c").outcomes([given({"id": "o", **value}) for value in values])
    routes = [route.name for route in event_routes(checked.config)]
    return propose(checked.config, observed((made for each in outcomes for made in each.made), routes))


def types(plan: Plan, key: str) -> dict[str, str]:
    return {name: each.type for name, each in plan.events[key].args.items()}


def test_events_are_those_that_the_config_names_and_those_that_records_show(tmp_path: Path) -> None:
    table = "{from: $.s, map: {PAID: c_buy, CLOSED: c_close}, otherwise: c_other}"
    assert list(proposed(tmp_path, table, "{}").events) == ["c_buy", "c_close", "c_other"]
    plan = proposed(tmp_path, '{template: "c_{$.s}"}', "{}", {"s": "paid"}, {"s": "paid"}, {"s": "closed"})
    assert {key: event.events for key, event in plan.events.items()} == {"c_paid": 2, "c_closed": 1}


def test_event_keys_and_arguments_out_of_records_that_may_be_data_are_counted_only(tmp_path: Path) -> None:
    values = {"s": "王小明"}, {"s": "view", "p": {"url": "/", "13812345678": 1, "=1+1": 2}}
    plan = proposed(tmp_path, "$.s", "$.p", *values)
    assert list(plan.events) == ["view"]
    assert list(plan.events["view"].args) == ["url"]
    assert (plan.keys_left_out, plan.arguments_left_out) == (1, 2)


def test_a_route_whose_events_are_not_known_has_a_place_for_them(tmp_path: Path) -> None:
    plan = proposed(tmp_path, "$.s", "{c_a: $.a}")
    assert list(plan.events) == ["c_todo_orders"]
    assert "TODO(you): name the events of route orders" in as_yaml(plan, "c.yaml", "no records").text


def test_types_are_those_that_the_mapping_makes_or_else_those_of_the_values(tmp_path: Path) -> None:
    arguments = "{c_n: $.n, c_w: {from: $.n, as: integer}, c_t: {from: $.t, as: timestamp}, c_d: $.d, c_s: $.s}"
    value = {"n": 1, "t": "2024-06-01 12:30:00", "d": "2024-06-01", "s": "T恤"}
    expected = {"c_n": "number", "c_w": "integer", "c_t": "date", "c_d": "date", "c_s": "string"}
    assert types(proposed(tmp_path, "c_buy", arguments, value), "c_buy") == expected
    others = "{c_l: $.l, c_o: $.o, c_b: $.b, c_x: {from: $.x, multiply: 0.01}, c_none: $.none}"
    expected = {"c_l": "array", "c_o": "object", "c_b": "boolean", "c_x": "number", "c_none": "string"}
    assert types(proposed(tmp_path, "c_buy", others, {"l": [1], "o": {"a": 1}, "b": True}), "c_buy") == expected


def test_values_of_several_types_are_marked(tmp_path: Path) -> None:
    plan = proposed(tmp_path, "c_buy", "{c_a: $.a}", {"a": 1}, {"a": 2}, {"a": "x"})
    argument = plan.events["c_buy"].args["c_a"]
    assert (argument.type, argument.others) == ("string", 2)
    assert "2 values of another type: add `as: string` to the route" in as_yaml(plan, "c.yaml", "").text


def test_required_is_what_every_event_of_its_key_had(tmp_path: Path) -> None:
    values = {"s": "a", "x": 1, "y": 1}, {"s": "a", "x": 1}, {"s": "b", "y": 1}
    plan = proposed(tmp_path, "$.s", "{c_x: $.x, c_y: $.y}", *values)
    required = {key: [name for name, each in event.args.items() if each.required] for key, event in plan.events.items()}
    assert required == {"a": ["c_x"], "b": ["c_y"]}


def test_a_table_reads_back_as_the_same_definitions(tmp_path: Path) -> None:
    key = "{from: $.s, map: {PAID: c_buy, CLOSED: 'c,\"close'}}"
    plan = proposed(tmp_path, key, "{c_a: $.a, c_b: $.b}", {"s": "PAID", "a": 1, "b": "x"}, {"s": "PAID", "a": 2})
    table = as_table(plan)
    found = read_table(table.text.encode("utf-8-sig"))
    assert found.problems.found == []
    assert found.data == {
        key: {"args": {name: {"type": each.type, "required": each.required} for name, each in event.args.items()}}
        for key, event in plan.events.items()
    }
    assert (2, "required?") in table.places
