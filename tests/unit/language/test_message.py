"""Texts that are English everywhere, and Chinese for whoever reads Chinese."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import orjson
import pytest

from connector.core.wording import counted, duration
from connector.language import catalog
from connector.language import message as module
from connector.language.choice import chosen
from connector.language.message import Message, filtered, in_language, joined, message, verbatim

if TYPE_CHECKING:
    from collections.abc import Mapping

CHINESE = {
    "{key} has {count}": "{key} 有{count}",
    "{number} errors": " {number} 个错误",
    "no {what!r} in {{from: …}}": "{{from: …}} 里没有 {what!r}",
}


@pytest.fixture(autouse=True)
def _catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalog.translations

    def translations(language: str) -> Mapping[str, str]:
        return {**known("zh"), **CHINESE} if language == "zh" else {}

    monkeypatch.setattr(module, "translations", translations)


def test_a_message_is_its_english_and_is_translated_with_the_messages_in_it() -> None:
    told = message("{key} has {count}", key="routes", count=message("{number} errors", number=2))
    assert told == "routes has 2 errors"
    assert in_language(told, "en") == "routes has 2 errors"
    assert in_language(told, "zh") == "routes 有 2 个错误"


def test_conversions_and_literal_braces_are_those_of_str_format() -> None:
    told = message("no {what!r} in {{from: …}}", what="a")
    assert told == "no 'a' in {from: …}"
    assert in_language(told, "zh") == "{from: …} 里没有 'a'"


def test_a_text_with_braces_in_it_is_no_template() -> None:
    assert in_language(verbatim("{key} {0} {"), "zh") == "{key} {0} {"
    assert in_language(message("{key} has {count}", key="{count}", count="{"), "zh") == "{count} 有{"


def test_joined_parts_are_each_in_the_language_of_the_whole() -> None:
    told = joined("; ", [message("{number} errors", number=1), "plain", ""])
    assert told == "1 errors; plain; "
    assert in_language(told, "zh") == " 1 个错误; plain; "
    assert joined(", ", []) == ""


def test_what_has_no_translation_stays_english_around_what_has_one() -> None:
    told = message("unheard of: {count}", count=message("{number} errors", number=3))
    assert in_language(told, "zh") == "unheard of:  3 个错误"
    assert in_language("a plain text", "zh") == "a plain text"


def test_a_message_is_a_str_for_everybody_else() -> None:
    told = message("{number} errors", number=1)
    assert orjson.dumps({"remedy": told}) == b'{"remedy":"1 errors"}'
    assert told == "1 errors"
    again = copy.deepcopy(told)
    assert isinstance(again, Message)
    assert in_language(again, "zh") == in_language(told, "zh")


def test_what_a_text_goes_through_it_goes_through_in_each_language() -> None:
    told = filtered(message("{number} min", number="\x1b"), lambda text: text.replace("\x1b", "^"))
    assert (told, in_language(told, "zh")) == ("^ min", "^ 分钟")


def test_times_are_translated() -> None:
    assert in_language(duration(300), "zh") == "5 分钟"
    assert counted(2_000, "error") == "2,000 errors"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "TUZHAN_LANG": "en"}, "en"),
        ({"TUZHAN_LANG": "zh"}, "zh"),
        ({"TUZHAN_LANG": "zh-Hans"}, "zh"),
        ({"TUZHAN_LANG": "ZH"}, "zh"),
        ({"TUZHAN_LANG": "", "LANG": "zh_CN"}, "zh"),
        ({"TUZHAN_LANG": "de", "LANG": "zh_CN"}, "en"),
        ({"LANG": "zha_CN"}, "en"),
    ],
)
def test_the_language_is_named_or_that_of_the_locale(environ: dict[str, str], language: str) -> None:
    assert chosen(environ) == language
