"""What `preview`, and what works like it, reads: a sound config, and records of a topic or of a file."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.errors import ConfigError, UsageError
from connector.decode.decoding import FORMATS, FORMATS_OF_TESTS
from connector.decode.registry_extra import open_registry
from connector.kafka.properties import validate_properties
from connector.kafka.topic_reader import TopicReader
from connector.language.choice import chosen
from connector.language.message import in_language, message
from connector.settings.problems import did_you_mean
from connector.workbench.preview.lines import STANDARD_INPUT, read_lines
from connector.workbench.preview.topic import read_topic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from connector.config.loading import Checked
    from connector.decode.decoding import BuildFormat
    from connector.mapping import CompiledMapping
    from connector.runtime.progress import Progress
    from connector.workbench.preview.given import Read

_DEFAULT_COUNT: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records the command line asks for."""

    topic: str | None = None
    count: int | None = None
    """None: all of a file, 50 of a topic."""
    oldest: bool = False
    file: str | None = None
    """STANDARD_INPUT: it is read from there. None: a topic is read."""


def sound_config(path: Path, *, needs_kafka: bool, replaced: Mapping[str, object] | None = None) -> Checked:
    """Return a sound config, its warnings printed; what is not needed here may be missing. `replaced` as for `check`.

    Raises:
        ConfigError: something is wrong with it.

    """
    unused = (UNUSED_BY_MAPPING - {"kafka"} if needs_kafka else UNUSED_BY_MAPPING) | (replaced or {}).keys()
    validate_kafka = validate_properties if needs_kafka else None
    checked = check(path, os.environ, validate_kafka, unused=unused, replaced=replaced)
    excerpts = sys.stderr.isatty()
    if checked.config is None or checked.mapping is None:
        raise ConfigError(checked.errors(excerpts=excerpts))
    for warning in checked.warnings(excerpts=excerpts):
        print_note(in_language(warning, chosen(os.environ)))
    return checked


def read_records(checked: Checked, wanted: Wanted, progress: Progress) -> tuple[Read, Mapping[str, BuildFormat]]:
    """Return the records, and what decodes them.

    Raises:
        UsageError: the topic, or the file, is not one that can be read.
        CommandError: no broker answers, the topic does not exist.
        RegistryError: the schema registry does not answer.

    """
    config, mapping = checked.config, checked.mapping
    assert config is not None  # noqa: S101 - checked
    assert mapping is not None  # noqa: S101 - checked
    if wanted.topic is not None:
        _check_topic(wanted.topic, mapping, checked.file)
    plain = [topic for topic in mapping.topics if not topic.startswith("^")]
    only = plain[0] if len(plain) == len(mapping.topics) == 1 else None
    topic = wanted.topic or only
    if wanted.file is not None:
        if wanted.file == STANDARD_INPUT and sys.stdin.isatty():
            print_note("reading records from the terminal; Ctrl-D ends them")
        read = read_lines(wanted.file, topic, wanted.count, oldest=wanted.oldest)
        return read, FORMATS_OF_TESTS
    if topic is None:
        told = message("name the topic: {file} reads {topics}", file=checked.file, topics=", ".join(mapping.topics))
        raise UsageError("--topic", told)
    with (
        open_registry(config) or contextlib.nullcontext() as registry,
        contextlib.closing(TopicReader.open(config.kafka, topic)) as reader,
    ):
        read = read_topic(reader, wanted.count or _DEFAULT_COUNT, progress, oldest=wanted.oldest, registry=registry)
    return read, FORMATS if registry is None else registry.schemas.formats


def _check_topic(topic: str, mapping: CompiledMapping, file: str) -> None:
    if topic.startswith("^"):
        told = message("'{topic}' is a pattern: name one of the topics that it matches", topic=topic)
        raise UsageError("--topic", told)
    if not mapping.routes_of(topic):
        hint = did_you_mean(topic, mapping.topics) or message(": it reads {topics}", topics=", ".join(mapping.topics))
        told = message("no route of {file} reads '{topic}'{hint}", file=file, topic=topic, hint=hint)
        raise UsageError("--topic", told)


def print_note(line: str) -> None:
    """Print a line to stderr, in its place among what stdout has."""
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - stderr is for complaints
