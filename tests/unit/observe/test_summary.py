"""The live summary of `run`: what it says of a snapshot, whatever the width."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from connector.language.message import message, verbatim
from connector.observe.history import CatchUp
from connector.observe.snapshot import Reason, Status
from connector.observe.summary import summary
from connector.observe.terminal import Terminal
from tests.unit.observe.examples import PARTITIONS, TARGETS, status

NOW = 1_700_000_300.5


def console(width: int = 120, *, is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, height=40, highlight=False, force_terminal=is_terminal, markup=False), out


def drawn(one: Status, width: int = 120, catch_up: CatchUp | None = None) -> str:
    target, out = console(width)
    target.print(summary(one, (1200.4, 1100.0), catch_up or CatchUp("unknown"), NOW))
    return out.getvalue()


def test_it_says_why_it_is_not_ready_since_when_and_what_to_do() -> None:
    text = drawn(status())
    assert text.startswith("NOT READY  config/connector.yaml, running, up 12 s")
    assert "target_held tags, for 3 min: grant it" in text


def test_it_counts_every_record_and_names_the_speed() -> None:
    text = drawn(status())
    assert "consumed 107, delivered 57, skipped 20, dead-lettered 5, released 10, in-flight 15" in text
    assert "1,200 records/s consumed, 1,100/s settled" in text
    assert "dead letters: decode_failed 1, identity_missing 3, refused 1. Look at them: dead-letters list" in text


def test_a_target_that_is_not_up_comes_first_with_its_last_reply_and_next_try() -> None:
    lines = [line for line in drawn(status()).splitlines() if line.startswith("target")]
    assert lines[0].startswith(
        "target   tags held  0 of 11 requests under way, 1 queued, next try in 1 s; last reply: 403"
    )
    assert lines[1].startswith("target   purchases up  2 of 8 requests under way, 30 queued")


@pytest.mark.parametrize(
    ("catch_up", "told"),
    [
        (CatchUp("unknown"), "lag 15 in 1 partition\n"),
        (CatchUp("caught_up"), "lag 15 in 1 partition, caught up\n"),
        (CatchUp("behind"), "lag 15 in 1 partition, not getting less\n"),
        (CatchUp("catching_up", 250.0), "lag 15 in 1 partition, caught up in 4 min\n"),
    ],
)
def test_it_says_how_long_it_takes_to_catch_up(catch_up: CatchUp, told: str) -> None:
    assert told in drawn(status(partitions=PARTITIONS[:1]), catch_up=catch_up)


def test_a_lag_that_is_not_known_and_no_partition_are_told_as_that() -> None:
    assert "2 partitions, lag not known yet" in drawn(status())
    assert "no partition assigned" in drawn(status(partitions=()))


def test_many_targets_and_reasons_are_cut_and_counted() -> None:
    targets = tuple(replace(TARGETS[0], name=f"t{number}") for number in range(100))
    reasons = tuple(Reason("target_down", f"t{number}", NOW, verbatim("look")) for number in range(100))
    text = drawn(status(targets=targets, reasons=reasons))
    assert "and 92 more targets" in text
    assert "and 96 more reasons: GET /readyz" in text


@pytest.mark.parametrize("width", [1, 20, 40, 500])
def test_no_line_is_wider_than_the_terminal_and_none_obeys_what_others_said(width: int) -> None:
    reasons = (Reason("target_down", "tags", NOW, verbatim("a\x1b[2Jb\n\u202ec " + "长" * 50)),)
    text = drawn(status(reasons=reasons), width)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) <= max(width, 3)


@pytest.mark.parametrize("width", [20, 40, 100])
def test_in_chinese_the_columns_are_those_of_wide_characters(width: int) -> None:
    target, out = console(width)
    reason = Reason("target_held", "tags", NOW - 200, message("check base_url"))
    target.print(summary(status(reasons=(reason,)), (1200.4, 1100.0), CatchUp("catching_up", 250.0), NOW, "zh"))
    lines = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "target_held tags，已持续 3 分钟：请检查 base_url" in out.getvalue() or width < 100
    for label in ("记录", "速度", "目标"):
        [line] = [line for line in lines if line.startswith(label)][:1]
        assert cell_len(line[: len(line) - len(line[2:].lstrip())]) == 9, "where the texts of all lines begin"


def test_in_chinese_no_english_is_left_but_codes_and_names() -> None:
    target, out = console(200)
    target.print(summary(status(), None, CatchUp("unknown"), NOW, "zh"))
    words = set(re.findall(r"[A-Za-z_./]{3,}", out.getvalue()))
    assert words <= {
        *("config/connector.yaml", "Ctrl", "target_held", "tags", "grant", "purchases", "dead", "letters", "list"),
        *("decode_failed", "identity_missing", "refused"),
    }


def test_lines_of_the_log_are_printed_above_and_after_the_end_at_once() -> None:
    target, out = console(is_terminal=True)
    terminal = Terminal(target)
    terminal.write(b"first\x1b[2J\n")
    assert "first" not in out.getvalue()
    terminal.draw(status(), NOW)
    assert 0 < out.getvalue().index("first") < out.getvalue().index("NOT READY")
    assert "first\x1b" not in out.getvalue()
    terminal.close()
    terminal.write(b"last\n")
    assert "last" in out.getvalue()


def test_a_terminal_that_is_gone_ends_the_summary_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    target, out = console(is_terminal=True)

    def fail(_text: str) -> int:
        raise OSError("gone")

    monkeypatch.setattr(out, "write", fail)
    terminal = Terminal(target)
    terminal.draw(status(), NOW)
    terminal.draw(status(), NOW + 1)
    terminal.write(b"line\n")
