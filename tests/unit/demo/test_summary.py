"""The summary finds every number that does not agree."""

from __future__ import annotations

import inspect
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from connector import cli
from connector.demo import process
from connector.demo.summary import Expected, Result, read_store, render

RECORDS = {"consumed": 5, "delivered": 3, "skipped": 1, "dead_lettered": 1, "released": 0, "in_flight": 0}
STATS = {
    "stored": 3,
    "repeated": 0,
    "out_of_order": 0,
    "requests": 2,
    "refused": 1,
    "tokens": {"requests": 2, "refused": 0},
}
GOOD = Result(
    expected=Expected({"a", "b", "c"}, skipped=1, dead_lettered=1, sample=("a", '{"name":"张伟"}'.encode())),
    records=RECORDS,
    stored=frozenset("abc"),
    after='{"eventargs":{"c_goods":"龙井茶"}}'.encode(),
    stats=STATS,
    dead_letters=[{"dl-reason": "refused"}],
    exit_code=0,
    seconds=1.5,
)


def test_numbers_that_agree_have_no_disagreements() -> None:
    assert GOOD.disagreements() == []


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (replace(GOOD, records={**RECORDS, "consumed": 6}), "the law of conservation does not hold"),
        (replace(GOOD, records={**RECORDS, "delivered": 2, "in_flight": 1}), "delivered: 2, expected 3"),
        (replace(GOOD, records={**RECORDS, "consumed": 6, "in_flight": 1}), "in_flight: 1, expected 0"),
        (replace(GOOD, stored=frozenset("ac")), "orders that the platform misses: 1, for example b"),
        (replace(GOOD, stored=frozenset("abcd")), "orders that the platform should not have: 1"),
        (replace(GOOD, dead_letters=[]), "records in the dead-letter topic: 0"),
        (replace(GOOD, exit_code=1), "the connector ended with exit code 1"),
    ],
)
def test_each_number_that_does_not_agree_is_reported(result: Result, sentence: str) -> None:
    assert sentence in result.disagreements()


def test_records_that_were_released_and_read_again_are_no_disagreement() -> None:
    assert replace(GOOD, records={**RECORDS, "consumed": 9, "released": 4}).disagreements() == []


def test_the_summary_shows_the_counts_and_one_record_before_and_after() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(render(GOOD))
    for words in ("consumed", "dead-lettered", "张伟", "龙井茶", "came twice", "All numbers agree."):
        assert words in out.getvalue()


def test_the_store_is_read_as_order_ids_and_the_event_of_the_sample() -> None:
    bodies = [b'{"eventargs":{"c_order":"a"}}', b'{"eventargs":{"c_order":"b"}}', b'{"eventargs":{"c_order":"a"}}']
    assert read_store(bodies, ("b", b"")) == (frozenset("ab"), bodies[1])
    assert read_store([], ("b", b"")) == (frozenset(), b"{}")


def test_the_readable_copy_of_the_demos_config_is_the_one_that_runs() -> None:
    readable = Path(process.CONFIG).parents[2] / "config" / "demo.yaml"
    assert readable.read_bytes() == process.CONFIG.read_bytes()


def test_the_demos_config_works_with_a_sandbox_without_options() -> None:
    defaults = {name: parameter.default for name, parameter in inspect.signature(cli.sandbox).parameters.items()}
    text = process.CONFIG.read_text(encoding="utf-8")
    assert f"${{TUZHAN_APP_ID:-{defaults['app_id']}}}" in text
    assert f"${{TUZHAN_APP_SECRET:-{defaults['app_secret']}}}" in text
    assert f"http://{defaults['listen']}/api/open" in text
