"""docs/tracking-plan.md: its config, its table and what `check` says of them; violations in tests of the mapping."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_cli_check import command

if TYPE_CHECKING:
    import subprocess

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


BELOW = PAGE.partition("## A first plan")[2]
[MAPPING, PLAN] = re.findall(r"^```yaml\n(.*?)^```", BELOW, re.MULTILINE | re.DOTALL)
[RECORDS] = re.findall(r"^```json\n(.*?)^```", BELOW, re.MULTILINE | re.DOTALL)


def planned(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "connector.yaml").write_text(MAPPING, encoding="utf-8")
    (folder / "records.jsonl").write_text(RECORDS, encoding="utf-8")
    return command(folder, "init", "-c", "connector.yaml", "--file", "records.jsonl", *arguments)


def test_init_writes_the_plan_that_the_page_shows(tmp_path: Path) -> None:
    done = planned(tmp_path, "--events", "plan.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "plan.yaml").read_text(encoding="utf-8") == PLAN
    assert "1 event would break the plan: eventargs.c_goods: expected text, got an integer" in done.stdout
    done = planned(tmp_path, "--events", "plan.yaml")
    assert (done.returncode, "plan.yaml exists: --force replaces it" in done.stderr) == (2, True)


def test_a_table_that_init_writes_passes_check_and_preview_once_what_it_asks_is_mended(tmp_path: Path) -> None:
    done = planned(tmp_path, "--events", "plan.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "plan.csv").read_bytes().startswith("\ufeff事件标识,事件名称,参数,类型,是否必填".encode())
    mended = MAPPING.replace("$.title", "{from: $.title, as: string}") + "events: {file: plan.csv}\n"
    (tmp_path / "connector.yaml").write_text(mended, encoding="utf-8")
    done = command(tmp_path, "check", "-c", "connector.yaml", TUZHAN_APP_ID="a", TUZHAN_APP_SECRET="s")  # noqa: S106
    assert (done.returncode, done.stderr) == (0, "")
    done = command(tmp_path, "preview", "-c", "connector.yaml", "--file", "records.jsonl")
    assert "2 records: 2 mapped, 0 skipped, 0 dead-lettered" in done.stdout


def test_json_has_the_definitions_and_a_dash_prints_the_plan(tmp_path: Path) -> None:
    found = json.loads(planned(tmp_path, "--events", "-", "--json").stdout)
    assert found["events"]["c_buy"]["args"]["c_price"] == {"type": "number", "required": True, "found": 2}
    assert found["plan"] == {"file": None, "text": PLAN}
    assert {"line": 7, "text": "1 value of another type: add `as: string` to the route"} in found["todo"]
    done = planned(tmp_path, "--events", "-")
    assert (done.stdout, "left to you:" in done.stderr) == (PLAN, True)
    assert not (tmp_path / "plan.yaml").exists()


PROFILES = "{endpoint: audience/info/batchAdd, public_params: {importMode: 2}}"
WRONG = {
    "no config": (("init", "--events", "p.yaml"), "'--events': name the config whose events are planned: -c FILE"),
    "a config without a plan": (("init", "-c", "connector.yaml", "--topic", "t"), "'--config': is only for --events"),
    "brokers": (("init", "--events", "p.yaml", "-c", "c", "--bootstrap-servers", "b:1"), "which reads --config"),
    "another ending": (("init", "--events", "p.xlsx", "-c", "c"), "p.xlsx: its name must end in .yaml, or in .csv"),
    "no such config": (("init", "--events", "p.yaml", "-c", "none.yaml"), "none.yaml:1:1: can't read the file"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_the_command_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = command(tmp_path, *arguments, COLUMNS="200")
    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True), done.stderr


def test_a_config_that_makes_no_events_and_routes_that_disagree_are_no_plan(tmp_path: Path) -> None:
    profiles = MAPPING.replace("{endpoint: event/v2/batchAdd}", PROFILES)
    profiles = re.sub(r"    event_key.*\n", "", profiles)
    profiles = re.sub(r"eventargs: .*", "realName: $.name", profiles)
    other = MAPPING + MAPPING[MAPPING.index("  - name: orders") :].replace("name: orders", "name: lines").replace(
        "c_price: {from: $.fen, multiply: 0.01}", "c_price: {template: '{$.fen} 分'}"
    )
    for config, said in (
        (profiles, "connector.yaml: no route makes events, so there is nothing to plan"),
        (other, "nothing is written, because the config would not be sound with the plan: connector.yaml:"),
    ):
        (tmp_path / "connector.yaml").write_text(config, encoding="utf-8")
        (tmp_path / "records.jsonl").write_text(RECORDS, encoding="utf-8")
        done = command(tmp_path, "init", "--events", "p.yaml", "-c", "connector.yaml", "--file", "records.jsonl")
        assert (done.returncode, said in done.stderr, (tmp_path / "p.yaml").exists()) == (1, True, False), done.stderr
