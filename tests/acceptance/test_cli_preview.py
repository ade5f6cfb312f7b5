"""`tuzhan-connector preview` of files as a subprocess: what goes where, and with which exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.test_cli_check import command
from tests.unit.workbench.preview.configs import ANONYMOUS, CONFIG, PAID, UNPAID

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPO = CONFIG.replace("$.buyer.mobile", "$.buyer.moblie")
FILE = ("preview", "-c", "c.yaml", "--file", "r.jsonl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user with a config, and a file of 53 records."""
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    values: Sequence[Any] = [PAID] * 50 + [UNPAID, ANONYMOUS]
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    (tmp_path / "r.jsonl").write_text("\n".join([*lines, "no json"]), encoding="utf-8")
    return tmp_path


def data(done: subprocess.CompletedProcess[str]) -> Any:  # noqa: ANN401 - JSON
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_file_is_previewed_without_kafka_platform_or_secret_and_masked(folder: Path) -> None:
    done = command(folder, *FILE, COLUMNS="120")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == "53 records of r.jsonl, as c.yaml maps them"
    assert [line for line in lines if line[:1].isdigit()] == [
        "53 records of r.jsonl, as c.yaml maps them",
        "50 records: orders → purchases: c_buy",
        "1 record: skipped: orders: did not hold: where.$.status (c.yaml:9:23)",
        "1 record: dead letter: orders: identity_missing: identity",
        "1 record: dead letter: decode_failed",
        "53 records: 50 mapped, 1 skipped, 2 dead-lettered; 50 items and 2 dead letters made",
        "51 of 52  where.$.status  orders  c.yaml:9:23",
        "50 of 51  phone     orders  c.yaml:12:16",
        "50 of 50  event_key  orders  c.yaml:11:38",
        "52 of 52  $.status        orders  c.yaml:9:13",
        "50 of 51  $.buyer.mobile  orders  c.yaml:12:44",
        "50 of 50  $.paid_at       orders  c.yaml:14:20",
        "50 of 50  $.amount_fen    orders  c.yaml:15:35",
        "50 of 50  $.name          orders  c.yaml:15:86",
    ]
    assert any('"eventKey": "c_buy"' in line and "│" in line for line in lines)
    for personal in ("王小明", "1234", "5678"):
        assert personal not in done.stdout


def test_every_record_is_shown_if_wanted(folder: Path) -> None:
    done = command(folder, *FILE, "--all")
    assert done.stdout.count("becomes") == 53


def test_a_typo_is_found_in_none_and_the_nearest_path_is_named(folder: Path) -> None:
    (folder / "c.yaml").write_text(TYPO, encoding="utf-8")
    done = command(folder, *FILE, "--newest", "53", "--json")
    [typo] = [each for each in data(done)["references"] if each["reference"] == "$.buyer.moblie"]
    assert (typo["found"], typo["of"], typo["nearest"]) == (0, 51, "$.buyer.mobile")
    assert (typo["line"], typo["column"]) == (12, 44)
    text = command(folder, *FILE).stdout
    assert "0 of 51  $.buyer.moblie  orders  c.yaml:12:44  did you mean $.buyer.mobile?" in text


def test_one_record_from_standard_input(folder: Path) -> None:
    record = json.dumps(PAID, indent=2).encode()
    done = subprocess.run(
        [sys.executable, "-m", "connector", "preview", "-c", "c.yaml", "--file", "-", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        input=record,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["source"] == "1 record of standard input"
    assert document["records"][0]["becomes"][0]["item"]["eventKey"] == "c_buy"


def test_only_what_would_change_is_shown_against_an_older_config(folder: Path) -> None:
    (folder / "new.yaml").write_text(CONFIG.replace("multiply: 0.01", "multiply: 0.1"), encoding="utf-8")
    new = ("preview", "-c", "new.yaml", "--file", "r.jsonl", "--against")
    done = command(folder, *new, "c.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "50 records:\n  orders → purchases: eventargs.c_price\n" in done.stdout
    assert "53 records: 50 would change, 3 would not" in done.stdout
    assert "identity_missing" not in done.stdout
    assert data(command(folder, *new, "c.yaml", "--json"))["counts"] == {"records": 53, "changed": 50, "unchanged": 3}
    same = command(folder, *new, "new.yaml")
    assert "53 records: 0 would change, 53 would not" in same.stdout


def test_what_was_seen_becomes_a_test_that_passes(folder: Path) -> None:
    done = command(folder, *FILE, "--save", "seen.yaml")
    assert done.returncode == 0
    assert "line 53 is not saved: it can't be decoded" in done.stderr
    assert "seen.yaml: written, with 3 of the outcomes that were seen: review it" in done.stderr
    saved = (folder / "seen.yaml").read_text(encoding="utf-8")
    assert "王小明" not in saved
    assert "1234" not in saved
    tested = command(folder, "test", "seen.yaml")
    assert tested.returncode == 0, tested.stdout
    assert "3 passed" in tested.stdout
    again = command(folder, *FILE, "--save", "seen.yaml")
    assert (again.returncode, again.stdout) == (2, "")
    assert "seen.yaml exists, and is not overwritten" in again.stderr
    assert (folder / "seen.yaml").read_text(encoding="utf-8") == saved


def test_personal_data_is_shown_only_after_a_yes(folder: Path) -> None:
    refused = command(folder, *FILE, "--unmask")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "add --yes" in refused.stderr
    shown = command(folder, *FILE, "--unmask", "--yes", "--json")
    assert data(shown)["records"][0]["record"]["value"]["name"] == "王小明"
    assert command(folder, *FILE, "--yes").returncode == 2


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_on_a_terminal_unmask_asks(folder: Path, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "connector", *FILE, "--unmask"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    output, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == code
    assert ("王小明".encode() in output) == (code == 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--newest", "0"), "greater than or equal to 1"),
        (("--oldest", "-1"), "greater than or equal to 1"),
        (("--newest", "10001"), "less than or equal to 10000"),
        (("--newest", "1", "--oldest", "1"), "excludes --newest"),
        (("--file", "none.jsonl"), "--file: can't read none.jsonl: no such file or directory"),
        (("--file", "."), "--file: can't read .: is a directory"),
        (("--topic", "shop.order"), "no route of c.yaml reads 'shop.order', did you mean 'shop.orders'?"),
        (("--topic", "^shop"), "'^shop' is a pattern: name one of the topics that it matches"),
        (("--save", "none/seen.yaml"), "--save: there is no directory none"),
        (("--against", "none.yaml"), "none.yaml:1:1: can't read the file: no such file or directory"),
    ],
)
def test_wrong_usage_is_told_in_a_line(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = command(folder, *FILE, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_the_errors_of_a_config_are_those_of_check(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG.replace("as: phone", "as: fone"), encoding="utf-8")
    done = command(folder, *FILE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "c.yaml:12:64: routes[0].identity[0].value.as: 'fone': no such conversion" in done.stderr


def test_a_binary_file_and_an_empty_one_are_told_apart(folder: Path) -> None:
    (folder / "r.jsonl").write_bytes(bytes(range(256)) * 100)
    binary = command(folder, *FILE)
    assert (binary.returncode, binary.stdout) == (2, "")
    assert "is not text: expected JSON lines" in binary.stderr
    (folder / "r.jsonl").write_bytes(b"")
    empty = command(folder, *FILE)
    assert (empty.returncode, empty.stdout) == (0, "")
    assert empty.stderr == "r.jsonl is empty: there is no record to preview\n"
    document = data(command(folder, *FILE, "--json"))
    assert (document["records"], document["counts"]["records"]) == ([], 0)
    assert len(document["references"]) == 5


def test_topics_of_a_pattern_must_be_named(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG.replace("[shop.orders]", "['^shop[.].*']"), encoding="utf-8")
    unnamed = command(folder, *FILE)
    assert unnamed.returncode == 2
    assert "--topic: r.jsonl: line 1: it does not say its topic" in unnamed.stderr
    assert data(command(folder, *FILE, "--topic", "shop.any", "--json"))["counts"]["mapped"] == 50
    from_kafka = command(folder, "preview", "-c", "c.yaml", BROKERS="127.0.0.1:1")
    assert from_kafka.returncode == 2
    assert "--topic: name the topic: c.yaml reads ^shop[.].*" in from_kafka.stderr


def test_a_broker_that_is_away_is_an_error_and_needs_no_secret(folder: Path) -> None:
    done = command(folder, "preview", "-c", "c.yaml", BROKERS="127.0.0.1:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "check kafka.bootstrap_servers" in done.stderr
    assert "onnection refused" in done.stderr
    unset = command(folder, "preview", "-c", "c.yaml")
    assert unset.returncode == 2
    assert "the environment variable BROKERS is not set" in unset.stderr
    assert "TUZHAN_APP_ID" not in unset.stderr
