"""What the name of a field says about its role: tables of words in English, in pinyin and in Chinese.

A name is compared in lower case, its words joined by `_`, whether it was written `buyerMobile`, `buyer-mobile` or
`BUYER_MOBILE`. The first pattern of a role that matches gives its rank; names that only look alike are excluded first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What a field may be for the platform."""

    PHONE = "phone"
    OPENID = "openid"
    UNIONID = "unionid"
    UID = "uid"
    TIME = "time"
    ORDER = "order id"
    AMOUNT = "amount"
    EVENT = "event"
    NAME = "real name"
    SEX = "sex"
    BIRTHDAY = "birthday"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one role."""

    patterns: tuple[str, ...]
    """Regular expressions of whole names, the best first."""
    not_in: str = r"(?!)"
    """A regular expression of parts that exclude a name."""


_NO: Final = r"(?:id|no|nr|num|number|code|sn|bh|hao|bianhao)"
_CUSTOMER: Final = r"(?:user|member|customer|cust|buyer|client|consumer|vip|account|crm|huiyuan|kehu|yonghu)"
_ORDER: Final = r"(?:order|trade|transaction|txn|payment|ticket|bill|tid|dingdan|jiaoyi)"

TABLE: Final[Mapping[Role, Names]] = {
    Role.PHONE: Names(
        (
            rf"(?:.*_)?(?:phone|mobile|cellphone|mobilephone|msisdn|shouji|sjhm?|(?:lianxi)?dianhua)(?:_?{_NO})?",
            r".*(?:手机号?码?|移动电话)",
            rf"(?:.*_)?(?:tel|telephone|lianxifangshi)(?:_?{_NO})?",
            r".*(?:联系电话|联系方式|电话号?码?)",
        ),
        r"_id$|model|type|brand|os$|verified|area|countr|归属|品牌|型号",
    ),
    Role.UNIONID: Names((r"(?:.*_)?union_?id",)),
    Role.OPENID: Names((r"(?:.*_)?open_?id",)),
    Role.UID: Names(
        (
            rf"(?:.*_)?{_CUSTOMER}_?{_NO}|(?:.*_)?uid",
            r".*(?:会员|客户|用户|顾客|买家)(?:卡?号码?|编号|编码|代码|_?id)",
            rf"{_CUSTOMER}_id_\w+",
        ),
        r"open_?id|union_?id|phone|mobile",
    ),
    Role.ORDER: Names(
        (
            rf"(?:.*_)?{_ORDER}_?{_NO}|tid",
            r".*(?:订单|交易|支付|流水|退款)(?:编号|单?号码?|_?id)|单号",
            rf"(?:.*_)?(?:event|message|msg|serial|record)_?{_NO}|uuid|guid",
        ),
    ),
    Role.TIME: Names(
        (
            r"(?:.*_)?(?:event|occur|occurred|happened|action)_?(?:time|at|date|ts|timestamp|on)",
            (
                r"(?:.*_)?(?:pay|paid|payment|trade|order|refund|finish|finished|complete|completed)"
                r"_?(?:time|at|date|ts|timestamp|on)|.*(?:支付|付款|下单|交易|发生|成交|退款)(?:时间|日期)"
            ),
            (
                r"(?:.*_)?(?:create|created|creation|add|submit|register|registered|reg)"
                r"_?(?:time|at|date|ts|timestamp|on)|gmt_?create|created|.*(?:创建|注册)(?:时间|日期)"
            ),
            r"time|ts|timestamp|datetime|date|shijian|riqi|时间|日期",
            (
                r"(?:.*_)?(?:update|updated|modify|modified)_?(?:time|at|date|ts|timestamp|on)|gmt_?modified|modified|updated"
                r"|.*(?:更新|修改)(?:时间|日期)"
            ),
            r".*_(?:time|at|ts|timestamp|datetime|shijian)|.*时间",
        ),
        r"birth|expir|valid|deadline|due|生日|出生|到期|有效|截止",
    ),
    Role.AMOUNT: Names(
        (
            (
                r"(?:.*_)?(?:paid|pay|payment|actual|real|shifu)_?(?:amount|amt|fee|money|price|jine)?(?:_?(?:fen|cents?))?"
                r"|.*(?:实付|支付|付款)(?:金额|款)?(?:_?分)?"
            ),
            r"(?:.*_)?(?:amount|amt|total|total_fee|money|fee|jine)(?:_?(?:fen|cents?))?|.*金额(?:_?分)?",
            r"(?:.*_)?(?:price|cost|discount|freight|jiage)(?:_?(?:fen|cents?))?|.*(?:单价|价格|售价|运费)(?:_?分)?",
        ),
        r"count|type|status|method|channel|类型|方式",
    ),
    Role.EVENT: Names(
        (
            r"(?:.*_)?event_?(?:type|name|key|code)|event|事件(?:类型|名称?)?",
            r"(?:order|trade|pay|payment|refund)_?(?:status|state)|.*(?:订单|支付|交易)状态",
            r"(?:.*_)?(?:status|state|zhuangtai)|.*状态",
            r"action|operation|behaviou?r|msg_?type|message_?type|biz_?type|type|op|opt_?type|动作|操作|(?:.*)类型",
        ),
        r"^_|http|code$",
    ),
    Role.NAME: Names(
        (
            r"real_?name|full_?name|xingming|(?:.*)?姓名|真实姓名",
            rf"{_CUSTOMER}_?(?:real_?|full_?)?name|(?:会员|客户)名称?",
            r"name",
        ),
        r"nick|login|goods|item|product|shop|store",
    ),
    Role.SEX: Names((r"(?:.*_)?(?:sex|gender|xingbie)|性别",)),
    Role.BIRTHDAY: Names(
        (r"(?:.*_)?(?:birthday|birth_?date|date_?of_?birth|dob|birth|shengri)|生日|出生(?:日期|年月日)",)
    ),
    Role.ADDRESS: Names((r"(?:.*_)?(?:address|addr|dizhi)|.*地址",), r"ip|mac|mail|url|wallet|邮箱"),
}

OTHERS: Final = re.compile(
    r"(?:^|[_.])(?:shop|store|seller|merchant|mall|service|support|staff|sales(?:man)?|guide|clerk|courier|rider|driver"
    r"|warehouse|supplier|sender|agent|operator|admin|dianpu|daogou|kefu)(?:$|[_.])|店|导购|客服|商家|卖家|骑手|快递员|发货人"
)
"""Of a path: whose phone it is, if not the customer's."""
RECEIVER: Final = re.compile(
    r"(?:^|[_.])(?:receiver|recipient|consignee|contact|ship|shipping|emergency)(?:$|[_.])|收货|收件|紧急"
)
"""Of a path: who gets the goods, which is not always the customer."""
FEN: Final = re.compile(r"(?:^|_)(?:fen|cents?)$|[(（_]?分[)）]?$")
"""Of a name: an amount in hundredths."""

_COMPILED: Final = {
    role: ([re.compile(pattern) for pattern in names.patterns], re.compile(names.not_in))
    for role, names in TABLE.items()
}
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS: Final = re.compile(r"[\s.\-:/]+")


def normal(name: str) -> str:
    """Return a name in lower case, its words joined by `_`: ``buyerMobile`` is ``buyer_mobile``."""
    return _SEPARATORS.sub("_", _HUMP.sub("_", name.strip())).lower()


def rank(role: Role, name: str) -> int | None:
    """Return how well a name stands for a role, 0 the best; None if it does not."""
    patterns, excluded = _COMPILED[role]
    text = normal(name)
    if excluded.search(text):
        return None
    return next((index for index, pattern in enumerate(patterns) if pattern.fullmatch(text)), None)


def is_of_receiver(path: tuple[str, ...]) -> bool:
    """Return whether a path belongs to who gets the goods."""
    return any(RECEIVER.search(normal(name)) for name in path)


def is_of_others(path: tuple[str, ...]) -> bool:
    """Return whether a path belongs to a shop, a courier and the like, not to the customer."""
    return any(OTHERS.search(normal(name)) for name in path)
