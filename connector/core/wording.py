"""Numbers and times for what is printed."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from connector.language.message import Message, filtered, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Iterable

REASONS: Final = frozenset(
    {
        "no such file or directory",
        "permission denied",
        "operation not permitted",
        "is a directory",
        "not a directory",
        "file exists",
        "file name too long",
        "too many levels of symbolic links",
        "read-only file system",
        "no space left on device",
        "input/output error",
        "connection refused",
        "connection reset by peer",
        "timed out",
        "network is unreachable",
        "no route to host",
    }
)
"""What the operating system says of files and connections, in small letters."""
_UNITS: Final = (("{number} d", 86_400), ("{number} h", 3_600), ("{number} min", 60), ("{number} s", 1))


def counted(number: int, one: str, many: str = "") -> Message:
    """Return a number with its noun: `1 try`, `2,000 tries`; `many` is `one` with an s unless it is given."""
    noun = message(one if number == 1 else many or one + "s")
    return message("{number:,} {noun}", number=number, noun=noun)


def either_of(parts: Iterable[str]) -> Message:
    """Return `a or b or c`, of one part or more."""
    return functools.reduce(
        lambda so_far, part: message("{so_far} or {part}", so_far=so_far, part=part), map(verbatim, parts)
    )


def all_of(parts: Iterable[str]) -> Message:
    """Return `a and b and c`, of one part or more."""
    return functools.reduce(
        lambda so_far, part: message("{so_far} and {part}", so_far=so_far, part=part), map(verbatim, parts)
    )


def why_not(error: OSError | ValueError) -> Message:
    """Return what the operating system says: `permission denied`. A ValueError is that of a file's name with a NUL."""
    if not isinstance(error, OSError):
        return message("not a path")
    reason = (error.strerror or type(error).__name__).lower()
    return message(reason) if reason in REASONS else verbatim(reason)


def system_says(reason: str) -> Message:
    """Return the operating system's own words, in its own letters; in other languages if they are known ones."""
    small = reason.lower()
    known = small in REASONS and small.capitalize() == reason
    return filtered(message(small), str.capitalize) if known else verbatim(reason)


def duration(seconds: float) -> Message:
    """Return a time in its largest unit, rounded down: `4 min`."""
    template, size = next((unit for unit in _UNITS if seconds >= unit[1]), _UNITS[-1])
    return message(template, number=max(0, int(seconds / size)))
