"""The options of `dead-letters list | show | replay`. As in `cli.py`, a command imports what it runs when it runs."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.core.errors import TopicMissingError, UsageError
from connector.dead_letters.output import Output
from connector.language.choice import chosen
from connector.language.message import in_language, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.config.loading import Loaded
    from connector.dead_letters.selection import Filters
    from connector.kafka.topic_reader import TopicReader

app = typer.Typer(
    name="dead-letters",
    help="Find out what became a dead letter and why, and send it again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The config file (YAML).")]
RouteOption = Annotated[
    list[str] | None, typer.Option("--route", metavar="NAME", help="Only of this route; may be repeated.")
]
ReasonOption = Annotated[
    list[str] | None, typer.Option("--reason", metavar="CODE", help="Only with this reason; may be repeated.")
]
TopicOption = Annotated[
    list[str] | None, typer.Option("--topic", metavar="NAME", help="Only of records of this topic; may be repeated.")
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only those since then: 30m, 2h, 7d, or an ISO 8601 time.")
]


@app.command(name="list")
def list_command(
    config: ConfigOption,
    route: RouteOption = None,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The newest N only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document per letter and line.")] = False,  # noqa: FBT002
) -> None:
    """List dead letters, the newest last, and count them by route and reason. Personal data is masked."""
    from connector.dead_letters.listing import list_letters  # noqa: PLC0415 - see the top

    filters = parsed_filters(route, reason, topic, since)
    output = Output()
    with reading(load_config(config), output) as reader:
        if reader is not None:
            list_letters(reader, filters, limit, output, as_json=as_json)


@app.command()
def show(
    config: ConfigOption,
    letter: Annotated[
        str, typer.Argument(metavar="LETTER", help="Its place, as `list` prints it: 0:12; or its record: orders[3]@41.")
    ],
    unmask: Annotated[bool, typer.Option("--unmask", help="Show personal data.")] = False,  # noqa: FBT002 - a flag
    as_json: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--json", help="One JSON document on one line; of a record, one for each of its letters.")
    ] = False,
) -> None:
    """Show everything about a dead letter: headers, the platform's reply, key and value, masked by default."""
    from connector.dead_letters.showing import Form, parse_place, show_letters  # noqa: PLC0415 - see the top
    from connector.dead_letters.values import Values  # noqa: PLC0415 - see the top
    from connector.decode.registry_extra import open_registry  # noqa: PLC0415 - see the top
    from connector.kafka.record_fetcher import RecordFetcher  # noqa: PLC0415 - see the top

    place = parse_place(letter)
    loaded = load_config(config)
    output = Output()
    with (
        open_registry(loaded.config) or contextlib.nullcontext() as registry,
        reading(loaded, output, must_exist=True) as reader,
        contextlib.closing(RecordFetcher(loaded.config.kafka)) as fetcher,
    ):
        if reader is not None:
            values = Values(loaded.mapping, registry, output.note)
            show_letters(reader, fetcher, place, Form(unmask, as_json, values.readable), output)


def parsed_filters(
    routes: Sequence[str] | None, reasons: Sequence[str] | None, topics: Sequence[str] | None, since: str | None
) -> Filters:
    """Return the filters that the options ask for. Raises UsageError."""
    from connector.dead_letters.selection import parse_filters  # noqa: PLC0415 - see the top

    return parse_filters(routes or (), reasons or (), topics or (), since, datetime.now(UTC))


def load_config(config: Path) -> Loaded:
    """Return the config, its warnings printed. Raises ConfigError."""
    from connector.config.loading import load  # noqa: PLC0415 - see the top
    from connector.kafka.properties import validate_properties  # noqa: PLC0415 - see the top

    loaded = load(config, os.environ, validate_properties, excerpts=sys.stderr.isatty())
    for warning in loaded.warnings:
        typer.echo(in_language(warning, chosen(os.environ)), err=True)
    return loaded


@contextlib.contextmanager
def reading(loaded: Loaded, output: Output, *, must_exist: bool = False) -> Iterator[TopicReader | None]:
    """Yield a reader of the dead-letter topic; None if there is no such topic, which is said."""
    from connector.kafka.topic_reader import TopicReader  # noqa: PLC0415 - see the top

    topic = loaded.config.dead_letter_topic
    try:
        reader = TopicReader.open(loaded.config.kafka, topic)
    except TopicMissingError:
        why = message("there is no topic {topic}: `run` creates it with the first dead letter", topic=topic)
        if must_exist:
            raise UsageError("LETTER", message("no such dead letter; {why}", why=why)) from None
        output.note(in_language(message("no dead letters: {why}", why=why), chosen(os.environ)))
        yield None
        return
    with contextlib.closing(reader):
        yield reader
