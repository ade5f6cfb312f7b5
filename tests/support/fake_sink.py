"""A sink that answers from a script and remembers what it was given."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from connector.core.sink import Verdict, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from connector.core.record import Item


def deliver(_items: Sequence[Item]) -> Verdict:
    """Accept everything."""
    return Verdict(VerdictKind.DELIVERED, http_status=200, code="200")


class FakeSink:
    """Calls `script` for the verdict of each request; `requests` and `stored` show what came of it."""

    def __init__(self, script: Callable[[Sequence[Item]], Verdict | Awaitable[Verdict]] = deliver) -> None:
        self.script = script
        self.requests: list[list[Item]] = []
        self.stored: list[Item] = []

    is_ready = True

    async def ready(self) -> None:
        """Return at once: there is no token to wait for."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Return the script's verdict, and store the items that it calls delivered or done."""
        request = list(items)
        self.requests.append(request)
        answer = self.script(request)
        verdict = await answer if inspect.isawaitable(answer) else answer
        if verdict.kind is VerdictKind.DELIVERED:
            self.stored += request
        else:
            self.stored += [request[position] for position in sorted(verdict.done)]
        return verdict

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        """Return the length of each body and of a comma, in bytes."""
        return [len(item.body) + 1 for item in items]

    def request_overhead(self, params: bytes) -> int:
        """Return the length of the params and of a request's braces and names, in bytes."""
        return len(params) + 27
