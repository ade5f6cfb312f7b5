"""From a file to a config that can run: read, replace `${…}`, check each part, check the whole, compile the mapping.

All problems are collected, but for YAML itself, where the first one ends it. A problem knows its path in the data;
`located` finds its place in the file.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from connector.config.checks import check_all, fully_routed_targets, ready_routes
from connector.config.excerpts import Excerpts
from connector.config.interpolation import interpolate
from connector.config.located import LocatedProblem, at_index, locate, path_text
from connector.config.punctuation import has_full_width
from connector.config.sections import read_sections
from connector.config.source_text import Position, SourceText
from connector.config.yaml_scalars import YamlError
from connector.config.yaml_source import read_yaml
from connector.core.errors import ConfigError
from connector.mapping import compile_mapping
from connector.settings.models import Config, Kafka
from connector.settings.problems import Problems
from connector.tuzhan.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.config.sections import Sections
    from connector.config.yaml_source import YamlSource
    from connector.mapping import CompiledMapping

_MAX_FILE_BYTES = 1 << 20
_START = Position(1, 1)

UNUSED_BY_MAPPING = frozenset(Config.model_fields) - {"decode", "targets", "routes"}
"""The sections that only a running connector reads."""

ValidateKafka = Callable[[Kafka, Problems], None]
"""Adds what the Kafka client refuses in `kafka.properties`. Handed in, since this layer does not know that client."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking a file."""

    file: str
    """As it was given."""
    sha256: str
    """Of the file's bytes, in hex; empty if it can't be read."""
    problems: tuple[LocatedProblem, ...]
    """Errors and warnings, sorted by position."""
    config: Config | None = None
    """None if there is an error."""
    mapping: CompiledMapping | None = None
    excerpts: Excerpts | None = None
    """None if it is not text."""

    def errors(self, *, excerpts: bool = False) -> tuple[str, ...]:
        """Return what to print for what keeps the connector from starting: one line each, or with excerpts."""
        return self._text(warnings=False, excerpts=excerpts)

    def warnings(self, *, excerpts: bool = False) -> tuple[str, ...]:
        """Return what to print for the others."""
        return self._text(warnings=True, excerpts=excerpts)

    def _text(self, *, warnings: bool, excerpts: bool) -> tuple[str, ...]:
        found = [problem for problem in self.problems if problem.warning is warnings]
        shown = self.excerpts if excerpts else None
        return tuple(problem.line(self.file) + (shown.below(problem) if shown is not None else "") for problem in found)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config that can run."""

    config: Config
    mapping: CompiledMapping
    file: str
    """As it was given."""
    sha256: str
    """Of the file's bytes, in hex."""
    warnings: tuple[str, ...]
    """Ready to print, sorted by position."""


def load(
    path: str | FilePath,
    environ: Mapping[str, str],
    validate_kafka: ValidateKafka | None = None,
    *,
    excerpts: bool = False,
) -> Loaded:
    """Read a config that is to run. With `excerpts`, each error and warning shows its line of the file, for terminals.

    Raises:
        ConfigError: with every error of the file, warnings left out.

    """
    checked = check(path, environ, validate_kafka)
    if checked.config is None or checked.mapping is None:
        raise ConfigError(checked.errors(excerpts=excerpts))
    shown_warnings = checked.warnings(excerpts=excerpts)
    return Loaded(checked.config, checked.mapping, checked.file, checked.sha256, shown_warnings)


def check(
    path: str | FilePath,
    environ: Mapping[str, str],
    validate_kafka: ValidateKafka | None = None,
    *,
    unused: Collection[str] = (),
) -> Checked:
    """Find everything that is wrong with a config. Never raises for what is in the file.

    `unused` names sections that the caller does not read: what their `${…}` stand for need not exist. Such a section
    may be missing from the resulting config.
    """
    file = str(path)
    try:
        with FilePath(path).open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else "not a path"
        return Checked(file, "", (_unreadable(f"can't read the file: {reason.lower()}"),))
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) > _MAX_FILE_BYTES:
        return Checked(file, sha256, (_unreadable(f"larger than {_MAX_FILE_BYTES >> 20} MiB: this is not a config"),))
    try:
        source = SourceText(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Checked(file, sha256, (_not_text(content, error),))
    try:
        read = read_yaml(source)
    except YamlError as error:
        problem = at_index(source, error.index, error.message, "yaml_syntax")
        return Checked(file, sha256, (problem,), excerpts=Excerpts(source))
    return _Check(source, read, environ, validate_kafka, unused).run(file, sha256)


@dataclass(frozen=True, slots=True)
class _Check:
    """The check of one file that is YAML."""

    source: SourceText
    read: YamlSource
    environ: Mapping[str, str]
    validate_kafka: ValidateKafka | None
    unused: Collection[str]

    def run(self, file: str, sha256: str) -> Checked:
        unreplaced, problems = Problems(), Problems()
        data = interpolate(self.read.data, self.environ, unreplaced)
        sections = read_sections(data if isinstance(data, dict) else {}, problems)
        kafka = sections.get(Kafka)
        if self.validate_kafka is not None and kafka is not None:
            self.validate_kafka(kafka, problems)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[` in a user's regular expression
            check_all(sections, problems)
            mapping = _compile(sections, problems)
        located = self._located(unreplaced, problems)
        excerpts = Excerpts(self.source, self.read)
        if mapping is None or not all(problem.warning for problem in located):
            return Checked(file, sha256, located, excerpts=excerpts)
        return Checked(file, sha256, located, sections.config(), mapping, excerpts)

    def _located(self, unreplaced: Problems, problems: Problems) -> tuple[LocatedProblem, ...]:
        """Return all problems, sorted. A place that YAML or a variable explains has no other problem."""
        located = set(self._yaml_problems())
        explained = {path for path, _slip in self.read.misread}
        unknown = {each.path for each in problems.found if each.code == "unknown_key"}
        mistyped = {path for path in unknown if has_full_width(path[-1])}
        incomplete = {path[:-1] for path in explained | mistyped}
        further = [each for each in problems.found if each.code != "missing_key" or each.path[:-1] not in incomplete]
        explained |= {each.path for each in unreplaced.found if each.path[0] in self.unused}
        for found in (self.read.problems, unreplaced.found, further):
            located |= {locate(each, self.source, self.read) for each in found if each.path not in explained}
            explained |= {each.path for each in found}
        return tuple(sorted(located, key=lambda each: (each.position, path_text(each.path), each.message)))

    def _yaml_problems(self) -> Iterator[LocatedProblem]:
        for path, slip in self.read.misread:
            yield at_index(self.source, slip.index, slip.message, "yaml_syntax", path)
        for span, (path, first) in self.read.repeated.items():
            message = f"given twice, first in line {self.source.position(first.start).line}"
            yield at_index(self.source, span.start, message, "duplicate_name", path)


def _compile(sections: Sections, problems: Problems) -> CompiledMapping | None:
    """Compile what is sound. What a target lacks is not reported while a route that may feed it is broken."""
    found = Problems()
    targets = {name: target for name, target in sections.targets.items() if target.endpoint in ENDPOINTS}
    mapping = compile_mapping(targets, ready_routes(sections), found, decode=sections.decode)
    complete = fully_routed_targets(sections)
    left = [
        problem
        for problem in found.found
        if not (problem.code == "missing_key" and problem.path[0] == "targets" and problem.path[1] not in complete)
    ]
    problems.found.extend(left)
    if mapping is None and all(problem.warning for problem in left):  # a target that no route feeds lacks something
        targets = {name: targets[name] for name in complete}
        return compile_mapping(targets, ready_routes(sections), Problems(), decode=sections.decode)
    return mapping


def _unreadable(message: str, position: Position = _START) -> LocatedProblem:
    return LocatedProblem(position, (), message, "unreadable_file")


def _not_text(content: bytes, error: UnicodeDecodeError) -> LocatedProblem:
    before = SourceText(content[: error.start].decode("utf-8-sig", "replace"))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "this is UTF-16: save the file as UTF-8"
    elif b"\0" in content:
        message = "this is not a text file"
    else:
        message = f"not UTF-8 (byte 0x{content[error.start]:02x}, as in GBK): save the file as UTF-8"
    return _unreadable(message, before.position(len(before.text)))
