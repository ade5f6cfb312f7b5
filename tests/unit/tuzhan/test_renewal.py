"""When the token endpoint is asked, as properties; and what its replies are worth."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.retry import Backoff
from connector.tuzhan.renewal import (
    CONTEST_PACE_S,
    CONTEST_WINDOW_S,
    LIFE_S,
    MAX_LIFE_S,
    Grant,
    NoGrant,
    Renewal,
    read_grant,
    usable,
)
from connector.tuzhan.replies import Reply

NOW = datetime(2024, 1, 1, tzinfo=UTC)
BACKOFF = Backoff(0.25, 30.0)


def renewal(seed: int = 1) -> Renewal:
    return Renewal(BACKOFF, Random(seed))  # noqa: S311 - jitter


def granted(**data: object) -> Reply:
    content = {"code": "200", "data": {"orgAccessToken": "tok", **data}, "errorCode": "0", "msg": "操作成功"}
    return Reply(200, json.dumps(content).encode())


def test_the_first_token_is_due_at_once() -> None:
    assert renewal().due_s(5.0) <= 5.0


@given(st.floats(0, 1e6), st.floats(1, MAX_LIFE_S))
def test_a_token_is_renewed_at_85_percent_of_its_life(now_s: float, life_s: float) -> None:
    plan = renewal()
    plan.issued(now_s, life_s)
    assert plan.due_s(now_s) == pytest.approx(now_s + 0.85 * life_s)


@given(st.integers(1, 2000), st.integers())
def test_failures_are_spaced_with_jitter_up_to_the_longest_wait(failures: int, seed: int) -> None:
    plan = renewal(seed)
    for _ in range(failures):
        plan.failed(100.0)
    assert 100.0 <= plan.due_s(100.0) <= 100.0 + min(30.0, 0.25 * 2.0 ** min(failures - 1, 60))


def test_a_retry_after_is_honoured() -> None:
    plan = renewal()
    plan.failed(100.0, 120.0)
    assert plan.due_s(100.0) == pytest.approx(220.0)


def test_a_token_that_lived_long_is_replaced_at_once_however_often() -> None:
    plan = renewal()
    for start_s in range(0, 1000, 61):
        plan.issued(float(start_s), LIFE_S)
        plan.refused(start_s + 60.5)
        assert plan.due_s(start_s + 60.5) == start_s + 60.5
        assert not plan.contested(start_s + 60.5)


def test_three_early_refusals_in_five_minutes_are_a_contest_and_it_ends() -> None:
    plan = renewal()
    for now_s in (0.0, 10.0, 20.0):
        assert not plan.contested(now_s)
        plan.issued(now_s, LIFE_S)
        plan.refused(now_s + 1)
    assert plan.contested(21.0)
    assert plan.due_s(21.0) == 20.0 + CONTEST_PACE_S
    assert plan.look_again_s(21.0) == 20.0 + CONTEST_PACE_S
    plan.issued(50.0, LIFE_S)
    assert plan.look_again_s(50.0) == 1.0 + CONTEST_WINDOW_S
    assert not plan.contested(1.0 + CONTEST_WINDOW_S)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.sampled_from(["granted", "refused", "failed"])), max_size=40))
def test_while_contested_two_tokens_are_never_less_than_thirty_seconds_apart(steps: list[tuple[float, str]]) -> None:
    plan = renewal()
    now_s, at_hand, issued_s = 0.0, False, float("-inf")
    for step_s, answer in steps:
        now_s += step_s
        if at_hand and answer == "refused":
            at_hand = False
            plan.refused(now_s)
        elif plan.due_s(now_s) <= now_s and answer == "failed":
            plan.failed(now_s)
        elif plan.due_s(now_s) <= now_s:
            assert not plan.contested(now_s) or now_s - issued_s >= CONTEST_PACE_S
            plan.issued(now_s, LIFE_S)
            at_hand, issued_s = True, now_s
        assert plan.look_again_s(now_s) <= plan.due_s(now_s)
        if not at_hand:
            assert plan.due_s(now_s) <= now_s + 30.0, "a token is never far when none is at hand"


@pytest.mark.parametrize(
    ("expire", "life_s"),
    [
        (0, LIFE_S),
        (-1, LIFE_S),
        (None, LIFE_S),
        (True, LIFE_S),
        ("", LIFE_S),
        ("soon", LIFE_S),
        ([], LIFE_S),
        (3600, 3600.0),
        ("3600", 3600.0),
        (1.5, 1.5),
        (1704067200000, MAX_LIFE_S),
        ("9" * 4000, MAX_LIFE_S),
    ],
)
def test_expire_counts_only_if_it_is_more_than_zero(expire: object, life_s: float) -> None:
    assert read_grant(granted(expire=expire), NOW) == Grant("tok", life_s)


@pytest.mark.parametrize("token", [None, "", "  ", 17, ["tok"], "to k", "to\nk", "tök", "t\x00", "x" * 5000])
def test_what_no_header_can_carry_is_no_token(token: object) -> None:
    result = read_grant(granted(orgAccessToken=token), NOW)
    assert isinstance(result, NoGrant)
    assert "orgAccessToken" in result.detail


def test_a_token_is_trimmed() -> None:
    assert usable(" tok\n") == "tok"


@pytest.mark.parametrize("data", [None, [], "tok", 1])
def test_a_reply_without_data_is_no_token(data: object) -> None:
    assert isinstance(read_grant(Reply(200, json.dumps({"code": "200", "data": data}).encode()), NOW), NoGrant)


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (Reply(200, b'{"code":"100100","errorCode":"APPID_SECRET_ERROR"}'), "app_secret"),
        (Reply(200, b'{"code":"100200"}'), "app_secret"),
        (Reply(401, b""), "app_secret"),
        (Reply(200, b'{"code":"777"}'), "app_secret"),
        (Reply(400, b""), "app_secret"),
        (Reply(404, b""), "base_url"),
        (Reply(301, b""), "base_url"),
        (Reply(503, b"", "9"), "asked again"),
        (Reply(200, b"<html>"), "asked again"),
    ],
)
def test_the_remedy_is_worded_from_the_cause(reply: Reply, remedy: str) -> None:
    result = read_grant(reply, NOW)
    assert isinstance(result, NoGrant)
    assert remedy in result.remedy
    assert result.retry_after_s == (9.0 if reply.retry_after else None)


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_bytes_make_reading_a_token_raise(status: int, content: bytes) -> None:
    assert isinstance(read_grant(Reply(status, content), NOW), NoGrant | Grant)
