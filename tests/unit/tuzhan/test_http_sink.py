"""The bytes that the sink sends, and what it reports to the token provider."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.errors import TransportError
from connector.core.record import Item, Record
from connector.core.sink import Subject, VerdictKind
from connector.tuzhan.http_sink import HttpSink, request_body
from connector.tuzhan.replies import Reply
from connector.tuzhan.token import TokenProvider

if TYPE_CHECKING:
    from connector.core.sink import Sink

RECORD = Record("shop.orders", 0, 0, None, None, None, ())
TOKEN = "tok"  # noqa: S105 - not a real one
OK = Reply(200, b'{"code":"200"}')
JSON_BYTES = st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4).map(
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
)


class RecordingTokens(TokenProvider):
    """Provides one token or none, and records what the sink reports."""

    def __init__(self, token: str | None) -> None:
        super().__init__(lambda _event: None)
        self._current = token
        self.reports: list[tuple[str, str]] = []

        self.target_at_fault = False

    async def run(self) -> NoReturn:
        raise NotImplementedError

    def on_refused(self, token: str, target: object) -> bool:
        assert isinstance(target, HttpSink)
        self.reports.append(("refused", token))
        return self.target_at_fault

    def on_delivered(self, token: str, target: object, sent_s: float) -> None:
        assert isinstance(target, HttpSink)
        assert sent_s <= asyncio.get_running_loop().time()
        self.reports.append(("delivered", token))


class FakeClient:
    """Answers every request with one reply or one error."""

    def __init__(self, answer: Reply | TransportError) -> None:
        self.answer = answer
        self.posts: list[tuple[str, bytes, str]] = []

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        self.posts.append((path, body, token))
        if isinstance(self.answer, TransportError):
            raise self.answer
        return self.answer


def item(body: bytes, params: bytes = b"{}") -> Item:
    return Item("purchases", "orders", body, params, (), RECORD)


def build_sink(
    answer: Reply | TransportError, token: str | None = TOKEN
) -> tuple[HttpSink, FakeClient, RecordingTokens]:
    client, tokens = FakeClient(answer), RecordingTokens(token)
    return HttpSink("event/v2/batchAdd", client, tokens), client, tokens


@given(JSON_BYTES, st.lists(JSON_BYTES, min_size=1, max_size=20))
def test_the_size_of_a_request_is_its_overhead_and_the_sizes_of_its_items(params: bytes, bodies: list[bytes]) -> None:
    sink: Sink = build_sink(OK)[0]
    items = [item(body, params) for body in bodies]
    body = request_body(items)
    assert len(body) == sink.request_overhead(params) + sum(sink.item_sizes(items))
    assert json.loads(body) == {"publicParams": json.loads(params), "data": [json.loads(one) for one in bodies]}


def test_a_request_holds_the_items_in_order_byte_for_byte() -> None:
    sink, client, _ = build_sink(OK)
    asyncio.run(sink.send([item(b'{"a":1.0}', b'{"p":1}'), item(b'{"b":2}', b'{"p":1}')]))
    assert client.posts == [
        ("event/v2/batchAdd", b'{"publicParams":{"p":1},"data":[{"a":1.0},{"b":2}]}', "tok"),
    ]


def test_a_delivery_and_a_refusal_are_reported_to_the_token_provider() -> None:
    for answer, verdict, reports in [
        (OK, "delivered", [("delivered", "tok")]),
        (Reply(200, b'{"code":"100200"}'), "token", [("refused", "tok")]),
        (Reply(401, b""), "token", [("refused", "tok")]),
        (Reply(503, b""), "again", []),
        (Reply(200, b'{"code":"400"}'), "refused", []),
    ]:
        sink, _, tokens = build_sink(answer)
        assert asyncio.run(sink.send([item(b"{}")])).kind.value == verdict
        assert tokens.reports == reports


@pytest.mark.parametrize("reply", [Reply(401, b"no"), Reply(200, b'{"code":"100200","errorCode":"TOKEN_ERROR"}')])
def test_a_token_that_is_refused_at_this_endpoint_alone_holds_the_target(reply: Reply) -> None:
    sink, _, tokens = build_sink(reply)
    tokens.target_at_fault = True
    verdict = asyncio.run(sink.send([item(b"{}")]))
    assert (verdict.kind, verdict.subject) == (VerdictKind.HELD, Subject.TARGET)
    assert verdict.detail.startswith(f"HTTP {reply.http_status}")
    assert "works at others" in verdict.detail
    assert "event/v2/batchAdd: 事件->事件" in verdict.remedy
    assert verdict.reply == reply.body.decode()


@pytest.mark.parametrize("reply", [Reply(403, b""), Reply(200, b'{"code":"403"}')])
def test_the_remedy_for_403_names_the_permission_of_this_endpoint_alone(reply: Reply) -> None:
    remedy = asyncio.run(build_sink(reply)[0].send([item(b"{}")])).remedy
    assert "event/v2/batchAdd: 事件->事件" in remedy
    assert "audience" not in remedy


def test_a_transport_error_is_again_with_its_reason() -> None:
    sink, _, _ = build_sink(TransportError("the connection was reset"))
    verdict = asyncio.run(sink.send([item(b"{}")]))
    assert (verdict.kind, verdict.detail, verdict.http_status) == (VerdictKind.AGAIN, "the connection was reset", None)


def test_without_a_token_nothing_is_sent() -> None:
    sink, client, tokens = build_sink(OK, None)
    assert asyncio.run(sink.send([item(b"{}")])).kind is VerdictKind.TOKEN
    assert client.posts == []
    assert tokens.reports == []


def test_nothing_is_awaited_before_the_request_is_on_its_way() -> None:
    sink, client, _ = build_sink(OK)

    async def main() -> None:
        sending = sink.send([item(b"{}")])
        with pytest.raises(StopIteration):
            sending.send(None)
        assert len(client.posts) == 1

    asyncio.run(main())
