"""A mapping that is compiled with an observer tells what it reaches, and gives the same items as any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.record import Record
from connector.mapping import Mapper, compile_mapping
from connector.settings.models import Route, Target
from connector.settings.problems import Problems
from tests.unit.mapping.helpers import EVENT, NOW_MS, TOPIC, mapper, record, route
from tests.unit.mapping.test_both_ways import RECORDS, routes

if TYPE_CHECKING:
    from connector.mapping.json_values import Json
    from connector.mapping.location import Part
    from connector.mapping.lookup import Getter
    from connector.settings.problems import Path


class Seen:
    """An observer that keeps what each part computes."""

    def __init__(self) -> None:
        self.found: dict[tuple[Part, Path], list[Json]] = {}
        self.referenced: dict[tuple[Path, str], list[Json]] = {}
        """What each reference found, by its place and text."""

    def __call__(self, part: Part, path: Path, get: Getter, text: str) -> Getter:
        found: list[Json] = []
        if part == "reference":
            self.referenced[path, text] = found
        else:
            self.found[part, path] = found

        def observed(value: Json, record: Record) -> Json:
            found.append(None)
            found[-1] = get(value, record)
            return found[-1]

        return observed


def observed(*given_routes: dict[str, Any]) -> tuple[Mapper | None, Seen]:
    seen = Seen()
    each = [(index, Route.model_validate(keys)) for index, keys in enumerate(given_routes)]
    mapping = compile_mapping({"t": Target.model_validate({"endpoint": EVENT})}, each, Problems(), seen)
    return None if mapping is None else mapping.mapper("cluster"), seen


def mapped(given_route: dict[str, Any], *values: object) -> dict[tuple[Part, Path], list[Json]]:
    made, seen = observed(given_route)
    assert made is not None
    for value in values:
        made.items_of_value(value, record(value))
    return seen.found


def test_conditions_entries_and_identities_are_observed_at_their_places() -> None:
    given_route = route(
        where={"any": [{"$.status": ["PAID"]}, {"$.n": {"gt": 1, "lt": 9}}], "not": {"$.test": True}},
        event_key={"from": "$.status", "map": {"PAID": "c_buy", "BACK": "c_back"}, "otherwise": "$skip"},
        identity=[{"type": "phone", "value": {"from": "$.phone", "as": "phone"}}, {"type": "openid", "value": "$.o"}],
    )
    where, key, identity = (("routes", 0, name) for name in ("where", "event_key", "identity"))
    found = mapped(
        given_route,
        {"status": "PAID", "phone": "13800000000"},
        {"status": "NEW", "n": 5, "o": "x"},
        {"status": "NEW", "n": 0},
    )
    assert {at: made for at, made in found.items() if at[0] in {"condition", "identity", "entry"}} == {
        ("condition", (*where, "any", 0, "$.status")): [True, False, False],
        ("condition", (*where, "any", 1, "$.n", "gt")): [True, False],
        ("condition", (*where, "any", 1, "$.n", "lt")): [True],
        ("condition", (*where, "not", "$.test")): [False, False],
        ("identity", (*identity, 0)): ["13800000000", None],
        ("identity", (*identity, 1)): [None, "x"],
        ("entry", (*key, "map", "PAID")): ["c_buy"],
        ("entry", (*key, "map", "BACK")): [],
        ("entry", (*key, "otherwise")): [None],  # it raises: skipped
    }


def test_tables_of_conditions_values_and_their_words_are_observed_as_they_are_computed() -> None:
    found = mapped(
        route(
            where={"$.n": {"gt": 1}},
            fields={"eventargs": {"x": {"from": ["$.a", "$.b"], "as": ["trim", "upper"], "default": "$.c"}, "y": 5}},
        ),
        {"phone": "13800000000", "n": 5, "a": " ", "b": " v "},
    )
    x = ("routes", 0, "fields", "eventargs", "x")
    assert {at: made for at, made in found.items() if at[0] == "where"} == {("where", ("routes", 0, "where")): [True]}
    assert {at: made for at, made in found.items() if at[1][: len(x)] == x and at[0] != "reference"} == {
        ("word", (*x, "from")): [" v "],
        ("word", (*x, "default")): [" v "],
        ("value", (*x, "default")): [],
        ("word", (*x, "as")): ["V"],
        ("value", x): ["V"],
    }
    assert not [at for at in found if "y" in at[1]]  # a constant tells nothing


def test_entries_are_observed_wherever_a_value_stands() -> None:
    found = mapped(
        route(
            fields={
                "eventargs": {
                    "sex": {"from": "$.sex", "map": {"M": "男", "F": {"from": "$.other", "map": {"X": 1}}}},
                    "each": {"each": "$.l", "value": {"of": {"from": "$item", "map": {"a": "A", "b": "B"}}}},
                }
            }
        ),
        {"phone": "13800000000", "sex": ["M", "F"], "l": ["a", "a"], "other": "X"},
    )
    reached = {".".join(map(str, path[3:])) for (part, path), made in found.items() if part == "entry" and made}
    assert reached == {"eventargs.sex.map.M", "eventargs.sex.map.F", "eventargs.sex.map.F.map.X"} | {
        "eventargs.each.value.of.map.a"
    }


def test_every_reference_is_observed_at_its_place_each_part_of_a_template_too() -> None:
    given_route = route(
        where={"$.status": "PAID", "$.a": {"eq": "$.b"}},
        identity=[{"type": "phone", "value": {"from": ["$.phone", "$.tel"], "as": "phone"}}],
        for_each="$.items",
        fields={"eventargs": {"c_note": {"template": "{$.id} {$item.sku}"}}},
    )
    made, seen = observed(given_route)
    assert made is not None
    value = {"status": "PAID", "a": 1, "b": 1, "tel": "13800000000", "id": 7, "items": [{"sku": "x"}, {}]}
    made.items_of_value(value, record(value))
    unique = {  # generated code may ask a second time
        (path[2:], text): [each for index, each in enumerate(found) if each not in found[:index]]
        for (path, text), found in seen.referenced.items()
    }
    assert unique == {
        (("where", "$.status"), "$.status"): ["PAID"],
        (("where", "$.a"), "$.a"): [1],
        (("where", "$.a", "eq"), "$.b"): [1],
        (("for_each",), "$.items"): [value["items"]],
        (("identity", 0, "value", "from", 0), "$.phone"): [None],
        (("identity", 0, "value", "from", 1), "$.tel"): ["13800000000"],
        (("fields", "eventargs", "c_note", "template"), "$.id"): [7],
        (("fields", "eventargs", "c_note", "template"), "$item.sku"): ["x", None],
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(routes(), min_size=1, max_size=3), st.lists(RECORDS, min_size=1, max_size=6))
def test_an_observed_mapping_gives_the_same_items(given_routes: list[dict[str, Any]], values: list[object]) -> None:
    named = [{**each, "name": f"{each['name']}{index}"} for index, each in enumerate(given_routes)]
    made, _ = observed(*named)
    if made is None:
        return
    plain = mapper(*named)
    for value in values:
        try:
            data = json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            continue
        given_record = Record(TOPIC, 0, 7, NOW_MS, b"k", data, ())
        assert list(made.items_of_value(value, given_record)) == list(plain.items(given_record))


def test_nothing_of_an_observer_is_in_a_mapping_without_one() -> None:
    given_route = route(where={"$.a": 1}, event_key={"from": "$.a", "map": {"1": "x"}})
    made, _ = observed(given_route)
    assert made is not None
    plain = mapper(given_route).source(TOPIC)
    assert "observed" not in plain
    assert "observed" in made.source(TOPIC)  # so the search finds one
