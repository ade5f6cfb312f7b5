"""Replace `${…}` in the file's scalars by what the environment and files hold.

    ${NAME}            the variable; not set is an error
    ${NAME:-default}   the default if it is not set or empty; the default may hold `${…}` itself
    ${NAME:?message}   not set or empty is an error with this message
    ${file:/path}      the content of a file, without blanks and line breaks around it
    $${                a literal `${`

Values are replaced after parsing, and keys never, so that no variable can change the structure of the file. A scalar
in which something was replaced becomes `InterpolatedStr`, which is always a literal; in a `template`, what was put in
is literal and the rest is still a template. Messages show the expression as the file has it, never what it stands for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from connector.core.wording import why_not
from connector.language.message import NOTHING, Message, message
from connector.runtime.files import stamp
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.runtime.files import Stamp
    from connector.settings.problems import Code, Path, Problems

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MAX_FILE_BYTES = 1 << 20
_FORMS = message("write ${{NAME}}, ${{NAME:-default}}, ${{NAME:?message}} or ${{file:/path}}; $${{ for a literal ${{")


def interpolate(
    data: object, environ: Mapping[str, str], problems: Problems, seen: dict[str, Stamp] | None = None
) -> object:
    """Return `data` with every `${…}` replaced; one that can't be is reported, and empty in the result.

    `seen` gets the files of `${file:…}`, as they were before they were read.
    """
    return _Interpolation(environ, problems, {} if seen is None else seen).value((), data)


def interpolate_sealed(data: object, problems: Problems) -> object:
    """Return `data` with every `${…}` that has a default replaced by that: no variable and no file is read.

    The others are reported, and empty in the result.
    """
    return _Interpolation({}, problems, {}, is_sealed=True).value((), data)


class _NotReplacedError(Exception):
    """One expression can't be replaced."""

    def __init__(self, told: Message, code: Code) -> None:
        super().__init__(told)
        self.message = told
        self.code = code


@dataclass(frozen=True, slots=True)
class _Interpolation:
    environ: Mapping[str, str] = field(repr=False)
    problems: Problems
    seen: dict[str, Stamp]
    is_running: bool = False
    """Whether the connector runs already: then reading a pipe would block it."""
    is_sealed: bool = False
    """Whether the text is from someone who must not learn what this machine holds."""

    def value(self, path: Path, data: object) -> object:
        if isinstance(data, dict):
            return {key: self.value((*path, key), item) for key, item in data.items()}
        if isinstance(data, list):
            return [self.value((*path, index), item) for index, item in enumerate(data)]
        if not isinstance(data, str) or "${" not in data:
            return data
        try:
            text = self._text(data, _in_braces if path[-1:] == ("template",) else str)
        except _NotReplacedError as error:
            self.problems.add(path, error.message, error.code)
            return InterpolatedStr()
        return InterpolatedStr(text, partial(replace(self, is_running=True).read_again, data))

    def read_again(self, data: str) -> str | None:
        """Return the text of a scalar that has a `${file:…}`, as it is now; None if it can't be read or has none."""
        try:
            return self._text(data) if "${file:" in data else None
        except _NotReplacedError:
            return None

    def _text(self, text: str, literal: Callable[[str], str] = str) -> str:
        """Return `text` with its expressions replaced; `literal` escapes what is put in.

        Raises:
            _NotReplacedError: for the first expression that can't be replaced.

        """
        pieces: list[str] = []
        position = 0
        while (start := text.find("${", position)) >= 0:
            if start > position and text[start - 1] == "$":
                pieces.append(text[position : start - 1] + literal("${"))
                position = start + 2
                continue
            end = _closing(text, start + 2)
            pieces.append(text[position:start] + literal(self._replacement(text[start + 2 : end])))
            position = end + 1
        return "".join(pieces) + text[position:]

    def _replacement(self, expression: str) -> str:
        if expression.startswith("file:"):
            return self._file(expression)
        match = _NAME.match(expression)
        if match is None:
            raise _not_an_expression()
        name, rest = match[0], expression[match.end() :]
        value = self.environ.get(name)
        if not rest:
            return value if value is not None else self._missing(name, "")
        if rest.startswith(":-"):
            return value or self._text(rest[2:])
        if rest.startswith(":?"):
            return value or self._missing(name, rest[2:])
        raise _not_an_expression()

    def _missing(self, name: str, own_words: str) -> str:
        if self.is_sealed:
            told = message("no environment variable is read here: give a default, ${{{name}:-…}}", name=name)
            raise _NotReplacedError(told, "missing_variable")
        hint = did_you_mean(name, self.environ) if name not in self.environ else NOTHING
        remedy = hint or message(": export {name}=…, or give a default: ${{{name}:-…}}", name=name)
        if own_words.strip():
            remedy = message(": {remedy}", remedy=own_words.strip())
        if name in self.environ:
            told = message("the environment variable {name} is empty{remedy}", name=name, remedy=remedy)
        else:
            told = message("the environment variable {name} is not set{remedy}", name=name, remedy=remedy)
        raise _NotReplacedError(told, "missing_variable")

    def _file(self, expression: str) -> str:
        if self.is_sealed:
            raise _NotReplacedError(message("no file is read here: write a value in its place"), "unreadable_file")
        try:
            path = FilePath(self._text(expression.removeprefix("file:")).strip())
            self.seen.setdefault(str(path), stamp(str(path)))
            if self.is_running and not path.is_file():
                raise _unreadable(expression, message("not a file"))
            with path.open("rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            raise _unreadable(expression, why_not(error)) from error
        if len(content) > _MAX_FILE_BYTES:
            told = message("the file of ${{{expression}}} is larger than 1 MiB: not a setting", expression=expression)
            raise _NotReplacedError(told, "unreadable_file")
        try:
            return content.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            told = message("the file of ${{{expression}}} is not UTF-8 text", expression=expression)
            raise _NotReplacedError(told, "unreadable_file") from error


def _not_an_expression() -> _NotReplacedError:
    return _NotReplacedError(message("not a ${{…}} that can be replaced: {forms}", forms=_FORMS), "bad_value")


def _unreadable(expression: str, reason: Message) -> _NotReplacedError:
    told = message("the file of ${{{expression}}} can't be read: {reason}", expression=expression, reason=reason)
    return _NotReplacedError(told, "unreadable_file")


def _in_braces(text: str) -> str:
    """Return `text` as a literal of a template, where `{…}` is a reference and `{{` a brace."""
    return text.replace("{", "{{").replace("}", "}}")


def _closing(text: str, position: int) -> int:
    """Return the index of the `}` that ends the expression, after all `${…}` inside it."""
    depth = 1
    while position < len(text):
        if text.startswith("${", position):
            depth += 1
            position += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise _NotReplacedError(message("a ${{ is never closed: {forms}", forms=_FORMS), "bad_value")
