"""Numbers with their nouns."""

from __future__ import annotations

from connector.core.wording import counted, duration


def test_only_one_is_singular() -> None:
    assert [counted(number, "try", "tries") for number in (0, 1, 2000)] == ["0 tries", "1 try", "2,000 tries"]
    assert [counted(number, "item") for number in (1, 2)] == ["1 item", "2 items"]


def test_times_are_told_in_their_largest_unit() -> None:
    told = [duration(seconds) for seconds in (-1, 0.4, 59, 60, 7_199, 86_400 * 3)]
    assert told == ["0 s", "0 s", "59 s", "1 min", "1 h", "3 d"]
