"""docs/mapping.md is made from the tables of the language; their examples are tested in tests/unit/mapping."""

from __future__ import annotations

from pathlib import Path

from connector.config.reference import page

PAGE = Path(__file__).parents[3] / "docs" / "mapping.md"


def test_the_page_is_what_the_tables_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m connector.config.reference > docs/mapping.md"
