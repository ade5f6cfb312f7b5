"""`produce`: what is wrong is told before anything is sent, and needs no broker to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.workbench.preview.lines import RecordError
from connector.workbench.producing.command import message_of
from tests.acceptance.test_cli_check import command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "arguments", "told"),
    [
        ("", (), "--file: records.jsonl is empty: expected JSON lines"),
        ('{"a": 1}\n{"a": \n', (), "--file: records.jsonl: line 2:"),
        ('{"a": 1}\n{"a": \n', (), "--raw produces lines as they are"),
        (
            "{}",
            ("--topic", "^shop"),
            "--topic: the name of one topic: letters, digits, dots",
        ),
        ("{}", ("--file", "absent.jsonl"), "--file: can't read absent.jsonl: no such file or directory"),
        ("{}", ("--bootstrap-servers", "a;b"), "--bootstrap-servers: expected host:port, host:port"),
        ("{}", ("-X", "security.protocol"), "--property: expected NAME=VALUE"),
    ],
)
def test_bad_input_is_told_with_its_place(tmp_path: Path, content: str, arguments: tuple[str, ...], told: str) -> None:
    (tmp_path / "records.jsonl").write_text(content, encoding="utf-8")
    done = command(tmp_path, "produce", "--topic", "t", "--file", "records.jsonl", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_where_no_broker_listens_is_told(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text("{}", encoding="utf-8")
    arguments = ("--file", "records.jsonl", "--bootstrap-servers", "127.0.0.1:1")
    done = command(tmp_path, "produce", "--topic", "t", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "127.0.0.1:1: nothing listens there" in done.stderr


def test_a_line_that_describes_no_record_is_refused_and_its_content_is_not_shown() -> None:
    with pytest.raises(RecordError, match="record in the form of mapping tests") as refused:
        message_of(b'{"topic": "t", "value": 1, "offset": "13800000000"}', 1, "t")
    assert "13800000000" not in str(refused.value)
