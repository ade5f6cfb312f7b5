"""The command line. Results go to stdout, everything else to stderr; exit codes 0, 1 and 2.

A command is a function here that imports what it runs and passes its options on. The import stands inside the
function, so that a command does not load the libraries of the others. No error that a user can cause ends in a
traceback: the connector's own errors are printed as one line each.
"""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from connector import __version__
from connector.core.errors import ConfigError, ConnectorError, StartError, UsageError
from connector.core.wording import counted
from connector.dead_letters import commands as dead_letters
from connector.language.choice import chosen
from connector.language.message import in_language, message
from connector.workbench.init.options import init
from connector.workbench.preview.options import preview
from connector.workbench.producing.options import produce
from connector.workbench.tap.options import tap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.loading import Checked
    from connector.language.choice import Language as Spoken

NAME = "tuzhan-connector"
_INTERRUPTED = 130
"""Typer's exit code for Ctrl-C; the documented one is 1."""

app = typer.Typer(
    name=NAME,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(dead_letters.app)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The config file (YAML).")]

UnmaskOption = Annotated[bool, typer.Option("--unmask", help="Show personal data; asks first.")]


class Language(Enum):
    """The languages of descriptions."""

    EN = "en"
    ZH = "zh"


class OnOff(Enum):
    """The values of an option that is switched on or off."""

    ON = "on"
    OFF = "off"


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Send business events from Kafka to Tuzhan as customer events, profiles and tags."""


@app.command()
def run(
    config: ConfigOption,
    watch: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--watch", help="Read the config again whenever it, or a file that it names, has changed.")
    ] = False,
) -> None:
    """Run the connector until SIGTERM or SIGINT. Processes with the same group_id share the partitions.

    SIGHUP has the config read again. A sound one takes over without leaving the group; of another one, the log says
    what is wrong, and the one before stays in use.
    """
    from connector.runtime.process import Hangups  # noqa: PLC0415 - see the top

    hangups = Hangups()  # before the imports, which take a while
    from connector.app import run as run_app  # noqa: PLC0415 - see the top

    raise typer.Exit(run_app(str(config), hangups, watch=watch))


@app.command()
def check(
    config: ConfigOption,
    connect: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--connect", help="Then ask brokers, registry and platform; nothing is sent or committed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Find everything that is wrong with a config: without a network, unless --connect is given."""
    from connector.config import loading  # noqa: PLC0415 - see the top
    from connector.kafka.properties import validate_properties  # noqa: PLC0415 - see the top

    checked, language = loading.check(config, os.environ, validate_properties), chosen(os.environ)
    connecting = connect and checked.config is not None
    if as_json and not connecting:
        typer.echo(_as_json(checked, language))
    elif not as_json:
        excerpts = sys.stderr.isatty()
        for text in (*checked.errors(excerpts=excerpts), *checked.warnings(excerpts=excerpts)):
            typer.echo(in_language(text, language), err=True)
        if checked.config is not None:
            sound = message(
                "{file}: sound ({targets}, {routes})",
                file=checked.file,
                targets=counted(len(checked.config.targets), "target"),
                routes=counted(len(checked.config.routes), "route"),
            )
            typer.echo(in_language(sound, language))
    if connecting and checked.config is not None:
        from connector.workbench.connecting.command import check_connections  # noqa: PLC0415 - see the top

        show = (lambda found: typer.echo(_as_json(checked, language, {"connect": found}))) if as_json else None
        raise typer.Exit(check_connections(checked.config, show, language))
    raise typer.Exit(0 if checked.config is not None else 2)


@app.command()
def health(
    config: ConfigOption,
    ready: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--ready", help="Ask whether it is ready, and if not, why and what to do.")
    ] = False,
) -> None:
    """Ask the connector that runs with a config whether it is live: exit code 0 or 1. For health checks."""
    from connector.workbench.health_check import check_health  # noqa: PLC0415 - see the top

    raise typer.Exit(check_health(config, ready=ready))


@app.command()
def schema(
    lang: Annotated[Language, typer.Option(help="The language of the descriptions.")] = Language.EN,
    as_json: Annotated[bool, typer.Option("--json", help="Changes nothing: a schema is JSON.")] = False,  # noqa: ARG001, FBT002
) -> None:
    """Print the JSON Schema of the config file, for editors."""
    from connector.config.schema import schema_text  # noqa: PLC0415 - see the top

    typer.echo(schema_text("zh" if lang is Language.ZH else "en"))


@app.command(name="test")
def run_mapping_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE or DIR", help="Files of tests, or where to look for them; default: here."),
    ] = None,
    name: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only the tests with this in their name.")] = "",
    update: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--update", help="Write what comes out into the expectations, to be reviewed.")
    ] = False,
    watch: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--watch", help="Run again after each change of a file, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,  # noqa: FBT002 - a flag
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit report (XML) too.")] = None,
) -> None:
    """Run the tests of mappings, and say what of a mapping no test reaches. Needs no Kafka, platform or secret."""
    from connector.workbench.testing.command import Options, run_tests, watch_tests  # noqa: PLC0415 - see the top

    options = Options(paths or [Path()], name, update, as_json, junit)
    raise typer.Exit(watch_tests(options) if watch else run_tests(options))


app.command()(init)
app.command()(preview)
app.command()(produce)
app.command()(tap)


@app.command()
def explain(
    config: ConfigOption,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A file with the record's value; - is standard input.")
    ] = None,
    topic: Annotated[str | None, typer.Option(metavar="NAME", help="The record's topic.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, metavar="N", help="Its partition.")] = None,
    offset: Annotated[int | None, typer.Option(min=0, metavar="N", help="Its offset.")] = None,
    letter: Annotated[
        str | None,
        typer.Option(metavar="LETTER", help="A dead letter: its place, 0:12, or its record, orders[3]@41."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Print the generated source that maps a topic instead.")
    ] = None,
    unmask: UnmaskOption = False,  # noqa: FBT002 - a flag
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --unmask.")] = False,  # noqa: FBT002 - a flag
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Explain one record: every route, condition and value, what each saw, and why an item came to be, or not.

    The record is at --topic, --partition and --offset (read without joining the group), in a dead letter, or in FILE.
    Needs no platform and no secret of it.
    """
    from connector.workbench.explaining import command  # noqa: PLC0415 - see the top
    from connector.workbench.masking import confirm_unmask  # noqa: PLC0415 - see the top

    if source is not None:
        raise typer.Exit(command.print_source(config, source, as_json=as_json))
    options = command.Options(config, file, topic, partition, offset, letter, unmask, as_json)
    if unmask:
        confirm_unmask(yes=yes)
    raise typer.Exit(command.explain(options))


@app.command()
def sandbox(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The address to serve on; port 0: any free port.")
    ] = "127.0.0.1:9100",
    app_id: Annotated[str, typer.Option(help="The app id to accept.")] = "sandbox-app",
    app_secret: Annotated[str, typer.Option(help="The app secret to accept.")] = "sandbox-secret",  # noqa: S107 - a stand-in's
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A name with a dot by which browsers may ask too, or *.DOMAIN; may be repeated."
        ),
    ] = None,
) -> None:
    """Run a local stand-in of the Tuzhan platform. Its page shows what was stored and switches faults on.

    On the page /playground, a mapping can be tried.
    """
    from connector.core.host_names import is_host_pattern  # noqa: PLC0415 - see the top
    from connector.runtime import web  # noqa: PLC0415 - see the top
    from connector.sandbox.server import serve  # noqa: PLC0415 - see the top
    from connector.workbench.playground.routes import example, playground  # noqa: PLC0415 - see the top

    try:
        web.parse_listen(listen)
    except StartError as error:
        raise typer.BadParameter(str(error), param_hint="'--listen'") from error
    for name in allowed_host or ():
        if not is_host_pattern(name):
            raise typer.BadParameter(f"'{name}' is no name: sandbox.example.com", param_hint="'--allowed-host'")
    routes = playground(texts=example(home=True))
    raise typer.Exit(serve(listen, app_id, app_secret, routes, allowed_host or ()))


@app.command()
def demo(
    records: Annotated[int, typer.Option(min=1, max=1_000_000, help="The number of shop orders to send.")] = 5000,
    faults: Annotated[
        OnOff, typer.Option(help="Whether to inject a 503, an expired token and a record that is refused.")
    ] = OnOff.ON,
    keep: Annotated[bool, typer.Option("--keep", help="Keep everything running after the summary.")] = False,  # noqa: FBT002
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Run a complete example on this machine.

    Starts a mock Kafka cluster, the sandbox and the connector, sends shop orders, and ends with a summary.
    """
    from connector.demo import main as run_demo  # noqa: PLC0415 - see the top

    raise typer.Exit(run_demo(records, faults is OnOff.ON, keep, as_json))


@dead_letters.app.command()
def replay(
    config: ConfigOption,
    route: dead_letters.RouteOption = None,
    reason: dead_letters.ReasonOption = None,
    topic: dead_letters.TopicOption = None,
    since: dead_letters.SinceOption = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The oldest N only.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send. Without it, only say what would be done.")] = False,  # noqa: FBT002
    overwrite: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--overwrite", help="Send profiles and tags too, which may overwrite newer ones.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Send those too that were replayed before.")] = False,  # noqa: FBT002
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Map dead letters with today's config and send them again, with the same uuid. A dry run, unless --yes is given.

    Remembers what was replayed (consumer group GROUP_ID.replay), so that it can be stopped, and go on, at any time.
    """
    from connector.dead_letters.output import Output  # noqa: PLC0415 - see the top
    from connector.dead_letters.replay_report import nothing_as_json  # noqa: PLC0415 - see the top
    from connector.replay import Options  # noqa: PLC0415 - see the top
    from connector.replay import replay as run_replay  # noqa: PLC0415 - see the top

    filters = dead_letters.parsed_filters(route, reason, topic, since)
    options = Options(filters, limit, send=yes, overwrite=overwrite, again=again, as_json=as_json)
    loaded, output = dead_letters.load_config(config), Output()
    with dead_letters.reading(loaded, output) as reader:
        if reader is not None:
            raise typer.Exit(run_replay(loaded, reader, options, output))
        if as_json:
            output.print(nothing_as_json(sent=yes))


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        _escape_unencodable(stream)
    try:
        app(prog_name=NAME)
    except ConfigError as error:
        _print_error(*error.lines)
        sys.exit(2)
    except ConnectorError as error:
        _print_error(message("{name}: {told}", name=NAME, told=error.told))
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except SystemExit as leaving:
        sys.exit(1 if leaving.code == _INTERRUPTED else leaving.code)


def _print_error(*lines: str) -> None:
    language = chosen(os.environ)
    for line in lines:
        print(in_language(line, language), file=sys.stderr)  # noqa: T201 - stderr is for errors


def _escape_unencodable(stream: TextIO) -> None:
    """Escape characters that the terminal's encoding lacks, instead of failing with a traceback."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _as_json(checked: Checked, language: Spoken = "en", more: Mapping[str, object] | None = None) -> str:
    import orjson  # noqa: PLC0415 - see the top

    from connector.config.located import path_text  # noqa: PLC0415 - see the top

    problems = [
        {
            **({"file": problem.file} if problem.file else {}),
            "line": problem.position.line,
            "column": problem.position.column,
            "path": path_text(problem.path),
            "message": in_language(problem.message, language),
            "code": problem.code,
            "severity": "warning" if problem.warning else "error",
        }
        for problem in checked.problems
    ]
    document = {"file": checked.file, "sha256": checked.sha256, "sound": checked.config is not None}
    return orjson.dumps({**document, "problems": problems, **(more or {})}, option=orjson.OPT_INDENT_2).decode()
