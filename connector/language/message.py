"""Texts for people: English, and able to be said in another language.

A message is made of a template and its arguments:

    >>> told = message("{key} has {count}", key="routes", count=message("{number} errors", number=2))
    >>> told
    'routes has 2 errors'
    >>> in_language(told, "zh")  # with {"{key} has {count}": "{key} 有{count}", "{number} errors": " {number} 个错误"}
    'routes 有 2 个错误'

The template is the key of its translation. It is written where the message is made, as a literal: a test reads all of
them in the sources and holds that each has a translation with the same arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.language.catalog import translations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.language.choice import Language

_VERBATIM: Final = "{text}"


class Message(str):  # noqa: SLOT000 - a subclass of str with attributes has no use for slots
    """English text that remembers its template and arguments. Immutable; equal to the str that it is."""

    template: str
    arguments: dict[str, object]
    finish: Callable[[str], str] | None = None
    """What the text goes through in each language."""


def message(template: str, /, **arguments: object) -> Message:
    """Return the text of a template of `str.format`. An argument that is a message is translated with it."""
    told = Message(template.format(**arguments))
    told.template, told.arguments = template, arguments
    return told


def verbatim(text: str) -> Message:
    """Return a text that is the same in every language: what the platform said, a name, a part of the file."""
    return text if isinstance(text, Message) else message(_VERBATIM, text=text)


NOTHING: Final = verbatim("")


def joined(separator: str, parts: Iterable[str]) -> Message:
    """Return the parts with a separator between them, each in the language of the whole. A separator has no braces."""
    numbered = {f"part_{number}": part for number, part in enumerate(parts)}
    return message(separator.join(f"{{{name}}}" for name in numbered), **numbered)


def filtered(text: str, finish: Callable[[str], str]) -> Message:
    """Return a text that goes through a function in each language, such as one that escapes characters."""
    told = Message(finish(text))
    told.template, told.arguments, told.finish = _VERBATIM, {"text": text}, finish
    return told


def in_language(text: str, language: Language) -> str:
    """Return what a message says in a language; any other text as it is."""
    if language == "en" or not isinstance(text, Message):
        return text
    template = translations(language).get(text.template, text.template)
    spoken = {
        name: in_language(value, language) if isinstance(value, str) else value
        for name, value in text.arguments.items()
    }
    told = template.format(**spoken)
    return told if text.finish is None else text.finish(told)
