"""`tuzhan-connector init` on files, as a subprocess: what is written, what goes where, and with which exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_cli_check import command

if TYPE_CHECKING:
    from pathlib import Path

ORDER = (
    '{"order_id": "SO1", "status": "PAID", "amount_fen": 142000, "paid_at": "2024-06-01 12:30:00",'
    ' "buyer": {"mobile": "13812345678"}}'
)
RECORDS = f"{ORDER}\n{ORDER.replace('PAID', 'REFUNDED')}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.orders.jsonl").write_text(RECORDS, encoding="utf-8")
    return tmp_path


def test_from_a_file_to_a_config_that_is_checked_tested_and_previewed_by_the_commands_it_names(folder: Path) -> None:
    done = command(folder, "init", "--file", "shop.orders.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    commands = [
        line.split("#")[0].split()[1:] for line in done.stdout.splitlines() if line.startswith("  tuzhan-connector")
    ]
    assert [each[0] for each in commands] == ["check", "test", "preview"]
    for arguments in commands:
        run = command(folder, *arguments, TUZHAN_APP_ID="a", TUZHAN_APP_SECRET="s")  # noqa: S106
        assert run.returncode == 0, run.stderr
        told = run.stderr.splitlines()
        assert all("c_todo… stands for an event that is still to be named [suspicious]" in line for line in told)
    assert "2 records: 2 mapped, 0 skipped, 0 dead-lettered" in run.stdout


def test_check_complains_of_nothing_but_the_marked_places(folder: Path) -> None:
    command(folder, "init", "--file", "shop.orders.jsonl")
    checked = json.loads(command(folder, "check", "-c", "connector.yaml", "--json").stdout)
    lines = (folder / "connector.yaml").read_text(encoding="utf-8").splitlines()
    assert [each["path"] for each in checked["problems"]] == [
        "platform.auth.app_id",
        "platform.auth.app_secret",
        "routes[0].event_key.map",
    ]
    places = [" ".join(lines[each["line"] - 2 : each["line"]]) for each in checked["problems"]]  # or in the line above
    assert all("TODO(you):" in place for place in places)


def test_no_value_of_a_record_is_written_or_printed(folder: Path) -> None:
    done = command(folder, "init", "--file", "shop.orders.jsonl", "--json")
    assert "138123" not in done.stdout + done.stderr
    assert "SO1" not in done.stdout + done.stderr


def test_files_are_not_overwritten_without_force(folder: Path) -> None:
    (folder / "connector.yaml").write_text("mine", encoding="utf-8")
    done = command(folder, "init", "--file", "shop.orders.jsonl")
    assert done.returncode == 2
    expected = "tuzhan-connector: --output: connector.yaml exists: --force replaces it, --output names another\n"
    assert done.stderr == expected
    assert (folder / "connector.yaml").read_text(encoding="utf-8") == "mine"
    assert command(folder, "init", "--file", "shop.orders.jsonl", "--force").returncode == 0
    done = command(folder, "init", "--file", "shop.orders.jsonl", "--output", "a/b.yml")
    assert done.returncode == 0
    assert (folder / "a/tests/b.yaml").exists()
    done = command(folder, "init", "--file", "shop.orders.jsonl", "--output", "a/b.yaml")
    assert "a/tests/b.yaml exists" in done.stderr
    assert not (folder / "a/b.yaml").exists()


def test_a_dash_prints_the_config_and_writes_nothing(folder: Path) -> None:
    done = command(folder, "init", "--file", "shop.orders.jsonl", "--output", "-")
    assert done.returncode == 0
    assert done.stdout.startswith("# A first config")
    assert "left to you:" in done.stderr
    assert [each.name for each in folder.iterdir()] == ["shop.orders.jsonl"]


def test_json_has_the_texts_what_was_found_and_what_is_left(folder: Path) -> None:
    done = command(folder, "init", "--file", "shop.orders.jsonl", "--json", "--output", "-", "--topic", "shop.orders")
    found = json.loads(done.stdout)
    assert (found["topic"], found["records"], found["endpoint"]) == ("shop.orders", 2, "event/v2/batchAdd")
    assert found["found"]["phone"] == ["$.buyer.mobile"]
    assert found["config"]["text"].startswith("# A first config")
    assert found["test"]["file"] is None
    assert {"line", "text"} == found["todo"][0].keys()
    assert len(found["next"]) == 3


LIST = "[" + RECORDS.strip().replace("\n", ",") + "]"
SAID = {
    "no file": (None, (), 2, "--file: can't read r.jsonl: no such file or directory"),
    "an empty file": ("", (), 2, "--file: r.jsonl is empty: expected JSON lines, a record per line"),
    "no JSON": ("a\nb\n", (), 2, "r.jsonl: of 2 records that were looked at, none is JSON: the value is not JSON"),
    "tombstones": ("null\nnull\n", (), 2, "all are tombstones (null): there is nothing to map"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), (), 2, "line 1 is not text: it is UTF-16, save the file as UTF-8"),
    "a pattern": (RECORDS, ("--topic", "^shop"), 2, "--topic: the name of one topic"),
    "another topic": ('{"topic": "a", "value": 1}', ("--topic", "b"), 2, "--topic: the file has no record of it"),
    "a property without a value": (RECORDS, ("-X", "sasl.username"), 2, "--property: expected NAME=VALUE"),
    "a name that test does not find": (RECORDS, ("-o", "tests"), 2, "--output: tests: its name must end in .yaml"),
    "brokers that are none": (RECORDS, ("--bootstrap-servers", "a b}"), 2, "--bootstrap-servers: expected host:port"),
    "a list": (LIST, (), 0, "r.jsonl is one list: each of its 2 elements was taken as a record"),
    "a line that is no JSON": (RECORDS + "oops", (), 0, "1 record passed over: the value is not JSON"),
    "several topics": ('{"topic": "a", "value": {"x": 1}}\n' * 2 + '{"topic": "b", "value": {"x": 1}}', (), 0,
                       "looked at the records of a only; there are others: b"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "arguments", "code", "said"), SAID.values(), ids=SAID.keys())
def test_of_each_input_is_said_what_it_is(
    tmp_path: Path, content: str | bytes | None, arguments: tuple[str, ...], code: int, said: str
) -> None:
    if content is not None:
        (tmp_path / "r.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
    done = command(tmp_path, "init", "--file", "r.jsonl", *arguments)
    assert said in (done.stderr if code else done.stdout)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (tmp_path / "connector.yaml").exists() is (code == 0)


def test_without_a_topic_or_a_file_it_says_what_to_give(tmp_path: Path) -> None:
    done = command(tmp_path, "init")
    assert (done.returncode, done.stderr) == (2, "tuzhan-connector: --topic: name a topic, or give records by --file\n")


def test_a_password_on_the_command_line_is_not_written(folder: Path) -> None:
    properties = ("-X", "sasl.username=me", "-X", "sasl.password=hunter2", "-X", "ssl.ca.location=/ca.pem")
    assert command(folder, "init", "--file", "shop.orders.jsonl", *properties).returncode == 0
    text = (folder / "connector.yaml").read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "sasl.password: '${file:/run/secrets/sasl_password}'" in text.replace('"', "'")
    assert "/ca.pem" in text


def test_a_broker_that_is_away_is_said_within_the_time_of_a_request(tmp_path: Path) -> None:
    done = command(tmp_path, "init", "--topic", "orders", "--bootstrap-servers", "127.0.0.1:1")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
