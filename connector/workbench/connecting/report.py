"""What `check --connect` prints: a table for people, a document for scripts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector.language.message import in_language, message
from connector.workbench.preview.report import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.findings import Finding
    from connector.language.choice import Language

_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "unknown": "magenta"}
_WIDTH_OF_FILES: Final = 140
"""Where the output is no terminal, which would have a width."""


def print_findings(findings: Sequence[Finding], took_s: float, language: Language = "en") -> None:
    """Print the table, and one line with the counts."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_FILES
    console = Console(width=width, highlight=False, soft_wrap=False)
    table = Table(box=ROUNDED, header_style="bold")
    for head in (message("check"), message("verdict"), message("found"), message("remedy")):
        table.add_column(in_language(head, language), overflow="fold")
    for one in findings:
        name = one.check if one.subject in {"", one.check} else f"{one.check} {one.subject}"
        table.add_row(Text(printable(name)), Text(one.verdict, _STYLES[one.verdict]), *_texts(one, language))
    console.print(table)
    counts = [
        f"{sum(one.verdict == verdict for one in findings)} {verdict}"
        for verdict in _STYLES
        if any(one.verdict == verdict for one in findings)
    ]
    number = len(findings)
    told = message(
        "{number:,} check in {seconds:.1f} s: {counts}"
        if number == 1
        else "{number:,} checks in {seconds:.1f} s: {counts}",
        number=number,
        seconds=took_s,
        counts=", ".join(counts),
    )
    console.print(Text(in_language(told, language)))


def _texts(finding: Finding, language: Language) -> tuple[Text, Text]:
    detail, remedy = (Text(printable(in_language(told, language))) for told in (finding.detail, finding.remedy))
    return detail, remedy


def as_data(findings: Sequence[Finding], language: Language = "en") -> dict[str, object]:
    """Return the part of the document of `check --json` that is about connections."""
    return {
        "ok": all(one.verdict != "failed" for one in findings),
        "findings": [
            {
                "check": one.check,
                "subject": one.subject,
                "verdict": one.verdict,
                "detail": in_language(one.detail, language),
                "remedy": in_language(one.remedy, language),
            }
            for one in findings
        ],
    }
