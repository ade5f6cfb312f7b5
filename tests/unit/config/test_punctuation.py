"""Full-width punctuation: where it is a slip, its own place is reported; where it is prose, nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.files import Broken, changed, lines

if TYPE_CHECKING:
    from pathlib import Path

COLON = "'：' is the Chinese colon (U+FF1A): write ':'"
COLON_AND_BLANK = f"{COLON} and a blank"
COMMA = "'，' is the Chinese comma (U+FF0C): write ','"
OPENING_QUOTE = "'“' is the Chinese opening quote (U+201C): write '\"'"
NUMBER_SIGN = "'＃' is the full-width number sign (U+FF03): write '#'"
BLANK = "'\\u3000' is the full-width blank (U+3000): write a blank"

NOT_YAML = [
    Broken(
        "a colon after the first key of a table",
        "  bootstrap_servers: localhost",
        "  bootstrap_servers：localhost",
        f"2:20: {COLON_AND_BLANK} [yaml_syntax]",
    ),
    Broken(
        "a colon after a later key",
        "  group_id: shop\n",
        "  group_id：shop\n",
        f"3:11: {COLON_AND_BLANK} [yaml_syntax]",
    ),
    Broken("a colon after a section", "kafka:\n", "kafka：\n", f"1:6: {COLON_AND_BLANK} [yaml_syntax]"),
    Broken("a colon after a section below", "platform:\n", "platform：\n", f"4:9: {COLON_AND_BLANK} [yaml_syntax]"),
    Broken(
        "a colon in the first key of a list",
        "- name: orders",
        "- name：orders",
        f"10:9: {COLON_AND_BLANK} [yaml_syntax]",
    ),
    Broken(
        "a colon before a variable, which needs quotes besides",
        '{app_id: app, app_secret: "${SECRET}"}',
        '{app_id：${APP}, app_secret: "${SECRET}"}',
        f"5:16: {COLON_AND_BLANK} [yaml_syntax]",
    ),
    Broken(
        "a comma between two entries",
        "type: openid, value: $.mobile",
        "type: openid，value: $.mobile",
        f"14:29: {COMMA} [yaml_syntax]",
    ),
    Broken(
        "several at once: the first",
        "{type: openid, value: $.mobile}",
        "{type：openid，value: $.mobile}",
        f"14:21: routes[0].identity[0].type：openid，value: {COLON_AND_BLANK} [unknown_key]",
    ),
    Broken(
        "quotes around what needs quotes",
        "event_key: c_buy",
        "event_key: “c: buy”",
        f"13:16: {OPENING_QUOTE} [yaml_syntax]",
    ),
    Broken(
        "a hyphen before an entry",
        "- name: orders",
        "－ name: orders",
        "10:3: '－' is the full-width hyphen (U+FF0D): write '-' [yaml_syntax]",
    ),
    Broken(
        "a no-break space",
        "group_id: shop",
        "group_id:\xa0shop",
        "3:12: '\\xa0' is the no-break space (U+00A0): write a blank [yaml_syntax]",
    ),
    Broken("a blank after a colon", "  group_id: shop\n", "  group_id:\u3000shop\n", f"3:12: {BLANK} [yaml_syntax]"),
    Broken("blanks as indentation", "  group_id: shop\n", " \u3000group_id: shop\n", f"3:2: {BLANK} [yaml_syntax]"),
]

YAML_OF_ANOTHER_MEANING = [
    Broken(
        "a key without a value in a flow table",
        "{type: openid, value: $.mobile}",
        "{type: openid, value：$.mobile}",
        f"14:36: routes[0].identity[0].value：$.mobile: {COLON_AND_BLANK} [yaml_syntax]",
    ),
    Broken(
        "a table that is text",
        "    fields:\n      time: $.paid_at\n",
        "    fields:\n      time：$.paid_at\n",
        f"16:11: routes[0].fields: {COLON} [wrong_type]",
    ),
    Broken(
        "a lookup that would never match",
        "event_key: c_buy",
        "event_key: {from: $.status, map: {已付款：c_buy}}",
        f"13:42: routes[0].event_key.map.已付款：c_buy: {COLON_AND_BLANK} [yaml_syntax]",
    ),
    Broken(
        "quotes around a reference",
        "time: $.paid_at",
        "time: “$.paid_at”",
        f"16:13: routes[0].fields.time: {OPENING_QUOTE} [yaml_syntax]",
    ),
]

IN_A_VALUE = [
    Broken("servers", "localhost:9092", "localhost：9092", f"2:31: kafka.bootstrap_servers: {COLON} [bad_value]"),
    Broken("two servers", "localhost:9092", "a:9092，b:9092", f"2:28: kafka.bootstrap_servers: {COMMA} [bad_value]"),
    Broken(
        "a comment", "group_id: shop", "group_id: shop＃店铺：一", f"3:17: kafka.group_id: {NUMBER_SIGN} [bad_value]"
    ),
    Broken("a group", "group_id: shop", "group_id: “shop”", f"3:13: kafka.group_id: {OPENING_QUOTE} [bad_value]"),
    Broken(
        "topics", "[shop.orders]", "[shop.orders，shop.refunds]", f"11:25: routes[0].topics[0]: {COMMA} [bad_value]"
    ),
    Broken(
        "a pattern",
        "[shop.orders]",
        "[^shop。orders]",
        "11:19: routes[0].topics[0]: '。' is the Chinese full stop (U+3002): write '.' [bad_value]",
    ),
    Broken(
        "a topic with a blank",
        "[shop.orders]",
        "['shop.orders\u3000']",
        f"11:26: routes[0].topics[0]: {BLANK} [bad_value]",
    ),
    Broken("a target", "to: purchases", "to: “purchases”", f"12:9: routes[0].to: {OPENING_QUOTE} [unknown_name]"),
    Broken(
        "an address",
        "platform:\n",
        "admin: {listen: 127.0.0.1：8080}\nplatform:\n",
        f"4:26: admin.listen: {COLON} [bad_value]",
    ),
    Broken(
        "a zone",
        "time: $.paid_at",
        "time: {from: $.paid_at, as: timestamp, zone: “Asia/Shanghai”}",
        f"16:52: routes[0].fields.time.zone: {OPENING_QUOTE} [bad_value]",
    ),
    Broken(
        "a source",
        "time: $.paid_at",
        "time: {from: “$.paid_at”, as: timestamp}",
        f"16:20: routes[0].fields.time.from: {OPENING_QUOTE} [yaml_syntax]",
    ),
    Broken(
        "a default",
        "localhost:9092",
        "${SERVERS:-localhost：9092}",
        f"2:42: kafka.bootstrap_servers: {COLON} [bad_value]",
    ),
]


@pytest.mark.parametrize("broken", [*NOT_YAML, *YAML_OF_ANOTHER_MEANING, *IN_A_VALUE], ids=lambda broken: broken.name)
def test_punctuation_is_reported_at_its_own_place(broken: Broken, tmp_path: Path) -> None:
    assert broken.found(tmp_path) == broken.expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("time: $.paid_at", "time: $.paid_at\n      eventargs: {title: 双十一，“满减”：八折}"),
        ("time: $.paid_at", "time: $.paid_at\n      eventargs:\n        title: “双十一”\n        c_note: 好：坏"),
        ("time: $.paid_at", "time: $.paid_at\n      eventargs: {c_note: {template: '订单：{$.id}，“{$.name}”。'}}"),
        ("time: $.paid_at", "time: $.paid_at\n      eventargs: {'c_a：b': $.c}"),
        ("time: $.paid_at", "time: $.paid_at   # 时间：毫秒，“支付”"),
        ("event_key: c_buy", "event_key: {from: $.status, map: {已付款：全额: c_buy, '退款，部分': c_refund}}"),
        ("to: purchases", "to: purchases\n    where: {$.status: [已付款，全额, “是”]}"),
        ("name: orders", "name: 订单，支付"),
        ('"${SECRET}"', '"${SECRET:?请填写，谢谢：必填}"'),
        ("kafka:\n", "# 说明：第一行，“注释”\u3000\nkafka:\n"),
    ],
)
def test_chinese_prose_is_left_alone(old: str, new: str, tmp_path: Path) -> None:
    assert lines(tmp_path, changed(old, new)) == []


def test_prose_is_not_blamed_for_something_else(tmp_path: Path) -> None:
    text = changed("time: $.paid_at", "time: $.paid_at\n      eventargs: {c_note: {template: '订单，{$.id'}}")
    (line,) = lines(tmp_path, text)
    assert "the Chinese comma" not in line


def test_a_slip_below_prose_is_not_blamed_on_the_prose(tmp_path: Path) -> None:
    text = changed("    event_key: c_buy\n", "    event_key: c_buy  # 下单，付款\n    x: {a: ${B}}\n")
    assert lines(tmp_path, text) == ['c.yaml:14:12: write "${B}" in quotes: x: {a: "${B}"} [yaml_syntax]']
