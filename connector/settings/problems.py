"""What is wrong with a config, collected: no check stops at its first problem.

A check calls `add` with the path of the value it judges. The loader, which knows positions, finds the path in the file.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from connector.language.message import NOTHING, Message, message

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str | int, ...]

Code = Literal[
    "yaml_syntax",
    "unknown_key",
    "missing_key",
    "wrong_type",
    "bad_value",
    "unknown_name",
    "duplicate_name",
    "bad_reference",
    "missing_variable",
    "unreadable_file",
    "owned_property",
    "not_for_this_endpoint",
    "undefined_event",
    "unused",
    "cdc_without_op",
    "suspicious",
]
WARNINGS: frozenset[Code] = frozenset({"unused", "cdc_without_op", "suspicious"})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error or a warning about one value of the file."""

    path: Path
    message: Message
    code: Code
    at_key: bool = False
    """Whether the key is wrong (unknown, misspelt) and not its value."""

    @property
    def warning(self) -> bool:
        """Whether the connector starts all the same."""
        return self.code in WARNINGS


@dataclass(slots=True)
class Problems:
    """Collects problems, in any order."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: Message, code: Code, *, at_key: bool = False) -> None:
        """Add one problem at `path`."""
        self.found.append(Problem(path, message, code, at_key))

    def unknown_key(self, path: Path, allowed: Iterable[str]) -> None:
        """Add that the last element of `path` is not an allowed key, with a suggestion."""
        hint = did_you_mean(str(path[-1]), allowed)
        self.add(path, message("unknown key{hint}", hint=hint), "unknown_key", at_key=True)

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep the connector from starting."""
        return [problem for problem in self.found if not problem.warning]


def did_you_mean(word: str, allowed: Iterable[str]) -> Message:
    """Return ``, did you mean 'x'?`` if something close to `word` is allowed, else an empty text.

    It is the end of a sentence, in each language.
    """
    candidates = list(allowed)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6) or [
        candidate for candidate in candidates if candidate.lower() == word.lower()
    ]
    return message(", did you mean '{close}'?", close=close[0]) if close else NOTHING
