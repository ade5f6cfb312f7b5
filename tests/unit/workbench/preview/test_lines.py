"""Records out of files and from standard input."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import UsageError
from connector.workbench.preview import lines
from connector.workbench.preview.lines import MOST_RECORDS, read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from connector.workbench.preview.given import Given, Read


def read(
    folder: Path, content: bytes, count: int | None = None, *, oldest: bool = False, topic: str | None = "t"
) -> Read:
    file = folder / "records.jsonl"
    file.write_bytes(content)
    return read_lines(str(file), topic, count, oldest=oldest)


def one(folder: Path, content: bytes) -> Given:
    (given,) = read(folder, content).givens
    return given


def test_a_line_is_a_value(tmp_path: Path) -> None:
    found = read(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n\n[2]\n"x"\nnull\n12345678901234567890123')
    assert [(each.line, each.decoded) for each in found.givens] == [
        (1, {"a": 1}),
        (3, [2]),
        (4, "x"),
        (5, None),
        (6, 12345678901234567890123),
    ]
    assert {each.record.topic for each in found.givens} == {"t"}
    assert [each.is_tombstone for each in found.givens] == [False, False, False, True, False]
    assert found.givens[0].place == "line 1"


def test_a_line_with_a_topic_and_a_value_is_a_record_as_tests_have_it(tmp_path: Path) -> None:
    given = one(
        tmp_path,
        b'{"topic": "u", "value": {"a": 1}, "key": 7, "headers": {"h": "x"}, "partition": 3, "offset": 9,'
        b' "timestamp": "2024-01-31T08:00:00+08:00"}',
    )
    assert (given.is_decoded, given.decoded) == (True, {"a": 1})
    record = given.record
    assert (record.topic, record.key, record.headers) == ("u", b"7", (("h", b"x"),))
    assert (record.partition, record.offset, record.timestamp_ms) == (3, 9, 1706659200000)
    text = one(tmp_path, b'{"topic": "u", "value_text": "[1"}')
    assert (text.is_decoded, text.record.value) == (False, b"[1")


def test_what_kcat_prints_is_a_record(tmp_path: Path) -> None:
    given = one(
        tmp_path,
        b'{"topic":"u","partition":3,"offset":9,"tstype":"create","ts":1600000000000,"broker":0,'
        b'"headers":["a","b","c",null],"key":"k","payload":"{\\"a\\":1}"}',
    )
    record = given.record
    assert (record.value, record.headers, record.timestamp_ms) == (
        b'{"a":1}',
        (("a", b"b"), ("c", None)),
        1600000000000,
    )
    assert one(tmp_path, b'{"topic":"u","ts":1,"key":null,"payload":null}').is_tombstone


def test_an_object_without_both_is_a_value(tmp_path: Path) -> None:
    for content in (b'{"topic": "u"}', b'{"value": 1, "key": "k"}', b'{"topic": "u", "values": 1}'):
        assert one(tmp_path, content).record.topic == "t"


def test_one_document_over_several_lines_is_one_record(tmp_path: Path) -> None:
    assert one(tmp_path, b'{\n  "a": [\n    1\n  ]\n}\n').decoded == {"a": [1]}
    found = read(tmp_path, b"[\n1,\n2]")
    assert [each.decoded for each in found.givens] == [[1, 2]]
    assert "jq -c '.[]'" in found.notes[0]


def test_a_line_that_is_no_json_goes_through_the_decoder(tmp_path: Path) -> None:
    found = read(tmp_path, b'{"a": 1}\n{broken\n\xc4\xe3')
    assert [(each.is_decoded, each.record.value) for each in found.givens[1:]] == [
        (False, b"{broken"),
        (False, b"\xc4\xe3"),
    ]
    assert [each.record.value for each in read(tmp_path, b"{broken\n{}").givens] == [b"{broken", None]


@pytest.mark.parametrize(
    ("count", "oldest", "numbers", "description"),
    [
        (2, True, [1, 2], "the first 2 records"),
        (2, False, [3, 4], "the last 2 records"),
        (9, False, [1, 2, 3, 4], "4 records"),
        (None, False, [1, 2, 3, 4], "4 records"),
    ],
)
def test_the_first_or_the_last_lines_are_chosen(
    tmp_path: Path,
    count: int | None,
    oldest: bool,  # noqa: FBT001 - a parameter of the test
    numbers: list[int],
    description: str,
) -> None:
    found = read(tmp_path, b"1\n2\n3\n4\n", count, oldest=oldest)
    assert [each.line for each in found.givens] == numbers
    assert found.description == f"{description} of {tmp_path / 'records.jsonl'}"


def test_a_long_file_is_read_in_part_which_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, b"1\n" * (MOST_RECORDS + 1))
    assert len(found.givens) == MOST_RECORDS
    assert "more than 10,000 records" in found.notes[0]
    assert found.description.startswith("the first 10,000 records")


def test_no_more_is_kept_in_memory_than_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MOST_BYTES", 1000)
    content = b"\n".join(b'"%s"' % (b"x" * 98) for _ in range(20))
    with pytest.raises(UsageError, match=r"11 of its records have more than .*: choose fewer by --newest or --oldest"):
        read(tmp_path, content)
    assert len(read(tmp_path, content, 10).givens) == 10
    assert len(read(tmp_path, content, 10, oldest=True).givens) == 10


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    found = read(tmp_path, b"\n \n")
    assert not found.givens
    assert "is empty" in found.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b\x08\x00\x00", "line 1 is not text: expected JSON lines"),
        ('{"a": 1}'.encode("utf-16"), "it is UTF-16"),
        (b'{}\n{"topic": "u", "value": 1, "ofset": 1}', "line 2: .*ofset: unknown key, did you mean 'offset'"),
        (b'{"topic": "u", "value": 1, "partition": "x"}', "line 1: .*partition: "),
        (b'{"topic": "u", "value_file": "x"}', "value_file: only in a file of tests"),
        (b"1" * ((16 << 20) + 1), "line 1 is larger than 16 MiB"),
    ],
)
def test_what_can_not_be_records_is_an_error_that_names_the_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, content)


def test_a_file_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read .*none.jsonl: no such file or directory"):
        read_lines(str(tmp_path / "none.jsonl"), "t", None, oldest=False)
    with pytest.raises(UsageError, match="is a directory"):
        read_lines(str(tmp_path), "t", None, oldest=False)
    with pytest.raises(UsageError, match="not a path"):
        read_lines("a\0b", "t", None, oldest=False)


def test_a_value_without_a_topic_needs_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--topic: .*line 2: it does not say its topic"):
        read(tmp_path, b'{"topic": "u", "value": 1}\n{"a": 1}', topic=None)


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}')))
    found = read_lines("-", "t", None, oldest=False)
    assert [each.decoded for each in found.givens] == [{"a": 1}]
    assert found.description == "1 record of standard input"


def test_a_record_without_a_timestamp_is_of_now(tmp_path: Path) -> None:
    before = time.time_ns() // 1_000_000
    found = read(tmp_path, b'{"a": 1}\n{"topic": "u", "value": 1}\n{"topic": "u", "value": 1, "timestamp": null}')
    now, described, none = (each.record.timestamp_ms for each in found.givens)
    assert now is not None
    assert described is not None
    assert before <= now <= described <= time.time_ns() // 1_000_000
    assert none is None
