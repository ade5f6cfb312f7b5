from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.observe.tap_request import OUTCOMES, TapRefusedError, TapRequest, parse

ROUTES, TARGETS = ("orders", "refunds"), ("purchases", "tags")
HASH = "0123456789abcdef"


def test_an_empty_query_asks_for_everything_at_the_default_rate() -> None:
    assert parse([], ROUTES, TARGETS) == TapRequest(rate=10.0)


def test_a_parameter_that_names_things_may_be_repeated() -> None:
    query = [("route", "orders"), ("route", "refunds"), ("target", "tags"), ("outcome", "skipped"), ("sample", "0.01")]
    query += [("rate", "1000"), ("value_hash", HASH.upper())]
    assert parse(query, ROUTES, TARGETS) == TapRequest(
        frozenset(ROUTES), frozenset({"tags"}), frozenset({"skipped"}), HASH, 0.01, 1000.0
    )


def test_the_outcomes_are_those_of_records_and_the_verdicts_of_tries() -> None:
    assert OUTCOMES == ("delivered", "skipped", "dead_lettered", "again", "token", "held", "split", "refused")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ([("route", "order")], r"route: no such route 'order', did you mean 'orders'\?"),
        ([("target", "x")], "target: no such target 'x'; there are purchases, tags"),
        ([("outcome", "")], "outcome: no such outcome ''; there are again, "),
        ([("outcome", "delivred")], "did you mean 'delivered'"),
        ([("rout", "orders")], r"unknown parameter 'rout', did you mean 'route'\?"),
        ([("sample", "0")], "sample: expected a share, more than 0 and at most 1"),
        ([("sample", "1.5")], "sample"),
        ([("sample", "nan")], "sample"),
        ([("sample", "half")], "sample"),
        ([("rate", "-1")], "rate: expected items per second, at most 1000"),
        ([("rate", "inf")], "rate"),
        ([("rate", "5"), ("rate", "6")], "rate: given more than once"),
        ([("value_hash", "0123456789abcde")], "value_hash: expected at least 16 hex digits"),
        ([("value_hash", "g" * 16)], "value_hash"),
        ([("value_hash", "0" * 65)], "value_hash"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(query: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(TapRefusedError, match=message) as refused:
        parse(query, ROUTES, TARGETS)
    assert refused.value.status == 400


def test_everything_that_is_wrong_is_named_at_once_and_nothing_at_length() -> None:
    with pytest.raises(TapRefusedError) as refused:
        parse([("route", "x" * 9999), ("y" * 9999, ""), ("rate", "0")], ROUTES, TARGETS)
    assert re.findall(r"route:|unknown parameter|rate:", str(refused.value)) == ["unknown parameter", "route:", "rate:"]
    assert len(str(refused.value)) < 500


@given(
    some.lists(
        some.tuples(some.sampled_from(["route", "rate", "sample", "value_hash", "x"]) | some.text(), some.text())
    )
)
def test_any_query_is_understood_or_refused(query: list[tuple[str, str]]) -> None:
    with contextlib.suppress(TapRefusedError):
        request = parse(query, ROUTES, TARGETS)
        assert request.routes <= set(ROUTES)
        assert 0 < request.rate <= 1000
