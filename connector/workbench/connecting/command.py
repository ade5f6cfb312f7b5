"""`check --connect`: run the checks, print what they found, and end even if something still hangs."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from connector.language.message import in_language, message
from connector.workbench.connecting.checks import checks_of, run_checks
from connector.workbench.connecting.report import as_data, print_findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.language.choice import Language
    from connector.settings.models import Config


def check_connections(
    config: Config,
    print_document: Callable[[dict[str, object]], None] | None = None,
    language: Language = "en",
) -> int:
    """Look at what a sound config names. Return the exit code: 1 if something would keep a connector from delivering.

    Prints a table, or gives its data to `print_document`. Joins no group, commits and produces nothing.
    """
    checks = checks_of(config)
    if print_document is None and sys.stderr.isatty():
        number = len(checks)
        told = message("{number:,} check …" if number == 1 else "{number:,} checks …", number=number)
        print(in_language(told, language), file=sys.stderr)  # noqa: T201 - progress
    began = time.monotonic()
    findings, hanging = run_checks(checks)
    if print_document is None:
        print_findings(findings, time.monotonic() - began, language)
    else:
        print_document(as_data(findings, language))
    code = int(any(one.verdict == "failed" for one in findings))
    if hanging:
        # The end of Python would wait for threads of the libraries, and so for what hangs.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
