"""A fetched token that is refused, on virtual time: who waits, what is fetched, who is at fault."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from connector.core.events import Event, ReasonRaised
from tests.support.clock import run_virtual
from tests.unit.tuzhan.token_harness import (
    A,
    B,
    FakeTokenEndpoint,
    deliver,
    fetched,
    last_remedy,
    reasons,
    refuse,
    refuse_connection,
    renewals,
    running,
    token_of,
)

if TYPE_CHECKING:
    from connector.tuzhan.token import TokenProvider


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
            for _ in range(12_000):
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
            await asyncio.sleep(4)
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


def test_if_the_only_other_target_falls_silent_a_blamed_one_gets_another_token_soon() -> None:
    endpoint, events = FakeTokenEndpoint(), list[Event]()

    async def main() -> None:
        tokens = fetched(endpoint, events)
        async with running(tokens):
            await token_of(tokens)
            deliver(tokens, B)
            for _ in range(17):
                assert refuse(tokens, A) is True
                await asyncio.sleep(1)
            assert tokens.current == "tok2"

    run_virtual(main())


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
