from __future__ import annotations

import pytest

from connector.workbench.init.names import FEN, Role, is_of_others, normal, rank

OF_ROLES = {
    Role.PHONE: "phone mobile Mobile mobilePhone phone_no phoneNumber buyerMobile receiver_phone cellphone tel shouji"
    " shoujihao lianxidianhua 手机 手机号 手机号码 联系电话 会员手机号 联系方式",
    Role.OPENID: "openid openId open_id wx_openid wechatOpenId OPENID",
    Role.UNIONID: "unionid unionId union_id wxUnionId",
    Role.UID: "uid user_id userId member_no memberCode customerId CUST_NO buyer_id vip_code huiyuan_id 会员号 会员编号"
    " 会员卡号 客户编号 用户ID 客户id",
    Role.ORDER: "order_id orderNo order_sn tradeNo transaction_id ORDER_NUM dingdanhao dingdan_id 订单号 订单编号"
    " 交易单号 流水号",
    Role.TIME: "time ts timestamp created_at createTime pay_time paidAt gmt_create order_date eventTime update_time"
    " 支付时间 下单时间 创建时间 时间 日期",
    Role.AMOUNT: "amount amount_fen total_fee pay_amount payAmount price totalPrice money jine 金额 实付金额 单价"
    " 总价格",
    Role.EVENT: "event event_type eventName status order_status orderState type action bizType zhuangtai 状态 订单状态"
    " 事件类型",
    Role.NAME: "name realName real_name customer_name memberName xingming 姓名 会员姓名",
    Role.SEX: "sex gender xingbie 性别",
    Role.BIRTHDAY: "birthday birthDate birth_date dob shengri 生日 出生日期",
    Role.ADDRESS: "address home_address addr dizhi 地址 收货地址",
}
NONE = {
    Role.PHONE: "phone_model phoneType mobile_os phone_brand phone_id telegram headphones 手机型号 手机品牌",
    Role.OPENID: "open opened_id openings",
    Role.UID: "user username user_open_id userMobile guide uuid",
    Role.ORDER: "order ordering orders order_time border",
    Role.TIME: "times birthday birth_time expire_time valid_date estimate 出生日期 有效时间",
    Role.AMOUNT: "amount_type payment_method price_count coffee 支付方式",
    Role.EVENT: "status_code http_status eventual prototype",
    Role.NAME: "nickName goodsName shop_name file_name_x 商品名称",
    Role.ADDRESS: "ip_address mac_address email_address",
}


def cases(table: dict[Role, str]) -> list[tuple[Role, str]]:
    return [(role, name) for role, names in table.items() for name in names.split()]


@pytest.mark.parametrize(("role", "name"), cases(OF_ROLES))
def test_a_name_in_english_pinyin_or_chinese_stands_for_a_role(role: Role, name: str) -> None:
    assert rank(role, name) is not None


@pytest.mark.parametrize(("role", "name"), cases(NONE))
def test_a_name_that_only_looks_alike_does_not(role: Role, name: str) -> None:
    assert rank(role, name) is None


@pytest.mark.parametrize(
    ("role", "better", "worse"),
    [
        (Role.TIME, "event_time", "pay_time"),
        (Role.TIME, "pay_time", "create_time"),
        (Role.TIME, "create_time", "update_time"),
        (Role.AMOUNT, "pay_amount", "total_amount"),
        (Role.AMOUNT, "amount", "price"),
        (Role.EVENT, "event_type", "order_status"),
        (Role.EVENT, "status", "type"),
        (Role.PHONE, "mobile", "tel"),
    ],
)
def test_of_two_names_the_one_that_says_more_comes_first(role: Role, better: str, worse: str) -> None:
    first, second = rank(role, better), rank(role, worse)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize(
    ("name", "expected"),
    [("buyerMobile", "buyer_mobile"), ("BUYER-MOBILE", "buyer_mobile"), ("buyer mobile.no", "buyer_mobile_no"),
     ("wxOpenID", "wx_open_id"), ("手机号", "手机号")],
)  # fmt: skip
def test_a_name_is_compared_in_one_form(name: str, expected: str) -> None:
    assert normal(name) == expected


@pytest.mark.parametrize("name", ["amount_fen", "priceFen", "total_cents", "金额分", "金额(分)", "实付金额（分）"])
def test_fen_are_told_by_the_name(name: str) -> None:
    assert FEN.search(normal(name))


@pytest.mark.parametrize("name", ["amount", "fence", "percent", "积分余额"])
def test_other_names_are_not_of_fen(name: str) -> None:
    assert not FEN.search(normal(name))


@pytest.mark.parametrize(
    "path", [("shop", "phone"), ("sellerMobile",), ("门店电话",), ("courier", "tel"), ("导购手机",)]
)
def test_the_phone_of_a_shop_is_not_the_customers(path: tuple[str, ...]) -> None:
    assert is_of_others(path)


def test_the_phone_of_a_buyer_is_the_customers() -> None:
    assert not is_of_others(("buyer", "mobile"))
    assert not is_of_others(("shopping", "mobile"))
