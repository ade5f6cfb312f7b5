"""Each command that a page tells people to type is known to the command line: its name and options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from connector.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
PROGRAM = "tuzhan-connector"
END_OF_COMMAND = {"|", "||", "&&", ";", "&", ">", ">>", "<", "<<", ";;", ")"}


def commands(page: str) -> list[list[str]]:
    """Return the words of each command of ours on a page, from the name of the program on."""
    found = []
    for line in lines((ROOT / page).read_text(encoding="utf-8")):
        found += [words for words in simple_commands(line) if words[0].rpartition("/")[2] in {PROGRAM, "make"}]
    return found


def lines(text: str) -> Iterator[str]:
    """Yield the lines of code of a page, and what is code within its sentences."""
    for token in MarkdownIt().enable("table").parse(text):
        if token.type in {"code_block", "fence"}:
            yield from token.content.replace("\\\n", " ").splitlines()
        yield from (inner.content for inner in token.children or [] if inner.type == "code_inline")


def simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the simple commands of a line for a shell, without assignments; nothing if it is none."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in [*lexer, ";"]:
            if word not in END_OF_COMMAND:
                words.append(word)
                continue
            while words and (re.match(r"[A-Z_]+=", words[0]) or words[0] == "$"):
                del words[0]
            if len(words) > 1:
                yield words
            words = []
    except ValueError:  # an odd quote: another language's line
        return


def understood(words: list[str]) -> bool:
    """Return whether the command line knows the command and its options: help is shown only if it does."""
    return CliRunner().invoke(app, [*words[1:], "--help"]).exit_code == 0


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist_with_their_options(page: str) -> None:
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    wrong = []
    for words in commands(page):
        if words[0] == "make":
            named = {word for word in words[1:] if re.fullmatch(r"[a-z]+", word)}
            wrong += sorted(f"make {name}" for name in named - targets)
            continue
        if not understood(words):
            wrong.append(shlex.join(words))
    assert wrong == []


def test_a_command_that_does_not_exist_is_found() -> None:
    for line in (f"{PROGRAM} chekc -c FILE", f"TUZHAN_APP_ID=1 bin/{PROGRAM} check --conect | jq"):
        [words, *_] = simple_commands(line)
        assert not understood(words)
    assert len(commands("README.md")) > 10
