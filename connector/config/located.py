"""Problems at their places in the file, as lines of text.

    connector.yaml:31:7: targets.purchases.batch.max_record: unknown key, did you mean 'max_records'? [unknown_key]

A message that judges a value begins with the value as the file has it, never as a variable made it. That is done
here and nowhere else, because this is where secrets are left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.config import punctuation
from connector.config.secrets import is_secret
from connector.language.message import filtered, message
from connector.settings.problems import WARNINGS

if TYPE_CHECKING:
    from connector.config.source_text import Position, Slip, SourceText
    from connector.config.yaml_source import YamlSource
    from connector.language.message import Message
    from connector.settings.problems import Code, Path, Problem

_OF_A_VALUE: Final = frozenset(
    {"wrong_type", "bad_value", "unknown_name", "bad_reference", "duplicate_name", "yaml_syntax", "undefined_event"}
)
"""The codes whose messages begin with the value."""
_MAX_QUOTED: Final = 60
_USER_IN_URL: Final = re.compile(r"//[^/@\s]*@")


class LocatedProblem(NamedTuple):
    """A problem with its place in the file; they sort by it."""

    position: Position
    path: Path
    message: Message
    code: Code
    file: str = ""
    """The file, if it is not the one that is checked but one that this names."""

    @property
    def warning(self) -> bool:
        """Whether the connector starts all the same."""
        return self.code in WARNINGS

    def line(self, file: str) -> Message:
        """Return the problem as one line of text; place and code are the same in each language."""
        told = message(
            "{file}:{line}:{column}: {path}{told} [{code}]",
            file=self.file or file,
            line=self.position.line,
            column=self.position.column,
            path=f"{path_text(self.path)}: " if self.path else "",
            told=self.message,
            code=self.code,
        )
        return filtered(told, _printable)


def path_text(path: Path) -> str:
    """Return a path as the lines show it: ``routes[0].fields.time``."""
    text = ""
    for element in path:
        text += f"[{element}]" if isinstance(element, int) else f".{element}" if text else element
    return text


def at_index(source: SourceText, index: int, told: Message, code: Code, path: Path = ()) -> LocatedProblem:
    """Return a problem whose place in the text is known."""
    return LocatedProblem(source.position(index), path, told, code)


def locate(problem: Problem, source: SourceText, read: YamlSource) -> LocatedProblem:
    """Find the place of a problem, and let its message begin with what stands there."""
    start, end = read.span(problem.path, at_key=problem.at_key)
    code, path = problem.code, problem.path
    written = path in (read.keys if problem.at_key else read.scalars)
    slip = _full_width(problem, source.text, start, end) if written and code in _OF_A_VALUE | {"unknown_key"} else None
    if slip is not None:
        return at_index(source, slip.index, slip.message, code, path)
    told = problem.message
    if written and code in _OF_A_VALUE and not problem.at_key and not is_secret(path):
        told = quoting(source.text[start:end], told)
    return at_index(source, start, told, code, path)


def _full_width(problem: Problem, text: str, start: int, end: int) -> Slip | None:
    """Return the full-width punctuation of a key or a value, if that is what is wrong with it."""
    if problem.at_key or not punctuation.may_be_prose(text, start, end):
        return punctuation.find(text, start, end, blank=problem.at_key)
    if problem.code == "wrong_type":
        return punctuation.for_colon(text, start, end)
    in_mapping = problem.path[0] in {"targets", "routes"} and "topics" not in problem.path
    return None if in_mapping or "${" in text[start:end] else punctuation.find(text, start, end)


def quoting(written: str, told: Message) -> Message:
    """Return the message with the value as it is `written` in the file in front, unless it quotes it already."""
    written = _USER_IN_URL.sub("//…@", written.strip())
    quoted = written if written[:1] in {'"', "'"} else f"'{written}'"
    if not written or f"'{quoted[1:-1]}'" in told:
        return told
    if len(quoted) > _MAX_QUOTED:
        quoted = f"{quoted[: _MAX_QUOTED - 1]}…"
    return message("{quoted}: {told}", quoted=quoted, told=told)


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
