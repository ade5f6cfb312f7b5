"""The command line of `init`. As in `cli.py`, it imports what it runs when it runs."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

_MOST_RECORDS = 10_000
_DEFAULT_OUTPUT = "connector.yaml"

BrokersOption = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="The brokers. Default: KAFKA_BOOTSTRAP_SERVERS, or localhost:9092."),
]
PropertiesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--property", "-X", metavar="NAME=VALUE", help="A librdkafka property; VALUE may be ${VARIABLE} or ${file:…}."
    ),
]


def init(
    topic: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Look at the newest records of this topic; with --file, its name."),
    ] = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Look at the records of a file (JSON lines; -: standard input).")
    ] = None,
    bootstrap_servers: BrokersOption = None,
    properties: PropertiesOption = None,
    newest: Annotated[int, typer.Option(min=1, max=_MOST_RECORDS, metavar="N", help="How many records.")] = 200,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=f"The config; its test goes to tests/ beside it. -: print the config. Default: {_DEFAULT_OUTPUT}.",
        ),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write a tracking plan instead, of what --config makes: .yaml, .csv; -: print it."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="With --events: the config, which exists.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,  # noqa: FBT002 - a flag
    as_json: Annotated[bool, typer.Option("--json", help="Report as one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Write a first config and a first mapping test from what records look like; or a tracking plan (--events).

    Reads a topic beside a connector that runs, or a file without Kafka. No value of a record is written.
    """
    if events is None:
        from connector.workbench.init.command import Options, run_init  # noqa: PLC0415 - see the top

        if config is not None:
            raise typer.BadParameter(
                "is only for --events; --output names the config to write", param_hint="'--config'"
            )
        options = Options(
            topic, file, bootstrap_servers, properties or (), newest, output or _DEFAULT_OUTPUT, force, as_json
        )
        raise typer.Exit(run_init(options))
    from connector.workbench.tracking_plan import command as plan  # noqa: PLC0415 - see the top

    if config is None:
        raise typer.BadParameter("name the config whose events are planned: -c FILE", param_hint="'--events'")
    for option, given in (
        ("--output", output), ("--bootstrap-servers", bootstrap_servers), ("--property", properties),
    ):  # fmt: skip
        if given:
            raise typer.BadParameter("is not for --events, which reads --config", param_hint=f"'{option}'")
    wanted = plan.Options(
        config=config, plan=events, topic=topic, count=newest, file=file, oldest=file is not None, force=force,
        as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(plan.run_events(wanted))
