"""The command `init --events`: map records without a plan, propose one, hold the records against it, write it."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.errors import CommandError, UsageError
from connector.core.wording import counted, why_not
from connector.dead_letters.masking import mask_numbers
from connector.language.message import joined, message
from connector.runtime.progress import Progress, Shown
from connector.workbench.preview.outcomes import PreviewedMapping
from connector.workbench.preview.sources import Wanted, print_note, read_records, sound_config
from connector.workbench.tracking_plan.inference import Plan, event_routes, propose
from connector.workbench.tracking_plan.observing import observed
from connector.workbench.tracking_plan.writing import PlanText, as_table, as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.config.loading import Checked
    from connector.decode.decoding import BuildFormat
    from connector.workbench.preview.given import Read
    from connector.workbench.preview.outcomes import Outcome

OPTION: Final = "--events"
STDOUT: Final = "-"
_NAME: Final = "tuzhan-connector"
_MOST_LINES: Final = 10
_WITHOUT_PLAN: Final[Mapping[str, object]] = {"events": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Wanted):
    """What the command line says."""

    config: Path
    plan: str
    """The file to write: .yaml, .yml, .csv; STDOUT: as YAML to there."""
    force: bool = False
    as_json: bool = False

    @property
    def is_table(self) -> bool:
        """Whether a table is wanted."""
        return self.plan.lower().endswith(".csv")


@dataclass(frozen=True, slots=True)
class Proposed:
    """What came out."""

    plan: Plan
    written: PlanText
    read: Sequence[Read]
    has_plan: bool
    """The config names one already."""
    notes: list[str] = field(default_factory=list)

    @property
    def description(self) -> str:
        """The records that were looked at."""
        return " and ".join(each.description for each in self.read)


def run_events(options: Options) -> int:
    """Write a tracking plan. Return the exit code, 0.

    Raises:
        ConfigError: something is wrong with the config, its own plan left aside.
        UsageError: an option is wrong, the file exists already, or the records can't be read.
        CommandError: no broker answers, the topic does not exist, or the config makes no events.

    """
    _check(options)
    proposed = propose_for(options)
    written = proposed.written
    if options.plan != STDOUT:
        _write(options, written.text)
    if options.as_json:
        print(json.dumps(_as_json(proposed, options), ensure_ascii=False, indent=2))  # noqa: T201 - what was asked for
        return 0
    if options.plan == STDOUT:
        sys.stdout.write(written.text)
        sys.stdout.flush()
    report = sys.stderr if options.plan == STDOUT else sys.stdout
    report.write("\n".join(_report(proposed, options)) + "\n")
    return 0


def _check(options: Options) -> None:
    if options.plan == STDOUT:
        return
    if Path(options.plan).suffix.lower() not in {".yaml", ".yml", ".csv"}:
        told = message("{file}: its name must end in .yaml, or in .csv for a spreadsheet", file=options.plan)
        raise UsageError(OPTION, told)
    if os.path.lexists(options.plan) and not options.force:
        raise UsageError(OPTION, message("{file} exists: --force replaces it", file=options.plan))


def propose_for(options: Options) -> Proposed:
    """Look at the records, and return what to write; writes nothing itself. Raises as `run_events` does."""
    needs_kafka = options.file is None
    checked = sound_config(options.config, needs_kafka=needs_kafka, replaced=_WITHOUT_PLAN)
    config = checked.config
    assert config is not None  # noqa: S101 - it is sound
    routes = event_routes(config)
    if not routes:
        raise CommandError(message("{file}: no route makes events, so there is nothing to plan", file=checked.file))
    topics = list(_each_topic(options, checked))
    with Progress(Shown.on_stderr(as_json=options.as_json, elsewhere=Shown.NOTHING)) as progress:
        sources = [read_records(checked, wanted, progress) for wanted in topics]
        outcomes = [each for source in sources for each in _outcomes(checked, source, progress)]
        made = (made for each in outcomes for made in each.made)
        plan = propose(config, observed(made, [each.name for each in routes]))
        read = [each for each, _ in sources]
        description = " and ".join(each.description for each in read)
        written = as_table(plan) if options.is_table else as_yaml(plan, checked.file, description)
        planned = _planned(checked, written.text, is_table=options.is_table)
        after = [each for source in sources for each in _outcomes(planned, source, progress)]
    notes = [note for each in read for note in each.notes] + list(_notes(plan, outcomes))
    notes += _breaches(outcomes, after)
    document = checked.document
    raw = document.read.data if document is not None else None
    return Proposed(plan, written, read, isinstance(raw, dict) and bool(raw.get("events")), notes)


def _each_topic(options: Options, checked: Checked) -> Iterator[Wanted]:
    """Yield what to read: without --topic and --file, every topic of a route that makes events."""
    assert checked.config is not None  # noqa: S101 - it is sound
    topics = dict.fromkeys(topic for route in event_routes(checked.config) for topic in route.topics)
    plain = [topic for topic in topics if not topic.startswith("^")]
    if options.file is not None or options.topic is not None or not plain:
        yield options
        return
    for topic in topics.keys() - plain:
        print_note(f"{topic} is a pattern: --topic names a topic that it matches")
    for topic in plain:
        yield Wanted(topic=topic, count=options.count, oldest=options.oldest)


def _outcomes(checked: Checked, source: tuple[Read, Mapping[str, BuildFormat]], progress: Progress) -> list[Outcome]:
    read, formats = source
    return PreviewedMapping(checked, read.cluster_id, formats).outcomes(progress.over(read.givens, message("mapping")))


def _notes(plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[str]:
    letters = Counter(made.failure.reason for each in outcomes for made in each.made if made.failure is not None)
    if letters:
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in letters.most_common())
        yield f"{counted(letters.total(), 'dead letter')} not looked at: {reasons}; `preview` shows why"
    if plan.keys_left_out:
        yield f"{counted(plan.keys_left_out, 'event key')} of records left out: no codes, or too many"
    if plan.arguments_left_out:
        yield f"{counted(plan.arguments_left_out, 'argument')} of records left out: their names may be data"


def _planned(checked: Checked, text: str, *, is_table: bool) -> Checked:
    """Return the config with the plan. Raises CommandError if it would not be sound."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "plan.csv" if is_table else "plan.yaml")
        _store(file, text, is_table=is_table)
        replaced = {"events": {"file": str(file)}}
        unused = UNUSED_BY_MAPPING | replaced.keys()
        planned = check(checked.file, os.environ, unused=unused, replaced=replaced)
    if planned.config is None:
        the_plan = message("the plan")
        errors = [each for each in planned.problems if not each.warning]
        named = [each._replace(file=the_plan) if each.file == str(file) else each for each in errors]
        why = joined("; ", (each.line(planned.file) for each in named))
        raise CommandError(
            message("nothing is written, because the config would not be sound with the plan: {why}", why=why)
        )
    return planned


def _breaches(before: Sequence[Outcome], after: Sequence[Outcome]) -> list[str]:
    """Return which records would break the plan, and how."""
    found: Counter[str] = Counter()
    for old, new in zip(before, after, strict=True):
        for one, other in zip(old.made, new.made, strict=True):
            if one.failure is None and other.failure is not None:
                found[mask_numbers(f"{other.failure.field}: {other.failure.detail}")] += 1
    return [f"{counted(count, 'event')} would break the plan: {what}" for what, count in found.most_common()]


def _write(options: Options, text: str) -> None:
    file = Path(options.plan)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _store(file, text, is_table=options.is_table)
    except OSError as error:
        told = message("can't write {file}: {reason}", file=file, reason=why_not(error))
        raise UsageError(OPTION, told) from error


def _store(file: Path, text: str, *, is_table: bool) -> None:
    """Write the file; a table with the mark by which spreadsheets know UTF-8."""
    file.write_text(text, encoding="utf-8-sig" if is_table else "utf-8", newline="")


def _report(proposed: Proposed, options: Options) -> list[str]:
    plan, places = proposed.plan, _places(proposed)
    arguments = sum(len(event.args) for event in plan.events.values())
    lines = [f"looked at {proposed.description}", *(f"  {note}" for note in proposed.notes)]
    if options.plan != STDOUT:
        size = f"{counted(len(plan.events), 'event')}, {counted(arguments, 'argument')}"
        lines += ["", f"wrote {options.plan}: {size}"]
    lines += ["", "left to you:"]
    lines += [f"  {_file(options)}: {text}" for text in places]
    commands = _commands(proposed, options)
    width = max(len(command) for command, _ in commands)
    return [*lines, "", "next:", *(f"  {command:<{width}}   # {what}" for command, what in commands)]


def _places(proposed: Proposed) -> list[str]:
    """Return what is left to the user, each thing once, with its lines."""
    found: dict[str, list[int]] = {}
    for number, text in proposed.written.places:
        found.setdefault(text, []).append(number)
    return [f"{text} ({_numbers(lines)})" for text, lines in found.items()]


def _numbers(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:_MOST_LINES]))
    more = f" and {len(lines) - _MOST_LINES:,} more" if len(lines) > _MOST_LINES else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"


def _file(options: Options) -> str:
    return "plan.yaml" if options.plan == STDOUT else options.plan


def _commands(proposed: Proposed, options: Options) -> list[tuple[str, str]]:
    config = shlex.quote(str(options.config))
    records = "" if options.topic is None else f" --topic {options.topic}"
    records += "" if options.file is None else f" --file {shlex.quote(options.file)}"
    entry = f"events: {{file: {os.path.relpath(_file(options), options.config.parent)}}}"
    why = "in the place of its own `events`" if proposed.has_plan else "the mapping is held against the plan then"
    return [
        (entry, f"in {options.config}: {why}"),
        (f"{_NAME} check -c {config}", "what is known at start"),
        (f"{_NAME} preview -c {config}{records}", "what depends on the record; nothing is sent"),
    ]


def _as_json(proposed: Proposed, options: Options) -> dict[str, Any]:
    return {
        "config": str(options.config),
        "source": proposed.description,
        "events": {
            key: {
                "routes": event.routes,
                "events": event.events,
                "args": {
                    name: {"type": each.type, "required": each.required, "found": each.seen}
                    for name, each in event.args.items()
                },
            }
            for key, event in proposed.plan.events.items()
        },
        "plan": {"file": None if options.plan == STDOUT else options.plan, "text": proposed.written.text},
        "todo": [{"line": number, "text": text} for number, text in proposed.written.places],
        "notes": proposed.notes,
        "next": [command for command, _ in _commands(proposed, options)],
    }
