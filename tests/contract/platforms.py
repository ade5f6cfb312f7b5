"""The two implementations of `Sink` that the contract tests run against: the fake, and HTTP to the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

from connector.core.record import Item, Record
from connector.core.retry import Backoff
from connector.core.sink import Verdict, VerdictKind
from connector.language.message import verbatim
from connector.sandbox.faults import CodeFault, Fault, RefuseFault, StatusFault
from connector.sandbox.platform import APP_ID, APP_SECRET, Sandbox
from connector.sandbox.server import running_sandbox
from connector.sandbox.store import ItemQuery
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.http_sink import HttpSink
from connector.tuzhan.renewal import RenewalSchedule
from connector.tuzhan.token_providers import FetchedToken
from tests.support.fake_sink import FakeSink, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from connector.core.events import Event
    from connector.core.sink import Sink

PATH = "event/v2/batchAdd"
PARAMS = b'{"isMatching":true,"matchingType":1}'

FAULTS: dict[VerdictKind, Fault] = {
    VerdictKind.AGAIN: StatusFault(status=503, retry_after=7),
    VerdictKind.TOKEN: CodeFault(code="100200"),
    VerdictKind.HELD: StatusFault(status=403),
    VerdictKind.SPLIT: StatusFault(status=413),
    VerdictKind.REFUSED: CodeFault(code="400"),
}
"""For each verdict except `delivered`, a fault that causes it."""


def make_item(uuid: str, order_key: str = "phone:18888888888") -> Item:
    """Return an item that the sandbox accepts."""
    body = {
        "identities": [{"identityValue": "18888888888", "identityType": "phone"}],
        "time": 1605490615673,
        "uuid": uuid,
        "eventKey": "c_buy",
        "eventargs": {"title": "下单"},
    }
    record = Record("shop.orders", 0, 0, None, None, None, ())
    return Item("purchases", "orders", json.dumps(body, ensure_ascii=False).encode(), PARAMS, (order_key,), record)


def uuid_of(item: Item) -> str:
    """Return the uuid of an item."""
    return str(json.loads(item.body)["uuid"])


class Platform(Protocol):
    """A sink and control over what it answers."""

    sink: Sink

    def script(self, *verdicts: VerdictKind) -> None:
        """Set the verdicts of the next requests; all after them are delivered."""

    def refuse(self, uuid: str) -> None:
        """Refuse every request with this item."""

    def stored(self) -> list[str]:
        """Return the uuids of the stored items, in order."""


class FakePlatform:
    """`FakeSink` with scripted verdicts."""

    def __init__(self) -> None:
        self._fake = FakeSink(self._answer)
        self.sink: Sink = self._fake
        self._verdicts: list[VerdictKind] = []
        self._refused = ""

    def _answer(self, items: Sequence[Item]) -> Verdict:
        kind = self._verdicts.pop(0) if self._verdicts else VerdictKind.DELIVERED
        if self._refused in map(uuid_of, items):
            kind = VerdictKind.REFUSED
        if kind is VerdictKind.DELIVERED:
            return deliver(items)
        remedy = "correct it" if kind is VerdictKind.HELD else ""
        retry_after_s = 7.0 if kind is VerdictKind.AGAIN else None
        return Verdict(kind, kind.value, retry_after_s=retry_after_s, remedy=verbatim(remedy), reply=kind.value)

    def script(self, *verdicts: VerdictKind) -> None:
        self._verdicts = list(verdicts)

    def refuse(self, uuid: str) -> None:
        self._refused = uuid

    def stored(self) -> list[str]:
        return [uuid_of(item) for item in self._fake.stored]


@dataclass(slots=True)
class RealPlatform:
    """The real sink, client and token provider, against the sandbox over real HTTP."""

    sandbox: Sandbox
    client: PlatformClient
    tokens: FetchedToken
    events: list[Event]
    sink: Sink

    def script(self, *verdicts: VerdictKind) -> None:
        self.sandbox.faults.replace([FAULTS[kind].model_copy(update={"count": 1}) for kind in verdicts])

    def refuse(self, uuid: str) -> None:
        self.sandbox.faults.replace([RefuseFault(match={"uuid": uuid})])

    def stored(self) -> list[str]:
        found = self.sandbox.store.find(ItemQuery(limit=1_000_000))
        return [str(entry["item"]["uuid"]) for entry in found]


@contextlib.asynccontextmanager
async def real(timeout_s: float = 5.0, connections: int = 8) -> AsyncIterator[RealPlatform]:
    """Run a sandbox, and everything that sends to it."""
    sandbox = Sandbox()
    events: list[Event] = []
    async with running_sandbox(sandbox) as url:
        client = PlatformClient.build(f"{url}/api/open", timeout_s, connections)
        schedule = RenewalSchedule(Backoff(0.01, 0.05), Random(1))  # noqa: S311 - jitter
        tokens = FetchedToken((APP_ID, APP_SECRET), client, events.append, schedule)
        task = asyncio.create_task(tokens.run())
        try:
            yield RealPlatform(sandbox, client, tokens, events, HttpSink(PATH, client, tokens))
            assert not task.done(), "the token provider runs until cancelled"
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.aclose()


@contextlib.asynccontextmanager
async def fake() -> AsyncIterator[FakePlatform]:
    """Yield the fake."""
    yield FakePlatform()


IMPLEMENTATIONS: dict[str, Callable[[], AbstractAsyncContextManager[Platform]]] = {"fake": fake, "http": real}
_numbers = itertools.count(1)


def batch(size: int) -> list[Item]:
    """Return items with unique uuids."""
    return [make_item(f"item-{next(_numbers)}") for _ in range(size)]
