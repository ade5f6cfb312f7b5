"""Which language a process speaks to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["en", "zh"]

VARIABLE: Final = "TUZHAN_LANG"
_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first one that is set counts: POSIX' order for messages."""


def chosen(environ: Mapping[str, str]) -> Language:
    """Return the language that TUZHAN_LANG names, else that of the locale; English for every other one.

    `zh`, `zh_CN.UTF-8` and `zh-Hans` are Chinese.
    """
    names = (environ.get(name, "") for name in (VARIABLE, *_LOCALE))
    first = next((name for name in names if name), "")
    return "zh" if first.lower().replace("-", "_").partition("_")[0].partition(".")[0] == "zh" else "en"
