"""From a file to a config that can run: read, replace `${…}`, check each part, check the whole, compile the mapping.

Nothing stops at the first problem. A problem knows its path in the data; where that stands in the file is looked
up here, and here alone a line for people is made of it:

    connector.yaml:31:7: targets.purchases.batch.max_record: unknown key, did you mean 'max_records'? [unknown_key]
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple

from connector.config.checks import check_all, judged_targets, ready_routes
from connector.config.interpolation import interpolate
from connector.config.sections import read_sections
from connector.config.yaml_scalars import Position
from connector.config.yaml_text import Flaw, read_text
from connector.core.errors import ConfigError
from connector.mapping import compile_mapping
from connector.settings.models import Kafka
from connector.settings.problems import WARNINGS, Problems
from connector.tuzhan.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.sections import Sections
    from connector.config.yaml_tree import Tree
    from connector.mapping import CompiledMapping
    from connector.settings.models import Config
    from connector.settings.problems import Code, Path, Problem

_MAX_FILE_BYTES = 16 << 20
_START = Position(1, 1)


JudgeKafka = Callable[[Kafka, Problems], None]
"""Notes what the Kafka client has against `kafka.properties`. Handed in: this layer does not know that client."""


class Finding(NamedTuple):
    """One problem of a file with its place; findings sort by place."""

    position: Position
    path: Path
    message: str
    code: Code

    @property
    def warning(self) -> bool:
        """Whether the connector starts all the same."""
        return self.code in WARNINGS

    def line(self, file: str) -> str:
        """The finding as one line of text, as the outer face has it."""
        where = f"{file}:{self.position.line}:{self.position.column}: "
        path = f"{path_text(self.path)}: " if self.path else ""
        return _one_line(f"{where}{path}{self.message} [{self.code}]")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a file brought."""

    file: str
    sha256: str
    findings: tuple[Finding, ...]
    """Errors and warnings, sorted by position."""
    config: Config | None
    """None if there is an error."""
    mapping: CompiledMapping | None

    @property
    def errors(self) -> tuple[str, ...]:
        """The lines to print for what keeps the connector from starting."""
        return tuple(finding.line(self.file) for finding in self.findings if not finding.warning)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The lines to print for the rest."""
        return tuple(finding.line(self.file) for finding in self.findings if finding.warning)


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


def load(path: str | FilePath, environ: Mapping[str, str], judge_kafka: JudgeKafka | None = None) -> Loaded:
    """Read a config.

    Raises:
        ConfigError: with every problem of the file, warnings left out.

    """
    checked = check(path, environ, judge_kafka)
    if checked.config is None or checked.mapping is None:
        raise ConfigError(checked.errors)
    return Loaded(checked.config, checked.mapping, checked.file, checked.sha256, checked.warnings)


def check(path: str | FilePath, environ: Mapping[str, str], judge_kafka: JudgeKafka | None = None) -> Checked:
    """Look at a config and tell everything that is wrong with it; never raises for what stands in the file."""
    file = str(path)
    try:
        with FilePath(path).open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else "not a path"
        return _failed(file, "", f"can't read the file: {reason.lower()}")
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) > _MAX_FILE_BYTES:
        return _failed(file, sha256, "larger than 16 MiB: this is not a config")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _failed(file, sha256, *_not_text(content, error))
    tree, flaws = read_text(text)
    read = Checked(file, sha256, tuple(_from_flaws(flaws)), None, None)
    return read if tree is None else _check_tree(read, tree, environ, judge_kafka)


def _check_tree(read: Checked, tree: Tree, environ: Mapping[str, str], judge_kafka: JudgeKafka | None) -> Checked:
    unreplaced, problems = Problems(), Problems()
    data = interpolate(tree.data, environ, unreplaced)
    sections = read_sections(data if isinstance(data, dict) else {}, problems)
    kafka = sections.get(Kafka)
    if judge_kafka is not None and kafka is not None:
        judge_kafka(kafka, problems)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # a user's `[[` in a regular expression is no news to us
        check_all(sections, problems)
        mapping = _compile(sections, problems)
    known = {problem.path for problem in unreplaced.found}
    found = unreplaced.found + [problem for problem in problems.found if problem.path not in known]
    findings = {*read.findings, *_repeated(tree), *(_placed(problem, tree) for problem in found)}
    sound = mapping is not None and all(finding.warning for finding in findings)
    return Checked(
        read.file,
        read.sha256,
        tuple(sorted(findings, key=lambda finding: (finding.position, path_text(finding.path), finding.message))),
        sections.config() if sound else None,
        mapping if sound else None,
    )


def _compile(sections: Sections, problems: Problems) -> CompiledMapping | None:
    """Compile what is sound. What a target lacks is no news while a route that may name it is broken, or missing."""
    found = Problems()
    targets = {name: target for name, target in sections.targets.items() if target.endpoint in ENDPOINTS}
    mapping = compile_mapping(targets, ready_routes(sections), found)
    judged = judged_targets(sections)
    left = [
        problem
        for problem in found.found
        if not (problem.code == "missing_key" and problem.path[0] == "targets" and problem.path[1] not in judged)
    ]
    problems.found.extend(left)
    if mapping is None and not any(not problem.warning for problem in left):
        return compile_mapping({name: targets[name] for name in judged}, ready_routes(sections), Problems())
    return mapping


def _placed(problem: Problem, tree: Tree) -> Finding:
    where = tree.position(problem.path, at_key=problem.at_key)
    return Finding(where, problem.path, problem.message, problem.code)


def path_text(path: Path) -> str:
    """A path as the lines show it: ``routes[0].fields.time``."""
    text = ""
    for element in path:
        text += f"[{element}]" if isinstance(element, int) else f".{element}" if text else element
    return text


def _failed(file: str, sha256: str, message: str, position: Position = _START) -> Checked:
    return Checked(file, sha256, (Finding(position, (), message, "unreadable_file"),), None, None)


def _not_text(content: bytes, error: UnicodeDecodeError) -> tuple[str, Position]:
    before = content[: error.start]
    line_start = before.rfind(b"\n") + 1
    column = len(before[line_start:].decode("utf-8-sig", "replace")) + 1
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "this is UTF-16: save the file as UTF-8"
    elif b"\0" in content:
        message = "this is not a text file"
    else:
        message = f"not UTF-8 (byte 0x{content[error.start]:02x}, as in GBK): save the file as UTF-8"
    return message, Position(before.count(b"\n") + 1, column)


def _from_flaws(flaws: list[Flaw]) -> list[Finding]:
    return sorted(Finding(flaw.position, (), flaw.message, "yaml_syntax") for flaw in flaws)


def _repeated(tree: Tree) -> list[Finding]:
    return [
        Finding(item.position, item.path, f"given twice, first in line {item.first.line}", "duplicate_name")
        for item in tree.repeated
    ]


def _one_line(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
