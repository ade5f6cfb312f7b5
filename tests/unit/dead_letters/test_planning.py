"""What becomes of a letter with the config of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from connector.core.letters import Part
from connector.core.record import Failure, RecordPart
from connector.dead_letters.planning import Left, Planner
from tests.unit.dead_letters.letters import Topic, letter
from tests.unit.decode.changes import canal
from tests.unit.mapping.helpers import INFO, TOPIC, compiled, record, route

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.kafka.record_fetcher import RecordFetcher

ORIGINAL = record({"phone": "13800000000"}, partition=3, offset=41)


def planner(*routes: dict[str, Any], origin: Record | None = None, decode: dict[str, Any] | None = None) -> Planner:
    mapping, problems = compiled(*routes, decode=decode)
    assert mapping is not None, problems.found
    fetcher = cast("RecordFetcher", Topic(origin=origin))
    return Planner(mapping, mapping.mapper("cluster"), fetcher)


def test_the_items_are_those_that_the_record_became_first() -> None:
    mapping, _ = compiled(route())
    assert mapping is not None
    plan = planner(route()).plan(letter(record=ORIGINAL, route="r"))
    assert list(plan.items) == list(mapping.mapper("cluster").items(ORIGINAL))
    assert orjson.loads(plan.items[0].body)["uuid"]
    assert (plan.failure, plan.left) == ("", None)


def test_only_the_route_of_the_letter_is_mapped() -> None:
    plan = planner(route(), route(name="other")).plan(letter(record=ORIGINAL, route="other"))
    assert [item.route for item in plan.items] == ["other"]


def test_a_record_that_could_not_be_decoded_is_mapped_by_all_routes() -> None:
    undecodable = letter(record=ORIGINAL, route="", failure=Failure("decode_failed"))
    plan = planner(route(), route(name="other")).plan(undecodable)
    assert [item.route for item in plan.items] == ["r", "other"]


def test_what_fails_today_too_says_why() -> None:
    plan = planner(route()).plan(letter(record=record({}), route="r"))
    assert (plan.failure, plan.left) == ("identity_missing", None)
    assert planner(route()).plan(letter(record=record(b"no json"), route="r")).failure == "decode_failed"


def test_what_the_config_skips_has_no_items() -> None:
    plan = planner(route(where={"$.phone": "other"})).plan(letter(record=ORIGINAL, route="r"))
    assert (list(plan.items), plan.failure, plan.left) == ([], "", None)


def test_a_letter_of_a_route_that_is_gone_is_left() -> None:
    assert planner(route()).plan(letter(record=ORIGINAL, route="old")).left is Left.NO_ROUTE
    elsewhere = letter(record=ORIGINAL.replace(topic="elsewhere"), route="r")
    assert planner(route()).plan(elsewhere).left is Left.NO_ROUTE


@pytest.mark.parametrize("name", ["r", ""], ids=["of the route", "not decoded"])
def test_a_letter_of_an_audience_endpoint_is_left_unless_it_may_overwrite(name: str) -> None:
    audience = route(event_key=None, fields={"realName": "$.name"})
    mapping, problems = compiled(audience, endpoint=INFO, target={"public_params": {"importMode": 1}})
    assert mapping is not None, problems.found
    one, fetcher = letter(record=ORIGINAL, route=name), cast("RecordFetcher", Topic())
    assert Planner(mapping, mapping.mapper("cluster"), fetcher).plan(one).left is Left.OVERWRITES
    plan = Planner(mapping, mapping.mapper("cluster"), fetcher, overwrite=True).plan(one)
    assert (plan.left, len(plan.items)) == (None, 1)


def test_what_the_letter_lacks_is_read_from_its_record() -> None:
    stripped = letter(record=ORIGINAL, route="r", form=-1)
    assert Part.VALUE in stripped.omitted
    plan = planner(route(), origin=ORIGINAL).plan(stripped)
    assert (plan.left, plan.letter.record) == (None, ORIGINAL)


@pytest.mark.parametrize("origin", [None, ORIGINAL.replace(timestamp_ms=1)], ids=["deleted", "created again"])
def test_a_letter_whose_record_is_gone_is_left(origin: Record | None) -> None:
    stripped = letter(record=ORIGINAL, route="r", form=-1)
    assert planner(route(), origin=origin).plan(stripped).left is Left.RECORD_GONE


def test_of_a_route_with_for_each_only_the_item_of_the_letter_is_sent_again() -> None:
    lines = route(for_each="$.items", fields={"eventargs": {"c_sku": "$item"}})
    whole = record({"phone": "13800000000", "items": ["a", "b", "c"]}, partition=3, offset=41)
    mapping, _ = compiled(lines)
    assert mapping is not None
    items = mapping.mapper("cluster").items(whole)
    refused = letter(record=whole, route="r", body=items[1].body)
    assert list(planner(lines).plan(refused).items) == [items[1]]
    assert list(planner(lines).plan(letter(record=whole, route="r")).items) == list(items)


CANAL = {TOPIC: {"envelope": "canal"}}
ROWS: list[dict[str, Any]] = [
    {"phone": "13800000001", "lines": ["a", "b"]},
    {"phone": None, "lines": ["c"]},
    {"phone": "13800000003"},
]
CHANGE = record(canal("INSERT", *ROWS), partition=3, offset=41)
INSERTED = route(where={"$change.op": "insert"})
EACH_LINE = {**INSERTED, "for_each": "$.lines"}
CHOSEN = {"type": "phone", "value": {"from": "$.phone", "default": "13900000000"}}


def test_of_a_change_of_several_rows_only_the_row_of_the_letter_is_sent_again() -> None:
    mapping, _ = compiled(INSERTED, decode=CANAL)
    assert mapping is not None
    failed = mapping.mapper("cluster").items(CHANGE)[1]
    assert failed.failure is not None
    one = letter(record=CHANGE, route="r", failure=failed.failure, part=failed.part)
    assert one.added["dl-part"] == "row=1"
    [item] = planner({**INSERTED, "identity": [CHOSEN]}, decode=CANAL).plan(one).items
    assert (item.failure, item.part) == (None, RecordPart(row=1))
    plan = planner(INSERTED, decode=CANAL).plan(one)
    assert plan.failure == "identity_missing"
    assert plan.items[0].replace(record=ORIGINAL).part == RecordPart(row=1), "the next letter is about it too"


def test_a_letter_about_a_row_means_all_elements_in_it_and_one_about_an_element_that_alone() -> None:
    each_line = {**EACH_LINE, "identity": [CHOSEN]}

    def parts(*part: int | None) -> list[RecordPart]:
        one = letter(record=CHANGE, route="r", part=RecordPart(*part))
        return [item.part for item in planner(each_line, decode=CANAL).plan(one).items]

    assert parts(0) == [RecordPart(0, 0), RecordPart(0, 1)]
    assert parts(0, 1) == [RecordPart(0, 1)]
    assert parts(None, 0) == [RecordPart(0, 0), RecordPart(1, 0)]
    assert parts(2) == []


def test_a_letter_about_a_part_means_the_whole_record_if_the_route_has_no_parts_today() -> None:
    one = letter(record=ORIGINAL, route="r", part=RecordPart(1, 2))
    assert len(planner(route()).plan(one).items) == 1


def test_a_refused_item_of_an_audience_endpoint_which_has_no_uuid_is_found_by_its_part() -> None:
    audience = route(for_each="$.lines", where=INSERTED["where"], event_key=None, fields={"realName": "$item"})
    target = {"public_params": {"importMode": 1}}
    mapping, problems = compiled(audience, endpoint=INFO, target=target, decode=CANAL)
    assert mapping is not None, problems.found
    second = mapping.mapper("cluster").items(CHANGE)[1]
    one = letter(record=CHANGE, route="r", body=second.body, part=second.part)
    planned = Planner(mapping, mapping.mapper("cluster"), cast("RecordFetcher", Topic()), overwrite=True).plan(one)
    assert list(planned.items) == [second]


def test_a_letter_whose_change_can_not_be_decoded_today_says_so() -> None:
    one = letter(record=record({"a": 1}), route="r", part=RecordPart(row=1))
    assert planner(INSERTED, decode=CANAL).plan(one).failure == "decode_failed"
