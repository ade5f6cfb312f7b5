"""The command `preview`: check the config, read records, map them, report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

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
    from collections.abc import Sequence
    from pathlib import Path

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
    read, formats = read_records(checked, options)
    for note in read.notes:
        print_note(note)
    mapping = PreviewedMapping(checked, read.cluster_id, formats)
    before = None if old is None else PreviewedMapping(old, read.cluster_id, formats)
    mask = Mask(*(each.config for each in (mapping, before) if each is not None), unmask=options.unmask)
    outcomes = mapping.outcomes(read.givens)
    display = Display(mask, console(), every=options.every)
    if options.as_json:
        _print_json(_document(mapping, before, read, outcomes, mask))
    elif outcomes:
        compared = "" if before is None else f", against {before.file}"
        display.out.print(Text(printable(f"{read.description}, as {mapping.file} maps them{compared}")))
        display.out.print()
        if before is None:
            print_outcomes(outcomes, display)
            print_decisions(mapping, display)
            print_references(mapping, display)
        else:
            files = before.file, mapping.file
            print_changes(changes(before.outcomes(read.givens), outcomes), len(outcomes), files, display)
    if options.save is not None:
        apart = PreviewedMapping(checked, read.cluster_id, formats)  # what it counts is not shown
        for note in save(options.save, outcomes, apart, mask):
            print_note(note)
    return 0


def _document(
    mapping: PreviewedMapping, before: PreviewedMapping | None, read: Read, outcomes: Sequence[Outcome], mask: Mask
) -> dict[str, object]:
    source = {"config": mapping.file, "source": read.description, "notes": list(read.notes)}
    if before is not None:
        found = changes(before.outcomes(read.givens), outcomes)
        return {**source, "against": before.file, **changes_data(found, len(outcomes), mask)}
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
