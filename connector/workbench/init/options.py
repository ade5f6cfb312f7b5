"""The command line of `init`. As in `cli.py`, it imports what it runs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

_MOST_RECORDS = 10_000


def init(
    topic: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Look at the newest records of this topic; with --file, its name."),
    ] = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Look at the records of a file (JSON lines; -: standard input).")
    ] = None,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The brokers. Default: KAFKA_BOOTSTRAP_SERVERS, or localhost:9092."),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            "-X",
            metavar="NAME=VALUE",
            help="A librdkafka property; VALUE may be ${VARIABLE} or ${file:…}.",
        ),
    ] = None,
    newest: Annotated[int, typer.Option(min=1, max=_MOST_RECORDS, metavar="N", help="How many records.")] = 200,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The config; its test goes to tests/ beside it. -: print the config."
        ),
    ] = "connector.yaml",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,  # noqa: FBT002 - a flag
    as_json: Annotated[bool, typer.Option("--json", help="Report as one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Write a first config and a first mapping test from what records look like.

    Reads a topic beside a connector that runs, or a file without Kafka. No value of a record is written.
    """
    from connector.workbench.init.command import Options, run_init  # noqa: PLC0415 - see the top

    options = Options(topic, file, bootstrap_servers, properties or (), newest, output, force, as_json)
    raise typer.Exit(run_init(options))
