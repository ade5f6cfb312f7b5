"""A fetched token that is refused again and again, on virtual time: contests, and what must not become a storm."""

from __future__ import annotations

import asyncio

import pytest

from connector.core.events import Event
from tests.support.clock import run_virtual
from tests.unit.tuzhan.token_harness import (
    A,
    FakeTokenEndpoint,
    deliver,
    fetched,
    granted,
    last_remedy,
    reasons,
    refuse,
    running,
    token_of,
)


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
    assert min(distances) >= 0.5


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
