"""Numbers and times for what is printed."""

from __future__ import annotations

from typing import Final

from connector.language.message import Message, message

_UNITS: Final = (("{number} d", 86_400), ("{number} h", 3_600), ("{number} min", 60), ("{number} s", 1))


def counted(number: int, one: str, many: str = "") -> Message:
    """Return a number with its noun: `1 try`, `2,000 tries`; `many` is `one` with an s unless it is given."""
    noun = message(one if number == 1 else many or one + "s")
    return message("{number:,} {noun}", number=number, noun=noun)


def duration(seconds: float) -> Message:
    """Return a time in its largest unit, rounded down: `4 min`."""
    template, size = next((unit for unit in _UNITS if seconds >= unit[1]), _UNITS[-1])
    return message(template, number=max(0, int(seconds / size)))
