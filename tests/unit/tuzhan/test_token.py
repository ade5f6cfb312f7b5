"""The three token providers on virtual time: fetched, static, from a file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from random import Random
from typing import TYPE_CHECKING

from connector.core.errors import TransportError
from connector.core.events import Event, ReasonCleared, ReasonRaised, TokenRenewed
from connector.core.retry import Backoff
from connector.tuzhan.renewal import RenewalSchedule
from connector.tuzhan.replies import Reply
from connector.tuzhan.token_providers import FetchedToken, StaticToken, TokenFile
from tests.support.clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from connector.tuzhan.token import TokenProvider


class FakeTokenEndpoint:
    """Issues tok1, tok2, …, or answers with what `answer` returns or raises."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.answer: Callable[[], Reply | None] = lambda: None
        self.takes_s = 0.1

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        assert (app_id, app_secret) == ("app", "secret")
        self.calls.append(asyncio.get_running_loop().time())
        number = len(self.calls)
        await asyncio.sleep(self.takes_s)
        return self.answer() or granted(f"tok{number}")


def granted(token: str, expire: int = 0) -> Reply:
    return Reply(200, json.dumps({"code": "200", "data": {"orgAccessToken": token, "expire": expire}}).encode())


def refuse_connection() -> Reply:
    raise TransportError("platform refused the connection")


def fetched(endpoint: FakeTokenEndpoint, events: list[Event]) -> FetchedToken:
    schedule = RenewalSchedule(Backoff(0.25, 30.0), Random(7))  # noqa: S311 - jitter
    return FetchedToken((" app ", "secret\n"), endpoint, events.append, schedule)


@contextlib.asynccontextmanager
async def running(tokens: TokenProvider) -> AsyncIterator[None]:
    task = asyncio.create_task(tokens.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def current(tokens: TokenProvider) -> str | None:
    """The current token; a call, because mypy takes a property for unchanged after an assert."""
    return tokens.current


def reasons(events: list[Event]) -> list[tuple[str, str]]:
    kept = [event for event in events if isinstance(event, ReasonRaised | ReasonCleared)]
    return [("raised" if isinstance(event, ReasonRaised) else "cleared", event.code) for event in kept]


def test_a_token_is_fetched_and_renewed_at_85_percent_without_a_gap() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        assert current(tokens) is None
        async with running(tokens):
            assert await tokens.wait() == "tok1"
            assert tokens.expires_in_s == 7200
            await asyncio.sleep(6120 - 1)
            assert tokens.current == "tok1"
            assert len(endpoint.calls) == 1
            await asyncio.sleep(1.05)
            assert tokens.current == "tok1", "the old token is used until the new one arrives"
            await asyncio.sleep(1)
            assert tokens.current == "tok2"

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]
    assert [event.result for event in events if isinstance(event, TokenRenewed)] == ["ok", "ok"]


def test_many_refusals_of_one_token_fetch_one_other() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def request(tokens: FetchedToken) -> str:
        token = await tokens.wait()
        await asyncio.sleep(0.01)
        tokens.on_refused(token)
        return await tokens.wait()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await tokens.wait()
            await asyncio.sleep(100)
            assert await asyncio.gather(*(request(tokens) for _ in range(8))) == ["tok2"] * 8
            tokens.on_refused("tok1")
            assert tokens.current == "tok2", "a late refusal of the old token is ignored"

    run_virtual(main())
    assert len(endpoint.calls) == 2


def test_while_the_endpoint_is_down_requests_wait_and_then_go_on() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = refuse_connection

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            waiting = asyncio.create_task(tokens.wait())
            await asyncio.sleep(3600)
            assert not waiting.done()
            endpoint.answer = lambda: None
            assert await waiting == f"tok{len(endpoint.calls)}"
            assert 7199 < (tokens.expires_in_s or 0) < 7201

    run_virtual(main())
    assert 3600 / 30 <= len(endpoint.calls) <= 600, "backoff, not a storm and not a sleep"
    assert all(
        b - a <= 30.0 + endpoint.takes_s + 1e-6 for a, b in zip(endpoint.calls, endpoint.calls[1:], strict=False)
    )
    assert reasons(events) == [("raised", "no_token"), ("raised", "no_token"), ("cleared", "no_token")]
    remedy = [event.remedy for event in events if isinstance(event, ReasonRaised)][-1]
    assert "platform refused the connection" in remedy
    assert "base_url" in remedy


def test_a_failed_renewal_does_not_take_away_a_token_that_works() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await tokens.wait()
            endpoint.answer = refuse_connection
            await asyncio.sleep(8000)
            assert current(tokens) == "tok1"
            assert tokens.expires_in_s == 0
            assert reasons(events)[-1] == ("cleared", "no_token")
            tokens.on_refused("tok1")
            assert current(tokens) is None
            await asyncio.sleep(60)
            assert reasons(events)[-1] == ("raised", "no_token")

    run_virtual(main())


def test_wrong_credentials_are_reported_and_retried_with_backoff() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = lambda: Reply(200, b'{"code":"100100","errorCode":"APPID_SECRET_ERROR"}')

    async def main() -> None:
        async with running(fetched(endpoint, events)):
            await asyncio.sleep(600)

    run_virtual(main())
    assert 20 <= len(endpoint.calls) <= 100
    raised = [event for event in events if isinstance(event, ReasonRaised)]
    assert "app_id and app_secret" in raised[-1].remedy
    assert "100100" in raised[-1].remedy
    assert len(raised) == 2, "the same remedy is reported once"


def test_a_contested_app_is_reported_until_the_contest_ends_and_renewed_slowly() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            for _ in range(6):
                token = await tokens.wait()
                await asyncio.sleep(1)
                tokens.on_refused(token)
            await tokens.wait()
            assert ("raised", "token_contested") in reasons(events)
            await asyncio.sleep(400)

    run_virtual(main())
    gaps = [b - a for a, b in zip(endpoint.calls, endpoint.calls[1:], strict=False)]
    assert all(gap < 2 for gap in gaps[:2])
    assert all(gap >= 30 - endpoint.takes_s for gap in gaps[2:])
    assert reasons(events)[-1] == ("cleared", "token_contested")
    remedy = [e.remedy for e in events if isinstance(e, ReasonRaised) and e.code == "token_contested"]
    assert "token_file" in remedy[0]


def test_a_refused_static_token_is_tried_again_and_a_delivery_clears_the_reason() -> None:
    events: list[Event] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tokens = StaticToken(" fixed\n", events.append, 30.0)
        async with running(tokens):
            for _ in range(3):
                assert await tokens.wait() == "fixed"
                refused_at = loop.time()
                tokens.on_refused("fixed")
                await tokens.wait()
                assert loop.time() - refused_at == 30
            assert reasons(events) == [("raised", "no_token")]
            tokens.on_delivered("fixed")
            tokens.on_delivered("fixed")
            assert tokens.expires_in_s is None

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]


def test_an_invalid_static_token_is_reported_and_never_sent() -> None:
    events: list[Event] = []

    async def main() -> None:
        tokens = StaticToken("to ken", events.append, 30.0)
        async with running(tokens):
            await asyncio.sleep(1000)
            assert tokens.current is None

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token")]


def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    events: list[Event] = []
    file = tmp_path / "token"

    async def main() -> None:
        tokens = TokenFile(str(file), events.append, 30.0)
        async with running(tokens):
            await asyncio.sleep(10)
            assert reasons(events) == [("raised", "no_token")]
            file.write_text("one\n")
            assert await tokens.wait() == "one"
            assert reasons(events)[-1] == ("cleared", "no_token")
            other = tmp_path / "other"
            other.write_text("two\n")
            status = file.stat()
            os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
            other.replace(file)
            await asyncio.sleep(2)
            assert tokens.current == "two", "another inode of the same size and time is another file"
            file.unlink()
            await asyncio.sleep(10)
            assert tokens.current == "two", "a missing file does not take away a token that works"

    run_virtual(main())
    assert len(reasons(events)) == 2


def test_a_refused_token_file_is_read_at_once_and_the_same_token_later(tmp_path: Path) -> None:
    events: list[Event] = []
    file = tmp_path / "token"
    file.write_text("one")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tokens = TokenFile(str(file), events.append, 30.0)
        async with running(tokens):
            tokens.on_refused(await tokens.wait())
            refused_at = loop.time()
            assert await tokens.wait() == "one"
            assert 30 <= loop.time() - refused_at <= 32
            assert reasons(events) == [("raised", "no_token")], "the reason stays until a delivery"
            file.write_text("other")
            tokens.on_refused("one")
            refused_at = loop.time()
            assert await tokens.wait() == "other"
            assert loop.time() - refused_at < 1
            assert reasons(events)[-1] == ("cleared", "no_token")

    run_virtual(main())


def test_files_without_a_token_are_reported_by_name(tmp_path: Path) -> None:
    for number, content in enumerate([b"", b"\xff\xfe\x00", b"two words", b"x" * 70_000]):
        file = tmp_path / f"token{number}"
        file.write_bytes(content)
        events: list[Event] = []

        async def main(path: str = str(file), events: list[Event] = events) -> None:
            tokens = TokenFile(path, events.append, 30.0)
            async with running(tokens):
                await asyncio.sleep(10)
                assert tokens.current is None

        run_virtual(main())
        assert [str(file) in event.remedy for event in events if isinstance(event, ReasonRaised)] == [True]
