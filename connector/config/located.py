"""Problems at their places in the file, as lines of text.

    connector.yaml:31:7: targets.purchases.batch.max_record: unknown key, did you mean 'max_records'? [unknown_key]

A message that judges a value begins with the value as the file has it, never as a variable made it. That is done
here and nowhere else, because this is where secrets are left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.config import punctuation
from connector.config.secrets import is_secret, line_may_hold_secret
from connector.config.source_text import Position, excerpt
from connector.settings.problems import WARNINGS

if TYPE_CHECKING:
    from connector.config.source_text import SourceText
    from connector.config.yaml_source import YamlSource
    from connector.settings.problems import Code, Path, Problem

_OF_A_VALUE: Final = frozenset(
    {"wrong_type", "bad_value", "unknown_name", "bad_reference", "duplicate_name", "yaml_syntax"}
)
"""The codes whose messages begin with the value."""
_MAX_QUOTED: Final = 60
_USER_IN_URL: Final = re.compile(r"//[^/@\s]*@")


class LocatedProblem(NamedTuple):
    """A problem with its place in the file; they sort by it."""

    position: Position
    path: Path
    message: str
    code: Code
    excerpt: str = ""
    """The line of the file with a caret, for terminals; empty where there is none, or where it may show a secret."""

    @property
    def warning(self) -> bool:
        """Whether the connector starts all the same."""
        return self.code in WARNINGS

    def line(self, file: str) -> str:
        """Return the problem as one line of text."""
        where = f"{file}:{self.position.line}:{self.position.column}: "
        path = f"{path_text(self.path)}: " if self.path else ""
        return _printable(f"{where}{path}{self.message} [{self.code}]")

    def lines(self, file: str) -> str:
        """Return the problem as a line, and the excerpt of the file below it."""
        return f"{self.line(file)}\n{self.excerpt}" if self.excerpt else self.line(file)


def path_text(path: Path) -> str:
    """Return a path as the lines show it: ``routes[0].fields.time``."""
    text = ""
    for element in path:
        text += f"[{element}]" if isinstance(element, int) else f".{element}" if text else element
    return text


def at_index(source: SourceText, index: int, message: str, code: Code, path: Path = ()) -> LocatedProblem:
    """Return a problem whose place in the text is known."""
    position = source.position(index)
    hidden = is_secret(path) or line_may_hold_secret(source, position.line)
    shown = "" if hidden else excerpt(source.line(position.line), position)
    return LocatedProblem(position, path, message, code, shown)


def locate(problem: Problem, source: SourceText, read: YamlSource) -> LocatedProblem:
    """Find the place of a problem, and let its message begin with what stands there."""
    start, end = read.span(problem.path, at_key=problem.at_key)
    code, path = problem.code, problem.path
    if path in read.values and code in _OF_A_VALUE | {"unknown_key"}:
        slip = punctuation.find(source.text, start, end, in_key=problem.at_key)
        if slip is None and code == "wrong_type":
            slip = punctuation.for_colon(source.text, start, end)
        if slip is not None and (problem.at_key or path in read.scalars):
            return at_index(source, slip.index, slip.message, code, path)
    message = problem.message
    if code in _OF_A_VALUE and not problem.at_key and not is_secret(path) and path in read.scalars:
        message = _quoting(source.text[start:end], message)
    return at_index(source, start, message, code, path)


def _quoting(written: str, message: str) -> str:
    """Return the message with the value as it is `written` in the file in front, unless it quotes it already."""
    written = _USER_IN_URL.sub("//…@", written.strip())
    quoted = written if written[:1] in {'"', "'"} else f"'{written}'"
    if not written or f"'{quoted[1:-1]}'" in message:
        return message
    if len(quoted) > _MAX_QUOTED:
        quoted = f"{quoted[: _MAX_QUOTED - 1]}…"
    return f"{quoted}: {message}"


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
