"""The command `tap` against small servers: a connector that behaves, and all that is none."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import CommandError, UsageError
from connector.workbench.tap import client
from connector.workbench.tap.client import parse_url
from connector.workbench.tap.command import Options, parse_duration, run_tap
from connector.workbench.tap.hashing import value_hash
from connector.workbench.tap.rendering import counts_text, headline

if TYPE_CHECKING:
    from collections.abc import Iterator

NDJSON = "application/x-ndjson"
COUNTS = {
    "matched": 9,
    "shown": 1,
    "sampled_out": 8,
    "without_value": 0,
    "over_budget": 0,
    "too_large": 0,
    "dropped": 0,
}
LISTENING = {"type": "listening"}
END = {"type": "end", "reason": "the connector stops", **COUNTS}
ITEM = {
    "type": "item",
    "outcome": "delivered",
    "route": "orders",
    "target": "purchases",
    "endpoint": "event/v2/batchAdd",
    "reason": "",
    "field": "",
    "detail": "HTTP 200",
    "http_status": 200,
    "import_batch": "b7",
    "record": {
        "topic": "shop.orders",
        "partition": 3,
        "offset": 41,
        "timestamp": 1_700_000_000_000,
        "key": "99",
        "headers": [["trace", "a9"]],
        "value": {"mobile": "99999999999", "name": "字字\x1b"},
        "decoded": True,
    },
    "item": {"eventKey": "c_buy"},
    "public_params": {},
}
OPTIONS = Options("", [], None, None, None, None, as_json=True)


class Answers:
    """What the server answers, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.content_type, self.body, self.hangs = 200, NDJSON, b"", False
        self.asked: list[str] = []
        self.released = threading.Event()
        self.url = ""

    def lines(self, *documents: dict[str, Any]) -> None:
        self.body = b"".join(json.dumps(document).encode() + b"\n" for document in documents)

    def run(self, options: Options = OPTIONS) -> int:
        return run_tap(replace(options, url=self.url))


@pytest.fixture
def server() -> Iterator[Answers]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked.append(self.path)
            self.send_response(answers.status)
            self.send_header("content-type", answers.content_type)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(answers.body)
                self.wfile.flush()
                if answers.hangs:
                    answers.released.wait(20)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        answers.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield answers
        answers.released.set()
        running.shutdown()
        thread.join()


def test_items_are_printed_as_json_lines_and_the_rest_is_told_on_stderr(
    server: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    server.lines(LISTENING, ITEM, {"type": "counts", **COUNTS}, END)
    assert server.run() == 0
    out, err = capfd.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [ITEM]
    assert err.splitlines()[1:] == [
        "ended: the connector stops",
        "1 of 9 items shown; 8 not in the sample (--sample, --rate)",
    ]


def test_as_long_as_there_is_nothing_to_show_it_says_so_once(
    server: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    nothing = {"type": "counts", **COUNTS, "shown": 0, "sampled_out": 0, "without_value": 9}
    server.lines(LISTENING, nothing, nothing, END)
    assert server.run() == 0
    assert capfd.readouterr().err.splitlines()[1:-2] == ["nothing to show yet: 0 of 9 items shown; 9 without the value"]


def test_on_a_terminal_an_item_is_shown_side_by_side_with_its_record(
    server: Answers, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    skipped = {**ITEM, "outcome": "skipped", "target": "", "route": "", "endpoint": "", "item": None, "detail": ""}
    large = {**skipped, "record": {**ITEM["record"], "value": None, "decoded": False, "omitted_bytes": 70_000}}  # type: ignore[dict-item]
    letter = {**ITEM, "outcome": "dead_lettered", "reason": "identity_missing", "field": "identity", "item": None}
    server.lines(LISTENING, ITEM, skipped, large, letter, END)
    assert server.run(replace(OPTIONS, as_json=False)) == 0
    out, err = capfd.readouterr()
    assert "delivered  orders → purchases (event/v2/batchAdd)  HTTP 200  import batch b7" in out
    assert "shop.orders[3]@41  2023-11-14T22:13:20+00:00" in out
    assert '"eventKey": "c_buy"' in out
    assert "explain -c CONFIG --topic" in out
    assert "70,000 bytes: too large to be shown" in out
    assert "identity_missing: identity" in out
    assert "\x1b" not in out
    assert err.startswith("listening at ")


def test_it_ends_after_so_many_items_or_so_much_time(server: Answers, capfd: pytest.CaptureFixture[str]) -> None:
    server.lines(LISTENING, *[ITEM] * 5)
    server.hangs = True
    assert server.run(replace(OPTIONS, limit=2)) == 0
    assert len(capfd.readouterr().out.splitlines()) == 2
    assert server.run(replace(OPTIONS, duration="300ms")) == 0
    assert len(capfd.readouterr().out.splitlines()) == 5


def test_what_is_wanted_is_sent_and_of_a_value_only_its_hash(server: Answers) -> None:
    server.lines(END)
    server.run(replace(OPTIONS, query=[("route", "a b"), ("route", "王"), ("rate", "5.0")], value="13800138000"))
    server.run(replace(OPTIONS, value_hash="0123456789abcdef"))
    digest = value_hash("13800138000")
    assert server.asked == [
        f"/tap?route=a%20b&route=%E7%8E%8B&rate=5.0&value_hash={digest}".replace("%20", "+"),
        "/tap?value_hash=0123456789abcdef",
    ]


@pytest.mark.parametrize(
    ("status", "content_type", "body", "error", "message"),
    [
        (400, "application/json", b'{"error": "route: no such route"}', UsageError, "route: no such route"),
        (503, "application/json", b'{"error": "4 listeners already"}', CommandError, "4 listeners already"),
        (404, "application/json", b'{"error": "Not Found"}', CommandError, "not the admin port of a connector with a"),
        (404, "text/html", b"<html>", CommandError, r"it answered HTTP 404\)"),
        (200, "text/html", b"<html>", CommandError, r"it answered HTTP 200\)"),
        (503, "application/json", b"[]", CommandError, "not the admin port"),
        (503, "application/json", b"no json", CommandError, "not the admin port"),
        (200, NDJSON, b"no json\n", CommandError, "sent what is not of a tap: 'no json'"),
        (200, NDJSON, b"[1]\n", CommandError, "not of a tap"),
        (200, NDJSON, b'{"type": "listening"}\n', CommandError, "ended: has the connector ended"),
        (200, NDJSON, b'{"type": "item", "out', CommandError, "not of a tap"),
    ],
)
def test_what_is_no_tap_is_an_error_that_says_so(  # noqa: PLR0917 - a table
    server: Answers, status: int, content_type: str, body: bytes, error: type[Exception], message: str
) -> None:
    server.status, server.content_type, server.body = status, content_type, body
    with pytest.raises(error, match=message):
        server.run()


def test_a_server_that_says_nothing_is_an_error(server: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SILENCE_S", 0.2)
    server.lines(LISTENING)
    server.hangs = True
    with pytest.raises(CommandError, match="has said nothing for"):
        server.run()


def test_nothing_that_listens_is_an_error(server: Answers) -> None:
    with pytest.raises(CommandError, match=r"can't reach http://127.0.0.1:1 .*admin.listen \(--url\)"):
        run_tap(replace(OPTIONS, url="127.0.0.1:1"))
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["", "http://", "ftp://host", "http://host:99999", "http://ho st", "http://h/?a=1", "::"]
)
def test_a_url_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="--url: expected the admin port's address"):
        parse_url(url)


def test_a_url_may_lack_its_scheme_and_have_a_path() -> None:
    assert str(parse_url("connector:8080")) == "http://connector:8080/tap"
    assert str(parse_url("https://ops.example.com/connector/#x")) == "https://ops.example.com/connector/tap"


@pytest.mark.parametrize("text", ["", "5", "0s", "1d", "-1s", "soon"])
def test_a_duration_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--duration: expected a time"):
        parse_duration(text)


def test_durations() -> None:
    assert [parse_duration(text) for text in ("500ms", "30s", "1.5m", "1h")] == [0.5, 30.0, 90.0, 3600.0]


def test_an_empty_value_is_a_usage_error(server: Answers) -> None:
    with pytest.raises(UsageError, match="--value: expected the value to look for"):
        server.run(replace(OPTIONS, value=""))


def test_the_texts_name_only_what_there_is() -> None:
    assert counts_text({**COUNTS, "sampled_out": 0, "dropped": 8}) == (
        "1 of 9 items shown; 8 dropped: this reader is too slow"
    )
    assert counts_text({"matched": 0, "shown": 0}) == "0 of 0 items shown"
    assert headline({**ITEM, "import_batch": "", "detail": ""}) == ("delivered  orders → purchases (event/v2/batchAdd)")
