"""The command `explain`: find the record, map it with an observer, say what was seen."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.errors import CommandError, ConfigError, RegistryError, UsageError
from connector.decode.decoding import FORMATS, FORMATS_OF_TESTS
from connector.decode.registry_extra import open_registry
from connector.kafka.properties import validate_properties
from connector.language.choice import chosen
from connector.language.message import in_language, message
from connector.settings.problems import did_you_mean
from connector.workbench.explaining.document import as_document
from connector.workbench.explaining.explanation import Explainer
from connector.workbench.explaining.rendering import print_explanation
from connector.workbench.explaining.subjects import of_file, of_letter, of_place
from connector.workbench.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from connector.config.loading import Checked
    from connector.core.letters import Letter
    from connector.core.record import Record
    from connector.decode.decoding import BuildFormat
    from connector.settings.models import Config
    from connector.workbench.explaining.subjects import Subject

_NEEDED_BY_KAFKA: Final = frozenset({"kafka", "dead_letter"})
_UUID_CLUSTER: Final = "unknown"
_EXACT: Final = ("at", "config")
"""Headers of a dead letter with numbers that are no personal data."""
_NO_WRAPPING: Final = 100_000
"""The width of what is no terminal: each line stays one, for grep."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    config: Path
    file: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    letter: str | None = None
    unmask: bool = False
    as_json: bool = False


def explain(options: Options) -> int:
    """Explain one record; return the exit code. Raises ConfigError, UsageError, CommandError."""
    _check_options(options)
    from_kafka = options.file is None
    config = _config(options.config, UNUSED_BY_MAPPING - (_NEEDED_BY_KAFKA if from_kafka else set()))
    with contextlib.ExitStack() as stack:
        subject = _subject(config, options)
        formats: Mapping[str, BuildFormat] = FORMATS_OF_TESTS
        if from_kafka:
            registry = open_registry(config)
            formats = FORMATS if registry is None else registry.schemas.formats
            if registry is not None:
                stack.enter_context(registry)
                _fetch_schema(registry.fetch_now, subject)
        explanation = Explainer(config, subject.cluster_id or _UUID_CLUSTER, formats).explain(subject.record)
    mask = Mask(config, unmask=options.unmask)
    if options.as_json:
        letter = None if subject.letter is None else _letter(subject.letter, mask)
        document = {**as_document(explanation, mask), "letter": letter}
        print(json.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201 - what was asked for
        return 0
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _NO_WRAPPING)
    if subject.letter is not None:
        console.print(_letter_text(_letter(subject.letter, mask)), markup=False)
    print_explanation(explanation, mask, console, unmask=options.unmask)
    return 0


def print_source(config: Path, topic: str, *, as_json: bool = False) -> int:
    """Print the generated source that maps a topic; return the exit code. Raises ConfigError, UsageError."""
    mapping = _checked(config, UNUSED_BY_MAPPING).mapping
    assert mapping is not None  # noqa: S101 - the config is sound
    if not mapping.routes_of(topic):
        hint = did_you_mean(topic, mapping.topics) or message(": they read {topics}", topics=", ".join(mapping.topics))
        raise UsageError("--source", message("no route reads {topic}{hint}", topic=topic, hint=hint))
    source = mapping.mapper(_UUID_CLUSTER, formats=FORMATS_OF_TESTS).source(topic)
    if as_json:
        sys.stdout.write(json.dumps({"topic": topic, "source": source}, ensure_ascii=False, indent=2) + "\n")
    elif source:
        sys.stdout.write(source)
    else:
        told = message(
            "no source is generated for {topic}: its records are decoded as a whole, and mapped step by step",
            topic=topic,
        )
        print(in_language(told, chosen(os.environ)), file=sys.stderr)  # noqa: T201 - stderr is for complaints
    return 0


def _check_options(options: Options) -> None:
    place = [options.partition is not None, options.offset is not None]
    ways = [options.file is not None, options.letter is not None, any(place)]
    if sum(ways) > 1:
        raise UsageError("FILE", message("say one of FILE, --letter, or --topic with --partition and --offset"))
    if not any(ways):
        raise UsageError(
            "FILE",
            message("say which record: FILE (- is standard input), --letter, or --topic, --partition, --offset"),
        )
    if any(place) and not (all(place) and options.topic):
        raise UsageError("--offset", message("a place in Kafka is --topic, --partition and --offset"))


def _config(file: Path, unused: Collection[str]) -> Config:
    config = _checked(file, unused).config
    assert config is not None  # noqa: S101 - it is sound
    return config


def _checked(file: Path, unused: Collection[str]) -> Checked:
    checked = check(file, os.environ, validate_properties if "kafka" not in unused else None, unused=unused)
    if checked.config is None or checked.mapping is None:
        raise ConfigError(checked.errors(excerpts=sys.stderr.isatty()))
    return checked


def _subject(config: Config, options: Options) -> Subject:
    if options.file is not None:
        topics = tuple(dict.fromkeys(topic for route in config.routes for topic in route.topics))
        return of_file(options.file, options.topic, topics)
    if options.letter is not None:
        return of_letter(config, options.letter)
    return of_place(config, options.topic or "", options.partition or 0, options.offset or 0)


def _fetch_schema(fetch: Callable[[Record], object], subject: Subject) -> None:
    try:
        fetch(subject.record)
    except RegistryError as error:
        raise CommandError(error.told) from error


def _letter(letter: Letter, mask: Mask) -> dict[str, str]:
    names = ("route", "target", "reason", "field", "detail", "part", "attempt", "at", "config")
    said = {name: mask.sentence(letter.added.get(f"dl-{name}", "")) for name in names if name not in _EXACT}
    return {"place": letter.place, **said, **{name: letter.added.get(f"dl-{name}", "") for name in _EXACT}}


def _letter_text(said: Mapping[str, str]) -> str:
    facts = ", ".join(
        f"{name} {said[name]}" for name in ("route", "reason", "field", "part", "attempt", "at") if said[name]
    )
    return f"dead letter {said['place']}: {facts}; what today's config makes of its record:"
