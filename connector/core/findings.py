"""What `check --connect` finds: a verdict and a remedy for each thing that a connector needs to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connector.language.message import NOTHING, Message

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
    detail: Message
    """What was found."""
    remedy: Message = NOTHING
    """What to do; empty where nothing is to be done."""


def apart(told: Message) -> tuple[Message, Message]:
    """Return what was found and what to do, of a message that has both as its arguments `found` and `remedy`."""
    found, remedy = (told.arguments.get(name) for name in ("found", "remedy"))
    if isinstance(found, Message) and isinstance(remedy, Message):
        return found, remedy
    return told, NOTHING


Report = Callable[[Finding], None]
"""Takes a finding as soon as there is one; may be called on any thread."""
