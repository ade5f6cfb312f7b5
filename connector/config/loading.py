"""From a file to a config that can run: read, replace `${…}`, check each part, check the whole, compile the mapping.

All problems are collected, but for YAML itself, where the first one ends it. A problem knows its path in the data;
`documents` finds its place in the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.config.checks import check_all, fully_routed_targets, ready_routes
from connector.config.documents import UnreadableError, parse_document, read_document
from connector.config.event_files import events_file
from connector.config.interpolation import interpolate
from connector.config.registry_checks import check_registry_client
from connector.config.sealing import sealed
from connector.config.sections import read_sections
from connector.core.errors import ConfigError
from connector.language.message import Message, joined
from connector.mapping import compile_mapping
from connector.runtime.files import stamp
from connector.settings.models import Config, Kafka
from connector.settings.problems import Problems
from connector.tuzhan.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path as FilePath

    from connector.config.documents import Document
    from connector.config.event_files import EventsFile
    from connector.config.excerpts import Excerpts
    from connector.config.located import LocatedProblem
    from connector.config.sections import Sections
    from connector.mapping import CompiledMapping
    from connector.runtime.files import Stamp
    from connector.settings.models import Decode

CONFIG_KEYS = tuple(name for name, info in Config.model_fields.items() if info.is_required())
"""The sections that every config has."""
UNUSED_BY_MAPPING = frozenset({"kafka", "platform", "dead_letter", "admin", "log", "shutdown_timeout"})
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
    """Errors and warnings, sorted by position; those of the plan's file after those of the config."""
    config: Config | None = None
    """None if there is an error."""
    mapping: CompiledMapping | None = None
    excerpts: Excerpts | None = None
    """None if it is not text."""
    document: Document | None = None
    """None if it is not YAML."""
    plan: EventsFile | None = None
    """The file of the tracking plan; None if it has none."""
    seen: Mapping[str, Stamp] = field(default_factory=dict)
    """Each file that it was read from, the plan's and those of `${file:…}` among them, as it was before."""

    def loaded(self, *, excerpts: bool = False) -> Loaded | None:
        """Return it as a config that can run; None if there is an error."""
        if self.config is None or self.mapping is None:
            return None
        shown = self.warnings(excerpts=excerpts)
        return Loaded(self.config, self.mapping, self.file, self.sha256, shown, self.seen)

    def errors(self, *, excerpts: bool = False) -> tuple[Message, ...]:
        """Return what to print for what keeps the connector from starting: one line each, or with excerpts."""
        return self._text(warnings=False, excerpts=excerpts)

    def warnings(self, *, excerpts: bool = False) -> tuple[Message, ...]:
        """Return what to print for the others."""
        return self._text(warnings=True, excerpts=excerpts)

    def _text(self, *, warnings: bool, excerpts: bool) -> tuple[Message, ...]:
        found = [problem for problem in self.problems if problem.warning is warnings]
        shown = [self._excerpt(problem) if excerpts else "" for problem in found]
        return tuple(
            joined("", (problem.line(self.file), excerpt)) for problem, excerpt in zip(found, shown, strict=True)
        )

    def _excerpt(self, problem: LocatedProblem) -> str:
        shown = self.plan.excerpts if problem.file and self.plan is not None else self.excerpts
        return "" if shown is None else shown.below(problem)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config that can run."""

    config: Config
    mapping: CompiledMapping
    file: str
    """As it was given."""
    sha256: str
    """Of the file's bytes, in hex."""
    warnings: tuple[Message, ...]
    """Ready to print, sorted by position."""
    seen: Mapping[str, Stamp] = field(default_factory=dict)
    """See `Checked`."""


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
    loaded = checked.loaded(excerpts=excerpts)
    if loaded is None:
        raise ConfigError(checked.errors(excerpts=excerpts))
    return loaded


def check(
    path: str | FilePath,
    environ: Mapping[str, str],
    validate_kafka: ValidateKafka | None = None,
    *,
    unused: Collection[str] = (),
    replaced: Mapping[str, object] | None = None,
) -> Checked:
    """Find everything that is wrong with a config. Never raises for what is in the file.

    `unused` names sections that the caller does not read: what their `${…}` stand for need not exist. Such a section
    may be missing from the resulting config. `replaced` has sections that stand in the place of the file's own.
    """
    seen = {str(path): stamp(str(path))}
    try:
        document = read_document(path, CONFIG_KEYS)
    except UnreadableError as error:
        return Checked(str(path), error.sha256, (error.problem,), excerpts=error.excerpts, seen=seen)
    return _Check(document, environ, validate_kafka, unused, replaced or {}, seen).run()


def check_sealed(content: bytes, file: str, *, unused: Collection[str] = ()) -> Checked:
    """Do as `check` does to the content of a `file`, and read nothing else: see `sealing`. Never raises."""
    try:
        document = parse_document(content, file, CONFIG_KEYS)
    except UnreadableError as error:
        return Checked(file, error.sha256, (error.problem,), excerpts=error.excerpts)
    return _Check(document, {}, None, unused, {}, {}, is_sealed=True).run()


@dataclass(frozen=True, slots=True)
class _Check:
    """The check of one file that is YAML."""

    document: Document
    environ: Mapping[str, str]
    validate_kafka: ValidateKafka | None
    unused: Collection[str]
    replaced: Mapping[str, object]
    seen: dict[str, Stamp]
    is_sealed: bool = False

    def run(self) -> Checked:
        document, unreplaced, problems = self.document, Problems(), Problems()
        read = document.read.data
        data = sealed(read, unreplaced) if self.is_sealed else interpolate(read, self.environ, unreplaced, self.seen)
        data = {**data, **self.replaced} if isinstance(data, dict) else {}
        plan = events_file(data.get("events"), document.file, self.environ, unreplaced, self.seen)
        if plan is not None:
            data = {**data, "events": plan.data}
        sections = read_sections(data, problems)
        kafka = sections.get(Kafka)
        if self.validate_kafka is not None and kafka is not None:
            self.validate_kafka(kafka, problems)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[` in a user's regular expression
            check_all(sections, problems)
            if self.validate_kafka is not None:
                check_registry_client(sections, problems)
            mapping = _compile(sections, problems)
        unread = {each.path for each in unreplaced.found if each.path[0] in self.unused}
        of_plan = [each for each in problems.found if plan is not None and each.path[:1] == ("events",)]
        of_config = [each for each in problems.found if plan is None or each.path[:1] != ("events",)]
        located = document.located(unreplaced.found, of_config, explained=unread)
        if plan is not None:
            located += plan.located(of_plan)
        sound = mapping is not None and all(problem.warning for problem in located)
        return Checked(
            document.file,
            document.sha256,
            located,
            sections.config() if sound else None,
            mapping if sound else None,
            document.excerpts,
            document,
            plan,
            self.seen,
        )


def _compile(sections: Sections, problems: Problems) -> CompiledMapping | None:
    """Compile what is sound. What a target lacks is not reported while a route that may feed it is broken."""
    found = Problems()
    targets = {name: target for name, target in sections.targets.items() if target.endpoint in ENDPOINTS}
    mapping = compile_mapping(targets, ready_routes(sections), found, decode=_decode(sections), events=sections.events)
    complete = fully_routed_targets(sections)
    all_ready = len(ready_routes(sections)) == len(_listed(sections.data.get("routes")))
    left = [
        problem
        for problem in found.found
        if not (problem.code == "missing_key" and problem.path[0] == "targets" and problem.path[1] not in complete)
        and (problem.path[0] != "events" or all_ready)  # a broken route may make an event that no other makes
    ]
    problems.found.extend(left)
    if mapping is None and all(problem.warning for problem in left):  # a target that no route feeds lacks something
        targets = {name: targets[name] for name in complete}
        return compile_mapping(
            targets, ready_routes(sections), Problems(), decode=sections.decode, events=sections.events
        )
    return mapping


def _listed(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []


def _decode(sections: Sections) -> Mapping[str, Decode] | None:
    """Return `decode`; None if an entry is broken, since it might be the one with the envelope."""
    raw = sections.data.get("decode") or {}
    return sections.decode if isinstance(raw, dict) and len(raw) == len(sections.decode) else None
