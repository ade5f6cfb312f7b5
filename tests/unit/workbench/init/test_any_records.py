"""Whatever records hold: what is written is sound but for marked places, its tests pass, and no value is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.workbench.init.proposing import failing_tests, problems_elsewhere, written

if TYPE_CHECKING:
    from pathlib import Path

NAMES = """
mobile phone buyerMobile 手机号 openid unionid user_id 会员号 status type event 状态 order_id 订单号 amount amount_fen
金额 ${A} paid_at createTime 时间 name 姓名 sex 性别 birthday 生日 address 地址 items data op before after table __op id
"""
_NAMES = st.sampled_from(NAMES.split()) | st.text(max_size=12)
_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "13812345678",
            "+86 138 1234 5678",
            "138****5678",
            13812345678,
            "PAID",
            "已支付",
            "3",
            1717216200,
            1717216200000,
            "2024-06-01 12:30:00",
            "20240601",
            "1990年1月31日",
            "男",
            "F",
            "14.20",
            '{"mobile": "13812345678"}',
            "c",
            "UPDATE",
        ]
    )
)
_JSON = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=6), max_leaves=15
)
_RECORDS = st.lists(
    st.dictionaries(_NAMES, _JSON, max_size=8) | _JSON.filter(lambda each: each is not None), min_size=1, max_size=6
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=60
)
@given(_RECORDS)
def test_what_is_written_is_sound_but_for_marked_places_and_its_tests_pass(tmp_path: Path, values: list[Any]) -> None:
    made = written(values)
    assert problems_elsewhere(made, tmp_path) == []
    assert failing_tests(made, tmp_path) == []
    assert "1234567" not in made.config + made.tests
    assert "138123" not in made.config + made.tests
