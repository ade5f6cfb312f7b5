"""The command line of `preview`. As in `cli.py`, it imports what it runs when it runs."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated

import typer

MOST_RECORDS = 10_000


def preview(
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The config file (YAML).")],
    topic: Annotated[
        str | None, typer.Option(metavar="NAME", help="The topic; may be left out if the config reads only one.")
    ] = None,
    newest: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_RECORDS, metavar="N", help="The newest N records. Default: 50 of a topic."),
    ] = None,
    oldest: Annotated[
        int | None, typer.Option(min=1, max=MOST_RECORDS, metavar="N", help="The oldest N records, instead.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Records from a file, one per line (JSON), instead of Kafka; -: from standard input."
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="OLD", help="Show only what would change, compared with this config.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a mapping test from what was seen; personal data is replaced."),
    ] = None,
    every: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--all", help="Show every record; without it, one of those of which the same becomes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, with every record.")] = False,  # noqa: FBT002
    unmask: Annotated[bool, typer.Option("--unmask", help="Show personal data; asks first.")] = False,  # noqa: FBT002
    yes: Annotated[bool, typer.Option("--yes", help="With --unmask: do not ask.")] = False,  # noqa: FBT002
    web: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--web", help="Show it on a page of this machine's browser, where both can be changed.")
    ] = False,
) -> None:
    """Show what a config makes of records, before it does it: nothing is sent, committed, or joined.

    Reads the topic beside a connector that runs. Needs no secret of the platform; with --file, none of Kafka either.
    """
    from connector.workbench.preview.command import Options, run_preview  # noqa: PLC0415 - see the top

    if newest is not None and oldest is not None:
        raise typer.BadParameter("excludes --newest", param_hint="'--oldest'")
    if yes and not unmask:
        raise typer.BadParameter("is only for --unmask", param_hint="'--yes'")
    if web:
        from connector.workbench.playground.command import run_web  # noqa: PLC0415 - see the top

        if any((newest, oldest, against, save, every, as_json, unmask)):
            raise typer.BadParameter("goes with --config, --file and --topic only", param_hint="'--web'")
        raise typer.Exit(run_web(config, file, topic))
    options = Options(
        config=config,
        topic=topic,
        count=newest or oldest,
        oldest=oldest is not None,
        file=file,
        against=against,
        save=save,
        every=every,
        as_json=as_json,
        unmask=unmask,
        yes=yes,
    )
    raise typer.Exit(run_preview(options))
