"""Numbers with their nouns."""

from __future__ import annotations

from connector.core.wording import counted


def test_only_one_is_singular() -> None:
    assert [counted(number, "try", "tries") for number in (0, 1, 2000)] == ["0 tries", "1 try", "2,000 tries"]
    assert [counted(number, "item") for number in (1, 2)] == ["1 item", "2 items"]
