"""Progress on a stream that is no terminal; on a terminal: `tests/acceptance/test_progress.py`."""

from __future__ import annotations

import io
import sys

import pytest

from connector.language.message import message
from connector.runtime import progress as module
from connector.runtime.progress import Progress, Shown, letters
from tests.kafka.waiting import until


def piped(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Make standard error a pipe, and a line due every hundredth of a second."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(module, "LINE_S", 0.01)
    monkeypatch.setenv("TUZHAN_LANG", "en")
    return stream


def test_a_log_has_a_line_when_something_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr, done = piped(monkeypatch), 1200
    with Progress(Shown.LINES) as progress, progress.step(message("replaying"), letters, lambda: (done, 5000)):
        until(stderr.getvalue, "the first line")
        progress.note("a note")
        done = 5000
        until(lambda: "5,000 of 5,000" in stderr.getvalue(), "the second line")
    assert stderr.getvalue().splitlines() == [
        "replaying: 1,200 of 5,000 letters",
        "a note",
        "replaying: 5,000 of 5,000 letters",
    ]


def test_it_is_told_in_the_language_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = piped(monkeypatch)
    monkeypatch.setenv("TUZHAN_LANG", "zh")
    with Progress(Shown.LINES) as progress, progress.step(message("replaying"), letters, lambda: (1200, 5000)):
        until(stderr.getvalue, "the first line")
    assert stderr.getvalue() == "重放: 1,200 / 共 5,000 条死信\n"


def test_nothing_is_told_if_nothing_is_to_be_shown_but_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = piped(monkeypatch)
    with Progress(Shown.NOTHING) as progress:
        assert list(progress.over([1, 2], "mapping")) == [1, 2]
        progress.write(b"a line of the log\n")
    assert stderr.getvalue() == "a line of the log\n"


@pytest.mark.parametrize(("as_json", "shown"), [(True, Shown.NOTHING), (False, Shown.LINES)])
def test_elsewhere_than_on_a_terminal_it_is_as_the_command_says(
    as_json: bool,  # noqa: FBT001 - a table
    shown: Shown,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    piped(monkeypatch)
    assert Shown.on_stderr(as_json=as_json, elsewhere=Shown.LINES) is shown


def test_a_stream_that_is_closed_ends_the_lines_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr, done = piped(monkeypatch), 0
    with Progress(Shown.LINES) as progress, progress.step(message("replaying"), letters, lambda: (done, 2)):
        until(stderr.getvalue, "the first line")
        stderr.close()
        done = 1
        until(lambda: not progress.is_drawing, "the end of the lines")
