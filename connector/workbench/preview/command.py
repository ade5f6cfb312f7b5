"""The command `preview`: check the config, read records, map them, report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from connector.language.message import message
from connector.runtime.progress import Progress, Shown
from connector.workbench.masking import Mask, confirm_unmask
from connector.workbench.preview.comparison import changes
from connector.workbench.preview.comparison_report import changes_data, print_changes
from connector.workbench.preview.outcomes import PreviewedMapping
from connector.workbench.preview.report import (
    Display,
    console,
    print_decisions,
    print_outcomes,
    print_references,
    printable,
)
from connector.workbench.preview.saving import check_free, save
from connector.workbench.preview.sources import Wanted, print_note, read_records, sound_config
from connector.workbench.preview.views import (
    by_kind,
    condition_views,
    count_views,
    identity_views,
    kind_view,
    outcome_view,
    reference_views,
    table_views,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from connector.config.loading import Checked
    from connector.decode.decoding import BuildFormat
    from connector.workbench.preview.comparison import Change
    from connector.workbench.preview.given import Read
    from connector.workbench.preview.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Wanted):
    """What the command line says."""

    config: Path
    against: Path | None = None
    save: Path | None = None
    every: bool = False
    as_json: bool = False
    unmask: bool = False
    yes: bool = False


def run_preview(options: Options) -> int:
    """Show what becomes of records. Return the exit code, 0.

    Raises:
        ConfigError: something is wrong with a config.
        UsageError: an option is wrong, or a file.
        CommandError: no broker answers, the topic does not exist.
        RegistryError: the schema registry does not answer.

    """
    needs_kafka = options.file is None
    checked = sound_config(options.config, needs_kafka=needs_kafka)
    old = None if options.against is None else sound_config(options.against, needs_kafka=needs_kafka)
    if options.save is not None:
        check_free(options.save)
    if options.unmask:
        confirm_unmask(yes=options.yes)
    seen = _look(options, checked, old)
    mask = Mask(*(each.config for each in (seen.mapping, seen.before) if each is not None), unmask=options.unmask)
    for note in seen.read.notes:
        print_note(note)
    if options.as_json:
        _print_json(_document(seen, mask))
    elif seen.outcomes:
        _print(seen, Display(mask, console(), every=options.every))
    if options.save is not None:
        apart = PreviewedMapping(checked, seen.read.cluster_id, seen.formats)  # what it counts is not shown
        for note in save(options.save, seen.outcomes, apart, mask):
            print_note(note)
    return 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """The records, and what becomes of them."""

    read: Read
    formats: Mapping[str, BuildFormat]
    mapping: PreviewedMapping
    outcomes: Sequence[Outcome]
    before: PreviewedMapping | None
    """That of the config to compare with."""
    changed: Sequence[Change]


def _look(options: Options, checked: Checked, old: Checked | None) -> _Seen:
    with Progress(Shown.on_stderr(as_json=options.as_json, elsewhere=Shown.NOTHING)) as progress:
        read, formats = read_records(checked, options, progress)
        mapping = PreviewedMapping(checked, read.cluster_id, formats)
        outcomes = mapping.outcomes(progress.over(read.givens, message("mapping")))
        if old is None:
            return _Seen(read, formats, mapping, outcomes, None, ())
        before = PreviewedMapping(old, read.cluster_id, formats)
        changed = changes(before.outcomes(progress.over(read.givens, message("mapping as before"))), outcomes)
        return _Seen(read, formats, mapping, outcomes, before, changed)


def _print(seen: _Seen, display: Display) -> None:
    mapping, before, outcomes = seen.mapping, seen.before, seen.outcomes
    compared = "" if before is None else f", against {before.file}"
    display.out.print(Text(printable(f"{seen.read.description}, as {mapping.file} maps them{compared}")))
    display.out.print()
    if before is None:
        print_outcomes(outcomes, display)
        print_decisions(mapping, display)
        print_references(mapping, display)
    else:
        print_changes(seen.changed, len(outcomes), (before.file, mapping.file), display)


def _document(seen: _Seen, mask: Mask) -> dict[str, object]:
    mapping, outcomes = seen.mapping, seen.outcomes
    source = {"config": mapping.file, "source": seen.read.description, "notes": list(seen.read.notes)}
    if seen.before is not None:
        return {**source, "against": seen.before.file, **changes_data(seen.changed, len(outcomes), mask)}
    return {
        **source,
        "counts": count_views(outcomes),
        "kinds": [kind_view(found, mask) for found in by_kind(outcomes)],
        "conditions": condition_views(mapping, mask),
        "identities": identity_views(mapping),
        "maps": table_views(mapping, mask),
        "references": reference_views(mapping, mask),
        "records": [outcome_view(each, mask) for each in outcomes],
    }


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str))  # noqa: T201 - what was asked for
