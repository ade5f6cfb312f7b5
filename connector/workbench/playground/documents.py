"""The records of the page: JSON documents one after another, each over as many lines as it likes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.config.source_text import Position, SourceText
from connector.language.message import Message, message
from connector.workbench.preview.lines import RecordError, given_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.workbench.preview.given import Given

MOST_RECORDS: Final = 50
_BLANK: Final = re.compile(r"\s*")
_NEXT: Final = re.compile(r"[\r\n]+(?=[{\[])")
"""Where a document may begin after one that is broken: at an opening bracket that is not indented."""
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A place that is no JSON, or no record."""

    position: Position
    message: Message


def read_documents(text: str, topic: str | None) -> tuple[list[Given], list[BadRecord], bool]:
    """Return the records of a text, what is wrong with it, and whether there are more than `MOST_RECORDS`.

    What is no JSON is a record all the same, for the decoder to judge, as a line of a file is.
    """
    source = SourceText(text)
    givens: list[Given] = []
    wrong: list[BadRecord] = []
    for start, end, error in _documents(text):
        if len(givens) + len(wrong) >= MOST_RECORDS:
            return givens, wrong, True
        if error is not None:
            told = message("not JSON: {why}", why=error.msg[:1].lower() + error.msg[1:])
            wrong.append(BadRecord(source.position(error.pos), told))
        try:
            givens.append(given_of(text[start:end].encode(errors="replace"), source.position(start).line, topic))
        except RecordError as bad:
            wrong.append(BadRecord(source.position(start), bad.message))
    return givens, wrong, False


def _documents(text: str) -> Iterator[tuple[int, int, json.JSONDecodeError | None]]:
    """Yield where each document begins and ends, and why it is none."""
    at = _after_blanks(text, 0)
    while at < len(text):
        end, error = _decoded(text, at)
        if error is not None:
            found = _NEXT.search(text, at)
            end = len(text) if found is None else found.start()
        yield at, at + len(text[at:end].rstrip()), error
        at = _after_blanks(text, end)


def _decoded(text: str, at: int) -> tuple[int, json.JSONDecodeError | None]:
    """Return where the document that begins there ends, or why it is none."""
    try:
        return _DECODER.raw_decode(text, at)[1], None
    except json.JSONDecodeError as error:
        return at, error
    except RecursionError:
        return at, json.JSONDecodeError("nested too deeply", text, at)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()
