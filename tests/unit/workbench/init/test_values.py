from __future__ import annotations

from typing import Any

import pytest

from connector.workbench.init import values as look

HOLD: dict[Any, list[Any]] = {
    look.is_phone: ["13812345678", "+86 138-1234-5678", 13812345678, 13812345678.0],
    look.is_masked_phone: ["138****5678", "138xxxx5678", "+86 138****5678"],
    look.is_wechat_id: ["oX3abcdefghijklmnopqrstuvwx1"],
    look.is_id: ["A-1", 7, "a_b:c", "用户7"],
    look.is_time: ["2024-06-01 12:30:00", 1717216200, 1717216200000, "20240601123000", "2024年6月1日"],
    look.is_number: [1, 1.5, "12.50", "-3"],
    look.is_sex: ["男", "F", 1, "0"],
    look.is_code: ["PAID", "wait_ship", "orderPaid", 3, "3", "已支付", "部分退款", "TRADE_CLOSED", "page.view"],
}
DO_NOT: dict[Any, list[Any]] = {
    look.is_phone: ["138", True, None, "23812345678", [], {}],
    look.is_masked_phone: ["13812345678", "****", 138],
    look.is_wechat_id: ["oX3", 7, "pX3abcdefghijklmnopqrstuvwx1"],
    look.is_id: ["two words", True, 1.5, ""],
    look.is_time: ["yesterday", True, 7, "1990-01-31", 99999999999999, None],
    look.is_number: ["12元", True, None, ""],
    look.is_sex: ["张三", 7, None],
    look.is_code: [
        "王小明",
        "Anna",
        "ZhangSan",
        "13812345678",
        "user_13812345678",
        "a@b.cn",
        123456,
        True,
        "two words",
        "",
    ],
}


@pytest.mark.parametrize(("holds", "value"), [(holds, value) for holds, values in HOLD.items() for value in values])
def test_a_value_speaks_for_a_role(holds: Any, value: Any) -> None:  # noqa: ANN401 - JSON is anything
    assert holds(value)


@pytest.mark.parametrize(("holds", "value"), [(holds, value) for holds, values in DO_NOT.items() for value in values])
def test_a_value_speaks_against_it(holds: Any, value: Any) -> None:  # noqa: ANN401 - JSON is anything
    assert not holds(value)
