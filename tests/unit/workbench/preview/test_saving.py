"""`--save`: what was seen becomes tests, without personal data unless it is wanted."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import CommandError, UsageError
from connector.core.record import UNREADABLE_HEADERS
from connector.workbench.masking import Mask
from connector.workbench.preview.saving import check_free, save
from connector.workbench.preview.stand_ins import stand_in, with_stand_ins
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import read_cases
from connector.workbench.testing.running import run
from tests.unit.workbench.preview.configs import ANONYMOUS, CONFIG, NOW_MS, PAID, UNPAID, given, previewed, raw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from connector.mapping.json_values import Json
    from connector.workbench.preview.given import Given


def saved(folder: Path, givens: Sequence[Given], text: str = CONFIG, *, unmask: bool = False) -> tuple[str, list[str]]:
    """Save tests of these records; they must pass. Return the file's text, empty if there is none, and the notes."""
    mapping = previewed(folder, text)
    file = folder / "tests" / "saved.yaml"
    file.parent.mkdir()
    mask = Mask(mapping.config, unmask=unmask)
    notes = save(file, mapping.outcomes(givens), previewed(folder, text), mask)
    if not file.exists():
        return "", notes
    results = run([read_cases(str(file), Mappings())])
    assert [result.case.name for result in results if not result.passed] == []
    return file.read_text(encoding="utf-8"), notes


def test_one_test_is_written_for_each_outcome_without_personal_data(tmp_path: Path) -> None:
    unpaid: Json = {"status": "NEW", "mobile": "13812345678"}
    poor = {name: each for name, each in PAID.items() if name != "name"}
    text, notes = saved(
        tmp_path,
        [
            given(poor, 6),
            given(PAID, 7),
            given(poor, 8),
            given(unpaid, 9),
            given(ANONYMOUS, 10),
        ],
    )
    assert notes == [f"{tmp_path / 'tests' / 'saved.yaml'}: written, with 3 of the outcomes that were seen: review it"]
    assert (
        text
        == f"""\
# Written by `tuzhan-connector preview --save`: review what is expected, and name the tests.
config: "../connector.yaml"
tests:
  - name: "orders → purchases: c_buy (shop.orders[0]@7)"
    record:
      topic: shop.orders
      offset: 7
      timestamp: {NOW_MS}
      value:
        status: PAID
        buyer: {{mobile: "+86 138 0000 0000"}}
        paid_at: {NOW_MS}
        amount_fen: 999999
        name: 字字字
    expect:
      - target: purchases
        item:
          identities: [{{identityValue: "13800000000", identityType: phone}}]
          time: {NOW_MS}
          eventKey: c_buy
          eventargs: {{c_price: 9999.99, c_name: 字字字}}
  - name: "skipped (shop.orders[0]@9)"
    record: {{topic: shop.orders, offset: 9, timestamp: {NOW_MS}, value: {{status: AAA, mobile: "13800000000"}}}}
    expect: []
  - name: "dead letter: orders: identity_missing: identity (shop.orders[0]@10)"
    record: {{topic: shop.orders, offset: 10, timestamp: {NOW_MS}, value: {{status: REFUNDED, amount_fen: 5}}}}
    expect_dead_letter: {{route: orders, reason: identity_missing, field: identity}}
"""
    )


def test_unmask_saves_records_as_they_are(tmp_path: Path) -> None:
    broken = raw(b"no json", key=b"13812345678")
    text, _ = saved(tmp_path, [given(PAID), broken], unmask=True)
    assert "+86 138 1234 5678" in text
    assert 'value_text: "no json"' in text or "value_text: no json" in text
    assert 'key: "13812345678"' in text


@pytest.mark.parametrize(
    ("record", "note"),
    [
        (raw(b"no json 13812345678"), "it can't be decoded"),
        (raw(b"{}", topic="other"), "no route reads its topic"),
    ],
)
def test_a_record_that_can_not_be_saved_is_named_with_the_reason(tmp_path: Path, record: Given, note: str) -> None:
    text, notes = saved(tmp_path, [record])
    assert text == ""
    assert notes[0].startswith(f"{record.place} is not saved: {note}")
    assert notes[1].endswith("is not written: there is nothing to test")


def test_bytes_that_are_no_text_are_left_out_if_nothing_else_becomes_of_the_record(tmp_path: Path) -> None:
    paid = json.dumps(PAID).encode()
    text, _ = saved(tmp_path, [raw(paid, key=b"\xff", headers=(("h", b"\xff"), ("g", b"Anna"), ("n", None)))])
    assert "key:" not in text
    assert "headers: {g: Aaaa, n: null}" in text


def test_records_that_no_test_can_hold_are_not_saved(tmp_path: Path) -> None:
    unreadable = raw(json.dumps(PAID).encode(), headers=UNREADABLE_HEADERS)
    text, notes = saved(tmp_path, [unreadable, raw(b"\xff\xfe")], unmask=True)
    assert text == ""
    assert len([note for note in notes if "its bytes can't be written in a test" in note]) == 2


def test_a_huge_number_and_null_go_through_the_decoder(tmp_path: Path) -> None:
    text = CONFIG.replace("    where: {$.status: [PAID, REFUNDED]}\n", "")
    written, _ = saved(tmp_path, [raw(b"null"), given({**PAID, "n": 1 << 70})], text, unmask=True)
    assert 'value_text: "null"' in written
    assert str(1 << 70) in written


def test_a_huge_number_that_comes_out_can_not_be_expected(tmp_path: Path) -> None:
    text, notes = saved(tmp_path, [given({**PAID, "name": 1 << 70}), given(UNPAID)], unmask=True)
    assert "skipped" in text
    assert "more than 64 bits" in notes[0]


def test_what_the_mapping_depends_on_is_put_back(tmp_path: Path) -> None:
    text = CONFIG.replace("where: {$.status: [PAID, REFUNDED]}", "where: {$.level: {matches: '^VI'}, $.n: {lt: 20000}}")
    value: Json = {**PAID, "level": "VIP", "n": 12345, "m": 12345, "paid_at": "2023-11-14 22:13:20"}
    written, _ = saved(tmp_path, [given(value)], text)
    found = re.sub(r"\s+", " ", written)
    assert "level: VIP" in found
    assert "n: 12345" in found
    assert "m: 99999" in found
    assert 'paid_at: "2023-11-14 22:13:20"' in found


@pytest.mark.parametrize("secret", ["anna@shop.cn", "王小明", "110101199001011234", "13812345678"])
def test_personal_data_is_never_put_back_even_if_the_mapping_depends_on_it(tmp_path: Path, secret: str) -> None:
    text = CONFIG.replace("where: {$.status: [PAID, REFUNDED]}", "where: {$.who: {matches: '^(anna|王|11010|13812)'}}")
    written, notes = saved(tmp_path, [given({**PAID, "who": secret})], text)
    assert written == ""
    assert "with stand-ins for personal data, something else would become of it" in notes[0]


def test_tests_of_one_place_have_different_names(tmp_path: Path) -> None:
    text, _ = saved(tmp_path, [raw(None), given({"status": "NEW"}), given({"status": "PAID"})])
    assert re.findall(r"name: (.*)", text) == [
        '"skipped (shop.orders[0]@0)"',
        '"skipped (shop.orders[0]@0) 2"',
        '"dead letter: orders: identity_missing: identity (shop.orders[0]@0)"',
    ]


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "saved.yaml"
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists, and is not overwritten"):
        check_free(file)
    with pytest.raises(UsageError, match="there is no directory"):
        check_free(tmp_path / "none" / "saved.yaml")


def test_nothing_stays_of_a_file_that_could_not_be_completed(tmp_path: Path) -> None:
    mapping = previewed(tmp_path)
    outcomes = mapping.outcomes([given(PAID)])
    (tmp_path / "connector.yaml").write_text("changed meanwhile")
    file = tmp_path / "saved.yaml"
    with pytest.raises(CommandError, match="is not written"):
        save(file, outcomes, mapping, Mask(mapping.config))
    assert not file.exists()


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("13812345678", "13800000000"),
        ("+86 138-1234-5678", "+86 138-0000-0000"),
        ("（0086）13812345678", "（0086）13800000000"),
        ("138****5678", "999****9999"),
        ("anna@shop.cn", "aaaa@aaaa.aa"),
        ("王小明", "字字字"),
        ("", ""),
    ],
)
def test_a_stand_in_has_the_form_of_the_text(text: str, replaced: str) -> None:
    assert stand_in(text) == replaced


def test_text_that_holds_json_stays_json(tmp_path: Path) -> None:
    text = CONFIG.replace("c_name: $.name", "c_name: $.ext.who.name, c_n: $.ext.n")
    mapping = previewed(tmp_path, text)
    value: Any = {**PAID, "ext": '{"who": {"name": "Anna"}, "n": 12345.5, "vip": true, "13812345678": 1}'}
    (outcome,) = mapping.outcomes([given(value)])
    found = with_stand_ins(outcome, mapping.outcome, Mask(mapping.config).shown)
    assert found is not None
    assert json.loads(found.decoded["ext"]) == {"who": {"name": "Aaaa"}, "n": 99999.99, "vip": True, "99999999999": 1}
    assert found.made[0].item["eventargs"]["c_name"] == "Aaaa"


def test_a_deep_record_and_a_large_one_do_not_keep_the_others_from_being_saved(tmp_path: Path) -> None:
    deep: Json = 1
    for _ in range(50):
        deep = {"k": deep}
    deeper, larger = given({**PAID, "name": deep}, 1), given({**UNPAID, "name": "x" * 400_000}, 2)
    text, notes = saved(tmp_path, [deeper, larger, given({**ANONYMOUS, "more": deep}, 3)])
    assert "too many levels" in notes[0]
    assert notes[1] == "shop.orders[0]@2 is not saved: the file would be too large"
    assert "value_text" in text
    assert "written, with 1 of the outcomes" in notes[2]
