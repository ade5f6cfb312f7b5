"""Which letters the filters let pass, and what can't be a filter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.errors import UsageError
from connector.core.record import Failure
from connector.dead_letters.selection import Filters, parse_filters, since_ms
from tests.unit.dead_letters.letters import RECORD, letter

NOW = datetime(2024, 1, 31, 12, 0, 0, tzinfo=UTC)


def test_without_filters_every_letter_matches() -> None:
    assert Filters().match(letter())


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(routes=["orders"]), True),
        (Filters(routes=["refunds", "orders"]), True),
        (Filters(routes=["refunds"]), False),
        (Filters(reasons=["refused"]), True),
        (Filters(reasons=["too_large"]), False),
        (Filters(topics=["shop.orders"]), True),
        (Filters(topics=["letters"]), False),
        (Filters(since_ms=1_700_000_000_000), True),
        (Filters(since_ms=1_700_000_000_001), False),
        (Filters(routes=["orders"], reasons=["too_large"]), False),
    ],
)
def test_each_filter_must_match(filters: Filters, expected: bool) -> None:  # noqa: FBT001 - a table
    assert filters.match(letter()) is expected


def test_an_empty_route_selects_what_could_not_be_decoded() -> None:
    assert Filters(routes=[""]).match(letter(route="", failure=Failure("decode_failed")))
    assert not Filters(routes=[""]).match(letter())


def test_a_letter_without_a_timestamp_is_not_too_old() -> None:
    assert Filters(since_ms=1).match(letter(produced_ms=None, record=RECORD))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", datetime(2024, 1, 31, 11, 58, 30, tzinfo=UTC)),
        ("30m", datetime(2024, 1, 31, 11, 30, tzinfo=UTC)),
        ("2h", datetime(2024, 1, 31, 10, tzinfo=UTC)),
        ("7d", datetime(2024, 1, 24, 12, tzinfo=UTC)),
        ("2024-01-31T08:00:00Z", datetime(2024, 1, 31, 8, tzinfo=UTC)),
        ("2024-01-31T08:00:00+08:00", datetime(2024, 1, 31, 0, tzinfo=UTC)),
        ("2024-01-31 08:00", datetime(2024, 1, 31, 0, tzinfo=UTC)),
        ("2024-01-31", datetime(2024, 1, 30, 16, tzinfo=UTC)),
        ("1960-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_span_until_now_or_iso_8601(text: str, expected: datetime) -> None:
    assert since_ms(text, NOW) == expected.timestamp() * 1000


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-2h", "yesterday", "2024-13-01", "999999d"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match=r"--since: expected 30m, 2h, 7d or a time"):
        since_ms(text, NOW)


def test_a_misspelt_reason_is_refused_with_the_closest_one_and_all_reasons() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'refused'\? The reasons are decode_failed, .*requested"):
        parse_filters([], ["refuesd"], [], None, NOW)


def test_filters_are_read_from_the_options() -> None:
    assert parse_filters(["a"], ["refused"], ["t"], "2h", NOW) == Filters(["a"], ["refused"], ["t"], 1_706_695_200_000)
