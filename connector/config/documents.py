"""A YAML file of this project, read: its data, and the place of everything that is wrong with it.

A file is a config, or holds tests of a mapping. What can't be read at all, and YAML that is none, ends the reading with
one problem; all others are collected.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from connector.config.excerpts import Excerpts
from connector.config.located import LocatedProblem, at_index, locate, path_text
from connector.config.punctuation import has_full_width
from connector.config.source_text import Position, SourceText
from connector.config.yaml_scalars import YamlError
from connector.config.yaml_source import YamlSource, read_yaml
from connector.core.wording import why_not
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from connector.language.message import Message
    from connector.settings.problems import Path, Problem

MAX_FILE_BYTES: Final = 1 << 20
_START: Final = Position(1, 1)


class UnreadableError(Exception):
    """A file has no data: it can't be read, is not text, or not YAML."""

    def __init__(self, problem: LocatedProblem, sha256: str, excerpts: Excerpts | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.sha256 = sha256
        """Of the file's bytes, in hex; empty if they can't be read."""
        self.excerpts = excerpts
        """None if it is not text."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is YAML, and whose root is a table."""

    file: str
    """As it was given."""
    sha256: str
    """Of the file's bytes, in hex."""
    source: SourceText
    read: YamlSource

    @property
    def excerpts(self) -> Excerpts:
        """What shows its lines."""
        return Excerpts(self.source, self.read)

    def position(self, path: Path, *, at_key: bool = False) -> Position:
        """Return the place of a value, or of its key."""
        return self.source.position(self.read.span(path, at_key=at_key).start)

    def located(self, *found: Sequence[Problem], explained: Collection[Path] = ()) -> tuple[LocatedProblem, ...]:
        """Return all problems, sorted. A place that YAML, or an earlier one of `found`, explains has no other problem.

        The places that are `explained` have none at all.
        """
        located = set(self._yaml_problems())
        misread = {path for path, _slip in self.read.misread}
        unknown = {each.path for part in found for each in part if each.code == "unknown_key"}
        mistyped = {path for path in unknown if has_full_width(path[-1])}
        incomplete = {path[:-1] for path in misread | mistyped}
        known = misread.union(explained)
        for part in (self.read.problems, *found):
            further = [each for each in part if each.code != "missing_key" or each.path[:-1] not in incomplete]
            located |= {locate(each, self.source, self.read) for each in further if each.path not in known}
            known |= {each.path for each in further}
        return tuple(sorted(located, key=lambda each: (each.position, path_text(each.path), each.message)))

    def _yaml_problems(self) -> Iterator[LocatedProblem]:
        for path, slip in self.read.misread:
            yield at_index(self.source, slip.index, slip.message, "yaml_syntax", path)
        for span, (path, first) in self.read.repeated.items():
            line = self.source.position(first.start).line
            told = message("given twice, first in line {line}", line=line)
            yield at_index(self.source, span.start, told, "duplicate_name", path)


def read_document(path: str | FilePath, keys: Sequence[str]) -> Document:
    """Read a file; `keys` are those that its root must have, for the message that there is no such table.

    Raises:
        UnreadableError: it has no data.

    """
    return parse_document(read_content(path), str(path), keys)


def parse_document(content: bytes, file: str, keys: Sequence[str]) -> Document:
    """Return the document that a file's content is; otherwise as `read_document`."""
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) > MAX_FILE_BYTES:
        told = message("larger than {size} MiB: this is not a config", size=MAX_FILE_BYTES >> 20)
        raise UnreadableError(_unreadable(told), sha256)
    try:
        source = SourceText(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError(_not_text(content, error), sha256) from error
    try:
        return Document(file, sha256, source, read_yaml(source, keys))
    except YamlError as error:
        problem = at_index(source, error.index, error.message, "yaml_syntax")
        raise UnreadableError(problem, sha256, Excerpts(source)) from error


def read_content(path: str | FilePath) -> bytes:
    """Return a file's bytes, up to one more than are allowed.

    Raises:
        UnreadableError: it can't be read.

    """
    try:
        with FilePath(path).open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        told = message("can't read the file: {reason}", reason=why_not(error))
        raise UnreadableError(_unreadable(told), "") from error


def unreadable(file: str, problem: LocatedProblem) -> Message:
    """Return why a file can't be read with its name, of the problem that says it without."""
    reason = problem.message.arguments.get("reason", problem.message)
    return message("can't read {file}: {reason}", file=file, reason=reason)


def _unreadable(told: Message, position: Position = _START) -> LocatedProblem:
    return LocatedProblem(position, (), told, "unreadable_file")


def _not_text(content: bytes, error: UnicodeDecodeError) -> LocatedProblem:
    before = SourceText(content[: error.start].decode("utf-8-sig", "replace"))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        told = message("this is UTF-16: save the file as UTF-8")
    elif b"\0" in content:
        told = message("this is not a text file")
    else:
        told = message("not UTF-8 (byte 0x{byte:02x}, as in GBK): save the file as UTF-8", byte=content[error.start])
    return _unreadable(told, before.position(len(before.text)))
