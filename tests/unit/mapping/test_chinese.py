"""What is wrong with a route, said in Chinese: whole sentences, also where they are made of parts."""

from __future__ import annotations

import pytest

from connector.language.message import in_language
from connector.mapping.errors import ConversionError
from tests.unit.mapping.helpers import EVENT_V1, INFO, PHONE, TAG, compiled, failure, mapper, record, route

BUY = {"c_buy": {"args": {"c_x": {"type": "number", "required": True}, "c_day": {"type": "date"}}}}


def said(*routes: dict[str, object], **settings: object) -> list[str]:
    """Return the problems of routes in Chinese, but for what they all have."""
    _, problems = compiled(*routes, **settings)  # type: ignore[arg-type] # by name
    return [in_language(problem.message, "zh") for problem in problems.found if "as: phone" not in problem.message]


@pytest.mark.parametrize(
    ("changed", "chinese"),
    [
        ({"fields": {"eventargs": {"c": {"from": "$.a", "requird": True}}}}, "未知的键，是否想写 'required'？"),
        ({"fields": {"eventargs": {"c": {"from": "a"}}}}, "应为引用或引用的列表，是否想写 '$.a'？"),
        ({"fields": {"eventargs": {"c": "$b"}}}, "'$b' 不是引用，是否想写 '$.b'？如果就是文本 '$b'，请写 '$$b'"),
        (
            {"fields": {"eventargs": {"c": {"from": "$.a", "unit": "s"}}}},
            "`unit` 只能与 `as: timestamp` 和 `as: date` 一起使用",
        ),
        ({"fields": {"eventargs": {"c": {"template": "{$.a"}}}}, "花括号没有闭合；花括号本身请写 {{ 和 }}"),
        ({"fields": {"eventargs": "text"}}, "应为对象，实际是文本"),
        ({"fields": {"intid": "$.a.*"}}, "这个引用得到的是列表，应为文本：请用 `as: joined`"),
        ({"fields": {"intid": {"from": "$.a", "as": "list"}}}, "`as: list` 得到的是列表，应为文本：请用 `as: joined`"),
        ({"fields": {"time": "2020-11-16"}}, "应为毫秒时间戳，实际是文本：请用 `as: timestamp`"),
        ({"where": {"$.a": {"matches": "("}}}, "不是正则表达式：位置 0 处 missing ), unterminated subpattern"),
        ({"transform": "no_such_module:run"}, "没有这个模块：请把它所在的目录加入 PYTHONPATH"),
    ],
)
def test_a_mistake_is_told_in_chinese(changed: dict[str, object], chinese: str) -> None:
    assert said(route(**changed)) == [chinese]


def test_what_a_document_requires_is_told_in_chinese() -> None:
    assert said(route(event_key=None), endpoint=TAG) == [
        "没有 tags，条目就没有内容",
        "audience/tag/batchAdd 必须有 'optType'（add 或 delete），它没有默认值",
    ]
    assert said(route(fields={"sex": "M"}, event_key=None), endpoint=INFO, target={"public_params": {"importMode": 1}})[
        0
    ] == ("应为以下之一：男, 女")
    assert said(route(fields={"uuid": "x" * 37}), endpoint=EVENT_V1) == ["最多 36 个字符"]
    assert said(route(identity=[PHONE, {"type": "audienceUserId", "value": "$.a"}])) == [
        "event/v2/batchAdd 不接受 audienceUserId 和 identityId：请去掉这条规则"
    ]


def test_what_a_tracking_plan_requires_is_told_in_chinese() -> None:
    assert said(route(fields={"eventargs": {"c_x": "1", "c_day": 5, "c_dy": "$.y"}}), events=BUY) == [
        "应为数字，实际是文本（`events`：c_buy）",
        "应为日期（yyyy-MM-dd 或毫秒时间戳），实际是秒（`events`：c_buy）",
        "在 `events` 中，c_buy 没有这个参数，是否想写 'c_day'？",
    ]


def test_what_a_record_can_t_be_converted_for_is_english_in_its_dead_letter() -> None:
    [item] = mapper(route(fields={"time": {"from": "$.at", "as": "timestamp"}})).items(
        record({"phone": "1", "at": True})
    )
    assert failure([item]).detail == "as: timestamp: expected a time, got a boolean"


def test_a_conversion_says_why_it_refuses_only_when_it_is_asked() -> None:
    class Unread:
        def __format__(self, _spec: str) -> str:
            raise AssertionError("the text was made")

    error = ConversionError("expected a number, got {kind}", kind=Unread())
    with pytest.raises(AssertionError):
        str(error)
