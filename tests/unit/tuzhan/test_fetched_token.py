"""The token that is fetched from the platform, on virtual time: when, with which secret, and while that fails."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, tzinfo
from typing import Self

import pytest

from connector.core.events import Event, Notice
from connector.tuzhan.replies import Reply
from tests.support.clock import run_virtual
from tests.unit.tuzhan.token_harness import (
    A,
    FakeTokenEndpoint,
    deliver,
    fetched,
    last_remedy,
    reasons,
    refuse,
    refuse_connection,
    remaining_s,
    renewals,
    running,
    token_of,
    wrong_secret,
)


def test_a_token_is_fetched_and_renewed_at_85_percent_without_a_gap() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        assert tokens.token_for(A) is None
        assert remaining_s(tokens) is None
        async with running(tokens):
            assert await token_of(tokens) == "tok1"
            assert tokens.expires_in_s == 7200
            await asyncio.sleep(6120 - 1)
            assert tokens.token_for(A) == "tok1"
            assert len(endpoint.calls) == 1
            await asyncio.sleep(1.05)
            assert tokens.token_for(A) == "tok1", "the old token is used until the new one arrives"
            await asyncio.sleep(1)
            assert tokens.token_for(A) == "tok2"

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]
    assert renewals(events) == ["ok", "ok"]


def test_while_the_endpoint_is_down_requests_wait_and_then_go_on() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = refuse_connection

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            waiting = asyncio.create_task(token_of(tokens))
            await asyncio.sleep(3600)
            assert not waiting.done()
            endpoint.answer = lambda: None
            assert await waiting == f"tok{len(endpoint.calls)}"
            assert 7199 < (tokens.expires_in_s or 0) < 7201

    run_virtual(main())
    assert 3600 / 30 <= len(endpoint.calls) <= 600, "backoff, not a storm and not a sleep"
    distances = [b - a for a, b in zip(endpoint.calls, endpoint.calls[1:], strict=False)]
    assert all(distance <= 30.0 + endpoint.takes_s + 1e-6 for distance in distances)
    assert reasons(events) == [("raised", "no_token"), ("raised", "no_token"), ("cleared", "no_token")]
    assert "platform refused the connection" in last_remedy(events)
    assert "base_url" in last_remedy(events)


def test_a_failed_renewal_does_not_take_away_a_token_that_works() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            endpoint.answer = refuse_connection
            for _ in range(8000):
                deliver(tokens)
                await asyncio.sleep(1)
            assert tokens.token_for(A) == "tok1"
            assert tokens.expires_in_s == 0
            assert reasons(events)[-1] == ("cleared", "no_token")
            refuse(tokens)
            assert tokens.token_for(A) is None
            assert remaining_s(tokens) is None
            await asyncio.sleep(60)
            assert reasons(events)[-1] == ("raised", "no_token")

    run_virtual(main())


def test_wrong_credentials_are_reported_and_retried_with_backoff() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = wrong_secret

    async def main() -> None:
        async with running(fetched(endpoint, events)):
            await asyncio.sleep(600)

    run_virtual(main())
    assert 20 <= len(endpoint.calls) <= 100
    assert "app_id and app_secret" in last_remedy(events)
    assert "100100" in last_remedy(events)
    assert reasons(events) == [("raised", "no_token")] * 2, "the same remedy is reported once"


@pytest.mark.parametrize("after", [["s3cr3t"], [None, "", "secret", "  ", "wr0ng", " s3cr3t\n"]])
def test_a_secret_that_is_refused_is_read_again(after: list[str | None]) -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.secret = "s3cr3t"  # noqa: S105 - not a real one
    reads = iter(after)

    async def main() -> None:
        async with running(tokens := fetched(endpoint, events, lambda: next(reads))):
            await token_of(tokens)

    run_virtual(main())
    assert renewals(events) == ["failed"] * len(after) + ["ok"]
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices == ["app_secret was read again, and has changed"] * (2 if len(after) > 1 else 1)
    assert "s3cr3t" not in repr(events)
    assert "wr0ng" not in repr(events)


def test_a_secret_is_not_read_again_while_the_endpoint_is_down_or_content() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = refuse_connection

    def fail() -> str:
        raise AssertionError("read")

    async def main() -> None:
        async with running(tokens := fetched(endpoint, events, fail)):
            await asyncio.sleep(100)
            endpoint.answer = lambda: None
            await asyncio.sleep(10_000)
            assert await token_of(tokens) == tokens.current

    run_virtual(main())


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_wall_clock_that_jumps_changes_nothing(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    wall = [time.time()]

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(wall[0], tz)

    monkeypatch.setattr(time, "time", lambda: wall[0])
    monkeypatch.setattr("connector.tuzhan.token_providers.datetime", Datetime)

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            for _ in range(4):
                await asyncio.sleep(3060)
                wall[0] += hours * 3600
            assert tokens.expires_in_s is not None
            assert tokens.expires_in_s <= 7200

    run_virtual(main())
    assert [round(call - endpoint.calls[0]) for call in endpoint.calls] == [0, 6120, 12240][: len(endpoint.calls)]
    assert len(endpoint.calls) >= 2


def test_a_token_that_dies_while_the_endpoint_asks_for_patience_is_reported_at_once() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens)
            endpoint.answer = lambda: Reply(429, b"", "600")
            await asyncio.sleep(6130)
            assert reasons(events)[-1] == ("cleared", "no_token")
            refuse(tokens)
            await asyncio.sleep(1)
            assert reasons(events)[-1] == ("raised", "no_token")
            assert "HTTP 429" in last_remedy(events)

    run_virtual(main())


def test_a_retry_after_of_the_token_endpoint_is_honoured() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = lambda: Reply(429, b"", "120")

    async def main() -> None:
        async with running(fetched(endpoint, events)):
            await asyncio.sleep(600)

    run_virtual(main())
    distances = [b - a for a, b in zip(endpoint.calls, endpoint.calls[1:], strict=False)]
    assert min(distances) >= 120
    assert len(endpoint.calls) >= 4
