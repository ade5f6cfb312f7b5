"""Each text for people has a translation with the same arguments, and no translation is left over."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import string
from pathlib import Path
from typing import TYPE_CHECKING

import connector
from connector.core import wording
from connector.language import catalog
from connector.language.catalog import translations

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(connector.__file__).parent
MADE_ELSEWHERE = {"{number:,} {noun}", "{number} d", "{number} h", "{number} min", "{number} s", *wording.REASONS}
"""Templates that are held in a table instead of the call."""

CALLS = {"message", "ConversionError"}


def templates() -> dict[str, str]:
    """Return the first argument of each call of `message`, or of what calls it, with the module that makes it."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                for template in _literals(node.args[0]):
                    found[template] = path.relative_to(ROOT).as_posix()
    return found


def nouns() -> set[str]:
    """Return what calls of `counted` count."""
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "counted":
                words = [text for argument in node.args[1:] for text in _literals(argument)]
                found |= {words[0], f"{words[0]}s"} if len(words) == 1 else {*words}
    return found


def _literals(node: ast.expr) -> Iterator[str]:
    """Yield the text of a literal, of both sides of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def arguments(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_each_text_has_a_translation() -> None:
    chinese = translations("zh")
    missing = [
        f"{path}: {template!r}"
        for template, path in templates().items()
        if _is_text(template) and template not in chinese
    ]
    assert missing == []


def test_each_noun_has_a_translation() -> None:
    assert sorted(nouns() - set(translations("zh"))) == []


def test_a_translation_has_the_arguments_of_its_text() -> None:
    differing = [english for english, chinese in translations("zh").items() if arguments(english) != arguments(chinese)]
    assert differing == []


def test_each_reason_of_the_operating_system_has_a_translation() -> None:
    assert translations("zh").keys() >= wording.REASONS


def test_no_translation_is_left_over() -> None:
    assert sorted(set(translations("zh")) - set(templates()) - nouns() - MADE_ELSEWHERE) == []


def test_no_text_is_translated_twice() -> None:
    modules = [
        importlib.import_module(f"{catalog.__name__}.{each.name}") for each in pkgutil.iter_modules(catalog.__path__)
    ]
    assert sum(len(module.TEXTS) for module in modules) == len(translations("zh"))


def test_translations_are_chinese() -> None:
    """But for those that hold nothing but arguments."""
    plain = [chinese for english, chinese in translations("zh").items() if _is_text(english) and chinese.isascii()]
    assert plain == []


def test_no_english_sentence_is_left_in_a_translation() -> None:
    """Names of settings and words of Kafka are: never four words in a row."""
    english = re.compile(r"(?:\b[a-z']+\b[ ,]+){3}[a-z']+")
    assert [chinese for chinese in translations("zh").values() if english.search(chinese)] == []


def _is_text(template: str) -> bool:
    """Return whether a template holds words, not only arguments and punctuation."""
    return any(character.isalpha() for text, _, _, _ in string.Formatter().parse(template) for character in text)
