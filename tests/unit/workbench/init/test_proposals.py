"""What `init` makes of records of many kinds: the config and its test."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import CommandError
from connector.workbench.brokers import check_topic
from connector.workbench.init.command import made_of
from connector.workbench.init.names import Role
from connector.workbench.init.reading import Looked
from connector.workbench.init.shapes import recognise
from connector.workbench.init.synthetic import stand_in
from tests.unit.workbench.init.proposing import BROKERS, failing_tests, problems_elsewhere, written

if TYPE_CHECKING:
    from pathlib import Path

ORDER: dict[str, Any] = {
    "order_id": "SO1",
    "status": "PAID",
    "amount_fen": 142000,
    "paid_at": "2024-06-01 12:30:00",
    "shop": {"phone": "13900001111", "name": "上海店"},
    "buyer": {"mobile": "138 1234 5678", "user_id": 99812},
    "items": [{"title": "创维洗衣机", "sku": "S1"}],
}
MEMBER = {
    "会员编号": "M1",
    "姓名": "张三",
    "性别": "女",
    "生日": "1990-01-31",
    "手机号": "13812345678",
    "地址": "上海市",
}
CANAL = {
    "type": "UPDATE", "database": "shop", "table": "orders", "isDdl": False, "es": 1717216200000, "ts": 1717216200123,
    "data": [{"order_no": "T1", "mobile": "13812345678", "order_status": "3"}], "old": [{"order_status": "2"}],
}  # fmt: skip
ROW = {"uid": 7, "mobile": "13812345678", "state": "NEW"}
DEBEZIUM = {"before": None, "after": ROW, "source": {"table": "t", "ts_ms": 1717216200000}, "op": "c", "ts_ms": 1}
SOUND: dict[str, list[Any]] = {
    "one order": [ORDER],
    "members": [MEMBER, MEMBER | {"性别": "男"}],
    "Canal": [CANAL],
    "Canal with DDL": [CANAL, CANAL, {"type": "CREATE", "isDdl": True, "table": "t", "data": None}],
    "Debezium": [DEBEZIUM],
    "Debezium with a schema": [{"schema": {"type": "struct"}, "payload": DEBEZIUM}],
    "Debezium, deletes": [{**DEBEZIUM, "op": "d", "before": ROW, "after": None}],
    "Debezium, flattened": [{**ROW, "__op": "u", "__deleted": "false", "__source_ts_ms": 1717216200000}],
    "Debezium, a row with names of the envelope": [{**DEBEZIUM, "after": {"after": ROW, "payload": {"mobile": "1"}}}],
    "Canal, a row with names of the envelope": [{**CANAL, "data": [{"data": [ROW], "old": ROW}]}],
    "Debezium of MongoDB": [{**DEBEZIUM, "after": '{"mobile": "13812345678", "status": "NEW"}'}],
    "no object": [1, "text", True],
    "lists": [[{"mobile": "13812345678"}], [{"mobile": "13812345679"}]],
    "empty objects": [{}, {}],
    "odd names": [
        {"a b": {"手机 号.1": "13812345678", 'quo"te\\': 1, "#x: y": "PAID", "status'": "PAID", "*": 2, "0": 3}}
    ],
    "JSON in text": [{"body": '{"mobile": "13812345678", "status": "PAID", "list": [{"time": 1717216200}]}'}],
    "nested deep": [{"a": {"b": {"c": {"d": {"e": {"f": {"mobile": "13812345678"}}}}}}}],
    "huge numbers": [{"user_id": 10**30, "amount": 1e300, "total": 10**25, "time": 1717216200000000000, "mobile": 1.5}],
    "names with the signs of YAML": [{"a: b, {c} [d] #e 'f'": {**ORDER, "user_id": 7, "mobile": "13812345678"}}],
    "names that are variables": [{"${HOME}": {"mobile": "13812345678"}, "mobile": {"${A:-b}": 1}}],
    "lists with odd names": [{"a: b #c": [{"x": 1}], "tags": [[{"y": 1}]]}],
    "floats as codes": [{"status": 3.0, "mobile": 13812345678.0, "amount": 1.0}] * 3,
    "names that YAML knows": [{"yes": "no", "null": "null", "on": {"~": 1}, "- x": "PAID", "status": "null"}],
}


@pytest.mark.parametrize("values", SOUND.values(), ids=SOUND.keys())
def test_what_is_written_is_sound_but_for_marked_places_and_its_tests_pass(values: list[Any], tmp_path: Path) -> None:
    made = written(values)
    assert problems_elsewhere(made, tmp_path) == []
    assert failing_tests(made, tmp_path) == []


def test_an_order_becomes_an_event_by_its_status() -> None:
    config = written([ORDER]).config
    for line in (
        "endpoint: event/v2/batchAdd",
        "from: $.status",
        "PAID: c_todo_paid",
        "value: {from: $.buyer.mobile, as: phone}",
        "value: $.buyer.user_id",
        "time: {from: $.paid_at, as: timestamp, zone: Asia/Shanghai}",
        "c_order_id: $.order_id",
        "c_amount_fen: {from: $.amount_fen, as: number, multiply: 0.01}",
        "# for_each: $.items ",
    ):
        assert line in config
    assert "$.shop.phone" not in config


def test_every_reference_reads_what_it_was_made_of_whatever_the_names(tmp_path: Path) -> None:
    made = written(SOUND["names with the signs of YAML"])
    for line in made.config.splitlines():
        if "for_each" in line:
            assert line.split("for_each: ")[1].startswith("'$.\"a: b, {c} [d] #e ''f''\".items'")
    assert "eventKey: c_todo_paid" in made.tests
    assert "c_amount_fen: 1111.11" in made.tests
    assert failing_tests(made, tmp_path) == []


def test_a_member_becomes_a_profile() -> None:
    config = written(SOUND["members"]).config
    for line in (
        "endpoint: audience/info/v2/batchAdd",
        "importMode: 2",
        "realName: $.姓名",
        "sex: {from: $.性别, map: {男: 男, 女: 女}}",
        "birthday: {from: $.生日, as: date, on_error: omit}",
        "address: $.地址",
        "value: $.会员编号",
    ):
        assert line in config


def test_a_member_with_an_event_type_is_an_event() -> None:
    assert "endpoint: event/v2/batchAdd" in written([MEMBER | {"eventType": "login"}]).config


def test_words_in_the_place_of_a_time_are_not_copied() -> None:
    for value in ("2024-05-06王小明", "1234王5李6 abcdef", "2024-05-06 12:00 Anna"):
        assert stand_in(value, Role.TIME) == "2024-01-01"
    assert stand_in("2024-05-06T12:34:56.789+08:00", Role.TIME) == "2024-01-01T00:00:00.000+00:00"


@pytest.mark.parametrize(
    ("name", "envelope"), [("Canal", "canal"), ("Debezium", "debezium"), ("Canal with DDL", "canal")]
)
def test_an_envelope_is_recognised_and_old_rows_are_left_out(name: str, envelope: str) -> None:
    config = written(SOUND[name]).config
    assert f"  shop.orders: {{envelope: {envelope}}}" in config
    assert "$change.op: [insert, update]" in config
    assert "time: $change.ts" in config
    assert "$.data" not in config
    assert "$.after" not in config


def test_whole_amounts_are_a_question_and_amounts_with_decimals_are_none() -> None:
    assert "TODO(you): if these are fen" in written([{"mobile": "13812345678", "amount": 14200}]).config
    assert "fen" not in written([{"mobile": "13812345678", "amount": "142.00"}]).config


def test_a_phone_without_a_name_is_found_by_its_values_and_said_to_be_so() -> None:
    config = written([{"lx": f"138123456{index:02}", "x": index} for index in range(9)]).config
    assert "value: {from: $.lx, as: phone}" in config
    assert "TODO(you): found by its values: is it the customer's?" in config


def test_arguments_of_the_same_name_are_told_apart() -> None:
    values = [{"a": {"x": 1}, "b": {"x": 1, "数": {"x": 1}}, "c_arg_4": 1, "甲": 1, "乙": 1, "a_x": 2}]
    found = re.findall(r"# *(c_\w+):", written(values).config)
    assert len(found) == len(set(found)) == 7


def test_masked_phones_are_counted() -> None:
    config = written([{"mobile": "138****5678"}, {"mobile": "13812345678"}]).config
    assert "# 1 value masked with stars" in config


def test_without_any_identity_a_place_is_left_and_the_test_says_what_becomes_of_it(tmp_path: Path) -> None:
    made = written([{"status": "PAID", "total": 3}])
    assert "TODO(you): no field looks like an identity" in made.config
    assert "expect_dead_letter: {route: shop.orders, reason: identity_missing" in made.tests
    assert failing_tests(made, tmp_path) == []


def test_of_300_shapes_the_fields_are_named_that_together_find_the_most() -> None:
    names = ["mobile", "phone", "user_phone", *(f"x{index}" for index in range(297))]
    values = [
        {names[shape if shape % 3 else shape % 9 // 3]: f"138{index:08}", f"k{shape}": {f"n{shape}": shape}}
        for index in range(1000)
        for shape in [index % 300]
    ]
    config = written(values).config
    assert "from: [$.mobile, $.phone, $.user_phone]" in config
    assert config.count("\n") < 60


def test_a_status_with_a_persons_name_in_it_is_not_copied() -> None:
    values = [
        {"mobile": "13812345678", "status": each} for each in ("PAID", "王小明", "Anna Li", "13912345678", "a@b.cn")
    ]
    made = written(values)
    for text in ("王小明", "Anna", "13912345678", "a@b.cn", "13812345678"):
        assert text not in made.config + made.tests
    assert "PAID: c_todo_paid" in made.config
    assert "TODO(you): it has 4 other values" in made.config


def test_the_person_in_op_is_not_copied_however_often_he_comes_and_an_unknown_event_is() -> None:
    values = [{"mobile": "13812345678", "op": "zhangsan", "order_status": "QX"} for _ in range(60)]
    made = written(values)
    assert "QX: c_todo_qx" in made.config
    assert "zhangsan" not in made.config + made.tests
    assert "zhangsan" not in written([{"mobile": "13812345678", "op": "zhangsan"}] * 60).config
    assert "QX" not in written([*values, {"order_status": "王小明"}]).config


def test_each_openid_is_an_identity_of_its_own_as_it_is_of_another_account() -> None:
    config = written([{"gzh_openid": "oA"}, {"mini_openid": "oB"}]).config
    assert "value: $.gzh_openid" in config
    assert "value: $.mini_openid" in config


def test_who_gets_the_goods_stands_in_for_no_customer() -> None:
    both = [{"buyer_mobile": "13812345678"}, {"receiver_mobile": "13812345679"}]
    assert "receiver" not in written(both).config
    assert "TODO(you): who gets the goods: is that the customer?" in written(both[1:]).config


def test_names_that_are_data_are_not_copied() -> None:
    made = written([{"mobile": "13812345678", "by_phone": {"13912345678": {"n": 1}, "a@b.cn": 1}}])
    assert "13912345678" not in made.config + made.tests
    assert "a@b.cn" not in made.config + made.tests


def test_personal_data_is_in_neither_file() -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    secrets = {
        "name": "欧阳娜娜", "mobile": "13812345678", "address": "上海市徐汇区虹桥路7号", "email": "anna.li@example.cn",
        "idCard": "310101199001011234", "birthday": "1990-07-31", "openid": "oX3abcdefghijklmnopqrstuvwx1",
        "unionid": "oU3abcdefghijklmnopqrstuvwx1", "user_id": 88991234, "order_id": "SO-7788-9911",
        "remark": "请打电话",
        "plate": "沪A88888", "account": 6222021234567890, "note": '{"name": "诸葛亮", "tel": "13712345678"}',
        "type": "诸葛孔明", "action": "Zhuge Liang", "created_at": "2023-05-06 07:08:09",
    }  # fmt: skip
    values = [dict(dice.sample(sorted(secrets.items()), k=len(secrets))) for _ in range(20)]
    values += [{"data": secrets}, {"list": [secrets, secrets]}]
    made = written(values)
    for text in (*map(str, secrets.values()), "诸葛", "13712345678"):
        assert text not in made.config + made.tests, text
    assert "13800000000" in made.tests


def test_more_places_are_listed_than_the_credentials() -> None:
    made = written([ORDER])
    lines = made.config.splitlines()
    assert len(made.places) > 3
    assert all("TODO(you)" in lines[number - 1] for number, _ in made.places)


def test_avro_is_told_by_its_first_byte_and_not_guessed() -> None:
    found = recognise([b"\0\0\0\0\7\2\4\6", b"\0\0\0\0\7\2\4\6"])
    assert (found.rows, found.binary, found.schema_ids) == ([], 2, [7])


def test_json_behind_a_schema_id_is_json_schema(tmp_path: Path) -> None:
    found = recognise([b'\0\0\0\0\7{"mobile": "13812345678"}'] * 3)
    assert found.entry == {"format": "json_schema"}
    assert len(found.rows) == 3
    made = made_of(Looked(found, "t", is_guessed=False, description="a\nb: 'c'"), BROKERS, {})
    assert "decode:" in made.config
    assert problems_elsewhere(made, tmp_path) == []
    assert failing_tests(made, tmp_path) == []


def test_gb18030_is_recognised_and_utf_8_with_a_mark_is_none() -> None:
    assert recognise(['{"姓名": "张三"}'.encode("gb18030")]).entry == {"charset": "gb18030"}
    assert recognise(['\ufeff{"姓名": "张三"}'.encode()]).entry == {}


def test_what_is_no_json_is_counted_with_the_first_reason() -> None:
    found = recognise([b'{"a": 1}', b"\xff\xfe", b"{"])
    assert (len(found.rows), found.undecodable) == (1, 2)
    assert found.why


@pytest.mark.parametrize("topic", ["", "^shop.*", "a b", "a/b", "x" * 250, "主题"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(Exception, match="--topic: the name of one topic"):
        check_topic(topic)


def test_a_config_that_would_not_be_sound_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.workbench.init.writing.EVENTS", "event/v3/batchAdd")
    with pytest.raises(CommandError, match=r"nothing is written, because the config would not be sound: .*endpoint"):
        written([ORDER])
