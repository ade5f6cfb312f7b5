"""The words of a value, as one table: code, meaning, schema and examples of each stand in its module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.words import converting, elements, finding, tables

if TYPE_CHECKING:
    from connector.mapping.words.word import Word

WORDS: dict[str, Word] = {
    word.name: word for word in (*finding.SOURCES, *elements.TABLE, *finding.TABLE, *converting.TABLE, *tables.TABLE)
}
"""In the order in which the words are applied, whatever their order in the file."""

SOURCES: tuple[str, ...] = tuple(word.name for word in WORDS.values() if word.source)
