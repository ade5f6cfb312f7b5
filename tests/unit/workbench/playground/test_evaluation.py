"""What the page is told of its texts: the same as `check` and `preview` say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.workbench.masking import Mask
from connector.workbench.playground.evaluation import evaluate
from connector.workbench.playground.routes import example
from connector.workbench.preview.views import condition_views, count_views, reference_views, table_views
from tests.unit.workbench.preview.configs import ANONYMOUS, CONFIG, PAID, UNPAID, given, previewed

if TYPE_CHECKING:
    from pathlib import Path

VALUES = (PAID, UNPAID, ANONYMOUS)
RECORDS = "\n".join(json.dumps(each, ensure_ascii=False) for each in VALUES)


def evaluated(config: str = CONFIG, records: str = RECORDS, topic: str = "") -> Any:  # noqa: ANN401 - JSON
    return evaluate(config, records, topic)


def test_counts_are_those_of_preview(tmp_path: Path) -> None:
    found = evaluated()
    mapping = previewed(tmp_path)
    outcomes = mapping.outcomes([given(each, index) for index, each in enumerate(VALUES)])
    assert found["counts"] == count_views(outcomes)
    mask = Mask(mapping.config, unmask=True)
    assert found["references"] == reference_views(mapping, mask)
    assert found["conditions"] == condition_views(mapping, mask)
    assert found["maps"] == table_views(mapping, mask)


def test_each_record_becomes_an_item_a_reason_or_a_dead_letter() -> None:
    paid, unpaid, anonymous = evaluated()["records"]
    [made] = paid["becomes"]
    assert (made["route"], made["target"]) == ("orders", "purchases")
    assert json.loads(made["item"])["eventargs"] == {"c_price": 1420, "c_name": "王小明"}
    assert json.loads(made["public_params"]) == {"isMatching": True, "matchingType": 1}
    assert unpaid["becomes"] == []
    condition = {"path": "where.$.status", "line": 9, "column": 23}
    assert unpaid["skips"] == [
        {"kind": "condition", "topic": "shop.orders", "route": "orders", "conditions": [condition]}
    ]
    assert [each["dead_letter"]["reason"] for each in anonymous["becomes"]] == ["identity_missing"]


def test_an_integer_beyond_what_a_browser_can_hold_keeps_its_digits() -> None:
    records = json.dumps(PAID | {"name": 9007199254740993})
    [record] = evaluated(records=records)["records"]
    assert '"c_name": 9007199254740993' in record["becomes"][0]["item"]


def test_what_is_wrong_with_the_config_is_told_with_its_place_and_code_and_nothing_is_mapped() -> None:
    found = evaluated(CONFIG.replace("event_key:", "event_kay:"))
    assert not found["sound"]
    assert "records" not in found
    [problem] = found["problems"]
    assert (problem["line"], problem["column"], problem["code"]) == (11, 5, "unknown_key")
    assert problem["severity"] == "error"


def test_a_typo_in_a_path_is_seen_by_its_count_and_the_nearest_path() -> None:
    found = evaluated(CONFIG.replace("$.buyer.mobile", "$.buyer.moblie"))
    [lost] = [each for each in found["references"] if not each["found"]]
    assert (lost["reference"], lost["nearest"]) == ("$.buyer.moblie", "$.buyer.mobile")


def test_values_are_of_the_first_topic_unless_another_is_named() -> None:
    two = CONFIG.replace("[shop.orders]", "[shop.orders, shop.more]")
    assert evaluated(two)["topic"] == "shop.orders"
    assert [each["topic"] for each in evaluated(two, topic="shop.more")["records"]] == ["shop.more"] * 3
    [skip] = evaluated(topic="elsewhere", records="{}")["records"][0]["skips"]
    assert (skip["kind"], skip["topic"]) == ("no_route", "elsewhere")


def test_a_config_of_patterns_alone_needs_a_topic() -> None:
    found = evaluated(CONFIG.replace("[shop.orders]", "['^shop[.].*']"), records="{}")
    assert (found["topics"], found["has_patterns"], found["topic"]) == ([], True, None)
    [bad] = found["bad_records"]
    assert "topic" in bad["message"]


@pytest.mark.parametrize(
    "records", ["", " \n\n", "{", "[" * 100_000, '{"topic": "t", "value": 1, "colour": 2}', "\ud800"]
)
def test_any_text_of_records_is_answered(records: str) -> None:
    assert evaluated(records=records)["sound"]


def test_the_example_shows_an_item_a_skipped_record_and_a_dead_letter() -> None:
    texts = example()
    found = evaluate(texts.config, texts.records, "")
    assert found["problems"] == []
    assert found["counts"] == {
        "records": 3,
        "mapped": 1,
        "skipped": 1,
        "dead_lettered": 1,
        "items": 1,
        "dead_letters": 1,
    }
