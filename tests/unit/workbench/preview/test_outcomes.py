"""What becomes of records in a preview, and why nothing becomes of one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector.core.record import Failure
from connector.workbench.masking import Mask
from connector.workbench.preview.views import (
    by_kind,
    count_views,
    kind_texts,
    kind_view,
    made_view,
    not_in_all,
    outcome_view,
    reference_views,
)
from tests.unit.workbench.preview.configs import ANONYMOUS, CONFIG, NOW_MS, PAID, UNPAID, given, previewed, raw

if TYPE_CHECKING:
    from pathlib import Path

    from connector.mapping.json_values import Json
    from connector.workbench.preview.given import Given


def test_items_dead_letters_and_skipped_records_are_counted(tmp_path: Path) -> None:
    mapping = previewed(tmp_path)
    outcomes = mapping.outcomes([given(PAID), given(PAID), given(UNPAID), given(ANONYMOUS), raw(b"no json"), raw(None)])
    assert count_views(outcomes) == {
        "records": 6,
        "mapped": 2,
        "skipped": 2,
        "dead_lettered": 2,
        "items": 2,
        "dead_letters": 2,
    }
    mask = Mask(mapping.config)
    assert [kind_texts(each, mask) for each in outcomes] == [
        ["orders → purchases: c_buy"],
        ["orders → purchases: c_buy"],
        [f"skipped: orders: did not hold: where.$.status ({mapping.file}:9:23)"],
        ["dead letter: orders: identity_missing: identity"],
        ["dead letter: decode_failed"],
        ["skipped: a tombstone: the record has no value"],
    ]


def test_a_record_is_shown_masked_beside_what_becomes_of_it(tmp_path: Path) -> None:
    mapping = previewed(tmp_path)
    (outcome,) = mapping.outcomes([raw(json.dumps(PAID).encode(), key=b"o-4711", headers=(("who", b"Anna"),))])
    view = outcome_view(outcome, Mask(mapping.config))
    assert view["record"]["value"] == {
        "status": "PAID",
        "buyer": {"mobile": "+99 999 9999 9999"},
        "paid_at": "9" * 13,
        "amount_fen": "999999",
        "name": "字字字",
    }
    assert (view["record"]["key"], view["record"]["headers"]) == ("a-9999", [["who", "Aaaa"]])
    (item,) = view["becomes"]
    assert item["item"]["identities"] == [{"identityValue": "9" * 11, "identityType": "phone"}]
    assert (item["item"]["eventKey"], item["item"]["time"]) == ("c_buy", NOW_MS)
    assert (item["route"], item["target"]) == ("orders", "purchases")
    shown = outcome_view(outcome, Mask(mapping.config, unmask=True))
    assert shown["record"]["value"] == PAID
    assert shown["becomes"][0]["item"]["identities"][0]["identityValue"] == "13812345678"


def test_an_event_key_that_comes_out_of_a_record_is_masked_too(tmp_path: Path) -> None:
    text = CONFIG.replace("event_key: {from: $.status, map: {PAID: c_buy, REFUNDED: c_refund}}", "event_key: $.name")
    mapping = previewed(tmp_path, text)
    (outcome,) = mapping.outcomes([given(PAID)])
    assert kind_texts(outcome, Mask(mapping.config)) == ["orders → purchases: 字字字"]


@pytest.mark.parametrize(
    ("changed", "record", "because"),
    [
        (CONFIG, raw(b"{}", topic="other"), "no route reads other"),
        (
            CONFIG.replace("    identity:", "    identity_missing: $skip\n    identity:"),
            given(ANONYMOUS),
            "orders: the config says $skip",
        ),
        (
            CONFIG.replace("    to: purchases", "    for_each: $.items\n    to: purchases"),
            given(PAID),
            "orders: there is nothing in it to make an item of",
        ),
    ],
)
def test_the_reason_for_a_skipped_record_is_told(tmp_path: Path, changed: str, record: Given, because: str) -> None:
    (outcome,) = previewed(tmp_path, changed).outcomes([record])
    assert (outcome.made, outcome.skipped_because) == ((), (because,))


def test_null_in_kafka_is_a_value_and_no_tombstone(tmp_path: Path) -> None:
    text = CONFIG.replace("    where: {$.status: [PAID, REFUNDED]}\n", "")
    (outcome,) = previewed(tmp_path, text).outcomes([raw(b"null")])
    assert [made.failure.reason for made in outcome.made if made.failure] == ["identity_missing"]


def test_a_typo_in_a_path_is_found_in_no_record(tmp_path: Path) -> None:
    mapping = previewed(tmp_path, CONFIG.replace("$.buyer.mobile", "$.buyer.moblie"))
    mapping.outcomes([given(PAID)] * 50)
    views = {view["reference"]: view for view in reference_views(mapping, Mask(mapping.config))}
    assert list(views) == ["$.status", "$.buyer.moblie", "$.paid_at", "$.amount_fen", "$.name"]
    typo = views["$.buyer.moblie"]
    assert (typo["found"], typo["of"], typo["needed"]) == (0, 50, True)
    assert (typo["nearest"], typo["line"], typo["column"]) == ("$.buyer.mobile", 12, 44)
    # Nothing came as far as the fields, so they are looked up all the same.
    fields = views["$.amount_fen"]
    assert (fields["found"], fields["of"], fields["needed"], fields["nearest"]) == (50, 50, False, "")
    status = views["$.status"]
    assert (status["found"], status["of"], status["column"]) == (50, 50, 13)


def test_rows_of_a_change_and_elements_are_items_of_one_record(tmp_path: Path) -> None:
    text = CONFIG.replace("routes:", "decode: {shop.orders: {envelope: canal}}\nroutes:").replace(
        "where: {", "where: {$change.op: insert, "
    )
    canal: Json = {
        "data": [PAID, UNPAID],
        "type": "INSERT",
        "isDdl": False,
        "database": "d",
        "table": "t",
        "ts": NOW_MS,
    }
    mapping = previewed(tmp_path, text)
    made, ddl = mapping.outcomes([given(canal), given({**canal, "isDdl": True, "data": None, "type": "ALTER"})])
    assert [each.item["eventKey"] for each in made.made] == ["c_buy"]
    assert ddl.skipped_because == ("orders: there is nothing in it to make an item of",)


def test_only_the_conditions_of_the_route_itself_are_its_reason(tmp_path: Path) -> None:
    second = CONFIG[CONFIG.index("  - name: orders") :].replace("name: orders", "name: later").replace("PAID, ", "")
    mapping = previewed(tmp_path, CONFIG + second)
    (outcome,) = mapping.outcomes([given(UNPAID)])
    assert outcome.skipped_because == (
        f"orders: did not hold: where.$.status ({mapping.file}:9:23)",
        f"later: did not hold: where.$.status ({mapping.file}:18:23)",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("routes:", "decode: {shop.orders: {envelope: canal}}\nroutes:"),
        ("    to: purchases", "    transform: tests.unit.workbench.preview.test_outcomes:nothing\n    to: purchases"),
    ],
)
def test_what_is_around_a_row_or_before_a_transform_is_not_looked_up(tmp_path: Path, old: str, new: str) -> None:
    mapping = previewed(tmp_path, CONFIG.replace(old, new).replace("$.status: [PAID, REFUNDED]", "$topic: none"))
    ddl: Json = {"data": None, "type": "ALTER", "isDdl": True, "database": "d", "table": "t", "ts": 1, "name": "x"}
    mapping.outcomes([given(ddl)])
    views = {view["reference"]: view for view in reference_views(mapping, Mask(mapping.config))}
    assert (views["$.name"]["of"], views["$.name"]["needed"]) == (0, False)


def nothing(_value: Json) -> Json:
    """Return nothing: a transform of a user."""
    return None


def test_names_and_details_are_masked(tmp_path: Path) -> None:
    mapping = previewed(tmp_path, CONFIG.replace("c_name: $.name", "c_name: $.13812345678.nam"))
    (outcome,) = mapping.outcomes([given({**PAID, "13812345678": {"name": 1}})])
    mask = Mask(mapping.config)
    found = {view["reference"]: view["nearest"] for view in reference_views(mapping, mask)}
    assert found["$.13812345678.nam"] == "$.99999999999.name"
    failed = replace(outcome.made[0], failure=Failure("refused", "purchases", "name", "about 13812345678"))
    assert made_view(failed, mask)["dead_letter"]["detail"] == "about 99999999999"


def test_a_value_of_a_thousand_levels_is_cut(tmp_path: Path) -> None:
    deep: Json = 1
    for _ in range(1000):
        deep = [deep]
    mapping = previewed(tmp_path)
    (outcome,) = mapping.outcomes([raw(b"[" * 1000 + b"]" * 1000)])
    for unmask in (False, True):
        mask = Mask(mapping.config, unmask=unmask)
        assert json.dumps(outcome_view(outcome, mask)["record"]["value"]).count("[") == 100
        assert json.dumps(mask.item({"a": deep})).count("[") == 99


def test_names_that_only_some_items_have_are_counted(tmp_path: Path) -> None:
    mapping = previewed(tmp_path)
    poor = {"status": "PAID", "buyer": PAID["buyer"]}
    no_price = {**PAID, "amount_fen": None}
    (found,) = by_kind(mapping.outcomes([given(PAID), given(PAID), given(no_price), given(poor)]))
    assert not_in_all(found) == {("eventargs",): 3, ("eventargs", "c_price"): 2}
    assert not_in_all(found[:2]) == {}
    assert kind_view(found, Mask(mapping.config))["not_in_all_items"] == {"eventargs": 3, "eventargs.c_price": 2}


TAGS = """\
kafka: {bootstrap_servers: "${BROKERS}", group_id: g}
platform: {auth: {token: "${TOKEN}"}}
targets: {tags: {endpoint: audience/tag/batchAdd, public_params: {optType: add}}}
routes:
  - name: tags
    topics: [shop.orders]
    to: tags
    identity: [{type: phone, value: {from: $.mobile, as: phone}}]
    fields: {tags: {from: $.labels, as: joined}}
"""


def test_an_empty_list_of_tags_is_seen(tmp_path: Path) -> None:
    mapping = previewed(tmp_path, TAGS)
    mobile = "13812345678"
    (found,) = by_kind(
        mapping.outcomes([given({"mobile": mobile, "labels": []}), given({"mobile": mobile, "labels": ["a"]})])
    )
    assert not_in_all(found) == {("tags",): 1}
    [labels] = [each for each in mapping.references.counts if each.text == "$.labels"]
    assert (labels.found, labels.asked) == (1, 2)


SECONDS: Json = {**PAID, "paid_at": NOW_MS // 1000}


@pytest.mark.parametrize(
    ("old", "new", "value", "kind"),
    [
        ("[PAID, REFUNDED]}", "[Paid]}", PAID, "skipped: orders: did not hold: where.$.status"),
        (", as: timestamp", "", SECONDS, "dead letter: orders: bad_time: time"),
        (", as: timestamp", "", {**PAID, "paid_at": "2023-11-14"}, "dead letter: orders: item_invalid: time"),
        ("PAID: c_buy, ", "", PAID, "dead letter: orders: event_key_unmapped: event_key"),
        (
            "routes:",
            "events: {c_buy: &plan {args: {c_price: number, c_name: number}}, c_refund: *plan}\nroutes:",
            PAID,
            "dead letter: orders: item_invalid: eventargs.c_name",
        ),
    ],
)
def test_mistakes_are_seen_before_anything_is_sent(tmp_path: Path, old: str, new: str, value: Json, kind: str) -> None:
    mapping = previewed(tmp_path, CONFIG.replace(old, new))
    (outcome,) = mapping.outcomes([given(value)])
    assert kind_texts(outcome, Mask(mapping.config))[0].startswith(kind)
