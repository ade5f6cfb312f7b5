"""docs/scripts.md: with `--json`, each command prints the document that the page says; none shows personal data.

Personal data of every kind goes through each command that needs no Kafka, at odd places too, in each of its forms.
Those that need it: tests/kafka/test_personal_data.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.test_cli_check import command

if TYPE_CHECKING:
    import subprocess

PAGE = (Path(__file__).parents[2] / "docs/scripts.md").read_text(encoding="utf-8")
MARKS = (
    "13987654321",
    "7654321",
    "王小明",
    "Zhang San",
    "zhangsan",
    "人民路",
    "110101199003078888",
    "oABCDEFG",
)
"""Parts of personal data: of a phone, names, a mail address, an address, a number of an identity card, an openid."""

CONFIG = """\
kafka: {bootstrap_servers: "${NO_BROKERS}", group_id: g}
platform: {auth: {app_id: "${NO_ID}", app_secret: "${file:/no/secret}"}}
targets:
  purchases: {endpoint: event/v2/batchAdd}
routes:
  - name: orders
    topics: [shop.orders]
    where: {any: [{$.status: {in: [PAID, REFUNDED]}}, {$.buyer.name: {exists: true}}]}
    to: purchases
    event_key: {from: $.status, map: {PAID: c_buy, REFUNDED: c_refund}}
    identity:
      - {type: phone, value: {from: $.buyer.mobile, as: phone}}
      - {type: openid, value: $.buyer.openid}
    fields:
      time: {from: $.paid_at, as: timestamp}
      eventargs: {c_name: $.buyer.name, c_all: $.buyer, c_level: {from: $.level, map: {gold: 1}}}
  - name: never
    topics: [shop.orders]
    where: {$.buyer.name: nobody, $.buyer.mobile: {gt: 5}}
    to: purchases
    event_key: $.buyer.name
    identity: [{type: openid, value: $.buyer.openid}]
"""
BUYER = {"mobile": "+86 139-8765-4321", "openid": "oABCDEFGHIJKLMNOPQRSTUVWXY12", "name": "王小明"}
RECORDS: tuple[dict[str, Any], ...] = (
    {"status": "PAID", "level": "gold", "paid_at": 1717216200, "buyer": BUYER},
    {"status": "REFUNDED", "level": "Zhang San", "paid_at": "人民路 1 号", "buyer": {**BUYER, "mobile": 13987654321}},
    {"status": "王小明", "buyer": {**BUYER, "mail": "zhangsan@example.com", "13987654321": 1}},
    {"status": "13987654321", "buyer": {"name": "Zhang San", "idcard": "110101199003078888"}},
    {"status": "PAID", "paid_at": 13987654321, "buyer": {"name": {"first": "Zhang San"}}, "address": "人民路 1 号"},
)
LINES = [*(json.dumps(each, ensure_ascii=False) for each in RECORDS), '{"mobile": "13987654321", name: 王小明}']
FILE = ("--file", "records.jsonl")
EXPLAIN = ("explain", "-c", "connector.yaml", "--topic", "shop.orders")
COMMANDS = {
    "check": ("check", "-c", "connector.yaml"),
    "schema": ("schema",),
    "preview": ("preview", "-c", "connector.yaml", *FILE),
    "preview --against": ("preview", "-c", "connector.yaml", *FILE, "--against", "old.yaml"),
    "explain": (*EXPLAIN, "record.json"),
    "explain --source": ("explain", "-c", "connector.yaml", "--source", "shop.orders"),
    "init": ("init", *FILE, "--output", "made/made.yaml", "--force"),
    "init --events": ("init", *FILE, "-c", "connector.yaml", "--events", "made/plan.yaml", "--force"),
    "test": ("test", "tests"),
}
"""By the name in the table of the page."""
OTHERS = {
    "preview --all": ("preview", "-c", "connector.yaml", *FILE, "--all", "--save", "made/seen.yaml"),
    "preview against, all": ("preview", "-c", "connector.yaml", *FILE, "--all", "--against", "old.yaml"),
    "a table": ("init", *FILE, "-c", "connector.yaml", "--events", "made/plan.csv"),
    **{f"explain {number}": (*EXPLAIN, f"record{number}.json") for number in (1, 5)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "connector.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "old.yaml").write_text(CONFIG.replace("c_name: $.buyer.name, ", "").replace("c_buy", "c_bought"))
    (folder / "records.jsonl").write_text("\n".join(LINES), encoding="utf-8")
    for number, line in enumerate(LINES):
        (folder / f"record{number or ''}.json").write_text(line, encoding="utf-8")
    (folder / "tests").mkdir()
    (folder / "made").mkdir()
    test = {"name": "an order", "record": {"topic": "shop.orders", "value": RECORDS[0]}}
    expected = [{"route": "orders", "item": {"eventKey": "c_buy"}}]
    tests = {"config": "../connector.yaml", "tests": [{**test, "expect": expected}]}
    (folder / "tests/t.yaml").write_text(json.dumps(tests, ensure_ascii=False), encoding="utf-8")
    return folder


def shown(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    said = done.stdout + done.stderr
    assert not [mark for mark in MARKS if mark in said], said
    return said


@pytest.mark.parametrize("name", COMMANDS)
def test_with_json_a_command_prints_the_document_of_the_page_and_no_personal_data(folder: Path, name: str) -> None:
    [keys] = re.findall(rf"^\| `{name}` \| (.*?) \|", PAGE, re.MULTILINE)
    done = command(folder, *COMMANDS[name], "--json")
    shown(done)
    document = json.loads(done.stdout)
    assert set(re.findall(r"`([^`]+)`", keys)) == document.keys()


def test_the_marks_are_seen_where_they_are_asked_for(folder: Path) -> None:
    said = command(folder, *COMMANDS["preview"], "--all", "--unmask", "--yes").stdout
    assert [mark for mark in MARKS if mark not in said] == []


@pytest.mark.parametrize("arguments", [*COMMANDS.values(), *OTHERS.values()], ids=[*COMMANDS, *OTHERS])
def test_as_text_a_command_shows_no_personal_data(folder: Path, arguments: tuple[str, ...]) -> None:
    shown(command(folder, *arguments, COLUMNS="500"))


def test_nothing_that_was_written_has_personal_data(folder: Path) -> None:
    written = [each for each in (folder / "made").rglob("*") if each.is_file()]
    assert len(written) == 5
    for each in written:
        text = each.read_text(encoding="utf-8")
        assert not [mark for mark in MARKS if mark in text], text
