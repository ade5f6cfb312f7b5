"""From the text of a file to its tree, with everything that is wrong with the YAML in words that help.

The commonest slip by far is a flow table with an unquoted `${…}`, `[` or `{` in a value: `{app_id: ${X}}`. YAML
takes the bracket for the start of a table. Where quoting the value makes YAML go on, that is what was meant: the
message shows the line as it should be, and reading goes on with it, so that the rest is still checked. The line is
shown without the values of its other keys that hold a secret by their name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError

from connector.config.yaml_scalars import Position, YamlError
from connector.config.yaml_tree import Tree, events, read_tree

_MAX_SLIPS = 100
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufeff\uff00-\ufffd\U00010000-\U0010ffff]")
_SECRET = re.compile(
    r"""([\w.-]*(?:secret|password|passphrase|token|jaas|credential|\.key|\.pem)[\w.-]*["']?\s*:)"""
    r"""(?!\s*["']?\$\{(?:file:)?[^}:]*\}["']?\s*(?:[,}\]]|$))\s*(?:"[^"]*"|'[^']*'|[^,}\]])+""",
    re.IGNORECASE,
)
"""A key that sounds secret and its value, unless that is a `${…}` and nothing else."""
_BLOCK_VALUE = re.compile(r"(?P<before>\s*(?:- +)*[^\s#:][^:#]*:\s+)(?P<value>[\[{@`%].*?)(?P<after>\s*|\s+#.*)")
_OPENING, _CLOSING = "{[", "}]"

_WORDS = (
    ("found character '\\t'", "a tab can't indent: use spaces"),
    ("mapping values are not allowed", "a ':' that can't stand here: quote the text, or begin a new line"),
    ("could not find expected ':'", "a ':' is missing after this key, or the line before it is not complete"),
    ("expected <block end>", "this does not fit what stands above: look at the indentation and the quotes"),
    ("expected ',' or '}'", "a table in {…} is not complete here: a ',' or the '}' is missing, or quotes"),
    ("expected ',' or ']'", "a list in […] is not complete here: a ',' or the ']' is missing, or quotes"),
    ("unknown escape character", "inside double quotes a backslash begins an escape: use single quotes"),
    ("expected escape sequence", "inside double quotes a backslash begins an escape: use single quotes"),
    ("that cannot start any token", "text can't begin with this character: put it in quotes"),
    ("expected alphabetic or numeric", "text that begins with * or & needs quotes"),
    ("expected the node content", "a value is missing here, or it needs quotes"),
)


class Flaw(NamedTuple):
    """One thing that is wrong with the YAML."""

    position: Position
    message: str


class _Slip(NamedTuple):
    """A value that needs quotes: `start` and `end` are its columns in the line, 0-based."""

    line: int
    start: int
    end: int


class _Mended(NamedTuple):
    text: str
    flaw: Flaw
    quotes: tuple[int, tuple[int, int]]
    """Line and columns (1-based, in the mended text) of the two quotes that were put in."""


def read_text(text: str) -> tuple[Tree | None, list[Flaw]]:
    """Read a file's text; without a tree, the flaws say why; with one, there may be slips that were mended."""
    control = _CONTROL.search(text)
    if control is not None:
        where = _position_of(text, control.start())
        return None, [Flaw(where, f"a control character (U+{ord(control[0]):04X}): this is not a text file")]
    flaws: list[Flaw] = []
    quotes: list[tuple[int, tuple[int, int]]] = []
    while True:
        try:
            return _moved_back(read_tree(text), quotes), flaws
        except YamlError as error:
            return None, [*flaws, Flaw(_back(error.position, quotes), error.message)]
        except MarkedYAMLError as error:
            mended = _mend(text, error) if len(flaws) < _MAX_SLIPS else None
            if mended is None:
                flaw = _in_words(error)
                return None, [*flaws, Flaw(_back(flaw.position, quotes), flaw.message)]
            text = mended.text
            flaws.append(Flaw(_back(mended.flaw.position, quotes), mended.flaw.message))
            quotes.append(mended.quotes)


def _in_words(error: MarkedYAMLError) -> Flaw:
    problem = str(error.problem)
    context = str(error.context or "")
    if problem == "found unexpected end of stream" and "quoted" in context:
        return Flaw(_at(error, at_context=True), "the quote that opens here is never closed")
    if "<stream end>" in problem and "flow" in context:
        bracket = "{" if "mapping" in context else "["
        return Flaw(_at(error, at_context=True), f"the '{bracket}' that opens here is never closed")
    for part, message in _WORDS:
        if part in problem:
            return Flaw(_at(error), message + _opened_above(error))
    return Flaw(_at(error), " ".join(f"not YAML: {problem}".split()).replace("\0", "the end of the file"))


def _opened_above(error: MarkedYAMLError) -> str:
    if "flow" not in str(error.context or "") or error.context_mark is None or error.problem_mark is None:
        return ""
    line = error.context_mark.line
    return f" (it opens in line {line + 1})" if line < error.problem_mark.line else ""


def _at(error: MarkedYAMLError, *, at_context: bool = False) -> Position:
    mark = (error.context_mark if at_context else None) or error.problem_mark or error.context_mark
    return Position(mark.line + 1, mark.column + 1) if mark is not None else Position(1, 1)


def _mend(text: str, error: MarkedYAMLError) -> _Mended | None:
    """The text with quotes around the value that lacks them, if that gets YAML past this place."""
    at = _at(error)
    lines = text.split("\n")
    if at.line > len(lines):
        return None
    line = lines[at.line - 1].removesuffix("\r")
    slip = _flow_slip(line, at) if "flow" in str(error.context or "") else _block_slip(line, at, error)
    if slip is None:
        return None
    value = line[slip.start : slip.end]
    quoted = _quoted(value)
    mended_line = line[: slip.start] + quoted + line[slip.end :]
    lines[at.line - 1] = mended_line
    mended = "\n".join(lines)
    if not _gets_further(mended, at, len(quoted) - len(value)):
        return None
    shown = _SECRET.sub(r"\1 …", mended_line.strip())
    what = f"write {quoted} in quotes" if quoted in shown else "this needs quotes"
    flaw = Flaw(Position(at.line, slip.start + 1), f"{what}: {shown}")
    return _Mended(mended, flaw, (at.line, (slip.start + 1, slip.start + len(quoted))))


def _flow_slip(line: str, at: Position) -> _Slip | None:
    """The plain text around the place where YAML stumbled over a bracket inside {…} or […]."""
    start = _value_start(line, at.column - 1)
    end = _value_end(line, start)
    value = line[start:end]
    if not value or value[0] in "\"'" or not any(bracket in value for bracket in "{["):
        return None
    return _Slip(at.line, start, end)


def _value_start(line: str, column: int) -> int:
    """Leftwards to the `: `, `,` or bracket before the text; brackets that close on the way are part of it."""
    depth = 0
    position = min(column, len(line))
    while position > 0:
        before = line[position - 1]
        if before in _CLOSING:
            depth += 1
        elif before in _OPENING:
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and (before == "," or (before == " " and line[: position - 1].endswith(":"))):
            break
        position -= 1
    return position + len(line[position:]) - len(line[position:].lstrip())


def _value_end(line: str, start: int) -> int:
    """Rightwards to the `,` or the bracket that closes around the text; pairs of brackets are part of it."""
    depth = 0
    position = start
    while position < len(line):
        character = line[position]
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and character == ",":
            break
        position += 1
    return start + len(line[start:position].rstrip())


def _block_slip(line: str, at: Position, error: MarkedYAMLError) -> _Slip | None:
    """A whole value of a block that begins with a character that means something else to YAML."""
    if "cannot start any token" not in str(error.problem) and "<block end>" not in str(error.problem):
        return None
    match = _BLOCK_VALUE.fullmatch(line)
    if match is None or ": " in match["value"] or not _paired(match["value"]):
        return None
    return _Slip(at.line, match.start("value"), match.end("value"))


def _paired(value: str) -> bool:
    return all(value.count(opening) == value.count(closing) for opening, closing in ("{}", "[]"))


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'


def _gets_further(text: str, at: Position, shift: int) -> bool:
    try:
        for _event in events(text):
            pass
    except MarkedYAMLError as error:
        return _at(error) > Position(at.line, at.column + shift)
    except YamlError as error:
        return error.position > Position(at.line, at.column + shift)
    return True


def _position_of(text: str, index: int) -> Position:
    before = text[:index]
    return Position(before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)


def _back(position: Position, quotes: list[tuple[int, tuple[int, int]]]) -> Position:
    """A place of the mended text as a place of the file: each quote that was put in before it counts one less."""
    line, column = position
    for quoted_line, places in reversed(quotes):
        if quoted_line == line:
            column -= sum(place < column for place in places)
    return Position(line, column)


def _moved_back(tree: Tree, quotes: list[tuple[int, tuple[int, int]]]) -> Tree:
    if not quotes:
        return tree
    return Tree(
        tree.data,
        {path: _back(position, quotes) for path, position in tree.keys.items()},
        {path: _back(position, quotes) for path, position in tree.values.items()},
        [
            item._replace(position=_back(item.position, quotes), first=_back(item.first, quotes))
            for item in tree.repeated
        ],
    )
