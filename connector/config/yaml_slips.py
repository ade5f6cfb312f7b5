"""What is wrong where a text is not YAML, in the words of someone who edits it.

ruamel says where it stumbled. Two slips cause most of that, and neither is named by it: full-width punctuation, and
a value inside `{…}` or `[…]` that needs quotes because it has a bracket, such as `{app_id: ${X}}`. A guess is only
made if YAML gets past the place with the line put right. The line is shown without the values of secret keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.config import punctuation
from connector.config.secrets import without_secrets
from connector.config.source_text import Slip
from connector.language.message import filtered, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ruamel.yaml.error import MarkedYAMLError

    from connector.config.source_text import SourceText

    FirstError = Callable[[str], int | None]
    """Returns the index at which a text stops being YAML; None if it is YAML to its end."""

_CONTROL: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufeff\uff00-\ufffd\U00010000-\U0010ffff]")
_ESCAPE: Final = re.compile(r"\\U(?!000|0010)[0-9a-fA-F]{8}|^%.*", re.MULTILINE)
_BLOCK_VALUE: Final = re.compile(r"(?P<before>\s*(?:- +)*[^\s#:][^:#]*:\s+)(?P<value>[\[{@`%].*?)(?:\s*|\s+#.*)")
_MAX_NAME: Final = 40
_MAX_LINE: Final = 200
"""How much of a name and of a line a message shows."""
_LINES_ABOVE: Final = 3
"""How far above the place where YAML stumbles a full-width colon may have caused it."""
_TOP_LEVEL: Final = re.compile(r"^[A-Za-z_]", re.MULTILINE)
_FLOW_ENTRY: Final = re.compile(
    r"""(?<=[,{\[])\s*(?:[^\s,{}\[\]:][^,{}\[\]:]*:\s+)?"""
    r"""(?P<value>(?=[^\s"',])(?:[^,{}\[\]]|\{[^{}]*\}|\[[^\[\]]*\])+)"""
)
"""A value inside {…} or […], with its key if it has one; brackets that close again are part of it."""
_KEY_FOLLOWS: Final = ("{", ",")
"""After these a key is expected in a table: a full-width colon there is not prose."""

_WORDS: Final = (
    ("found character '\\t'", message("a tab is not allowed here: use spaces")),
    ("mapping values are not allowed", message("a ':' is not allowed here: quote the text, or begin a new line")),
    ("could not find expected ':'", message("a ':' is missing after this key, or the line before it is not complete")),
    ("expected <block end>", message("this does not fit what stands above: look at the indentation and the quotes")),
    ("expected ',' or '}'", message("a table in {{…}} is not complete here: a ',' or the '}}' is missing, or quotes")),
    ("expected ',' or ']'", message("a list in […] is not complete here: a ',' or the ']' is missing, or quotes")),
    ("unknown escape character", message("inside double quotes a backslash begins an escape: use single quotes")),
    ("expected escape sequence", message("inside double quotes a backslash begins an escape: use single quotes")),
    ("that cannot start any token", message("text can't begin with this character: quote it")),
    ("expected alphabetic or numeric", message("text that begins with * or & needs quotes")),
    ("expected the node content", message("a value is missing here, or it needs quotes")),
    ("but found another document", message("a file is one document: remove the '---'")),
)


def unreadable_character(text: str) -> Slip | None:
    """Return the first character that no YAML may have."""
    match = _CONTROL.search(text)
    if match is None:
        return None
    told = message("a control character (U+{number:04X}): this is not a text file", number=ord(match[0]))
    return Slip(match.start(), told)


def unreadable_escape(text: str) -> Slip:
    """Return what ruamel stumbles over without naming a place: an escape for no character, or a wrong directive."""
    match = _ESCAPE.search(text)
    told = message("not YAML: an escape like \\U that stands for no character, or a wrong %YAML")
    return Slip(match.start() if match else 0, told)


def explain(source: SourceText, error: MarkedYAMLError, first_error: FirstError) -> Slip:
    """Return the place and the words for what ruamel found."""
    index = (error.problem_mark or error.context_mark).index
    chunk = _Chunk.around(source, index, first_error)
    if chunk is not None:
        for slip, start, end, instead in _guesses(source, error, index):
            if chunk.gets_further(start, end, instead):
                return slip
    return _in_words(source, error, index)


class _Chunk(NamedTuple):
    """The part of a text that is enough to try a guess on: from a top-level key to a line below the error."""

    text: str
    offset: int
    error: int
    """Where YAML stumbles in this part."""
    first_error: FirstError

    @classmethod
    def around(cls, source: SourceText, index: int, first_error: FirstError) -> _Chunk | None:
        line = source.position(index).line
        _, end = source.span(min(line + 1, source.lines))
        above, _ = source.span(max(line - _LINES_ABOVE, 1))
        offset = max((match.start() for match in _TOP_LEVEL.finditer(source.text, 0, above + 1)), default=0)
        chunk = cls(source.text[offset:end], offset, index - offset, first_error)
        return chunk if first_error(chunk.text) == chunk.error else None

    def gets_further(self, start: int, end: int, instead: str) -> bool:
        """Whether YAML gets past the error if the file had `instead` from `start` to `end`."""
        text = self.text[: start - self.offset] + instead + self.text[end - self.offset :]
        error = self.first_error(text)
        return error is None or error > self.error + len(instead) - (end - start)


def _guesses(source: SourceText, error: MarkedYAMLError, index: int) -> Iterator[tuple[Slip, int, int, str]]:
    """Yield what may be wrong: where and why, and the part of the file with what should stand there."""
    last = source.position(index).line
    for number in range(last, max(last - _LINES_ABOVE, 1) - 1, -1):
        start, end = source.span(number)
        for slip, line in punctuation.replacements(source.text[start:end], index - start):
            yield Slip(start + slip.index, slip.message), start, end, line
    yield from _unquoted(source, error, index)


def _unquoted(source: SourceText, error: MarkedYAMLError, index: int) -> Iterator[tuple[Slip, int, int, str]]:
    """Yield the value around `index` with quotes, if it is one that needs them."""
    number, column = source.position(index)
    start, _ = source.span(number)
    line = source.line(number)
    slip = _flow_value(line, column - 1) if "flow" in str(error.context or "") else _block_value(line, error)
    if slip is None:
        return
    value = line[slip[0] : slip[1]]
    colon = punctuation.for_colon(line, *slip)
    if colon is not None and "flow mapping" in str(error.context) and line[: slip[0]].rstrip()[-1:] in _KEY_FOLLOWS:
        yield Slip(start + colon.index, colon.message), start + slip[0], start + slip[1], "x"
        return
    quoted = "'" + value.replace("'", "''") + "'" if "\\" in value or '"' in value else f'"{value}"'
    shown = without_secrets((line[: slip[0]] + quoted + line[slip[1] :]).strip())
    what = message("write {quoted} in quotes", quoted=quoted) if quoted in shown else message("this needs quotes")
    what = filtered(what, lambda text: text[:_MAX_LINE])
    if len(shown) > _MAX_LINE:
        shown = f"{shown[:_MAX_LINE]}…"
    told = message("{what}: {shown}", what=what, shown=shown)
    yield Slip(start + slip[0], told), start + slip[0], start + slip[1], quoted


def _flow_value(line: str, column: int) -> tuple[int, int] | None:
    """Return start and end of the plain text around `column`, inside {…} or […], if it has a bracket in it."""
    for match in _FLOW_ENTRY.finditer(line):
        if match.start() <= column <= match.end() and any(bracket in match["value"] for bracket in "{["):
            return match.start("value"), match.start("value") + len(match["value"].rstrip())
    return None


def _block_value(line: str, error: MarkedYAMLError) -> tuple[int, int] | None:
    """Return start and end of a whole value in a block that begins with a character of another meaning to YAML."""
    if "cannot start any token" not in str(error.problem) and "<block end>" not in str(error.problem):
        return None
    match = _BLOCK_VALUE.fullmatch(line)
    if match is None or ": " in match["value"]:
        return None
    paired = all(match["value"].count(opening) == match["value"].count(closing) for opening, closing in ("{}", "[]"))
    return match.span("value") if paired else None


def _in_words(source: SourceText, error: MarkedYAMLError, index: int) -> Slip:
    problem, context = str(error.problem), str(error.context or "")
    opened = error.context_mark.index if error.context_mark is not None else index
    if problem == "found unexpected end of stream" and "quoted" in context:
        return Slip(opened, message("the quote that opens here is never closed"))
    if "<stream end>" in problem and context.endswith(("flow mapping", "flow sequence")):
        bracket = source.text[opened]
        return Slip(opened, message("the '{bracket}' that opens here is never closed", bracket=bracket))
    if problem.startswith("found undefined alias"):
        name = problem.removeprefix("found undefined alias ").strip("'")[:_MAX_NAME]
        return Slip(index, message("no anchor &{name} stands above; text that begins with * needs quotes", name=name))
    if context == "while scanning a directive":
        return Slip(opened, message("a line that begins with % is a directive of YAML: quote the text"))
    told = next((words for part, words in _WORDS if part in problem), None)
    if told is None:
        found = " ".join(problem.split()).replace("\0", "the end of the file")
        told = message("not YAML: {found}", found=found)
    elif "flow" in context and source.position(opened).line < source.position(index).line:
        told = message("{told} (it opens in line {line})", told=told, line=source.position(opened).line)
    return Slip(index, told)
