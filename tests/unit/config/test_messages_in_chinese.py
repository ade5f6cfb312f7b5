"""Messages of the types, in Chinese: also what pydantic says and we have no words for."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from connector.config.messages import report
from connector.language.message import in_language
from connector.settings.models import Model
from connector.settings.problems import Problems


class Odd(Model):
    """What no part of a config is."""

    number: Annotated[int, Field(multiple_of=2)] = 2
    few: list[int] = Field(default_factory=list, max_length=1)


@pytest.mark.parametrize(
    ("data", "english", "chinese"),
    [
        ({"number": 3}, "input should be a multiple of 2", "不符合要求（input should be a multiple of 2）"),
        ({"few": 3}, "expected a list, got a number", "应为列表，实际是数字"),
        ({"fews": [1]}, "unknown key, did you mean 'few'?", "未知的键，是否想写 'few'？"),
    ],
)
def test_whatever_pydantic_says_is_in_a_chinese_sentence(data: dict[str, object], english: str, chinese: str) -> None:
    problems = Problems()
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Odd).validate_python(data)
    report(raised.value, Odd, (), problems)
    [problem] = problems.found
    assert (problem.message, in_language(problem.message, "zh")) == (english, chinese)
