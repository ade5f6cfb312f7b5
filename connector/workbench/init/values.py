"""What the value of a field says about its role."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from connector.dead_letters.masking import mask_numbers
from connector.mapping.conversions.numbers import decimal_of
from connector.mapping.conversions.phone import phone
from connector.mapping.conversions.timestamps import timestamp
from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.json_values import text_form
from connector.settings.types import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.json_values import Json

_MASKED_PHONE: Final = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d[*xX·●]{3,}\d{0,4}")
_WECHAT_ID: Final = re.compile(r"o[A-Za-z0-9_-]{27}", re.ASCII)
"""An openid or a unionid, by its form."""
_ID: Final = re.compile(r"[\w.:@#/-]{1,128}")
_EPOCH_2000_MS: Final = 946_684_800_000
_DAY_MS: Final = 86_400_000
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z]*(?:[_.:-][A-Za-z0-9]{1,20}|\d{1,3}){0,6}", re.ASCII)
_SMALL: Final = re.compile(r"-?\d{1,4}", re.ASCII)
_LONGEST_CODE: Final = 40
_OF_CODES: Final = """
    new init initial created create pending open opened wait waiting unpaid pay paid paying payment ordered order
    confirmed confirm accepted accept processing process shipped ship shipping sent delivered deliver received
    receive signed sign completed complete finished finish done success succeeded successful fail failed failure
    error cancelled canceled cancel closed close expired timeout refund refunded refunding refundfail returned
    return exchanged partial add added insert inserted update updated delete deleted del remove removed modify save
    enable enabled disable disabled active inactive valid invalid normal frozen locked online offline login logout
    register registered signup signin view click buy purchase purchased browse share subscribe unsubscribe scan
    follow unfollow join joined leave left upgrade downgrade bind unbind bound comment like favorite cart checkout
    submit submitted approve approved reject rejected start started stop stopped used unused issue issued redeem
    redeemed trade buyer goods sale to be not is all part partially by system auto info tag level points c e page
    item app mini program home search result detail checkin in out up after before first second sms coupon gift
    card event profile balance recharge withdraw deposit transfer stock review reviewed rate rated evaluate
    evaluated apply applied audit audited agree agreed refuse refused progress ready publish published draft
"""
_WORDS: Final = frozenset(_OF_CODES.split())
"""Words that a status is made of: no name of a person."""
_CHINESE_WORDS: Final = re.compile(
    r"(?:已|未|待|可|被|部分|全部|全额|正在|交易|订单|支付|付款|下单|退款|退货|发货|收货|签收|取消|完成|关闭|成功|失败|新建|新增"
    r"|创建|注册|登录|登陆|浏览|点击|分享|关注|取关|扫码|购买|加购|收藏|审核|通过|拒绝|确认|处理|进行|中|正常|异常|冻结|过期|有效"
    r"|无效|启用|停用|禁用|修改|删除|更新|升级|降级|绑定|解绑|评价|提交|开始|结束|使用|领取|核销|会员|积分|结算|配送|预约)+"
)

SEXES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("男", "M", "m", "male", "Male", "MALE", "man", "1", "先生"), "男"),
    **dict.fromkeys(("女", "F", "f", "female", "Female", "FEMALE", "woman", "2", "女士"), "女"),
}
"""What the platform calls them; 1 and 2 as WeChat has them."""


def is_phone(value: Json) -> bool:
    """Whether it is a mainland mobile number, as `as: phone` takes it."""
    try:
        return not isinstance(value, bool) and isinstance(phone(value), str)
    except (MappingError, ConversionError):
        return False


def is_masked_phone(value: Json) -> bool:
    """Whether it is a mobile number with stars in it."""
    return isinstance(value, str) and _MASKED_PHONE.fullmatch(value.strip()) is not None


def is_wechat_id(value: Json) -> bool:
    """Whether it has the form of an openid and of a unionid."""
    return isinstance(value, str) and _WECHAT_ID.fullmatch(value) is not None


def is_id(value: Json) -> bool:
    """Whether it may identify something: text without blanks, or a whole number."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and _ID.fullmatch(value) is not None)


_to_milliseconds = timestamp(ZoneInfo(DEFAULT_ZONE))


def is_time(value: Json) -> bool:
    """Whether it is a time since 2000 that has passed, as `as: timestamp` takes it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        found = _to_milliseconds(value)
    except (MappingError, ConversionError):
        return False
    return isinstance(found, int) and _EPOCH_2000_MS <= found <= time.time() * 1000 + _DAY_MS


def is_date(value: Json) -> bool:
    """Whether it is a time or a date of any age."""
    try:
        return isinstance(value, int | float | str) and not isinstance(value, bool) and bool(_to_milliseconds(value))
    except (MappingError, ConversionError):
        return False


def is_number(value: Json) -> bool:
    """Whether `as: number` takes it."""
    try:
        return not isinstance(value, bool) and decimal_of(value) is not None
    except (MappingError, ConversionError):
        return False


def is_whole(value: Json) -> bool:
    """Whether it is a number that shows no decimals."""
    return is_number(value) and "." not in str(value)


def is_sex(value: Json) -> bool:
    """Whether it is a word, or a number, for a sex."""
    return (text_form(value) or "") in {*SEXES, "0", "U", "unknown", "未知"}


def is_text(value: Json) -> bool:
    """Whether it is text, or what a text field takes."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def is_code(value: Json) -> bool:
    """Whether it is a code of a program, so surely of no person: PAID, wait_ship, 3, 已支付."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return _SMALL.fullmatch(str(value)) is not None
    if not isinstance(value, str) or len(value) > _LONGEST_CODE:
        return False
    if _SMALL.fullmatch(value) or _CHINESE_WORDS.fullmatch(value):
        return True
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", value)
    return looks_like_code(value) and all(word.lower() in _WORDS for word in words)


def looks_like_code(value: Json) -> bool:
    """Whether it has the form of a code; it may be somebody's name all the same."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None and mask_numbers(value) == value
