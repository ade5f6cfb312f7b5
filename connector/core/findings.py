"""What `check --connect` finds: a verdict and a remedy for each thing that a connector needs to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

FindingVerdict = Literal["ok", "warning", "failed", "unknown"]
"""`failed`: the connector would not deliver. `warning`: it would, for now. `unknown`: it could not be found out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table. Holds no secret."""

    check: str
    """What kind of thing: `broker`, `topic`, `token`."""
    subject: str
    """Which one; empty if there is only one."""
    verdict: FindingVerdict
    detail: str
    """What was found."""
    remedy: str = ""
    """What to do; empty where nothing is to be done."""


Report = Callable[[Finding], None]
"""Takes a finding as soon as there is one; may be called on any thread."""
