"""Numbers with their nouns."""

from __future__ import annotations

import errno
import os

import pytest

from connector.core.wording import all_of, counted, duration, either_of, system_says
from connector.language.message import in_language


def test_only_one_is_singular() -> None:
    assert [counted(number, "try", "tries") for number in (0, 1, 2000)] == ["0 tries", "1 try", "2,000 tries"]
    assert [counted(number, "item") for number in (1, 2)] == ["1 item", "2 items"]


def test_times_are_told_in_their_largest_unit() -> None:
    told = [duration(seconds) for seconds in (-1, 0.4, 59, 60, 7_199, 86_400 * 3)]
    assert told == ["0 s", "0 s", "59 s", "1 min", "1 h", "3 d"]


@pytest.mark.parametrize(
    ("number", "chinese"),
    [
        (errno.ECONNREFUSED, "连接被拒绝"),
        (errno.EHOSTUNREACH, "没有到主机的路由"),
        (errno.EIO, "输入/输出错误"),
        (errno.EPIPE, "Broken pipe"),
    ],
)
def test_words_of_the_operating_system_keep_their_letters_and_are_told_in_chinese_if_known(
    number: int, chinese: str
) -> None:
    words = system_says(os.strerror(number))
    assert words == os.strerror(number)
    assert in_language(words, "zh") == chinese


def test_parts_are_told_with_the_word_between_them_in_each_language() -> None:
    assert [either_of(["a"]), either_of("abc"), all_of("ab")] == ["a", "a or b or c", "a and b"]
    assert [in_language(told, "zh") for told in (either_of("abc"), all_of("ab"))] == ["a 或 b 或 c", "a 和 b"]
