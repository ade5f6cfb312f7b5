"""Messages that several parts of the language report."""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING

from connector.language.message import Message, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Iterable


def both_of(words: Iterable[str]) -> Message:
    """Return ``a and b``, of at least one: words of the config."""
    return reduce(lambda one, other: message("{one} and {other}", one=one, other=other), map(verbatim, words))


def either_of(words: Iterable[str]) -> Message:
    """Return ``1 or 2``, of at least one: words of the config."""
    return reduce(lambda one, other: message("{one} or {other}", one=one, other=other), map(verbatim, words))


def either_type(types: Iterable[Message]) -> Message:
    """Return ``text or a list``, of at least one."""
    return reduce(lambda what, other: message("{what} or {other}", what=what, other=other), types)


def not_a_regular_expression(error: re.error | OverflowError) -> Message:
    """Return what is reported of text that is no regular expression."""
    if not isinstance(error, re.error):
        return message("not a regular expression")
    return message("not a regular expression: {why} at position {position}", why=error.msg, position=error.pos)
