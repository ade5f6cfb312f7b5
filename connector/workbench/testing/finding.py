"""Which files hold tests, among the files and directories that the user names."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector.core.errors import UsageError
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENDINGS: Final = frozenset({".yaml", ".yml"})
_PASSED_OVER: Final = frozenset({"node_modules", "__pycache__"})
_KEY: Final = re.compile(rb"""^["']?(?:config|tests)["']?[ \t]*:|^\{\s*["']?(?:config|tests)["']?\s*:""", re.MULTILINE)
_SOMETHING: Final = re.compile(rb"^\s*[^\s#]", re.MULTILINE)
_MAX_BYTES: Final = 1 << 20


def find(named: Sequence[Path]) -> list[str]:
    """Return the files of tests, sorted within a directory, each once.

    A file that is named is one. Of those in a directory, and below it, it is a YAML file with the key `config` or
    `tests`, or one that is empty or can't be read; other files are passed over, and so is what begins with a dot.

    Raises:
        UsageError: one of them does not exist, or a directory has no tests.

    """
    found: dict[str, str] = {}
    for each in named:
        for path in _files_of(each):
            found.setdefault(os.path.realpath(path), os.path.normpath(path))
    return list(found.values())


def _files_of(named: Path) -> list[str]:
    if not os.path.lexists(named):
        raise UsageError(str(named), message("there is no such file or directory"))
    if not named.is_dir():
        return [str(named)]
    found = [path for path in _yaml_files(named) if _has_tests(path)]
    if not found:
        told = message("no mapping tests here: they are YAML files with the keys config and tests")
        raise UsageError(str(named), told)
    return found


def _yaml_files(directory: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _PASSED_OVER)
        if "pyvenv.cfg" in files:  # a virtual environment
            folders[:] = []
            continue
        for name in sorted(files):
            path = os.path.join(folder, name)  # noqa: PTH118 - os.walk gives text
            is_yaml = not name.startswith(".") and os.path.splitext(name)[1].lower() in _ENDINGS  # noqa: PTH122
            if is_yaml and os.path.isfile(path):  # noqa: PTH113 - a pipe would block
                yield path


def _has_tests(path: str) -> bool:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_MAX_BYTES)
    except OSError:
        return True  # so that it is reported
    content = content.removeprefix(codecs.BOM_UTF8)
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return is_utf_16 or _KEY.search(content) is not None or _SOMETHING.search(content) is None
