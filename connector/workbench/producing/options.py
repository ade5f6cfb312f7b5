"""The command line of `produce`. As in `cli.py`, it imports what it runs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from connector.workbench.init.options import BrokersOption, PropertiesOption  # noqa: TC001 - Typer reads the annotations


def produce(
    topic: Annotated[str, typer.Option(metavar="NAME", help="The topic; made if the broker makes topics.")],
    file: Annotated[
        str, typer.Option(metavar="FILE", help="JSON lines, a record per line, as for preview; -: standard input.")
    ] = "-",
    key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The key of every record: all go to one partition, in order.")
    ] = None,
    raw: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--raw", help="Each line as it is, whether it is JSON or not: a dead letter to look at.")
    ] = False,
    bootstrap_servers: BrokersOption = None,
    properties: PropertiesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Write records into a topic, to try a config with. Needs no config and no other Kafka tool.

    Says where they are once all replicas have them.
    """
    from connector.workbench.producing.command import Options, run_produce  # noqa: PLC0415 - see the top

    options = Options(topic, file, key, raw, bootstrap_servers, properties or (), as_json)
    raise typer.Exit(run_produce(options))
