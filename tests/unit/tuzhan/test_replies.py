"""The verdict table row by row, and that classifying a reply never raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.sink import MAX_REPLY_BYTES, Subject, VerdictKind
from connector.language.message import verbatim
from connector.tuzhan.replies import BUSY, Reply, classify, parse_envelope, retry_after_s

NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)


def body(code: object, **more: object) -> bytes:
    return json.dumps({"code": code, "errorCode": "X", "msg": "m", **more}).encode()


def name(status: int, content: bytes = b"") -> str:
    return classify(Reply(status, content), NOW).kind.value


@pytest.mark.parametrize(
    ("subject", "replies"),
    [
        (Subject.ITEMS, [(200, "200"), (200, "500001"), (400, ""), (409, ""), (422, ""), (413, "")]),
        (Subject.TARGET, [(403, ""), (404, ""), (302, ""), (500, "100100"), (200, "100300"), (429, ""), (425, "")]),
        (Subject.TRANSPORT, [(408, ""), (500, ""), (503, ""), (200, ""), (401, ""), (400, "100200"), (199, "")]),
    ],
)
def test_a_verdict_says_what_it_speaks_of(subject: Subject, replies: list[tuple[int, str]]) -> None:
    for status, code in replies:
        assert classify(Reply(status, body(code) if code else b""), NOW).subject is subject, (status, code)


def test_too_many_requests_is_about_the_target_at_any_status() -> None:
    for status in (200, 400, 500):
        assert classify(Reply(status, body("300", msg=BUSY)), NOW).subject is Subject.TARGET


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize("code", ["200", 200, 200.0])
def test_2xx_with_code_200_is_delivered(status: int, code: object) -> None:
    assert name(status, body(code)) == "delivered"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"200",
        b'"200"',
        b"[]",
        b'[{"code":"200"}]',
        b'{"code":"200"',
        b"{}",
        b'{"code":null}',
        b'{"code":""}',
        b'{"code":true}',
        b'{"code":["200"]}',
        b'{"code":{"code":"200"}}',
        b'{"Code":"200"}',
        b'{"data":{"code":"200"}}',
        b'\xff\xfe{"code":"200"}',
        b"[" * 100_000,
        b'{"code":' * 100_000,
        b'{"code":NaN}',
        b'{"code":"","msg":"\\ud800"}',
    ],
    ids=lambda content: repr(content[:24]),
)
def test_2xx_without_a_readable_code_is_again(content: bytes) -> None:
    assert name(200, content) == "again"


@pytest.mark.parametrize("code", ["408", "425", "429", "500", "502", "503", "504", "599", 503])
def test_temporary_errors_are_again_as_status_and_as_code_inside_2xx(code: object) -> None:
    assert name(200, body(code)) == "again"
    assert name(int(str(code)), b"whatever") == "again"


@pytest.mark.parametrize("code", ["100200", 100200])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 413, 429, 500, 503])
def test_code_100200_is_token_at_any_status(status: int, code: object) -> None:
    assert name(status, body(code)) == "token"
    assert name(status, body(code, msg=BUSY)) == "token"


def test_401_is_token_as_status_and_as_code_inside_2xx() -> None:
    assert name(401) == "token"
    assert name(200, body("401")) == "token"


@pytest.mark.parametrize("code", ["100100", "100300", 100100])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_wrong_credentials_hold_the_target_at_any_status(status: int, code: object) -> None:
    verdict = classify(Reply(status, body(code)), NOW)
    assert verdict.kind is VerdictKind.HELD
    assert verdict.remedy


@pytest.mark.parametrize("number", [403, 404, 405])
def test_missing_permissions_and_wrong_addresses_hold_the_target(number: int) -> None:
    assert name(number) == "held"
    assert name(200, body(number)) == "held"
    assert classify(Reply(200, body(number)), NOW).remedy == classify(Reply(number, b""), NOW).remedy


def test_the_remedy_for_403_is_what_the_caller_gives_and_that_for_404_is_not() -> None:
    for reply in (Reply(403, b""), Reply(200, body("403"))):
        assert classify(reply, NOW, verbatim("grant it")).remedy == "grant it"
        assert "permission" in classify(reply, NOW).remedy
    assert classify(Reply(404, b""), NOW, verbatim("grant it")).remedy != "grant it"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_holds_the_target_even_if_its_body_claims_success(status: int) -> None:
    verdict = classify(Reply(status, body("200")), NOW)
    assert verdict.kind is VerdictKind.HELD
    assert "redirect" in verdict.remedy


def test_413_is_split_as_status_and_as_code_inside_2xx() -> None:
    assert name(413) == "split"
    assert name(200, body("413")) == "split"


@pytest.mark.parametrize("number", [400, 409, 422])
def test_errors_about_the_items_are_refused(number: int) -> None:
    assert name(number) == "refused"
    assert name(200, body(number)) == "refused"


@pytest.mark.parametrize(
    "code", ["0", "201", "199", "301", "402", "600", "999", "1", "SUCCESS", " 200", "200\n", "２００", "0200"]
)
def test_2xx_with_any_other_code_is_refused(code: str) -> None:
    assert name(200, body(code)) == "refused"


@pytest.mark.parametrize("status", [402, 406, 407, 410, 411, 415, 421, 423, 431, 451])
def test_an_undocumented_4xx_holds_the_target(status: int) -> None:
    verdict = classify(Reply(status, body("200")), NOW)
    assert verdict.kind is VerdictKind.HELD
    assert verdict.remedy


@pytest.mark.parametrize("status", [100, 199, 500, 501, 502, 503, 504, 520, 599, 600, 999])
def test_a_code_of_success_without_2xx_is_again(status: int) -> None:
    assert name(status, body("200")) == "again"


@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
def test_the_message_for_too_many_requests_is_again(status: int) -> None:
    assert name(status, body("300", msg=f"{BUSY},请稍后重试")) == "again"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + body("200"),
        '{"code":"200","msg":"操作成功"}'.encode("gbk"),
        b'{"code":"200","msg":"half an emoji: \\ud83d"}',
        b'{"code":"200","msg":"a\nb"}',
    ],
)
def test_an_invalid_message_does_not_hide_success(content: bytes) -> None:
    assert name(200, content) == "delivered"


@pytest.mark.parametrize(
    ("data", "batch"),
    [
        (b"15314513451345123", "15314513451345123"),
        (b"9007199254740993", "9007199254740993"),
        (b"184467440737095516151234567", "184467440737095516151234567"),
        (b'"15314513451345123"', "15314513451345123"),
        (b"null", ""),
        (b"true", ""),
        (b"1.5", ""),
        (b'{"id":1}', ""),
    ],
)
def test_the_import_batch_id_is_exact(data: bytes, batch: str) -> None:
    reply = Reply(200, b'{"code":"200","errorCode":"SUCCESS","msg":"ok","data":' + data + b"}")
    assert classify(reply, NOW).import_batch == batch


def test_only_a_delivery_has_an_import_batch_id() -> None:
    assert classify(Reply(200, body("400", data=17)), NOW).import_batch == ""


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("601", 600.0),
        ("9" * 5000, 600.0),
        ("-1", None),
        ("soon", None),
        ("1e3", None),
        ("٣", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        ("Mon, 01 Jan 2024 12:00:30 -0000", 30.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=1), usegmt=True), 600.0),
        ("Mon, 32 Foo 2024 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_ten_minutes(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_retry_after_is_read_only_if_the_verdict_is_again() -> None:
    assert classify(Reply(429, b"", "7"), NOW).retry_after_s == 7
    assert classify(Reply(400, b"", "7"), NOW).retry_after_s is None


def test_a_verdict_keeps_what_the_platform_answered() -> None:
    verdict = classify(Reply(200, body("100100", errorCode="APPID_SECRET_ERROR")), NOW)
    assert (verdict.http_status, verdict.code) == (200, "100100")
    assert verdict.detail == "HTTP 200, code 100100 APPID_SECRET_ERROR"
    assert "app_secret" in verdict.remedy
    assert "APPID_SECRET_ERROR" in verdict.reply


def test_the_detail_has_no_text_that_might_be_a_value_of_a_record() -> None:
    content = body("400", errorCode="13800000000", msg="phone 13800000000 of 张三 is wrong")
    assert classify(Reply(200, content), NOW).detail == "HTTP 200, code 400"


def test_a_code_can_not_forge_a_log_line() -> None:
    verdict = classify(Reply(200, body("4\n00 delivered\x1b[31m" + "x" * 100)), NOW)
    assert verdict.kind is VerdictKind.REFUSED
    assert "\n" not in verdict.detail
    assert "\x1b" not in verdict.detail
    assert len(verdict.code) <= 32


@given(st.text(min_size=MAX_REPLY_BYTES // 4, max_size=MAX_REPLY_BYTES + 10), st.integers(0, 3))
def test_a_long_reply_is_cut_between_two_characters(text: str, shift: int) -> None:
    content = b"a" * shift + text.encode("utf-8", "replace") + "兔".encode() * MAX_REPLY_BYTES
    reply = classify(Reply(500, content), NOW).reply
    assert content.startswith(reply.encode())
    assert MAX_REPLY_BYTES - 3 <= len(reply.encode()) <= MAX_REPLY_BYTES


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["code", "msg", "errorCode", "data"]), inner),
    max_leaves=8,
)


@given(
    st.integers(-1, 1000),
    st.binary(max_size=64) | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.none() | st.text(),
)
def test_every_reply_has_a_verdict_and_only_2xx_with_code_200_is_delivered(
    status: int, content: bytes, header: str | None
) -> None:
    verdict = classify(Reply(status, content, header), NOW)
    assert (verdict.kind is VerdictKind.DELIVERED) == (200 <= status < 300 and parse_envelope(content).code == "200")
    assert (verdict.kind is VerdictKind.HELD) == bool(verdict.remedy)
    assert len(verdict.reply.encode()) <= MAX_REPLY_BYTES
    assert verdict.retry_after_s is None or 0 <= verdict.retry_after_s <= 600
