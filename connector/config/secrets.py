"""What must not be shown: values of secret keys, and lines of the file that hold one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.config.source_text import SourceText
    from connector.settings.problems import Path

_WORD: Final = r"secret|password|passphrase|token|jaas|credential|oauthbearer|\.key|\.pem"
_SECRET_KEY: Final = re.compile(_WORD, re.IGNORECASE)
_SECRET_LINE: Final = re.compile(rf"{_WORD}|\bauth\b|//[^/\s]*@", re.IGNORECASE)
_SECRET_ENTRY: Final = re.compile(
    rf"""([\w.-]*(?:{_WORD})[\w.-]*["']?\s*:)"""
    r"""(?!\s*["']?\$\{(?:file:)?[^}:]*\}["']?\s*(?:[,}\]]|$))\s*(?:"[^"]*"|'[^']*'|[^,}\]])+""",
    re.IGNORECASE,
)
"""A key that sounds secret and its value, unless that is a `${…}` and nothing else."""


def is_secret(path: Path) -> bool:
    """Whether the value at `path` may be a secret: all of `platform.auth`, and keys that sound like one."""
    return path[:2] == ("platform", "auth") or any(_SECRET_KEY.search(str(key)) for key in path)


def without_secrets(line: str) -> str:
    """Return a line of the file without the values of its secret keys."""
    return _SECRET_ENTRY.sub(r"\1 …", line)


def line_may_hold_secret(source: SourceText, number: int) -> bool:
    """Whether a line, the one above it, or a line that it is indented under, has a key that sounds secret."""
    line = source.line(number)
    if _SECRET_LINE.search(line) or (number > 1 and _SECRET_LINE.search(source.line(number - 1))):
        return True
    indent = _indent(line)
    for above in range(number - 1, 0, -1):
        text = source.line(above)
        if text.strip() and _indent(text) < indent:
            indent = _indent(text)
            if _SECRET_LINE.search(text):
                return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
