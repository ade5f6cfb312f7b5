"""docs/tracking-plan.md: its config, its table and what `check` says of them; violations in tests of the mapping."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.acceptance.test_cli_check import command

PAGE = (Path(__file__).parents[2] / "docs/tracking-plan.md").read_text(encoding="utf-8")
[CONFIG] = re.findall(r"^```yaml\n# config/connector.yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[SAID] = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[TABLE] = re.findall(r"^```csv\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MENDED = CONFIG.replace("c_by", "c_buy").replace(", c_prise: $.price", "")
TESTS = """\
config: connector.yaml
tests:
  - name: an order
    record: {topic: shop.orders, value: {status: PAID, mobile: "13800000000", title: T恤, fen: 5900}}
    expect: [{target: purchases, item: {eventKey: c_buy, eventargs: {c_goods: T恤, c_price: 59}}}]
  - name: a number for a text
    record: {topic: shop.orders, value: {status: PAID, mobile: "13800000000", title: 4711, fen: 5900}}
    expect_dead_letter: {route: orders, reason: item_invalid, field: eventargs.c_goods}
  - name: an order without a price
    record: {topic: shop.orders, value: {status: PAID, mobile: "13800000000", title: T恤}}
    expect_dead_letter: {route: orders, reason: item_invalid, field: eventargs.c_price}
  - name: a refund has no goods
    record: {topic: shop.orders, value: {status: REFUNDED, mobile: "13800000000", title: T恤, fen: 5900}}
    expect_dead_letter: {route: orders, reason: item_invalid, field: eventargs.c_goods}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path


def with_table(config: str) -> str:
    """Return the config with the table instead of the definitions."""
    return re.sub(r"^events:\n.*?^routes:", "events: {file: plan.csv}\nroutes:", config, flags=re.DOTALL | re.MULTILINE)


def test_check_says_what_the_page_shows(folder: Path) -> None:
    (folder / "config/connector.yaml").write_text(f"# config/connector.yaml\n{CONFIG}", encoding="utf-8")
    done = command(folder, "check", "-c", "config/connector.yaml", TUZHAN_APP_ID="a", TUZHAN_APP_SECRET="s")  # noqa: S106
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == SAID


@pytest.mark.parametrize("config", [MENDED, with_table(MENDED)], ids=["in the config", "as a table"])
def test_tests_of_a_mapping_see_what_breaks_the_plan_as_dead_letters(folder: Path, config: str) -> None:
    (folder / "config/connector.yaml").write_text(config, encoding="utf-8")
    (folder / "config/plan.csv").write_text(TABLE, encoding="gbk")
    (folder / "config/tests.yaml").write_text(TESTS, encoding="utf-8")
    done = command(folder, "test", "config")
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 passed" in done.stdout


def test_a_test_of_a_mapping_with_a_broken_plan_says_where_it_is_broken(folder: Path) -> None:
    (folder / "config/connector.yaml").write_text(with_table(MENDED), encoding="utf-8")
    (folder / "config/plan.csv").write_text(TABLE.replace("数值,是", "numbr,是"), encoding="utf-8")
    (folder / "config/tests.yaml").write_text(TESTS, encoding="utf-8")
    done = command(folder, "test", "config")
    assert done.returncode == 2
    assert done.stderr.startswith("config/plan.csv:3:4: D3 (类型): 'numbr': expected 'string', ")


def test_preview_and_explain_see_what_breaks_the_plan(folder: Path) -> None:
    (folder / "config/connector.yaml").write_text(MENDED, encoding="utf-8")
    (folder / "records.jsonl").write_text('{"status": "PAID", "mobile": "13800000000", "title": 4711, "fen": 5900}\n')
    for shows in (["preview", "--file", "records.jsonl"], ["explain", "records.jsonl", "--topic", "shop.orders"]):
        done = command(folder, *shows, "-c", "config/connector.yaml")
        assert done.returncode == 0
        assert "item_invalid" in done.stdout
        assert "eventargs.c_goods" in done.stdout
