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
    HARMLESS,
    CommitAnswered,
    ConfigReload,
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
from connector.language.choice import Language
from connector.language.message import message, verbatim
from connector.observe.log import configure
from connector.observe.log_lines import DEBUG, INFO, MAX_RAISED, WARNING, Log
from connector.observe.rate_limiter import WINDOW_S
from tests.unit.observe.examples import MOBILE, SECRET, offsets_of, record, request

if TYPE_CHECKING:
    from connector.settings.models import LogLevel

URL = f"https://x/app/getOrgAccessToken?instanceAppid=a&instanceSecrect={SECRET}"


pytestmark = pytest.mark.usefixtures("restored_logging")


def lines_of(*events: Event, level: LogLevel = "info") -> list[dict[str, Any]]:
    stream = io.BytesIO()
    log = configure("json", level, stream)
    for event in events:
        log.on(event)
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def line_of(event: Event, level: LogLevel = "info") -> dict[str, Any]:
    (line,) = lines_of(event, level=level)
    assert line.pop("at").endswith("Z")
    return line


def text_of(*events: Event) -> str:
    stream = io.BytesIO()
    log = configure("text", "info", stream)
    for event in events:
        log.on(event)
    return stream.getvalue().decode()


def test_the_line_of_a_request_has_the_offsets_of_its_records_and_its_verdict() -> None:
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


def test_the_text_format_has_the_same_fields_on_one_line() -> None:
    text = text_of(request(offsets=range(100, 103), detail="two words"))
    at, level, rest = text.split(maxsplit=2)
    assert at.endswith("Z")
    assert level == "INFO"
    assert rest == (
        'request target=purchases verdict=delivered items=3 offsets="shop.orders[3]:100-102" ms=12.3 bytes=1000'
        ' http_status=200 code=200 detail="two words"\n'
    )


@pytest.mark.parametrize("verdict", list(VerdictKind))
def test_every_request_has_a_line_at_info_or_a_warning_if_it_failed(verdict: VerdictKind) -> None:
    line = line_of(request(verdict))
    assert line["verdict"] == verdict.value
    assert line["level"] == ("info" if verdict is VerdictKind.DELIVERED else "warning")


def test_repeated_503_replies_are_a_warning_once_a_minute_and_info_in_between() -> None:
    now = 0.0
    seen: list[tuple[int, object]] = []
    log = Log(lambda level, _, **fields: seen.append((level, fields.get("repeated"))), INFO, lambda: now)
    for second in range(int(WINDOW_S) + 1):
        now = float(second)
        log.on(request(VerdictKind.AGAIN, http_status=503))
    assert seen[0] == (WARNING, None)
    assert seen[1:-1] == [(INFO, None)] * (int(WINDOW_S) - 1)
    assert seen[-1] == (WARNING, WINDOW_S - 1)


def test_a_different_failure_in_between_is_a_warning_of_its_own() -> None:
    storm = [request(VerdictKind.AGAIN, http_status=503)] * 3
    other = [request(VerdictKind.AGAIN, http_status=429), request(VerdictKind.AGAIN, http_status=503, target="tags")]
    assert [line["level"] for line in lines_of(*storm, *other)] == ["warning", "info", "info", "warning", "warning"]


def test_offset_ranges_are_not_built_for_a_line_below_the_level(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> dict[str, str]:
        raise AssertionError("ranges were built for a line that is not written")

    monkeypatch.setattr("connector.observe.log_lines.offset_ranges", fail)
    assert lines_of(request(), level="warning") == []


def test_a_reason_is_logged_once_when_raised_and_once_when_cleared() -> None:
    raised = ReasonRaised("target_held", "tags", verbatim("grant the app 用户->用户标签"))
    cleared = ReasonCleared("target_held", "tags")
    lines = lines_of(raised, raised, cleared, cleared)
    assert [(line["level"], line["event"], line.get("remedy")) for line in lines] == [
        ("warning", "not ready", "grant the app 用户->用户标签"),
        ("info", "not-ready reason cleared", None),
    ]


def test_a_reason_raised_again_after_it_was_cleared_is_a_warning_again() -> None:
    raised, cleared = (
        ReasonRaised("kafka_unreachable", "", verbatim("start it")),
        ReasonCleared("kafka_unreachable", ""),
    )
    assert [line["level"] for line in lines_of(raised, cleared, raised)] == ["warning", "info", "warning"]


def test_a_remedy_is_in_the_language_of_the_process_and_the_rest_of_the_line_english() -> None:
    now = 0.0
    seen: list[tuple[object, ...]] = []
    log = Log(lambda *line, **fields: seen.append((*line, *fields.values())), DEBUG, lambda: now, "zh")
    for second in range(int(WINDOW_S) + 1):
        now = float(second)
        remedy = message("{told}{more}", told=message("check base_url"), more=f" ({second} s)")
        log.on(ReasonRaised("target_down", "tags", remedy))
    assert seen == [
        (WARNING, "not ready", "target_down", "tags", "请检查 base_url (0 s)"),
        (WARNING, "not ready", "target_down", "tags", "请检查 base_url (60 s)", WINDOW_S - 1),
    ]


def test_what_is_wrong_with_a_config_that_is_refused_is_in_the_language_of_the_process() -> None:
    stream = io.BytesIO()
    log = configure("json", "info", stream, "zh")
    log.on(ConfigReload("refused", "", ["a.yaml:1:1", message("and {more} more", more=3)]))
    line = orjson.loads(stream.getvalue())
    assert (line["event"], line["errors"]) == ("config refused: the one before stays in use", "a.yaml:1:1; 另有 3 处")


def test_what_a_remedy_quotes_is_scrubbed_in_each_language() -> None:
    remedy = message("the token endpoint can't be reached: {why}", why=URL)
    for language in get_args(Language):
        stream = io.BytesIO()
        configure("json", "info", stream, language).on(ReasonRaised("no_token", "", remedy))
        assert b"getOrgAccessToken" in stream.getvalue()
        assert SECRET.encode() not in stream.getvalue()


def test_a_remedy_of_which_only_the_numbers_change_is_written_once_a_minute() -> None:
    now = 0.0
    seen: list[tuple[object, ...]] = []
    log = Log(lambda *line, **fields: seen.append((*line, *fields.values())), DEBUG, lambda: now)
    for second in range(int(WINDOW_S) + 1):
        now = float(second)
        log.on(ReasonRaised("target_down", "tags", verbatim(f"start it (503; {second} tries)")))
    assert seen == [
        (WARNING, "not ready", "target_down", "tags", "start it (503; 0 tries)"),
        (WARNING, "not ready", "target_down", "tags", "start it (503; 60 tries)", WINDOW_S - 1),
    ]


def test_a_reason_that_comes_and_goes_has_few_lines_and_is_told_again_after_a_minute() -> None:
    now = 0.0
    seen: list[tuple[float, str]] = []
    log = Log(lambda _, event, **__: seen.append((now, event)), DEBUG, lambda: now)
    log.on(ReasonCleared("starting", ""))
    raised, cleared = (
        ReasonRaised("kafka_unreachable", "", verbatim("start it")),
        ReasonCleared("kafka_unreachable", ""),
    )
    for tenth in range(10 * int(WINDOW_S) + 1):
        now = tenth / 10
        log.on(cleared if tenth % 2 else raised)
    pair = ["not-ready reason cleared", "ready"]
    assert [event for at, event in seen if at < 1] == [
        *pair,
        *["not ready", *pair] * MAX_RAISED,
        "not ready: comes and goes, /readyz has the present state",
    ]
    assert [event for at, event in seen if at >= 1] == ["not ready"]
    log.on(cleared)
    assert [event for _, event in seen[-2:]] == pair


def test_a_reason_that_came_and_went_and_stays_is_told_when_it_is_raised_again_later() -> None:
    now = 0.0
    seen: list[str] = []
    log = Log(lambda _, event, **__: seen.append(event), DEBUG, lambda: now)
    raised, cleared = (
        ReasonRaised("kafka_unreachable", "", verbatim("start it")),
        ReasonCleared("kafka_unreachable", ""),
    )
    for _ in range(5):
        log.on(raised)
        log.on(cleared)
    log.on(raised)
    before = len(seen)
    now = WINDOW_S
    log.on(raised)
    assert seen[before:] == ["not ready"]


def test_a_different_remedy_is_a_warning_although_the_reason_was_raised_within_the_minute() -> None:
    events = [ReasonRaised("no_token", "", verbatim(text)) for text in ("none needed: wait", "correct app_secret")]
    assert [line["remedy"] for line in lines_of(*events, level="warning")] == [
        "none needed: wait",
        "correct app_secret",
    ]


def test_remedies_that_alternate_do_not_flood_the_log() -> None:
    events = [ReasonRaised("kafka_unreachable", "", verbatim(f"start {name}")) for name in ("one", "another")] * 5
    assert len(lines_of(*events)) == 2


def test_a_repeated_warning_is_debug_whatever_its_numbers() -> None:
    events = [Notice("warning", f"Kafka: fetch failed after {number} ms", {}) for number in range(5)]
    assert [line["level"] for line in lines_of(*events)] == ["warning"]
    assert [line["level"] for line in lines_of(*events, level="debug")] == ["warning", *["debug"] * 4]


def test_repeats_of_what_tells_how_records_end_are_info() -> None:
    letters = [DeadLettered("orders", "bad_time", 1, offsets_of([record(number)])) for number in range(3)]
    assert [line["level"] for line in lines_of(*letters)] == ["warning", "info", "info"]


def test_it_is_told_when_the_last_reason_is_cleared() -> None:
    """`starting` is the reason of every process that nothing has raised yet."""
    raised, cleared = ReasonRaised("no_token", "", verbatim("wait")), ReasonCleared("no_token", "")
    lines = lines_of(raised, cleared, ReasonCleared("starting", ""), raised, cleared)
    assert [line.get("code") or line["event"] for line in lines] == [
        *("no_token", "no_token", "starting", "ready"),
        *("no_token", "no_token", "ready"),
    ]


def test_equal_notices_at_info_are_all_written() -> None:
    lines = lines_of(*[Notice("info", "the token file was read", {"file": "token"})] * 3)
    assert [(line["level"], line["event"], line.get("repeated")) for line in lines] == [
        ("info", "the token file was read", None)
    ] * 3


def test_a_commit_that_fails_for_another_reason_is_a_warning_of_its_own() -> None:
    events = [CommitAnswered("failed", text) for text in ("not the leader", "not the leader", "not authorized")]
    assert [line["level"] for line in lines_of(*events)] == ["warning", "warning"]


@pytest.mark.parametrize("code", sorted(set(get_args(ReasonCode)) - HARMLESS))
def test_a_stop_is_info_and_lost_records_are_an_error(code: ReasonCode) -> None:
    levels = {"draining": "info", "records_lost": "error"}
    assert line_of(ReasonRaised(code, "", verbatim("wait")))["level"] == levels.get(code, "warning")


def test_a_reload_has_one_line_and_no_line_says_that_the_connector_is_not_ready() -> None:
    errors = ["connector.yaml:3:1: routs: unknown key, did you mean 'routes'? [unknown_key]", "another"]
    refused = ConfigReload("refused", "ab" * 32, errors=errors)
    raised = ReasonRaised("config_refused", "", verbatim("mend it"))
    ok = ConfigReload("ok", "cd" * 32, changes={"routes_added": "one, two", "settings": "platform.auth"})
    same = ConfigReload("ok", "cd" * 32)
    lines = lines_of(refused, raised, ReasonCleared("config_refused", ""), ok, same)
    for line in lines:
        del line["at"]
    assert lines == [
        {
            "level": "warning",
            "event": "config refused: the one before stays in use",
            "config": "abababababab",
            "errors": "; ".join(errors),
        },
        {
            "level": "info",
            "event": "config reloaded",
            "config": "cdcdcdcdcdcd",
            "routes_added": "one, two",
            "settings": "platform.auth",
        },
        {"level": "info", "event": "config reloaded", "config": "cdcdcdcdcdcd", "changes": "none"},
    ]


def test_a_reason_that_is_a_part_of_every_start_is_info_and_a_warning_once_it_has_another_remedy() -> None:
    first = ReasonRaised("no_token", "", verbatim("the first token is being fetched"), is_expected=True)
    lines = lines_of(first, ReasonRaised("no_token", "", verbatim("check app_secret")))
    assert [line["level"] for line in lines] == ["info", "warning"]


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (DeadLettered("orders", "bad_time", 2, offsets_of([record(7), record(8)])), "warning", "dead-lettered"),
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
def test_each_event_has_its_level_and_its_text(event: Event, level: str, text: str) -> None:
    line = line_of(event, level="debug")
    assert (line["level"], line["event"]) == (level, text)


def test_the_line_of_dead_letters_has_their_offsets_and_says_why() -> None:
    offsets = offsets_of([record(7), record(8)])
    event = DeadLettered("orders", "bad_time", 2, offsets, "purchases", "eventtime", "expected a time")
    assert line_of(event) == {
        "level": "warning",
        "event": "dead-lettered",
        "route": "orders",
        "target": "purchases",
        "reason": "bad_time",
        "field": "eventtime",
        "detail": "expected a time",
        "count": 2,
        "offsets": {"shop.orders[3]": "7-8"},
    }


UNSAFE_EVENTS: list[Event] = [
    request(VerdictKind.AGAIN, detail=f"GET {URL} for {MOBILE}"),
    request(VerdictKind.REFUSED, detail=f"手机号 {MOBILE} 格式错误\n{URL}"),
    DeadLettered("orders", "refused", 1, offsets_of([record(7)]), "purchases", f"for {MOBILE}", f"{MOBILE} {URL}"),
    ReasonRaised("no_token", "", verbatim(f"{URL} answered 500")),
    CommitAnswered("failed", f"{URL}"),
    TokenRenewed("failed", f"GET {URL}: timeout"),
    Notice("warning", f"asked {URL}", {"for": MOBILE, "url": URL, "event": "x", "at": 1, "level": "y"}),
]


@pytest.mark.parametrize("write", ["json", "text"])
def test_no_secret_and_no_value_of_a_record_gets_into_the_log(write: str) -> None:
    written = (
        orjson.dumps(lines_of(*UNSAFE_EVENTS, level="debug")).decode() if write == "json" else text_of(*UNSAFE_EVENTS)
    )
    assert written
    assert SECRET not in written
    assert MOBILE not in written


@given(message=some.text(some.characters()), value=some.one_of(some.text(some.characters()), some.integers()))
def test_any_notice_is_one_line_and_writing_it_never_raises(message: str, value: str | int) -> None:
    (line,) = lines_of(Notice("info", message, {"value": value}))
    assert line["level"] == "info"
    assert len(text_of(Notice("info", message, {"value": value})).splitlines()) == 1


def test_an_integer_of_more_than_64_bits_is_written() -> None:
    stream = io.BytesIO()
    configure("json", "info", stream).on(Notice("info", "big", {"number": 2**70}))
    assert str(2**70).encode() in stream.getvalue()


class BrokenPipe(io.BytesIO):
    def write(self, _: object) -> int:
        raise BrokenPipeError


def test_a_broken_or_closed_stream_raises_nothing() -> None:
    configure("json", "info", BrokenPipe()).on(request())
    closed = io.BytesIO()
    log = configure("json", "info", closed)
    closed.close()
    log.on(request())


def library_log(message: str, *arguments: object, level: int = logging.WARNING, name: str = "aiohttp.client") -> str:
    stream = io.BytesIO()
    configure("json", "debug", stream)
    logging.getLogger(name).log(level, message, *arguments)
    return stream.getvalue().decode()


def test_the_line_of_a_library_has_the_name_of_its_logger() -> None:
    line = orjson.loads(library_log("%s is slow", "x"))
    assert (line["level"], line["event"], line["logger"]) == ("warning", "x is slow", "aiohttp.client")


def test_the_request_lines_of_httpx_are_not_written_even_at_debug() -> None:
    assert library_log('HTTP Request: GET %s "HTTP/1.1 200 OK"', URL, level=logging.INFO, name="httpx") == ""


def test_a_url_in_a_library_message_is_written_without_its_query() -> None:
    assert SECRET not in library_log("failed: %s", URL)
    assert SECRET not in library_log("%d", URL)


class Unprintable:
    def __str__(self) -> str:
        raise LookupError("a bug of the library")


@pytest.mark.parametrize(("message", "argument"), [("%(name)s is slow", {"x": 1}), ("%s is slow", Unprintable())])
def test_a_library_message_that_cannot_be_formatted_is_written_as_it_is(message: str, argument: object) -> None:
    assert orjson.loads(library_log(message, argument))["event"] == message


def test_an_exception_logged_by_a_library_is_written_with_type_and_place_but_not_its_text() -> None:
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


def test_equal_messages_of_a_library_are_written_once_a_minute() -> None:
    stream = io.BytesIO()
    configure("json", "info", stream)
    for milliseconds in range(100):
        logging.getLogger("connector.kafka").error("FAIL: connection refused after %d ms", milliseconds)
    assert len(stream.getvalue().splitlines()) == 1


def test_python_warnings_are_lines_of_the_log() -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure("json", "info", stream)
        warnings.warn("deprecated", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert b"deprecated" in stream.getvalue()


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
