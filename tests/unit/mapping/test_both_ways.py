"""The fast way (projection, structs, generated code) and the general way give the same items for every record."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.record import Record
from connector.mapping.kinds import KINDS, Kind
from tests.unit.mapping.helpers import EVENT, INFO, NOW_MS, TOPIC, compiled, failure, found, mapper, record, route

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL_NAMES = ["a", "a", "b", "c", "0", "0", "1", "2", "01", "٣", "get", "class", "é", "a b", ""]
NAMES = st.sampled_from([*USUAL_NAMES * 4, 'q"', "\\"])
"""The last two can't be names of a struct's fields: what stands there is read as a whole."""
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["13800000000", " ", "1", '{"a": {"b": 1}}', "[1, [2]]", '{"0": [{"a": 1}]}'])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=14,
)
RECORDS = st.dictionaries(NAMES, JSON, max_size=8) | JSON
ELEMENT = ("$index", "$item")
SEGMENT = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|(\*))')


def paths_in(raw: object) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all references in a piece of the language: those of `$item`, too, as if they began at `$`."""
    if isinstance(raw, dict):
        yield from (path for pair in raw.items() for each in pair for path in paths_in(each))
    elif isinstance(raw, list):
        yield from (path for each in raw for path in paths_in(each))
    elif isinstance(raw, str) and raw.startswith("$"):
        yield tuple(re.sub(r"\\(.)", r"\1", quoted) or every for quoted, every in SEGMENT.findall(raw))


@st.composite
def shaped(draw: st.DrawFn, wanted: list[tuple[str, ...]]) -> Any:  # noqa: ANN401 - JSON
    """Return a value in which these paths lead somewhere, mostly: through objects, lists that just end before, at or
    after the element that is read, and text that holds either as JSON."""
    heads = sorted({path[0] for path in wanted if path})
    shapes = ["leaf"] + (["object"] * 5 + ["text"] if heads else [])
    indexes = [int(head) for head in heads if head.isdecimal()]
    if indexes or "*" in heads:
        shapes += ["list"] * 5
    below = {head: [path[1:] for path in wanted if path[:1] in ((head,), ("*",))] for head in heads}
    match draw(st.sampled_from(shapes)):
        case "object":
            return {head: draw(shaped(below[head])) for head in heads if draw(st.integers(0, 5))}
        case "list":
            longest = max(0, draw(st.sampled_from([0, *indexes])) + draw(st.integers(-1, 2)))
            rest = below.get("*", [])
            return [draw(shaped(below.get(str(index), rest))) for index in range(longest)]
        case "text":
            inner = draw(shaped(wanted))
            return json.dumps(inner)
        case _:
            return draw(LEAVES)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


SEGMENTS = st.sampled_from([*(quoted(name) for name in USUAL_NAMES), '"\\\\"', "*", "*"])
"""A sixth of them: what goes through every element of a list is found by a closure, not by generated code."""


@st.composite
def paths(draw: st.DrawFn, root: str = "$", *, every: bool = True, least: int = 1) -> str:
    parts = draw(st.lists(SEGMENTS if every else NAMES.map(quoted), min_size=least, max_size=4))
    return root + "".join(f".{part}" for part in parts)


def texts(reference: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return values of the language that read a record, and may yield a scalar."""
    conversion = st.sampled_from(["string", "number", "integer", "phone", "joined", "json", "trim"])
    return (
        reference
        | st.builds(lambda of, to: {"from": of, "as": to, "on_error": "omit"}, reference, conversion)
        | st.builds(lambda of, to: {"from": of, "as": to}, reference, conversion)
        | st.builds(
            lambda of, by: {"from": of, "multiply": by}, reference, st.sampled_from([0.01, -3, "0.07", 0, "1e-9"])
        )
        | st.builds(lambda one, two: {"from": [one, two]}, reference, reference)
        | st.builds(lambda one, two: {"from": one, "default": two}, reference, reference)
        | st.builds(lambda one, two: {"from": one, "map": {"1": two}, "otherwise": two}, reference, reference)
        | st.builds(lambda one, two: {"template": f"{{{one}}} of {{{two}}}"}, reference, reference)
        | st.builds(lambda of: {"from": of, "required": True}, reference)
        | st.builds(lambda of: {"from": of, "map": {"1": 1}, "otherwise": "$skip"}, reference)
    )


def values(reference: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return values of any type."""
    return (
        texts(reference)
        | texts(reference)
        | st.builds(lambda of: {"from": of, "as": "list"}, reference)
        | st.builds(lambda one, two: [one, two, 5], reference, reference)
        | st.builds(lambda of: {"each": of, "value": {"e": "$item.a", "n": "$index", "w": "$.a"}}, reference)
    )


def sometimes(rare: st.SearchStrategy[Any], usual: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - drawn
    """Return `usual` in two of three cases: where nothing of a record is sent, little of its mapping is seen."""
    return st.sampled_from([0, 1, 1]).flatmap(lambda usually: st.just(usual) if usually else rare)


@st.composite
def routes(draw: st.DrawFn) -> dict[str, Any]:
    for_each = draw(sometimes(paths(), None))

    def here(*, every: bool) -> st.SearchStrategy[str]:
        of_record = paths(every=every)
        return of_record if for_each is None else of_record | paths("$item", every=every) | st.sampled_from(ELEMENT)

    text, value = texts(here(every=False)), values(here(every=True))
    operand = st.sampled_from(
        [{"exists": True}, {"exists": False}, {"gt": 0}, {"lte": 1}, ["1", "true"], {"ne": "x"}, {"eq": "$.a"}]
    )
    conditions = st.dictionaries(here(every=True), operand, max_size=2)
    where = draw(sometimes(conditions | st.builds(lambda one: {"not": one}, conditions), None))
    if where is not None and draw(st.booleans()):
        where = {"any": [where, draw(conditions)]}
    kinds = st.sampled_from(["phone", "uid", "openid"])
    number = here(every=False) | st.builds(lambda of: {"from": of, "as": "integer"}, here(every=False))
    return route(
        name=draw(st.sampled_from(["r", 'it\'s "odd"\n\\', "中文"])),
        for_each=for_each,
        where=where,
        event_key=draw(sometimes(text, "e")),
        identity=[
            *({"type": draw(kinds), "value": draw(text)} for _ in range(draw(st.integers(1, 2)))),
            *draw(sometimes(st.just([]), [{"type": "unionid", "value": "$offset"}])),
        ],
        identity_missing=draw(st.sampled_from([None, "$skip"])),
        fields={
            "eventargs": draw(
                st.dictionaries(st.sampled_from(["x", "y", "it's", "z"]), value, max_size=3) | here(every=False)
            ),
            **draw(sometimes(st.fixed_dictionaries({}, optional={"time": number, "intid": text, "uuid": text}), {})),
        },
    )


@st.composite
def routes_and_records(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Any]]:
    drawn = draw(st.lists(routes(), min_size=1, max_size=3))
    fitting = shaped([*paths_in(drawn)])
    return drawn, draw(st.lists(fitting | fitting | fitting | RECORDS, min_size=1, max_size=8))


@settings(max_examples=250, deadline=None)
@given(
    routes_and_records(),
    st.sampled_from([{}, {"ordering": "identity"}, {"ordering": "key"}]),
    st.booleans(),
)
def test_every_record_gives_the_same_items_both_ways(
    drawn: tuple[list[dict[str, Any]], list[Any]],
    target: dict[str, Any],
    ascii_only: bool,  # noqa: FBT001
) -> None:
    given_routes, records = drawn
    named = [{**each, "name": f"{each['name']}{index}"} for index, each in enumerate(given_routes)]
    both = mapper(*named, target=target)
    for value in records:
        try:
            data = json.dumps(value, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:
            continue
        both.items(Record(TOPIC, 0, 7, NOW_MS, b"k", data, ()))


@st.composite
def paths_and_records(draw: st.DrawFn) -> tuple[list[str], list[Any]]:
    drawn = draw(st.lists(paths(least=2), min_size=1, max_size=4))
    return drawn, draw(st.lists(shaped([*paths_in(drawn)]), min_size=1, max_size=10))


@settings(max_examples=150, deadline=None)
@given(paths_and_records())
def test_every_path_finds_the_same_both_ways(drawn: tuple[list[str], list[Any]]) -> None:
    found = {f"x{index}": path for index, path in enumerate(drawn[0])}
    both = mapper(route(identity=[{"type": "uid", "value": "$offset"}], fields={"eventargs": found}))
    for value in drawn[1]:
        both.items(record(json.dumps(value).encode()))


TYPE = st.sampled_from(["string", "number", "integer", "boolean", "date", "array", "object"])
ARGUMENTS = st.dictionaries(
    st.sampled_from(["x", "y", "it's", "z", "a"]),
    st.fixed_dictionaries({"type": TYPE, "required": st.booleans()})
    | st.fixed_dictionaries({"type": st.just("string"), "max_length": st.integers(1, 4)}),
    max_size=5,
)
PLANS = st.fixed_dictionaries({}, optional={key: st.builds(lambda args: {"args": args}, ARGUMENTS) for key in "e1ab"})


@settings(max_examples=50, deadline=None)
@given(routes_and_records(), PLANS)
def test_a_tracking_plan_gives_the_same_items_both_ways(
    drawn: tuple[list[dict[str, Any]], list[Any]], plan: dict[str, Any]
) -> None:
    """Plans that a route breaks at start are passed over: event keys are references, mostly, so that few do."""
    given_routes, records = drawn
    named = [{**each, "name": f"r{index}"} for index, each in enumerate(given_routes)]
    sound = [each for each in named if not found(each, events=plan)]
    if not sound:
        return
    both = mapper(*sound, events=plan)
    for value in records:
        both.items(Record(TOPIC, 0, 7, NOW_MS, b"k", json.dumps(value).encode(errors="replace"), ()))


FLAT = st.lists(
    st.tuples(st.sampled_from(["phone", "openid", "unionid", "uid"]), texts(paths(every=False))), min_size=1, max_size=4
)


@settings(deadline=None)
@given(RECORDS, FLAT, texts(paths(every=False)), st.sampled_from([None, "$.list"]), st.integers(0, 1))
def test_flat_endpoints_give_the_same_items_both_ways(
    value: object, rules: list[tuple[str, object]], field: object, for_each: str | None, ordered: int
) -> None:
    lines = [{"type": kind, "value": identity} for kind, identity in rules]
    each = route(identity=lines, event_key=None, fields={"address": field, "remark": "$.b"}, for_each=for_each)
    target = {"public_params": {"importMode": 1}, "ordering": ("none", "identity")[ordered]}
    value = {**value, "list": [1, None, "x"]} if isinstance(value, dict) else value
    mapper(each, endpoint=INFO, target=target).items(record(json.dumps(value).encode()))


@pytest.mark.parametrize("identity", ["$.mobile", "$item.mobile"])
def test_what_is_computed_once_for_a_list_is_counted_for_each_of_its_elements(identity: str) -> None:
    lines = [{"type": "phone", "value": {"from": identity, "as": "phone"}}, {"type": "openid", "value": "$.openid"}]
    omits = {"from": "$.n", "as": "integer", "on_error": "omit"}
    skips = {"from": "$.status", "map": {"on": "c_on"}, "otherwise": "$skip"}
    each = route(for_each="$.list", identity=lines, event_key=skips, fields={"eventargs": {"n": omits, "i": "$index"}})
    both = mapper(each)
    masked = {"mobile": "138****0000", "openid": "o", "n": "many", "status": "on", "list": [{"mobile": "1"}, {}]}
    assert len(both.items(record(masked))) == 2
    assert both.omitted == {("r", "eventargs.n"): 2}
    assert not both.items(record({**masked, "status": "off"}))
    assert both.skipped == {("r", "t"): 2}
    absent = both.items(record({**masked, "openid": None}))
    assert [item.failure and item.failure.detail[:9] for item in absent] == ["element 0", "element 1"]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":{"b":2}}',
        b'{"a":{"b":1},"a":2}',
        b'{"\\u0061":{"\\u0062":7}}',
        b'\xef\xbb\xbf{"a":{"b":1}}',
        b'{"a":{"b":123456789012345678901234567890}}',
        b'{"a":{"b":-0.0}}',
        b'{"a":{"b":' + b"7" * 400 + b"}}",
        b'{"a":{"b":NaN}}',
        b'{"a":{"b":1e999}}',
        b'{"a":{"b":"\\ud800"}}',
        b'{"a":{"b":"\xff"}}',
        b'{"a":{"b":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"a":{"b":' + b"[" * 1010 + b"]" * 1010 + b"}}",
        b'{"a":{"b":' + b"[" * 3000 + b"]" * 3000 + b"}}",
        b'{"z":NaN,"a":{"b":1}}',
        b'{"z":"\\ud800","a":{"b":1}}',
        b'{"a":{"b":1}}}',
        b'[{"a":{"b":1}}]',
        b"null",
        b"",
    ],
)
@pytest.mark.parametrize("value", ["$.a.b", {"template": "{$.a.b}"}, {"from": ["$.a.x", "$.a"]}])
def test_the_edges_of_json_give_the_same_items_both_ways(data: bytes, value: object) -> None:
    identity = [{"type": "uid", "value": {"template": "{$offset}"}}]
    mapper(route(identity=identity, fields={"eventargs": {"x": value}})).items(record(data))


def test_what_is_not_read_is_not_decoded() -> None:
    """Bytes that are not UTF-8, or a number that no float holds, can't spoil an item that does not contain them."""
    mapping, _ = compiled(route())
    assert mapping is not None
    fast = mapping.mapper("cluster")
    for other in (b'"\xff"', b"1e999"):
        [item] = fast.items(record(b'{"phone":"13800000000","other":' + other + b"}"))
        assert item.failure is None


@pytest.mark.parametrize("other", [b"NaN", b"01", b'"\\ud800"', b"[1", b'"x'])
def test_what_is_not_read_must_be_json_all_the_same(other: bytes) -> None:
    data = b'{"phone":"13800000000","other":' + other + b"}"
    assert failure(mapper(route()).items(record(data))).reason == "decode_failed"


@pytest.mark.parametrize("data", [b'{"phone":"13800000000","other":"\xff"}', b'{"phone":"13800000000","other":1e999}'])
def test_where_a_route_reads_all_of_a_record_all_of_it_must_be_valid(data: bytes) -> None:
    assert failure(mapper(route(fields={"eventargs": {"all": "$"}})).items(record(data))).reason == "decode_failed"


def test_an_exception_in_generated_code_is_told_by_route_and_field(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_value: object) -> object:
        raise ZeroDivisionError("secret-4711")

    monkeypatch.setitem(KINDS, "text", Kind(str, broken))
    mapping, _ = compiled(route(fields={"intid": "$.n"}), endpoint=EVENT)
    assert mapping is not None
    told = failure(mapping.mapper("cluster").items(record({"phone": "13800000000", "n": 5})))
    assert (told.reason, told.field, told.detail) == ("item_invalid", "intid", "the mapping raised ZeroDivisionError")


def test_the_source_is_readable_and_names_routes_and_fields() -> None:
    source = mapper(route(name="orders", fields={"eventargs": {"c_goods": "$.title"}})).source(TOPIC)
    assert "def route_orders" in source
    assert "# identity.phone" in source
    assert "value.title" in source
    assert source == mapper(route(name="orders", fields={"eventargs": {"c_goods": "$.title"}})).source(TOPIC)
    assert not mapper(route(fields={"eventargs": {"all": "$"}})).source(TOPIC)


@settings(deadline=None)
@given(st.integers(-(2**130), 2**130) | st.integers(), st.sampled_from([0.01, "0.1", -3, "0.07", "1e-9", "1e30", 0, 1]))
def test_arithmetic_gives_the_same_both_ways(number: int, factor: object) -> None:
    identity = [{"type": "uid", "value": "$offset"}]
    data = b'{"n":%d}' % number
    mapper(route(identity=identity, fields={"eventargs": {"x": {"from": "$.n", "multiply": factor}}})).items(
        record(data)
    )
