"""What a replay says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from connector.core.ledger import TopicCounts
from connector.core.record import DEAD_LETTERS, Failure, Item
from connector.dead_letters.feed import Tally
from connector.dead_letters.output import Output
from connector.dead_letters.planning import Left, Plan
from connector.dead_letters.replay_report import Result, as_json, print_plan, print_result
from tests.unit.dead_letters.letters import RECORD, letter

if TYPE_CHECKING:
    from collections.abc import Sequence


def item(target: str, failure: Failure | None = None) -> Item:
    return Item(target, "orders", b"{}", b"{}", (), RECORD, failure)


@pytest.fixture
def tally() -> Tally:
    """Ten letters to send, one that is skipped, one that fails again, three that are left."""
    found = Tally(replayed_before=4, foreign=2)
    plans: Sequence[tuple[int, Plan]] = [
        (10, Plan(letter(), [item("purchases")])),
        (1, Plan(letter(route="tags"), [])),
        (1, Plan(letter(route=""), [item(DEAD_LETTERS, Failure("value_missing"))])),
        (1, Plan(letter(), left=Left.RECORD_GONE)),
        (2, Plan(letter(route="tags"), left=Left.OVERWRITES)),
    ]
    for count, plan in plans:
        for _ in range(count):
            found.add(plan)
    return found


def test_a_plan_counts_by_route_and_reason_by_target_by_failure_and_what_is_left(
    tally: Tally, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(tally, Output())
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "ROUTE   REASON   LETTERS  SEND  SKIP  FAIL  LEAVE",
        "orders  refused       11    10     0     0      1",
        "tags    refused        3     0     1     0      2",
        "-       refused        1     0     0     1      0",
        "to purchases: 10 items",
        "would fail again, value_missing: 1",
    ]
    assert printed.err.splitlines() == [
        "left 1: what the letter lacks is gone from its topic: it can't be sent",
        "left 2: may overwrite newer profiles or tags: --overwrite sends them all the same",
        "passed over 4 that were replayed before: --again sends them too",
        "2 records of the topic are no dead letters: something else writes to it",
    ]


def test_the_end_is_told(tally: Tally, capsys: pytest.CaptureFixture[str]) -> None:
    counts = TopicCounts(consumed=11, delivered=9, skipped=1, dead_lettered=1)
    print_result(tally, Result(counts, stopped=True), Output())
    print_result(tally, None, Output())
    print_result(Tally(), None, Output())
    printed = capsys.readouterr()
    assert printed.out == "replayed: 9 delivered, 1 skipped, 1 dead letter again\n"
    assert printed.err.splitlines() == [
        "stopped, with 1 of those read not finished: replay again, which goes on there",
        "a dry run: nothing was sent; --yes sends",
        "nothing to replay",
    ]


@pytest.mark.parametrize(
    ("tally", "plan", "end"),
    [
        (Tally(unread=5), ["passed over up to 5 that were replayed before: --again sends them too"], ""),
        (Tally(unread=5, replayed_before=2, looked_at=2), ["passed over up to 7 that were replayed before: "], ""),
        (Tally(replayed_before=2, looked_at=3), ["passed over 2 that were replayed before: "], ""),
        (Tally(looked_at=3), [], ": looked at 3 dead letters: none matches"),
        (Tally(), [], ""),
    ],
)
def test_why_there_is_nothing_to_replay_is_told(
    tally: Tally, plan: list[str], end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(tally, Output())
    print_result(tally, None, Output())
    *before, last = capsys.readouterr().err.splitlines()
    assert len(before) == len(plan)
    assert all(line.startswith(text) for line, text in zip(before, plan, strict=True))
    assert last == "nothing to replay" + end


def test_json_holds_the_plan_and_after_sending_the_result(tally: Tally) -> None:
    dry = json.loads(as_json(tally, None))
    assert (dry["dry_run"], dry["letters"], dry["would_send"], dry["would_fail"]) == (
        True,
        15,
        10,
        {"value_missing": 1},
    )
    assert dry["left"] == {"record_gone": 1, "overwrites": 2}
    assert "delivered" not in dry
    sent = json.loads(as_json(tally, Result(TopicCounts(delivered=10), stopped=False)))
    assert (sent["dry_run"], sent["delivered"], sent["stopped"]) == (False, 10, False)


@pytest.mark.parametrize(
    ("counts", "stopped", "left", "complete"),
    [
        (TopicCounts(delivered=5, skipped=1), False, None, True),
        (TopicCounts(delivered=5), False, Left.OVERWRITES, True),
        (TopicCounts(delivered=5), False, Left.NO_ROUTE, False),
        (TopicCounts(delivered=5), False, Left.RECORD_GONE, False),
        (TopicCounts(delivered=5), True, None, False),
        (TopicCounts(delivered=5, dead_lettered=1), False, None, False),
        (TopicCounts(delivered=5, released=1), False, None, False),
    ],
)
def test_a_replay_is_complete_if_all_that_was_meant_to_be_sent_is_delivered(
    counts: TopicCounts,
    stopped: bool,  # noqa: FBT001 - a table
    left: Left | None,
    complete: bool,  # noqa: FBT001 - a table
) -> None:
    found = Tally()
    if left is not None:
        found.add(Plan(letter(), left=left))
    assert Result(counts, stopped).complete(found) is complete
