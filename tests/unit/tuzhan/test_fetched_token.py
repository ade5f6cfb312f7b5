"""The token that is fetched from the platform, on virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Self

import pytest

from connector.core.events import Event, Notice, ReasonRaised
from connector.tuzhan.replies import Reply
from tests.support.clock import run_virtual
from tests.unit.tuzhan.token_harness import (
    A,
    B,
    FakeTokenEndpoint,
    deliver,
    fetched,
    granted,
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

if TYPE_CHECKING:
    from connector.tuzhan.token import TokenProvider


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


def test_64_refusals_of_one_token_fetch_one_other_and_each_request_is_sent_again_with_it() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    sent: list[tuple[int, str]] = []

    async def main() -> None:
        tokens = fetched(endpoint, events)

        async def request(number: int) -> None:
            target = number % 4
            token = await token_of(tokens, target)
            sent.append((number, token))
            await asyncio.sleep(number / 1000)
            tokens.on_refused(token, target)
            sent.append((number, await token_of(tokens, target)))

        async with running(tokens):
            for target in range(4):
                await token_of(tokens, target)
                deliver(tokens, target)
            await asyncio.sleep(100)
            await asyncio.gather(*(request(number) for number in range(64)))
            # Replies come within 63 ms and the token after 100: a late one is that of a request sent long ago.
            tokens.on_refused("tok1", A)
            await asyncio.sleep(1000)

    run_virtual(main())
    assert len(endpoint.calls) == 2
    assert sorted(sent) == [(number, token) for number in range(64) for token in ("tok1", "tok2")]


def test_refusals_while_the_fetch_is_under_way_and_after_it_fetch_no_more() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.takes_s = 3.0

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens)
            await asyncio.sleep(100)
            for _ in range(20):
                tokens.on_refused("tok1", A)
                tokens.on_refused("tok1", B)
                await asyncio.sleep(0.25)
            assert tokens.current == "tok2"
            await asyncio.sleep(100)

    run_virtual(main())
    assert len(endpoint.calls) == 2


def test_while_64_wait_a_fetch_that_fails_is_repeated_with_backoff_and_all_go_on() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def another_token(tokens: TokenProvider) -> str:
        while (token := await token_of(tokens)) == "tok1":
            refuse(tokens)
        return token

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens)
            await asyncio.sleep(100)
            endpoint.answer = refuse_connection
            refuse(tokens)
            waiting = [asyncio.create_task(another_token(tokens)) for _ in range(64)]
            await asyncio.sleep(60)
            assert last_remedy(events).startswith("the token endpoint can't be reached")
            assert not any(task.done() for task in waiting)
            endpoint.answer = lambda: None
            assert await asyncio.gather(*waiting) == [f"tok{len(endpoint.calls)}"] * 64

    run_virtual(main())
    assert renewals(events)[-1] == "ok"
    assert renewals(events).count("ok") == 2
    assert reasons(events)[-1] == ("cleared", "no_token")


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


def test_while_the_endpoint_is_down_a_refusal_stops_only_its_target_and_a_mistaken_one_not_for_long() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens, A)
            endpoint.answer = refuse_connection
            await asyncio.sleep(100)
            refuse(tokens, A)
            assert tokens.token_for(B) == "tok1"
            assert await token_of(tokens, A) == "tok1"
            await asyncio.sleep(30)
            assert reasons(events)[-1] == ("raised", "no_token")
            deliver(tokens, A)
            assert reasons(events)[-1] == ("cleared", "no_token")
            calls = len(endpoint.calls)
            await asyncio.sleep(1000)
            assert len(endpoint.calls) <= calls + 1, "the renewal is no longer needed"

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


def test_a_contested_app_is_reported_until_the_contest_ends_and_renewed_slowly() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            for _ in range(6):
                issued = len(endpoint.calls)
                await token_of(tokens)
                deliver(tokens)
                await asyncio.sleep(1)
                refuse(tokens)
                while tokens.current == f"tok{issued}":
                    await tokens.wait(A)
                    await asyncio.sleep(0.1)
            assert ("raised", "token_contested") in reasons(events)
            await asyncio.sleep(400)

    run_virtual(main())
    distances = [b - a for a, b in zip(endpoint.calls, endpoint.calls[1:], strict=False)]
    assert all(distance < 2 for distance in distances[:2])
    assert all(30 - endpoint.takes_s <= distance <= 45 + 1 for distance in distances[2:])
    assert reasons(events)[-1] == ("cleared", "token_contested")
    assert "another process seems to fetch" in last_remedy(events)
    assert "token_file" in last_remedy(events)


def test_if_each_new_token_is_refused_the_remedy_names_the_app_s_settings() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            for _ in range(120):
                await token_of(tokens)
                await asyncio.sleep(0.1)
                refuse(tokens)
                await asyncio.sleep(4.9)

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token"), ("raised", "token_contested")]
    assert "app settings" in last_remedy(events)
    assert 600 / 46 <= len(endpoint.calls) <= 600 / 30 + 3


def test_a_permanent_refusal_at_one_endpoint_fetches_no_token_and_the_others_never_wait() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    at_fault: list[bool] = []

    async def main() -> None:
        tokens = fetched(endpoint, events)

        async def refused() -> None:
            while True:
                await tokens.wait(A)
                await asyncio.sleep(0.005)
                at_fault.append(refuse(tokens, A))
                await asyncio.sleep(0.5)

        async with running(tokens):
            await token_of(tokens, B)
            task = asyncio.create_task(refused())
            for _ in range(36_000):
                token = tokens.token_for(B)
                assert token is not None, "B waits"
                sent_s = asyncio.get_running_loop().time()
                await asyncio.sleep(0.1)
                tokens.on_delivered(token, B, sent_s)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    run_virtual(main())
    assert len(endpoint.calls) == 1
    assert at_fault.count(False) == 1, "only as long as B had not delivered"
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]


def test_a_reply_to_a_request_with_an_older_token_counts_for_the_blame() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            await asyncio.sleep(2)
            assert refuse(tokens, A) is False
            await asyncio.sleep(0.2)
            tokens.on_delivered("tok1", B, 0.0)
            assert refuse(tokens, A) is True

    run_virtual(main())


def test_a_wrongly_blamed_target_heals_with_the_next_token() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens, B)
            # tok1 dies here, and A, which has not used it yet, is the first to be told.
            await asyncio.sleep(10)
            assert refuse(tokens, A) is True
            await asyncio.sleep(1)
            assert refuse(tokens, B) is False
            assert await token_of(tokens, B) == "tok2"
            assert tokens.token_for(A) == "tok2"
            deliver(tokens, A)
            await asyncio.sleep(10)
            assert refuse(tokens, A) is False, "it is no longer at fault"

    run_virtual(main())
    assert len(endpoint.calls) == 2


def test_if_the_only_other_target_falls_silent_a_blamed_one_gets_another_token_after_a_minute() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens, B)
            for _ in range(62):
                assert refuse(tokens, A) is True
                await asyncio.sleep(1)
            assert tokens.current == "tok2"

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


@pytest.mark.parametrize("expire", [1e-9, 0.001, 0.5, 1, "1"])
def test_tokens_of_a_very_short_life_cause_no_storm(expire: object) -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = lambda: granted(f"tok{len(endpoint.calls)}", expire)

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            for _ in range(1000):
                await token_of(tokens)
                deliver(tokens)
                await asyncio.sleep(0.1)
                refuse(tokens)

    run_virtual(main())
    distances = [b - a for a, b in zip(endpoint.calls, endpoint.calls[1:], strict=False)]
    assert min(distances) >= 1.0


def test_an_endpoint_that_issues_the_refused_token_again_causes_no_storm() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()
    endpoint.answer = lambda: granted("same")

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            loop = asyncio.get_running_loop()
            end_s = loop.time() + 36_000
            while loop.time() < end_s:
                await token_of(tokens)
                await asyncio.sleep(0.1)
                refuse(tokens)

    run_virtual(main())
    assert len(endpoint.calls) <= 36_000 / 30 + 3


def test_if_the_permission_of_the_only_endpoint_is_revoked_the_remedy_names_the_app_s_settings() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens)
            await asyncio.sleep(1000)
            for _ in range(20):
                await token_of(tokens)
                refuse(tokens)
            assert ("raised", "token_contested") in reasons(events)
            assert "app settings" in last_remedy(events)
            deliver(tokens)
            refuse(tokens)
            await token_of(tokens)
            assert "another process seems to fetch" in last_remedy(events), "now some requests work"

    run_virtual(main())


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


def test_a_machine_that_was_suspended_has_one_refusal_and_one_new_token() -> None:
    """The clock stands still while the machine sleeps, so the token dies long before the schedule expects it."""
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens, A)
            deliver(tokens, B)
            await asyncio.sleep(600)
            assert (refuse(tokens, A), refuse(tokens, B)) == (False, False)
            assert await token_of(tokens, A) == await token_of(tokens, B) == "tok2"
            deliver(tokens, A)
            deliver(tokens, B)
            await asyncio.sleep(6000)

    run_virtual(main())
    assert len(endpoint.calls) == 2
    assert not [event for event in events if isinstance(event, ReasonRaised)][1:]
