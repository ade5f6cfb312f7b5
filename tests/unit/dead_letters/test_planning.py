"""What becomes of a letter with the config of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from connector.core.letters import Part
from connector.core.record import Failure
from connector.dead_letters.planning import Left, Planner
from tests.unit.dead_letters.letters import Topic, letter
from tests.unit.mapping.helpers import INFO, compiled, record, route

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.kafka.record_fetcher import RecordFetcher

ORIGINAL = record({"phone": "13800000000"}, partition=3, offset=41)


def planner(*routes: dict[str, Any], origin: Record | None = None) -> Planner:
    mapping, problems = compiled(*routes)
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
    elsewhere = letter(record=ORIGINAL._replace(topic="elsewhere"), route="r")
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


@pytest.mark.parametrize("origin", [None, ORIGINAL._replace(timestamp_ms=1)], ids=["deleted", "created again"])
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
