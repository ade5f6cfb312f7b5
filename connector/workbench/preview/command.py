"""The command `preview`: check the config, read records, map them, report."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.errors import ConfigError, UsageError
from connector.decode.decoding import FORMATS, FORMATS_OF_TESTS
from connector.decode.registry_extra import open_registry
from connector.kafka.properties import validate_properties
from connector.kafka.topic_reader import TopicReader
from connector.settings.problems import did_you_mean
from connector.workbench.masking import Mask, confirm_unmask
from connector.workbench.preview.comparison import changes
from connector.workbench.preview.comparison_report import changes_data, print_changes
from connector.workbench.preview.lines import STANDARD_INPUT, read_lines
from connector.workbench.preview.outcomes import PreviewedMapping
from connector.workbench.preview.report import Display, console, print_outcomes, print_references, printable
from connector.workbench.preview.saving import check_free, save
from connector.workbench.preview.topic import read_topic
from connector.workbench.preview.views import by_kind, count_views, kind_view, outcome_view, reference_views

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from connector.config.loading import Checked
    from connector.decode.decoding import BuildFormat
    from connector.mapping import CompiledMapping
    from connector.workbench.preview.given import Read
    from connector.workbench.preview.outcomes import Outcome

_DEFAULT_COUNT: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    config: Path
    topic: str | None = None
    count: int | None = None
    oldest: bool = False
    file: str | None = None
    """STANDARD_INPUT: it is read from there. None: a topic is read."""
    against: Path | None = None
    save: Path | None = None
    every: bool = False
    as_json: bool = False
    unmask: bool = False
    yes: bool = False


def run_preview(options: Options) -> int:
    """Show what becomes of records. Return the exit code, 0.

    Raises:
        ConfigError: something is wrong with a config.
        UsageError: an option is wrong, or a file.
        CommandError: no broker answers, the topic does not exist.
        RegistryError: the schema registry does not answer.

    """
    checked = _checked(options.config, options)
    old = None if options.against is None else _checked(options.against, options)
    if options.save is not None:
        check_free(options.save)
    if options.unmask:
        confirm_unmask(yes=options.yes)
    read, formats = _read(checked, options)
    for note in read.notes:
        _note(note)
    mapping = PreviewedMapping(checked, read.cluster_id, formats)
    before = None if old is None else PreviewedMapping(old, read.cluster_id, formats)
    mask = Mask(*(each.config for each in (mapping, before) if each is not None), unmask=options.unmask)
    outcomes = mapping.outcomes(read.givens)
    display = Display(mask, console(), every=options.every)
    if options.as_json:
        _print_json(_document(mapping, before, read, outcomes, mask))
    elif outcomes:
        compared = "" if before is None else f", against {before.file}"
        display.out.print(Text(printable(f"{read.description}, as {mapping.file} maps them{compared}")))
        display.out.print()
        if before is None:
            print_outcomes(outcomes, display)
            print_references(mapping, display)
        else:
            files = before.file, mapping.file
            print_changes(changes(before.outcomes(read.givens), outcomes), len(outcomes), files, display)
    if options.save is not None:
        apart = PreviewedMapping(checked, read.cluster_id, formats)  # what it counts is not shown
        for note in save(options.save, outcomes, apart, mask):
            _note(note)
    return 0


def _document(
    mapping: PreviewedMapping, before: PreviewedMapping | None, read: Read, outcomes: Sequence[Outcome], mask: Mask
) -> dict[str, object]:
    source = {"config": mapping.file, "source": read.description, "notes": list(read.notes)}
    if before is not None:
        found = changes(before.outcomes(read.givens), outcomes)
        return {**source, "against": before.file, **changes_data(found, len(outcomes), mask)}
    return {
        **source,
        "counts": count_views(outcomes),
        "kinds": [kind_view(found, mask) for found in by_kind(outcomes)],
        "references": reference_views(mapping, mask),
        "records": [outcome_view(each, mask) for each in outcomes],
    }


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str))  # noqa: T201 - what was asked for


def _checked(path: Path, options: Options) -> Checked:
    """Return a sound config, its warnings printed; what is not needed here may be missing."""
    if options.file is None:
        checked = check(path, os.environ, validate_properties, unused=UNUSED_BY_MAPPING - {"kafka"})
    else:
        checked = check(path, os.environ, unused=UNUSED_BY_MAPPING)
    excerpts = sys.stderr.isatty()
    if checked.config is None or checked.mapping is None:
        raise ConfigError(checked.errors(excerpts=excerpts))
    for warning in checked.warnings(excerpts=excerpts):
        _note(warning)
    return checked


def _read(checked: Checked, options: Options) -> tuple[Read, Mapping[str, BuildFormat]]:
    """Return the records, and what decodes them."""
    config, mapping = checked.config, checked.mapping
    assert config is not None  # noqa: S101 - checked
    assert mapping is not None  # noqa: S101 - checked
    if options.topic is not None:
        _check_topic(options.topic, mapping, checked.file)
    plain = [topic for topic in mapping.topics if not topic.startswith("^")]
    only = plain[0] if len(plain) == len(mapping.topics) == 1 else None
    topic = options.topic or only
    if options.file is not None:
        if options.file == STANDARD_INPUT and sys.stdin.isatty():
            _note("reading records from the terminal; Ctrl-D ends them")
        read = read_lines(options.file, topic, options.count, oldest=options.oldest)
        return read, FORMATS_OF_TESTS
    if topic is None:
        raise UsageError("--topic", f"name the topic: {checked.file} reads {_listed(mapping.topics)}")
    with (
        open_registry(config) or contextlib.nullcontext() as registry,
        contextlib.closing(TopicReader.open(config.kafka, topic)) as reader,
    ):
        read = read_topic(reader, options.count or _DEFAULT_COUNT, oldest=options.oldest, registry=registry)
    return read, FORMATS if registry is None else registry.schemas.formats


def _check_topic(topic: str, mapping: CompiledMapping, file: str) -> None:
    if topic.startswith("^"):
        raise UsageError("--topic", f"'{topic}' is a pattern: name one of the topics that it matches")
    if not mapping.routes_of(topic):
        hint = did_you_mean(topic, mapping.topics) or f": it reads {_listed(mapping.topics)}"
        raise UsageError("--topic", f"no route of {file} reads '{topic}'{hint}")


def _listed(topics: Sequence[str]) -> str:
    return ", ".join(topics)


def _note(line: str) -> None:
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - stderr is for complaints
