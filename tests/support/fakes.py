"""Doubles that are as small as the interfaces they stand for."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from connector.core.sink import Verdict, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from connector.core.record import Item


def deliver(_items: Sequence[Item]) -> Verdict:
    """Say yes to everything."""
    return Verdict(VerdictKind.DELIVERED, http_status=200, code="200")


class FakeSink:
    """A sink that does what its script says, and remembers what it was given and what it stored."""

    def __init__(self, script: Callable[[Sequence[Item]], Verdict | Awaitable[Verdict]] = deliver) -> None:
        self.script = script
        self.requests: list[list[Item]] = []
        self.stored: list[Item] = []

    async def ready(self) -> None:
        """At once."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Ask the script; what it says was delivered (or done) is stored, as of the end of the exchange."""
        taken = list(items)
        self.requests.append(taken)
        answer = self.script(taken)
        verdict = await answer if inspect.isawaitable(answer) else answer
        if verdict.kind is VerdictKind.DELIVERED:
            self.stored += taken
        else:
            self.stored += [taken[position] for position in sorted(verdict.done)]
        return verdict

    def item_size(self, item: Item) -> int:
        """The body and a comma."""
        return len(item.body) + 1

    def request_overhead(self, params: bytes) -> int:
        """The params, and about what the platform's frame has."""
        return len(params) + 27
