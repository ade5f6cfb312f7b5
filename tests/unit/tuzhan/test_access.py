"""The client and the token provider are exchanged while requests are under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from connector.core.events import ReasonCleared, ReasonRaised, TokenRenewed
from connector.core.retry import Backoff
from connector.tuzhan.access import PlatformAccess
from connector.tuzhan.http_sink import HttpSink
from connector.tuzhan.renewal import RenewalSchedule
from connector.tuzhan.replies import Reply
from connector.tuzhan.stored_tokens import StaticToken
from connector.tuzhan.token_providers import FetchedToken
from tests.support.builders import item, record, seeded
from tests.support.clock import run_virtual
from tests.unit.tuzhan.token_harness import granted, wrong_secret

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from connector.core.events import Event

OK = Reply(200, b'{"code":"200"}')


class SlowClient:
    """Answers after a second; the token endpoint after `token_s`."""

    def __init__(self, *, knows: str = "right", token_s: float = 0.1) -> None:
        self.posts: list[str] = []
        self.closed_at: float | None = None
        self._knows = knows
        self._token_s = token_s

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        del path, body
        self.posts.append(token)
        await asyncio.sleep(1.0)
        assert self.closed_at is None, "closed while a request is under way"
        return OK

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        del app_id
        await asyncio.sleep(self._token_s)
        return granted(f"token-for-{app_secret}") if app_secret == self._knows else wrong_secret()

    async def aclose(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()


class AccessHarness:
    """An access with a sink. Made on the event loop."""

    def __init__(self, secret: str, client: SlowClient) -> None:
        self.events: list[Event] = []
        self.access = PlatformAccess(client)
        self.access.begin(self.provider(secret))
        self.sink = HttpSink("event/batchAdd", self.access, self.access)
        self.running = asyncio.ensure_future(self.access.run())

    def provider(self, secret: str) -> FetchedToken:
        schedule = RenewalSchedule(Backoff(0.5, 8.0), seeded(1))
        return FetchedToken(("app", secret), self.access, self.events.append, schedule)

    async def send(self) -> str:
        await self.sink.ready()
        return (await self.sink.send([item(record(0))])).kind.value

    @property
    def failures(self) -> list[Event]:
        return [event for event in self.events if isinstance(event, TokenRenewed) and event.result == "failed"]

    @property
    def reasons(self) -> set[str]:
        found: set[str] = set()
        for event in self.events:
            if isinstance(event, ReasonRaised):
                found.add(event.code)
            elif isinstance(event, ReasonCleared):
                found.discard(event.code)
        return found


def run(main: Coroutine[Any, Any, None]) -> None:
    run_virtual(main)


def test_a_request_under_way_ends_with_its_client_which_is_closed_then_and_the_next_one_goes_by_the_new_one() -> None:
    async def main() -> None:
        old, new = SlowClient(), SlowClient()
        harness = AccessHarness("right", old)
        await harness.sink.ready()
        first = asyncio.ensure_future(harness.send())
        await asyncio.sleep(0.5)
        harness.access.exchange_client(new)
        exchange = asyncio.ensure_future(harness.access.close_earlier())
        second = asyncio.ensure_future(harness.send())
        assert (await first, await second) == ("delivered", "delivered")
        await exchange
        assert (len(old.posts), len(new.posts)) == (1, 1)
        assert old.closed_at is not None
        assert new.closed_at is None
        await harness.access.aclose()
        assert new.closed_at is not None

    run(main())


def test_closing_closes_clients_that_still_wait_for_their_last_request() -> None:
    async def main() -> None:
        old, new = SlowClient(), SlowClient()
        harness = AccessHarness("right", old)
        await harness.sink.ready()
        sending = asyncio.ensure_future(harness.send())
        await asyncio.sleep(0.1)
        harness.access.exchange_client(new)
        exchange = asyncio.ensure_future(harness.access.close_earlier())
        await asyncio.sleep(0.1)
        sending.cancel()
        exchange.cancel()
        await harness.access.aclose()
        assert old.closed_at is not None

    run(main())


def test_a_sink_that_waits_for_the_token_of_a_wrong_secret_goes_on_with_that_of_the_right_one() -> None:
    async def main() -> None:
        harness = AccessHarness("wrong", SlowClient())
        sending = asyncio.ensure_future(harness.send())
        await asyncio.sleep(100)
        assert harness.reasons == {"no_token"}
        harness.access.exchange_provider(harness.provider("right"))
        assert await sending == "delivered"
        assert harness.reasons == set()
        assert harness.access.provider.current == "token-for-right"

    run(main())


def test_a_provider_that_was_exchanged_while_it_fetches_raises_nothing_and_sets_nothing() -> None:
    async def main() -> None:
        harness = AccessHarness("wrong", SlowClient(token_s=5.0))
        await asyncio.sleep(2.0)
        harness.access.exchange_provider(StaticToken("fixed", harness.events.append, 1.0))
        await asyncio.sleep(100)
        assert harness.reasons == set()
        assert harness.access.provider.current == "fixed"
        assert await harness.send() == "delivered"

    run(main())


def test_failed_requests_for_a_token_are_repeated_by_the_new_backoff() -> None:
    async def main() -> None:
        harness = AccessHarness("wrong", SlowClient())
        await asyncio.sleep(100)
        before = len(harness.failures)
        harness.access.provider.set_retry(Backoff(60.0, 60.0))
        await asyncio.sleep(300)
        assert before > 15
        assert len(harness.failures) - before < 30

    run(main())


def test_the_refusal_of_an_earlier_providers_token_says_nothing_of_the_new_one() -> None:
    async def main() -> None:
        harness = AccessHarness("right", SlowClient())
        await harness.sink.ready()
        harness.access.exchange_provider(StaticToken("fixed", harness.events.append, 1.0))
        await asyncio.sleep(1.0)
        assert harness.access.on_refused("token-for-right", harness.sink) is False
        assert harness.sink.is_ready

    run(main())


def test_a_provider_whose_task_fails_fails_the_access() -> None:
    class Broken(StaticToken):
        async def run(self) -> NoReturn:
            raise ValueError("a bug")

    async def main() -> None:
        harness = AccessHarness("right", SlowClient())
        await asyncio.sleep(1.0)
        harness.access.exchange_provider(Broken("fixed", harness.events.append, 1.0))
        with pytest.raises(ValueError, match="a bug"):
            await harness.running

    run(main())


def test_cancelling_ends_the_provider_too() -> None:
    async def main() -> None:
        harness = AccessHarness("right", SlowClient())
        await asyncio.sleep(1.0)
        harness.running.cancel()
        await asyncio.gather(harness.running, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1

    run(main())
