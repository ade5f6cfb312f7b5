from __future__ import annotations

import orjson
import pytest

from connector.sandbox.faults import Faults, parse

V2 = "event/v2/batchAdd"
TAG = "audience/tag/batchAdd"
TOKEN = "app/getOrgAccessToken"  # noqa: S105  a path


def _faults(*entries: dict[str, object]) -> Faults:
    faults = Faults()
    faults.put(parse(orjson.dumps(entries)))
    return faults


@pytest.mark.parametrize(
    ("entry", "complaint"),
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
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_its_place(entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match="^" + complaint):
        parse(orjson.dumps([entry]))


@pytest.mark.parametrize("text", [b"{}", b"", b"[1]", b"nonsense"])
def test_what_is_no_list_of_faults_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(faults|0): "):
        parse(text)


def test_a_fault_with_a_count_is_spent_after_so_many_requests() -> None:
    faults = _faults({"kind": "status", "status": 503, "count": 2})
    assert [bool(faults.hit(V2)) for _ in range(4)] == [True, True, False, False]
    assert faults.report() == [{"kind": "status", "status": 503, "count": 2, "hits": 2}]


def test_a_fault_of_one_endpoint_spares_the_others() -> None:
    faults = _faults({"kind": "hang", "endpoint": TAG})
    assert not faults.hit(V2)
    assert faults.hit(TAG)


def test_a_fault_without_an_endpoint_spares_the_token_endpoint() -> None:
    faults = _faults({"kind": "hang"})
    assert not faults.hit(TOKEN)
    assert _faults({"kind": "hang", "endpoint": TOKEN}).hit(TOKEN)


def test_latency_lets_the_request_go_on_to_the_fault_that_ends_it() -> None:
    faults = _faults({"kind": "latency", "ms": 5}, {"kind": "reset"}, {"kind": "status", "status": 500})
    assert [fault.kind for fault in faults.hit(V2)] == ["latency", "reset"]


def test_a_share_hits_about_that_fraction_and_the_same_requests_every_time() -> None:
    faults = _faults({"kind": "reset", "share": 0.25})
    first = [bool(faults.hit(V2)) for _ in range(400)]
    assert 60 < sum(first) < 140
    faults.put(faults.entries)
    assert [bool(faults.hit(V2)) for _ in range(400)] == first


def test_a_refusal_chooses_items_by_a_dotted_field_comparing_text_forms() -> None:
    faults = _faults({"kind": "refuse", "match": {"eventargs.c_goods": "毒", "eventargs.n": "7"}})
    items = [
        {"eventargs": {"c_goods": "毒", "n": 7}},
        {"eventargs": {"c_goods": "毒"}},
        {"eventargs": {"c_goods": "茶", "n": 7}},
        {"eventargs": "毒"},
    ]
    assert list(faults.refused(V2, items)) == [0]
    assert not faults.hit(V2, items)


def test_a_match_reaches_into_lists() -> None:
    faults = _faults({"kind": "refuse", "match": {"identities.0.identityValue": "13800000000"}})
    assert list(faults.refused(V2, [{"identities": [{"identityValue": "13800000000"}]}, {"identities": []}])) == [0]


def test_a_fault_with_a_match_meets_only_requests_that_hold_such_an_item() -> None:
    faults = _faults({"kind": "status", "status": 500, "match": {"eventKey": "c_bad"}})
    assert faults.needs_items(V2)
    assert not faults.hit(V2, [{"eventKey": "c_good"}])
    assert faults.hit(V2, [{"eventKey": "c_good"}, {"eventKey": "c_bad"}])


def test_a_refusal_with_a_count_counts_requests_in_which_it_found_something() -> None:
    faults = _faults({"kind": "refuse", "match": {"a": 1}, "count": 1})
    assert not faults.refused(V2, [{"a": 2}])
    assert list(faults.refused(V2, [{"a": 1}, {"a": 1}])) == [0, 1]
    assert not faults.refused(V2, [{"a": 1}])
