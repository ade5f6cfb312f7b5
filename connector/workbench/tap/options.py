"""The command line of `tap`. As in `cli.py`, it imports what it runs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer


def tap(
    url: Annotated[
        str, typer.Option(metavar="URL", help="The connector's admin port (admin.listen).")
    ] = "http://127.0.0.1:8080",
    route: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only items of this route; may be repeated.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only items for this target; may be repeated.")
    ] = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTCOME",
            help="Only delivered, skipped, dead_lettered; or tries that delivered nothing: again, token, held, split, "
            "refused. May be repeated.",
        ),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE",
            help="Only records that hold this value, such as an openid: its hash is sent. -: from standard input.",
        ),
    ] = None,
    value_hash: Annotated[
        str | None, typer.Option(metavar="HASH", help="The same by the first 16 to 64 hex digits of its sha256.")
    ] = None,
    sample: Annotated[float | None, typer.Option(metavar="SHARE", help="Only a random share, such as 0.01.")] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="At most N items per second; default 10, at most 1000.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="End after N items.")] = None,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="End after this time, such as 30s or 5m.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document per line.")] = False,  # noqa: FBT002
) -> None:
    """Show what flows through a running connector: what came, what was made of it, how it ended; masked.

    A sample of it, and never at the cost of the flow. Needs no config, Kafka or secret; ends with Ctrl-C.
    """
    from connector.workbench.tap.command import Options, run_tap  # noqa: PLC0415 - see the top

    if value is not None and value_hash is not None:
        raise typer.BadParameter("excludes --value", param_hint="'--value-hash'")
    asked = {"route": route, "target": target, "outcome": outcome}
    query = [(name, each) for name, values in asked.items() for each in values or ()]
    query += [(name, str(each)) for name, each in (("sample", sample), ("rate", rate)) if each is not None]
    options = Options(url, query, value, value_hash, limit, duration, as_json)
    raise typer.Exit(run_tap(options))
