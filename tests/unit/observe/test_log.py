from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.core.events import (
    CommitAnswered,
    DeadLettered,
    Event,
    ItemsSettled,
    Notice,
    ReasonCleared,
    ReasonCode,
    ReasonRaised,
    Rebalanced,
    RetentionGap,
    TokenRenewed,
)
from connector.core.record import Outcome
from connector.core.sink import VerdictKind
from connector.observe.log import Level, configure
from connector.observe.log_lines import INFO, WARNING, Lines
from connector.observe.repeats import WINDOW_S
from tests.unit.observe.examples import MOBILE, SECRET, record, request

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = f"https://x/app/getOrgAccessToken?instanceAppid=a&instanceSecrect={SECRET}"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines_of(*events: Event, level: Level = "info") -> list[dict[str, Any]]:
    stream = io.BytesIO()
    log = configure("json", level, stream)
    for event in events:
        log.on(event)
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def line_of(event: Event, level: Level = "info") -> dict[str, Any]:
    (line,) = lines_of(event, level=level)
    assert line.pop("at").endswith("Z")
    return line


def text_of(*events: Event) -> str:
    stream = io.BytesIO()
    log = configure("text", "info", stream)
    for event in events:
        log.on(event)
    return stream.getvalue().decode()


def test_a_request_answers_what_became_of_an_order_by_its_offset() -> None:
    assert line_of(request(offsets=range(100, 600), import_batch="b-4711")) == {
        "level": "info",
        "event": "request",
        "target": "purchases",
        "verdict": "delivered",
        "items": 500,
        "offsets": {"shop.orders[3]": "100-599"},
        "ms": 12.3,
        "bytes": 1000,
        "http_status": 200,
        "code": "200",
        "import_batch": "b-4711",
    }


def test_text_has_the_same_facts_on_one_line() -> None:
    text = text_of(request(offsets=range(100, 103), detail="two words"))
    at, level, rest = text.split(maxsplit=2)
    assert at.endswith("Z")
    assert level == "INFO"
    assert rest == (
        'request target=purchases verdict=delivered items=3 offsets="shop.orders[3]:100-102" ms=12.3 bytes=1000'
        ' http_status=200 code=200 detail="two words"\n'
    )


@pytest.mark.parametrize("verdict", list(VerdictKind))
def test_every_request_has_a_line_at_info_and_its_failure_is_a_warning(verdict: VerdictKind) -> None:
    line = line_of(request(verdict))
    assert line["verdict"] == verdict.value
    assert line["level"] == ("info" if verdict is VerdictKind.DELIVERED else "warning")


def test_a_storm_of_503_leaves_a_warning_a_minute_and_a_line_per_request_at_info() -> None:
    now = 0.0
    lines = Lines(lambda: now, INFO)
    seen: list[tuple[int, object]] = []
    for second in range(int(WINDOW_S) + 1):
        now = float(second)
        line = lines.of(request(VerdictKind.AGAIN, http_status=503))
        assert line is not None
        seen.append((line.level, line.fields.get("repeated")))
    assert seen[0] == (WARNING, None)
    assert seen[1:-1] == [(INFO, None)] * (int(WINDOW_S) - 1)
    assert seen[-1] == (WARNING, WINDOW_S - 1)


def test_another_failure_in_the_storm_is_a_warning_of_its_own() -> None:
    storm = [request(VerdictKind.AGAIN, http_status=503)] * 3
    other = [request(VerdictKind.AGAIN, http_status=429), request(VerdictKind.AGAIN, http_status=503, target="tags")]
    assert [line["level"] for line in lines_of(*storm, *other)] == ["warning", "info", "info", "warning", "warning"]


def test_above_info_a_delivered_request_costs_no_range(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> dict[str, str]:
        raise AssertionError("ranges were built for a line that nobody reads")

    monkeypatch.setattr("connector.observe.log_lines.ranges", fail)
    assert lines_of(request(), level="warning") == []


def test_a_reason_is_told_once_with_its_remedy_and_once_when_it_is_gone() -> None:
    raised = ReasonRaised("target_held", "tags", "grant the app 用户->用户标签")
    cleared = ReasonCleared("target_held", "tags")
    lines = lines_of(raised, raised, cleared, cleared)
    assert [(line["level"], line["event"], line.get("remedy")) for line in lines] == [
        ("warning", "not ready", "grant the app 用户->用户标签"),
        ("info", "no longer in the way of readiness", None),
    ]


def test_a_reason_that_comes_back_is_a_warning_again() -> None:
    raised, cleared = ReasonRaised("kafka_unreachable", "", "start it"), ReasonCleared("kafka_unreachable", "")
    assert [line["level"] for line in lines_of(raised, cleared, raised)] == ["warning", "info", "warning"]


def test_a_remedy_that_keeps_changing_does_not_flood() -> None:
    events = [ReasonRaised("kafka_unreachable", "", f"tried {number} times") for number in range(5)]
    assert len(lines_of(*events, level="warning")) == 1


@pytest.mark.parametrize("code", get_args(ReasonCode))
def test_starting_and_draining_are_no_warnings_and_lost_records_are_an_error(code: ReasonCode) -> None:
    passing = {"starting": "info", "draining": "info", "records_lost": "error"}
    assert line_of(ReasonRaised(code, "", "wait"))["level"] == passing.get(code, "warning")


@pytest.mark.parametrize(
    ("event", "level", "words"),
    [
        (DeadLettered("orders", "bad_time", 2, [record(7), record(8)]), "warning", "dead-lettered"),
        (Rebalanced("assigned", ["a[0]", "a[1]"]), "info", "partitions assigned"),
        (Rebalanced("revoked", ["a[0]"], unsettled=3), "info", "partitions revoked"),
        (Rebalanced("lost", ["a[0]"], unsettled=3), "warning", "partitions lost"),
        (CommitAnswered("failed", "not the leader"), "warning", "commit failed"),
        (CommitAnswered("refused", "rebalance in progress"), "debug", "commit refused"),
        (CommitAnswered("ok"), "debug", "commit ok"),
        (TokenRenewed("ok", expires_in_s=7200.0), "info", "token renewed"),
        (TokenRenewed("failed", "503"), "warning", "token renewal failed"),
        (RetentionGap("shop.orders", 3, 12), "error", "records lost to retention"),
        (ItemsSettled("purchases", Outcome.DELIVERED, {"orders": 3}), "debug", "items settled"),
        (Notice("error", "the consumer died", {"partition": 3}), "error", "the consumer died"),
    ],
)
def test_each_event_has_its_level_and_its_words(event: Event, level: str, words: str) -> None:
    line = line_of(event, level="debug")
    assert (line["level"], line["event"]) == (level, words)


def test_dead_letters_are_found_by_their_offsets() -> None:
    line = line_of(DeadLettered("orders", "bad_time", 2, [record(7), record(8)]))
    assert (line["route"], line["reason"], line["count"], line["offsets"]) == (
        "orders",
        "bad_time",
        2,
        {"shop.orders[3]": "7-8"},
    )


ANY_EVENT: list[Event] = [
    request(VerdictKind.AGAIN, detail=f"GET {URL} for {MOBILE}"),
    request(VerdictKind.REFUSED, detail=f"手机号 {MOBILE} 格式错误\n{URL}"),
    DeadLettered("orders", "bad_time", 2, [record(7)]),
    ReasonRaised("no_token", "", f"{URL} answered 500"),
    CommitAnswered("failed", f"{URL}"),
    TokenRenewed("failed", f"GET {URL}: timeout"),
    Notice("warning", f"asked {URL}", {"for": MOBILE, "url": URL, "event": "x", "at": 1, "level": "y"}),
]


@pytest.mark.parametrize("write", ["json", "text"])
def test_no_event_brings_a_secret_or_a_value_of_a_record_into_the_log(write: str) -> None:
    written = orjson.dumps(lines_of(*ANY_EVENT, level="debug")).decode() if write == "json" else text_of(*ANY_EVENT)
    assert written
    assert SECRET not in written
    assert MOBILE not in written


@given(message=some.text(some.characters()), value=some.one_of(some.text(some.characters()), some.integers()))
def test_whatever_is_said_is_one_line_of_json_and_never_raises(message: str, value: str | int) -> None:
    (line,) = lines_of(Notice("info", message, {"value": value}))
    assert line["level"] == "info"
    assert len(text_of(Notice("info", message, {"value": value})).splitlines()) == 1


def test_a_number_beyond_64_bits_is_written_all_the_same() -> None:
    stream = io.BytesIO()
    configure("json", "info", stream).on(Notice("info", "big", {"number": 2**70}))
    assert str(2**70).encode() in stream.getvalue()


class Gone(io.BytesIO):
    def write(self, _: object) -> int:
        raise BrokenPipeError


def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    configure("json", "info", Gone()).on(request())
    closed = io.BytesIO()
    log = configure("json", "info", closed)
    closed.close()
    log.on(request())


def from_libraries(speak: str, *arguments: object, level: int = logging.WARNING, name: str = "aiohttp.client") -> str:
    stream = io.BytesIO()
    configure("json", "debug", stream)
    logging.getLogger(name).log(level, speak, *arguments)
    return stream.getvalue().decode()


def test_libraries_write_the_same_kind_of_line_with_their_name() -> None:
    line = orjson.loads(from_libraries("%s is slow", "x"))
    assert (line["level"], line["event"], line["logger"]) == ("warning", "x is slow", "aiohttp.client")


def test_what_httpx_says_of_each_request_is_not_written_even_at_debug() -> None:
    assert from_libraries('HTTP Request: GET %s "HTTP/1.1 200 OK"', URL, level=logging.INFO, name="httpx") == ""


def test_a_library_that_names_a_url_with_its_query_gives_no_secret_away() -> None:
    assert SECRET not in from_libraries("failed: %s", URL)
    assert SECRET not in from_libraries("%d", URL)


def test_an_exception_of_a_library_is_named_with_its_place_but_not_its_text() -> None:
    stream = io.BytesIO()
    configure("json", "info", stream)
    try:
        orders: dict[str, str] = {}
        orders[MOBILE]
    except KeyError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved\nfuture: <KeyError('%s')>", MOBILE)
    line = orjson.loads(stream.getvalue())
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"].startswith("KeyError at test_log.py:")
    assert MOBILE.encode() not in stream.getvalue()


def test_a_library_that_repeats_itself_is_heard_once_a_minute() -> None:
    stream = io.BytesIO()
    configure("json", "info", stream)
    for milliseconds in range(100):
        logging.getLogger("connector.kafka").error("FAIL: connection refused after %d ms", milliseconds)
    assert len(stream.getvalue().splitlines()) == 1


def test_warnings_of_python_are_lines_of_the_log() -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure("json", "info", stream)
        warnings.warn("old ways", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert b"old ways" in stream.getvalue()


def test_the_log_goes_to_stderr_and_stdout_stays_clean() -> None:
    program = "from connector.observe.log import configure as c; from connector.core.events import Notice as N;"
    done = subprocess.run(
        [sys.executable, "-c", program + "c('text', 'info').on(N('info', 'hello', {}))"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == b""
    assert done.stderr.rstrip().endswith(b"INFO    hello")
