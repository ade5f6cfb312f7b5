"""The command `init`: look at records, propose, write, and say what comes next."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.config.documents import UnreadableError
from connector.config.secrets import is_secret
from connector.core.errors import CommandError, UsageError
from connector.core.wording import why_not
from connector.language.message import joined, message
from connector.workbench.brokers import BROKERS, brokers_of, check_topic, parse_properties
from connector.workbench.init.expecting import tests_text
from connector.workbench.init.inference import propose
from connector.workbench.init.lines import TODO
from connector.workbench.init.reading import Looked, look_at_file, look_at_topic
from connector.workbench.init.writing import EVENTS, PROFILES, Source, config_text
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import BrokenFileError, read_cases
from connector.workbench.testing.running import run
from connector.workbench.testing.updating import NotUpdatedError, updated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.workbench.init.inference import Proposal

STDOUT: Final = "-"
_DEFAULT_OUTPUT: Final = "connector.yaml"
_TESTS: Final = "tests"
_NAME: Final = "tuzhan-connector"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    topic: str | None = None
    file: str | None = None
    brokers: str | None = None
    properties: Sequence[str] = ()
    count: int = 200
    output: str = _DEFAULT_OUTPUT
    force: bool = False
    as_json: bool = False

    @property
    def config(self) -> str:
        """Where the config goes, or would go."""
        return _DEFAULT_OUTPUT if self.output == STDOUT else self.output

    @property
    def tests(self) -> Path:
        """Where the mapping test goes."""
        output = Path(self.config)
        return output.parent / _TESTS / f"{output.stem}.yaml"


@dataclass(frozen=True, slots=True)
class Written:
    """What came out."""

    found: Proposal
    looked: Looked
    config: str
    tests: str
    notes: list[str] = field(default_factory=list)

    @property
    def places(self) -> list[tuple[int, str]]:
        """The lines of the config that are left to the user, and what they say."""
        lines = self.config.splitlines()
        return [(number, line.split(TODO, 1)[1].strip()) for number, line in enumerate(lines, 1) if TODO in line]


def run_init(options: Options) -> int:
    """Write a first config and its first test. Return the exit code.

    Raises:
        UsageError: an option is wrong, a file exists already, or the records can't be read.
        CommandError: the topic can't be read.

    """
    _check(options)
    written = make(options)
    if options.output != STDOUT:
        _write(Path(options.output), written.config, force=options.force)
        _write(options.tests, written.tests, force=options.force)
    if options.as_json:
        sys.stdout.write(json.dumps(_as_json(written, options), ensure_ascii=False, indent=2) + "\n")
        return 0
    if options.output == STDOUT:
        sys.stdout.write(written.config)
        sys.stdout.flush()
    report = sys.stderr if options.output == STDOUT else sys.stdout
    report.write("\n".join(_report(written, options)) + "\n")
    return 0


def _check(options: Options) -> None:
    if options.topic is None and options.file is None:
        raise UsageError("--topic", message("name a topic, or give records by --file"))
    if options.topic is not None:
        check_topic(options.topic)
    if options.output == STDOUT:
        return
    if Path(options.output).suffix not in {".yaml", ".yml"}:
        raise UsageError("--output", message("{file}: its name must end in .yaml or .yml", file=options.output))
    if options.force:
        return
    for file in (Path(options.output), options.tests):
        if os.path.lexists(file):
            told = message("{file} exists: --force replaces it, --output names another", file=file)
            raise UsageError("--output", told)


def make(options: Options) -> Written:
    """Look at the records, and return what to write; writes nothing itself. Raises UsageError, CommandError."""
    properties = parse_properties(options.properties)
    brokers = brokers_of(options.brokers)
    if options.file is not None:
        looked = look_at_file(options.file, options.topic, options.count)
    else:
        looked = look_at_topic(options.topic or "", brokers, properties, options.count)
    return made_of(looked, f"${{{BROKERS}:-{brokers}}}", properties, options.config)


def made_of(looked: Looked, brokers: str, properties: Mapping[str, str], config_file: str = _DEFAULT_OUTPUT) -> Written:
    """Return what to write for the records that were looked at. Raises CommandError if that would not be sound."""
    shapes = looked.shapes
    found = propose([row.value for row in shapes.rows], looked.topic, shapes.envelope)
    shown = {name: _without_secret(name, value) for name, value in properties.items()}
    source = Source(looked.topic, looked.is_guessed, looked.description, brokers, shown, shapes.entry)
    config = config_text(found, source)
    tests = tests_text(found, shapes, looked.topic, f"../{Path(config_file).name}")
    return Written(found, looked, config, _expected(config, tests, Path(config_file).name), list(looked.notes))


def _expected(config: str, open_tests: str, name: str) -> str:
    """Return the tests with what the mapping makes of their records."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / _TESTS).mkdir()
        (base / name).write_text(config, encoding="utf-8")
        tests = base / _TESTS / "tests.yaml"
        tests.write_text(open_tests, encoding="utf-8")
        mappings = Mappings()
        try:
            cases = read_cases(str(tests), mappings, may_be_open=True)
            return updated(cases, run([cases]))
        except (BrokenFileError, NotUpdatedError, UnreadableError) as error:
            told = (
                [problem.line(error.file) for problem in error.problems] if isinstance(error, BrokenFileError) else []
            )
            told += [line for checked in mappings.checked if checked.config is None for line in checked.errors()]
            why = joined("; ", told) if told else error.args[0]
            raise CommandError(
                message("nothing is written, because the config would not be sound: {why}", why=why)
            ) from error


def _without_secret(name: str, value: str) -> str:
    """Return a property as the config has it: a secret in clear becomes a file."""
    if "${" in value or name.endswith(".location") or not is_secret((name,)):
        return value
    return f"${{file:/run/secrets/{name.replace('.', '_')}}}"


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        reason = why_not(error)
        raise UsageError("--output", message("can't write {file}: {reason}", file=file, reason=reason)) from error


def _commands(options: Options, looked: Looked) -> list[tuple[str, str]]:
    config, tests = shlex.quote(options.config), shlex.quote(str(options.tests))
    records = f"--topic {looked.topic}" if options.file is None else f"--file {shlex.quote(options.file)}"
    return [
        (f"{_NAME} check -c {config}", "what is left to fill in, by line"),
        (f"{_NAME} test {tests}", "what becomes of a record"),
        (f"{_NAME} preview -c {config} {records}", "what becomes of real ones; nothing is sent"),
    ]


def _report(written: Written, options: Options) -> list[str]:
    found = written.found
    lines = [f"looked at {written.looked.description}"]
    lines += [f"  {note}" for note in written.notes]
    lines += [f"  {what}: {', '.join(references)}" for what, references in _found(found).items() if references]
    if options.output != STDOUT:
        lines += ["", f"wrote {options.output} and {options.tests}"]
    lines += ["", "left to you:"]
    lines += [f"  {options.config}:{number}: {text}" for number, text in written.places]
    commands = _commands(options, written.looked)
    width = max(len(command) for command, _ in commands)
    return [*lines, "", "next:", *(f"  {command:<{width}}   # {what}" for command, what in commands)]


def _found(found: Proposal) -> dict[str, list[str]]:
    """Return the references by what they are."""
    named = {one.role.value: [each.reference for each in one.fields] for one in found.identities}
    named |= {"time": [each.reference for each in found.times], "order id": [each.reference for each in found.order]}
    named["amount"] = [one.field.reference for one in found.amounts]
    named["event key"] = [found.event.field.reference] if found.event is not None else []
    if found.is_profile:
        named |= {role.value: [each.reference] for role, each in found.profile.items()}
    named["lists"] = [each.reference for each in found.lists]
    return named


def _as_json(written: Written, options: Options) -> dict[str, Any]:
    shapes, found = written.looked.shapes, written.found
    is_stdout = options.output == STDOUT
    return {
        "topic": written.looked.topic,
        "records": found.records,
        "decode": shapes.entry,
        "endpoint": PROFILES if found.is_profile else EVENTS,
        "found": _found(found),
        "config": {"file": None if is_stdout else options.output, "text": written.config},
        "test": {"file": None if is_stdout else str(options.tests), "text": written.tests},
        "todo": [{"line": number, "text": text} for number, text in written.places],
        "notes": written.notes,
        "next": [command for command, _ in _commands(options, written.looked)],
    }
