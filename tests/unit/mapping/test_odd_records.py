"""Odd records through a config with every word: each has exactly one outcome by each route, the same by both ways.

`make bench` does the same with 100,000 records.
"""

from __future__ import annotations

import pytest

from connector.mapping import references
from connector.mapping.conditions import COMBINATIONS
from connector.mapping.conversions import CONVERSIONS
from connector.mapping.conversions.timestamps import UNITS
from connector.mapping.identity import KEYS
from connector.mapping.operators import OPERATORS
from connector.mapping.vocabulary import DEAD_LETTER, SKIP
from connector.mapping.words import WORDS
from connector.tuzhan.endpoints import ENDPOINTS
from tests.support.odd_outcomes import OddOutcomes
from tests.support.odd_records import CONFIG, odd_records

RECORDS = 3000
SEED = 8


def test_odd_records_have_exactly_one_outcome_by_each_route_and_element_and_the_same_both_ways() -> None:
    outcomes = OddOutcomes()
    for odd in odd_records(SEED, RECORDS):
        outcomes.map(odd)
    assert outcomes.seen["", "decode_failed"] > 20
    for route in outcomes.routes:
        assert outcomes.seen[route.name, "item"] > 100, route.name
    reasons = {reason for _, reason in outcomes.seen}
    assert reasons >= {"conversion_failed", "identity_missing", "value_missing", "event_key_unmapped", "item_invalid"}
    assert reasons >= {"bad_time", "transform_failed", "requested", "skipped"}


def test_the_records_are_the_same_for_the_same_seed() -> None:
    assert [*odd_records(1, 50)] == [*odd_records(1, 50)]
    assert [*odd_records(1, 50)] != [*odd_records(2, 50)]


@pytest.mark.parametrize(
    "names",
    [
        [f"{name}:" for name in WORDS],
        [*CONVERSIONS],
        [f"{name}:" for name in (*OPERATORS, *COMBINATIONS)],
        [f"{name}:" for name in KEYS],
        [*ENDPOINTS],
        [
            each
            for each in references.FORMS
            if each in {"$key", "$topic", "$partition", "$offset", "$timestamp", "$item"}
        ],
        ["$.lines.0.", "$.lines.*.", '$."', "all: $}", "$headers.", "$item.", "$index"],
        [SKIP, DEAD_LETTER, "for_each:", "transform:", "where:", "public_params:", "identity_missing:"],
        ["ordering: key", "ordering: identity", "allow_unknown:", *(each for each in UNITS if each == "ms")],
    ],
    ids=["words", "conversions", "conditions", "identity", "endpoints", "references", "paths", "route", "target"],
)
def test_the_config_uses_everything_that_the_language_has(names: list[str]) -> None:
    text = CONFIG.read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []
