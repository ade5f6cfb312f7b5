"""What a config changes, held against an older one."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from connector.workbench.masking import Mask
from connector.workbench.preview.comparison import by_texts, changes
from connector.workbench.preview.comparison_report import changes_data, print_changes
from connector.workbench.preview.report import Display
from tests.unit.workbench.preview.configs import ANONYMOUS, CONFIG, PAID, UNPAID, given, previewed

if TYPE_CHECKING:
    from pathlib import Path

NO_PHONE = "a dead letter orders: identity_missing: identity: phone: absent"
OTHERS = "{endpoint: event/v2/batchAdd, public_params: {matchingType: 2}}"
GIVENS = [given(PAID), given(PAID), given(UNPAID), given(ANONYMOUS)]


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ("multiply: 0.01", "multiply: 0.1", [("orders → purchases: eventargs.c_price",)] * 2),
        ("PAID: c_buy", "PAID: c_bought", [("orders → purchases: eventKey",)] * 2),
        (", c_name: $.name", ", c_who: $.name", [
            ("orders → purchases: eventargs.c_name is gone", "orders → purchases: eventargs.c_who is new")
        ] * 2),
        ("multiply: 0.01}", "multiply: 0.01, map: {1420: '1420'}}", [("orders → purchases: eventargs.c_price",)] * 2),
        ("[PAID, REFUNDED]}", "[REFUNDED]}", [("1 item before, skipped now",)] * 2),
        ("[PAID, REFUNDED]}", "[PAID, REFUNDED, NEW]}", [("skipped before, 1 dead letter now",)]),
        ("$.buyer.mobile", "$.buyer.moblie", [
            (f"an item by orders → purchases before, {NO_PHONE} now",)
        ] * 2),
        ("to: purchases", "to: others", [
            (
                "an item by orders → purchases before, an item by orders → others now",
                "orders → others: public_params.matchingType",
            )
        ] * 2),
        ("c_name: $.name", "c_name: true", [("orders → purchases: eventargs.c_name",)] * 2),
        ("c_name: $.name", "c_name: $.name", []),
    ],
)  # fmt: skip
def test_each_change_is_named(tmp_path: Path, old: str, new: str, texts: list[tuple[str, ...]]) -> None:
    text = CONFIG.replace("targets:", f"targets:\n  others: {OTHERS}")
    before, after = previewed(tmp_path, text), previewed(tmp_path, text.replace(old, new), "new.yaml")
    found = changes(before.outcomes(GIVENS), after.outcomes(GIVENS))
    assert [change.texts for change in found] == texts
    assert [len(group) for group in by_texts(found)] == ([len(texts)] if texts else [])


def test_changes_are_counted_as_data_with_before_and_after(tmp_path: Path) -> None:
    before = previewed(tmp_path)
    after = previewed(tmp_path, CONFIG.replace("[PAID, REFUNDED]", "[REFUNDED]"), "new.yaml")
    found = changes(before.outcomes(GIVENS), after.outcomes(GIVENS))
    data = changes_data(found, len(GIVENS), Mask(after.config, before.config))
    assert data["counts"] == {"records": 4, "changed": 2, "unchanged": 2}
    assert data["changes"] == [{"change": ["1 item before, skipped now"], "records": 2}]
    first = data["records"][0]
    assert first["record"]["value"]["status"] == "PAID"  # in the old config
    assert first["before"]["becomes"][0]["item"]["eventKey"] == "c_buy"
    assert first["after"] == {
        "becomes": [],
        "skipped_because": [f"orders: did not hold: where.$.status ({after.file}:9:23)"],
    }


def test_true_is_another_value_than_1(tmp_path: Path) -> None:
    one, true = (CONFIG.replace("c_name: $.name", f"c_name: {each}") for each in ("1", "true"))
    before, after = previewed(tmp_path, one), previewed(tmp_path, true, "new.yaml")
    found = changes(before.outcomes(GIVENS), after.outcomes(GIVENS))
    assert {change.texts for change in found} == {("orders → purchases: eventargs.c_name",)}


def test_the_lines_that_differ_are_coloured(tmp_path: Path) -> None:
    before = previewed(tmp_path)
    after = previewed(tmp_path, CONFIG.replace("PAID: c_buy", "PAID: c_bought"), "new.yaml")
    found = changes(before.outcomes(GIVENS), after.outcomes(GIVENS))
    out = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="standard")
    mask = Mask(after.config, before.config)
    print_changes(found, len(GIVENS), (before.file, after.file), Display(mask, out, every=False))
    assert isinstance(out.file, io.StringIO)
    coloured = re.findall(r"\x1b\[3[12]m([^\x1b]*)", out.file.getvalue())
    assert [line.strip() for line in coloured] == ['"eventKey": "c_buy",', '"eventKey": "c_bought",']
