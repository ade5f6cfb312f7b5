from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import httpx
import orjson
import pytest
from starlette.responses import PlainTextResponse, Response

from connector.sandbox.controls import faults_schema, parse_faults
from connector.sandbox.fault_list import FaultList
from connector.sandbox.faults import KINDS, RequestFault
from connector.sandbox.platform import Sandbox
from connector.sandbox.server import build_app

if TYPE_CHECKING:
    from collections.abc import Iterator

V2 = "event/v2/batchAdd"
TAG = "audience/tag/batchAdd"
TOKEN = "app/getOrgAccessToken"  # noqa: S105 - a path


def _fault_list(*entries: dict[str, object]) -> FaultList:
    fault_list = FaultList()
    fault_list.replace(parse_faults(orjson.dumps(entries)))
    return fault_list


def _body(*items: object) -> bytes:
    return orjson.dumps({"data": items})


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({"kind": "explode"}, "0.kind: Input should be 'status', 'code', 'latency'"),
        ({}, "0.kind: Field required"),
        ({"kind": "status"}, "0: a fault of kind 'status' needs 'status'"),
        ({"kind": "code"}, "0: a fault of kind 'code' needs 'code'"),
        ({"kind": "latency"}, "0: a fault of kind 'latency' needs 'ms'"),
        ({"kind": "hang", "endpoint": "event"}, "0: unknown endpoint 'event', one of event/batchAdd"),
        ({"kind": "refuse", "endpoint": TOKEN}, "0: the token endpoint has no items"),
        ({"kind": "hang", "share": 2}, "0.share: Input should be less than or equal to 1"),
        ({"kind": "hang", "count": 0}, "0.count: Input should be greater than or equal to 1"),
        ({"kind": "hang", "often": 1}, "0.often: Extra inputs are not permitted"),
        ({"kind": "status", "status": "503"}, "0.status: Input should be a valid integer"),
        (
            {"kind": "html", "retry_after": "明天"},
            "0.retry_after.constrained-int: .*\n0.retry_after.constrained-str: String should match pattern",
        ),
        (
            {"kind": "html", "retry_after": "a\nb"},
            "0.retry_after.constrained-int: .*\n0.retry_after.constrained-str: String should match pattern",
        ),
    ],
)
def test_an_invalid_fault_is_refused_with_its_place(entry: dict[str, object], error: str) -> None:
    with pytest.raises(ValueError, match="^" + error):
        parse_faults(orjson.dumps([entry]))


@pytest.mark.parametrize("text", [b"{}", b"", b"[1]", b"nonsense"])
def test_a_body_that_is_not_a_list_of_faults_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(faults|0): "):
        parse_faults(text)


def test_a_fault_hits_as_many_requests_as_its_count() -> None:
    fault_list = _fault_list({"kind": "status", "status": 503, "count": 2})
    assert [bool(fault_list.hit(V2)) for _ in range(4)] == [True, True, False, False]
    assert fault_list.report() == [{"kind": "status", "status": 503, "count": 2, "hits": 2}]


def test_a_fault_with_an_endpoint_hits_no_other() -> None:
    fault_list = _fault_list({"kind": "hang", "endpoint": TAG})
    assert not fault_list.hit(V2)
    assert fault_list.hit(TAG)


def test_a_fault_without_an_endpoint_does_not_hit_the_token_endpoint() -> None:
    fault_list = _fault_list({"kind": "hang"})
    assert not fault_list.hit(TOKEN)
    assert _fault_list({"kind": "hang", "endpoint": TOKEN}).hit(TOKEN)


def test_after_a_latency_the_request_meets_the_next_fault() -> None:
    fault_list = _fault_list({"kind": "latency", "ms": 5}, {"kind": "reset"}, {"kind": "status", "status": 500})
    assert [fault.kind for fault in fault_list.hit(V2)] == ["latency", "reset"]


def test_a_share_hits_about_that_fraction_and_repeatably_the_same_requests() -> None:
    fault_list = _fault_list({"kind": "reset", "share": 0.25})
    first = [bool(fault_list.hit(V2)) for _ in range(400)]
    assert 60 < sum(first) < 140
    fault_list.replace(fault_list.faults)
    assert [bool(fault_list.hit(V2)) for _ in range(400)] == first


def test_a_refusal_matches_items_by_dotted_fields_compared_as_text() -> None:
    fault_list = _fault_list({"kind": "refuse", "match": {"eventargs.c_goods": "毒", "eventargs.n": "7"}})
    items = [
        {"eventargs": {"c_goods": "毒", "n": 7}},
        {"eventargs": {"c_goods": "毒"}},
        {"eventargs": {"c_goods": "茶", "n": 7}},
        {"eventargs": "毒"},
    ]
    assert list(fault_list.refuse_items(V2, items)) == [0]
    assert not fault_list.hit(V2, _body(*items))


def test_a_match_reaches_into_lists() -> None:
    fault_list = _fault_list({"kind": "refuse", "match": {"identities.0.identityValue": "13800000000"}})
    items = [{"identities": [{"identityValue": "13800000000"}]}, {"identities": []}]
    assert list(fault_list.refuse_items(V2, items)) == [0]


def test_a_fault_with_a_match_hits_only_requests_with_a_matching_item() -> None:
    fault_list = _fault_list({"kind": "status", "status": 500, "match": {"eventKey": "c_bad"}})
    assert not fault_list.hit(V2, _body({"eventKey": "c_good"}))
    assert fault_list.hit(V2, _body({"eventKey": "c_good"}, {"eventKey": "c_bad"}))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"data": {}}', b'{"data": ["text"]}'])
def test_a_fault_with_a_match_does_not_hit_a_body_without_items(body: bytes) -> None:
    assert not _fault_list({"kind": "status", "status": 500, "match": {"eventKey": "c_bad"}}).hit(V2, body)


def test_the_count_of_a_refusal_counts_requests_with_a_matching_item() -> None:
    fault_list = _fault_list({"kind": "refuse", "match": {"a": 1}, "count": 1})
    assert not fault_list.refuse_items(V2, [{"a": 2}])
    assert list(fault_list.refuse_items(V2, [{"a": 1}, {"a": 1}])) == [0, 1]
    assert not fault_list.refuse_items(V2, [{"a": 1}])


def test_every_kind_has_a_schema_and_help_for_itself_and_its_fields() -> None:
    definitions = faults_schema()["$defs"]
    assert {schema["properties"]["kind"]["const"] for schema in definitions.values()} == set(KINDS)
    for schema in definitions.values():
        assert schema["description"]
        assert all(field.get("description") for name, field in schema["properties"].items() if name != "kind")


@pytest.fixture
def restored_kinds() -> Iterator[None]:
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.mark.usefixtures("restored_kinds")
def test_one_class_is_in_the_schema_on_the_page_and_in_the_replies() -> None:
    class TeapotFault(RequestFault):
        """Reply as a teapot."""

        kind: Literal["teapot"] = "teapot"
        example = {"tea": "green"}  # noqa: RUF012 - as the docstring of the module shows
        tea: str

        async def respond(self, _: asyncio.Event) -> Response | None:
            return PlainTextResponse(f"no {self.tea} here", 418)

    async def scenario() -> None:
        transport = httpx.ASGITransport(build_app(Sandbox()))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            schema = (await client.get("/_sandbox/faults/schema")).json()
            assert schema["items"]["discriminator"]["mapping"]["teapot"] == "#/$defs/TeapotFault"
            assert schema["$defs"]["TeapotFault"]["required"] == ["tea"]
            kinds = {each["kind"]: each for each in (await client.get("/_sandbox/faults/kinds")).json()}
            assert kinds["teapot"]["description"] == "Reply as a teapot."
            assert kinds["teapot"]["example"] == {"kind": "teapot", "tea": "green"}
            fault = {"kind": "teapot", "tea": "oolong", "count": 1}
            assert (await client.post("/_sandbox/faults", json=fault)).status_code == 200
            expected = {"kind": "teapot", "tea": "oolong", "count": 1, "hits": 0}
            assert (await client.get("/_sandbox/faults")).json() == [expected]
            reply = await client.post(f"/api/open/{V2}")
            assert (reply.status_code, reply.text) == (418, "no oolong here")
            assert (await client.get("/_sandbox/faults")).json() == [{**expected, "hits": 1}]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_example_of_a_kind_is_a_fault_of_that_kind(kind: str) -> None:
    [fault] = parse_faults(orjson.dumps([{"kind": kind, **KINDS[kind].example}]))
    assert isinstance(fault, KINDS[kind])
    assert fault.to_json() == {"kind": kind, **KINDS[kind].example}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_null_and_the_fields_of_other_kinds_mean_nothing(kind: str) -> None:
    names = {name for each in KINDS.values() for name in each.model_fields} - set(KINDS[kind].model_fields)
    entry: dict[str, object] = {"kind": kind, "status": 503, "code": "400", "ms": 5, "retry_after": 1}
    (plain,) = parse_faults(orjson.dumps([{name: value for name, value in entry.items() if name not in names}]))
    (full,) = parse_faults(orjson.dumps([{**entry, "share": None, "count": None, "endpoint": None, "match": None}]))
    assert full == plain
