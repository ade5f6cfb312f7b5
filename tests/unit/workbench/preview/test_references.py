"""In how many records references are found, and what those that are not may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.mapping import compile_mapping
from connector.settings.models import Decode, Route, Target
from connector.settings.problems import Problems
from connector.workbench.preview.references import References
from tests.unit.mapping.helpers import EVENT, TOPIC, record, route

if TYPE_CHECKING:
    from connector.mapping.location import Part
    from connector.mapping.lookup import Getter
    from connector.settings.problems import Path


def counted(given: dict[str, Any], *values: Any, decode: dict[str, Decode] | None = None) -> dict[str, tuple[Any, ...]]:  # noqa: ANN401
    references = References()

    def observe(part: Part, path: Path, get: Getter, text: str) -> Getter:
        return references.observe(path, get, text) if part == "reference" else get

    targets = {"t": Target.model_validate({"endpoint": EVENT})}
    mapping = compile_mapping(targets, [(0, Route.model_validate(given))], Problems(), observe, decode or {})
    assert mapping is not None
    mapper = mapping.mapper("cluster", projected=False)
    for value in values:
        references.begin()
        mapper.items_of_value(value, record(value, headers=(("trace", b"t"),)))
    references.look_up_unneeded([(value, record(value)) for value in values], lambda _count, _record: True)
    references.conclude()
    return {count.text: (count.asked, count.found, count.nearest) for count in references.counts}


def test_each_record_counts_once_however_often_it_is_asked() -> None:
    given = route(
        for_each="$.items",
        fields={"eventargs": {"a": "$item.sku", "b": {"template": "{$item.sku} {$.id} {$.id}"}, "c": "$.blank"}},
    )
    one = {"phone": "13800000000", "id": 1, "items": [{"sku": "x"}, {"sku": "y"}, {}], "blank": " "}
    other = {"phone": "13800000000", "items": [{"Sku": "x"}]}
    assert counted(given, one, other, {"phone": "13800000000"}) == {
        "$.phone": (2, 2, ""),
        "$.items": (3, 2, ""),
        "$item.sku": (2, 1, ""),
        "$.id": (2, 1, ""),
        "$.blank": (2, 0, ""),
    }


def test_what_is_found_nowhere_is_told_with_the_nearest_path_of_where_it_was_looked_for() -> None:
    given = route(
        for_each="$.items",
        fields={"eventargs": {"a": "$item.skuu", "b": "$.byer.name", "c": "$headers.trce", "d": "$.nothing_like_it"}},
    )
    value = {"phone": "13800000000", "buyer": {"name": "x"}, "items": [{"sku": "x"}]}
    found = counted(given, value)
    assert found["$item.skuu"] == (1, 0, "$item.sku")
    assert found["$.byer.name"] == (1, 0, "$.buyer.name")
    assert found["$headers.trce"][2] == "$headers.trace"
    assert found["$.nothing_like_it"] == (1, 0, "")


def test_what_is_found_somewhere_means_nothing_else() -> None:
    found = counted(route(fields={"eventargs": {"a": "$.fen"}}), {"phone": "13800000000", "fee": 1}, {"fen": 1})
    assert found["$.fen"] == (1, 0, "$.fee")
    found = counted(
        route(fields={"eventargs": {"a": "$.fen"}}),
        {"phone": "13800000000", "fee": 1},
        {"phone": "13800000000", "fen": 1},
    )
    assert found["$.fen"] == (2, 1, "")


def test_what_no_record_needed_is_looked_up_all_the_same() -> None:
    given = route(where={"$.staus": "PAID"}, fields={"eventargs": {"a": "$.fen", "b": "$.fne"}})
    values = [{"status": "PAID", "fen": 1}, {"status": "PAID"}]
    assert counted(given, *values) == {
        "$.staus": (2, 0, "$.status"),
        "$.phone": (2, 0, ""),
        "$.fen": (2, 1, ""),
        "$.fne": (2, 0, "$.fen"),
    }


def test_references_into_a_change_are_counted_by_row_and_record() -> None:
    given = route(
        topics=[TOPIC],
        where={"$change.op": "update"},
        fields={"eventargs": {"a": "$change.before.levl", "b": "$.leve"}},
    )
    canal = {
        "data": [{"level": "2", "phone": "13800000000"}, {"level": "3", "phone": "13800000000"}],
        "old": [{"level": "1"}, {"level": "1"}],
        "type": "UPDATE",
        "isDdl": False,
        "database": "d",
        "table": "t",
        "ts": 1,
    }
    found = counted(given, canal, decode={TOPIC: Decode(envelope="canal")})
    assert found["$change.op"] == (1, 1, "")
    assert found["$change.before.levl"] == (1, 0, "$change.before.level")
    assert found["$.leve"] == (1, 0, "$.level")
