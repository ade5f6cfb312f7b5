"""What must not be shown: the values of secret keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.settings.problems import Path

KEY_WORDS: Final = r"secret|password|passphrase|token|jaas|credential|oauthbearer|\.key|\.pem"
_SECRET_KEY: Final = re.compile(KEY_WORDS, re.IGNORECASE)
_SECRET_ENTRY: Final = re.compile(
    rf"""([\w.-]*(?:{KEY_WORDS})[\w.-]*["']?\s*:)"""
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
