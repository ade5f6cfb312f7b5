"""When a token is requested, and what the replies of the token endpoint mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.retry import Backoff
from connector.tuzhan.renewal import (
    CONTEST_INTERVAL_S,
    CONTEST_JITTER_S,
    CONTEST_WINDOW_S,
    LIFE_S,
    MAX_LIFE_S,
    MIN_INTERVAL_S,
    IssuedToken,
    RenewalSchedule,
    TokenFailure,
    parse_token,
    parse_token_reply,
)
from connector.tuzhan.replies import Reply

NOW = datetime(2024, 1, 1, tzinfo=UTC)
A, B = "target A", "target B"
BACKOFF = Backoff(0.25, 30.0)


def new_schedule(seed: int = 1) -> RenewalSchedule:
    return RenewalSchedule(BACKOFF, Random(seed))  # noqa: S311 - jitter


def granted(**data: object) -> Reply:
    content = {"code": "200", "data": {"orgAccessToken": "tok", **data}, "errorCode": "0", "msg": "操作成功"}
    return Reply(200, json.dumps(content).encode())


def test_the_first_token_is_due_at_once() -> None:
    assert new_schedule().next_request_s(5.0) <= 5.0


@given(st.floats(0, 1e6), st.floats(2, MAX_LIFE_S))
def test_a_token_is_renewed_at_85_percent_of_its_life(now_s: float, life_s: float) -> None:
    schedule = new_schedule()
    schedule.on_issued(now_s, life_s)
    assert schedule.next_request_s(now_s) == pytest.approx(now_s + 0.85 * life_s)


@given(st.integers(1, 2000), st.integers())
def test_failures_are_spaced_with_jitter_up_to_the_longest_wait(failures: int, seed: int) -> None:
    schedule = new_schedule(seed)
    for _ in range(failures):
        schedule.on_failed(100.0)
    assert 100.0 <= schedule.next_request_s(100.0) <= 100.0 + min(30.0, 0.25 * 2.0 ** min(failures - 1, 60))


def test_a_retry_after_is_honoured() -> None:
    schedule = new_schedule()
    schedule.on_failed(100.0, 120.0)
    assert schedule.next_request_s(100.0) == pytest.approx(220.0)


def test_late_refusals_are_never_a_contest() -> None:
    schedule = new_schedule()
    for start_s in range(0, 1000, 61):
        schedule.on_issued(float(start_s), LIFE_S)
        schedule.on_refused(A, start_s + 60.5)
        assert schedule.next_request_s(start_s + 60.5, start_s + 60.5) == start_s + 60.5
        assert not schedule.is_contested(start_s + 60.5)


def test_the_worked_example_of_a_contest() -> None:
    schedule = new_schedule()
    for issued_s, first_s, last_s in ((0.0, 1.0, 1.0), (10.0, 11.0, 11.0), (20.0, 50.0, 65.0)):
        schedule.on_issued(issued_s, LIFE_S)
        schedule.on_refused(A, issued_s + 1)
        assert first_s <= schedule.next_request_s(issued_s + 1, issued_s + 1) <= last_s
    assert schedule.is_contested(300.0)
    assert not schedule.is_contested(301.0)


def test_three_early_refusals_in_five_minutes_are_a_contest_that_ends() -> None:
    schedule = new_schedule()
    for now_s in (0.0, 10.0, 20.0):
        assert not schedule.is_contested(now_s)
        schedule.on_issued(now_s, LIFE_S)
        schedule.on_refused(A, now_s + 1)
        schedule.on_refused(B, now_s + 2)
    assert schedule.is_contested(21.0)
    due_s = schedule.next_request_s(21.0, 21.0)
    assert 20.0 + CONTEST_INTERVAL_S <= due_s <= 20.0 + CONTEST_INTERVAL_S + CONTEST_JITTER_S
    assert schedule.next_change_s(21.0, 21.0) == due_s
    schedule.on_issued(50.0, LIFE_S)
    assert schedule.next_change_s(50.0) == 1.0 + CONTEST_WINDOW_S
    assert not schedule.is_contested(1.0 + CONTEST_WINDOW_S)


def test_the_distances_in_a_contest_differ() -> None:
    schedule = new_schedule()
    found: set[float] = set()
    for number in range(20):
        schedule.on_issued(100.0 * number, LIFE_S)
        schedule.on_refused(A, 100.0 * number + 1)
        if number > 1:
            found.add(schedule.next_request_s(100.0 * number + 1, 0.0) - 100.0 * number)
    assert len(found) == 18
    assert max(found) - min(found) > CONTEST_JITTER_S / 2


def test_a_token_that_is_refused_after_its_life_is_no_sign_of_a_contest() -> None:
    schedule = new_schedule()
    for number in range(10):
        schedule.on_issued(10.0 * number, 5.0)
        schedule.on_refused(A, 10.0 * number + 5.0)
        assert not schedule.is_contested(10.0 * number + 5.0)


def test_the_refusals_of_a_target_at_fault_are_no_sign_of_a_contest() -> None:
    schedule = new_schedule()
    for now_s, target in ((0.0, A), (10.0, B), (20.0, A)):
        schedule.on_issued(now_s, LIFE_S)
        schedule.on_refused(target, now_s + 1)
    assert schedule.is_contested(21.0)
    schedule.on_target_at_fault(A)
    assert not schedule.is_contested(21.0)
    assert schedule.next_request_s(21.0, 21.0) >= 20.0 + CONTEST_INTERVAL_S, "no storm for its sake"
    for now_s in (30.0, 40.0):
        assert not schedule.is_contested(now_s)
        schedule.on_issued(now_s, LIFE_S)
        schedule.on_refused(B, now_s + 1)
    assert schedule.is_contested(41.0)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.sampled_from(["granted", "refused", "failed"])), max_size=40))
def test_two_tokens_are_never_less_than_half_a_second_apart_and_thirty_while_contested(
    steps: list[tuple[float, str]],
) -> None:
    schedule = new_schedule()
    now_s, needed_s, issued_s = 0.0, 0.0, float("-inf")
    for step_s, answer in steps:
        now_s += step_s
        if needed_s > now_s and answer == "refused":
            needed_s = now_s
            schedule.on_refused(A, now_s)
        elif schedule.next_request_s(now_s, needed_s) <= now_s and answer == "failed":
            schedule.on_failed(now_s)
        elif schedule.next_request_s(now_s, needed_s) <= now_s:
            assert now_s - issued_s >= (CONTEST_INTERVAL_S if schedule.is_contested(now_s) else MIN_INTERVAL_S)
            schedule.on_issued(now_s, LIFE_S)
            needed_s, issued_s = float("inf"), now_s
        due_s = schedule.next_request_s(now_s, needed_s)
        assert schedule.next_change_s(now_s, needed_s) <= due_s
        if needed_s <= now_s:
            assert due_s <= now_s + CONTEST_INTERVAL_S + CONTEST_JITTER_S, "without a token, 45 s at most"


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
    assert parse_token_reply(granted(expire=expire), NOW) == IssuedToken("tok", life_s)


@pytest.mark.parametrize("token", [None, "", "  ", 17, ["tok"], "to k", "to\nk", "tök", "t\x00", "x" * 5000])
def test_a_token_that_can_not_stand_in_a_header_is_a_failure(token: object) -> None:
    result = parse_token_reply(granted(orgAccessToken=token), NOW)
    assert isinstance(result, TokenFailure)
    assert "orgAccessToken" in result.detail


def test_a_token_is_trimmed() -> None:
    assert parse_token(" tok\n") == "tok"


@pytest.mark.parametrize("data", [None, [], "tok", 1])
def test_a_reply_without_data_is_a_failure(data: object) -> None:
    assert isinstance(
        parse_token_reply(Reply(200, json.dumps({"code": "200", "data": data}).encode()), NOW), TokenFailure
    )


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (Reply(200, b'{"code":"100100","errorCode":"APPID_SECRET_ERROR"}'), "app_secret"),
        (Reply(200, b'{"code":"100200"}'), "app_secret"),
        (Reply(401, b""), "app_secret"),
        (Reply(200, b'{"code":"777"}'), "app_secret"),
        (Reply(400, b""), "app_secret"),
        (Reply(403, b""), "app_secret"),
        (Reply(200, b'{"code":"403"}'), "app_secret"),
        (Reply(404, b""), "base_url"),
        (Reply(301, b""), "base_url"),
        (Reply(503, b"", "9"), "asked again"),
        (Reply(200, b"<html>"), "asked again"),
    ],
)
def test_the_remedy_fits_the_cause(reply: Reply, remedy: str) -> None:
    result = parse_token_reply(reply, NOW)
    assert isinstance(result, TokenFailure)
    assert remedy in result.remedy
    assert result.retry_after_s == (9.0 if reply.retry_after else None)
    assert result.refused is (remedy != "asked again")


@given(st.integers(100, 599), st.binary(max_size=200))
def test_parsing_a_reply_never_raises(status: int, content: bytes) -> None:
    assert isinstance(parse_token_reply(Reply(status, content), NOW), TokenFailure | IssuedToken)
