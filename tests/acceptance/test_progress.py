"""Progress of long work on a real terminal (a pty): how far it is, and nothing of it is left at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from connector.demo.embedded_kafka import EmbeddedKafka
from tests.support.screen import HIDE_CURSOR, Screen, lines_left
from tests.unit.workbench.preview.configs import CONFIG, PAID

if TYPE_CHECKING:
    from pathlib import Path

SHORT = (
    "import connector.runtime.progress as p; p.BEGIN_S = 0; p.FRAME_S = 0.01; "
    "import connector.core.time_left as t; t._SURE_S = 0.01"
)
AT_ONCE = f"{SHORT}; from connector.cli import main; main()"
"""The command line, which shows progress and the time left at once instead of a second later, a hundred times a second:
on a fast machine the work takes no second."""
PREVIEW = ("preview", "-c", "c.yaml", "--file", "r.jsonl", "--newest", "10000")
PLAIN = {"NO_COLOR": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user with a config, and a file of more records than a preview takes."""
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "r.jsonl").write_text(f"{json.dumps(PAID)}\n" * 12_000, encoding="utf-8")
    return tmp_path


def screen(folder: Path, *arguments: str, environ: dict[str, str] | None = None, **streams: int) -> Screen:
    return Screen(folder, ("-c", AT_ONCE, *arguments), PLAIN | (environ or {}), **streams)


def test_a_preview_shows_how_far_it_is_and_then_only_what_was_asked_for(folder: Path) -> None:
    shown = screen(folder, *PREVIEW, "--against", "c.yaml")
    try:
        shown.until(r"mapping .*[1-9][\d,]* of 10,000 records")
        shown.until(r"mapping as before .* of 10,000 records; \d+ s left")
        assert shown.wait() == 0
        left = [line.strip() for line in lines_left(shown.text) if line.strip()]
        assert left[-2:] == [
            "the last 10,000 records of r.jsonl, as c.yaml maps them, against c.yaml",
            "10,000 records: 0 would change, 10,000 would not",
        ]
        assert HIDE_CURSOR not in shown.text
    finally:
        shown.close()


def test_ctrl_c_ends_a_preview_with_1_and_leaves_the_terminal_as_it_was(folder: Path) -> None:
    shown = screen(folder, *PREVIEW, "--against", "c.yaml")
    try:
        before = shown.modes()
        shown.until("mapping .* of 10,000 records")
        assert shown.interrupt() == 1
        assert "Traceback" not in shown.text
        assert HIDE_CURSOR not in shown.text
        assert not any("mapping" in line for line in lines_left(shown.text))
        assert shown.modes() == before
    finally:
        shown.close()


def test_a_narrow_terminal_has_no_line_that_is_longer_than_it(folder: Path) -> None:
    shown = screen(folder, *PREVIEW, environ={"COLUMNS": "30"})
    try:
        shown.until("mapping .* of 10,000")
        assert all(len(line.rstrip()) <= 30 for line in lines_left(shown.text))
    finally:
        shown.close()


@pytest.mark.parametrize(
    ("more", "environ"), [(("--json",), {}), ((), {"TERM": "dumb"})], ids=["json", "dumb terminal"]
)
def test_there_is_none_where_it_would_be_in_the_way(
    folder: Path, more: tuple[str, ...], environ: dict[str, str]
) -> None:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a file descriptor is wanted
        shown = screen(folder, *PREVIEW, *more, environ=environ, stdout=nowhere.fileno())
        try:
            assert shown.wait() == 0
            assert shown.text == ""
        finally:
            shown.close()


def test_a_pipe_gets_none(folder: Path) -> None:
    command = [sys.executable, "-c", AT_ONCE, *PREVIEW]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the last 10,000 records")


def test_produce_shows_how_far_it_is_and_ctrl_c_tells_what_went_into_the_topic(folder: Path) -> None:
    kafka = EmbeddedKafka.start("t")
    arguments = ("produce", "--topic", "t", "--bootstrap-servers", kafka.bootstrap_servers)
    read, write = os.pipe()
    shown = screen(folder, *arguments, stdin=read)
    try:
        os.close(read)
        os.write(write, b'{"a": 1}\n' * 1000)
        shown.until(r"producing .*1,000 records")
        os.write(write, b'{"a": 1}\n' * 1000)
        shown.until(r"producing .*2,000 records; [\d,]+/s")
        assert shown.interrupt() == 1
        assert any("interrupted: 2,000 records went into the topic before" in line for line in lines_left(shown.text))
        assert HIDE_CURSOR not in shown.text
    finally:
        os.close(write)
        shown.close()


def test_a_file_is_produced_with_its_size_known(folder: Path) -> None:
    kafka = EmbeddedKafka.start("t")
    shown = screen(
        folder, "produce", "--topic", "t", "--file", "r.jsonl", "--bootstrap-servers", kafka.bootstrap_servers
    )
    try:
        shown.until("producing .* of 12,000 records.*12,000 records produced: t")
        assert shown.wait() == 0
    finally:
        shown.close()


def test_records_are_typed_into_a_terminal_that_nothing_else_writes_to(folder: Path) -> None:
    kafka = EmbeddedKafka.start("t")
    shown = screen(folder, "produce", "--topic", "t", "--bootstrap-servers", kafka.bootstrap_servers)
    try:
        shown.until("one per line as JSON; Ctrl-D ends")
        shown.type(b'{"a": 1}\n')
        time.sleep(1)  # in which bars would have been drawn
        shown.type(b"\x03")
        shown.until("1 record produced")
        assert "producing" not in shown.text
        assert shown.wait() == 0
    finally:
        shown.close()


def test_the_demo_shows_how_far_it_is_and_ctrl_c_ends_it_with_1(tmp_path: Path) -> None:
    shown = screen(tmp_path, "demo", "--records", "100000")
    try:
        shown.until(r"sent .* of 100,000 orders; .* left settled .* of 100,000 orders")
        assert shown.interrupt() == 1
        assert "Traceback" not in shown.text
        assert HIDE_CURSOR not in shown.text
        assert not any("of 100,000" in line for line in lines_left(shown.text))
    finally:
        shown.close()
