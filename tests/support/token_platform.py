"""A platform on virtual time that issues tokens and refuses them in every way: for tests of what the connector does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.errors import TransportError
from connector.tuzhan.replies import Reply

if TYPE_CHECKING:
    from random import Random

SUCCESS = Reply(200, b'{"code":"200","errorCode":"SUCCESS","msg":"ok"}')
REFUSALS = (Reply(401, b"no"), Reply(200, b'{"code":"100200"}'), Reply(401, b'{"code":100200}'))
OUTAGES = (Reply(503, b"", "7"), Reply(429, b"", "20"), Reply(200, b"<html>"), Reply(200, b'{"code":"100100"}'))


@dataclass(slots=True)
class TokenPlatform:
    """Implements what sinks and provider need of `PlatformClient`. What is wrong with it may change at any time."""

    random: Random
    life_s: float = 7_200.0
    """What a token lives in fact."""
    stated_life_s: float = 7_200.0
    """What the reply says of it."""
    forbidden: set[str] = field(default_factory=set)
    """Endpoints that refuse every token."""
    mistakes: float = 0.0
    """The share of requests that are refused for nothing."""
    down: bool = False
    """The token endpoint gives no token."""
    kills_old: bool = False
    """A new token invalidates those before it."""
    same_token: bool = False
    """The token endpoint repeats a token as long as it lives."""
    fetches: list[float] = field(default_factory=list)
    """When a token was asked for."""
    issued: list[tuple[float, float]] = field(default_factory=list)
    """When each token was issued, and what the reply said of its life."""
    delivered: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    _alive: dict[str, float] = field(default_factory=dict)
    """When each token dies."""
    _at_work: int = 0

    def kill(self) -> None:
        """Invalidate all tokens, as another process does by asking for one if `kills_old`."""
        self._alive.clear()

    async def get_token(self, app_id: str, app_secret: str) -> Reply:  # noqa: ARG002 - the right ones
        """Issue a token, after a while."""
        now_s = asyncio.get_running_loop().time
        assert self._at_work == 0, "two requests for a token at once"
        self.fetches.append(now_s())
        self._at_work += 1
        await asyncio.sleep(self.random.expovariate(10))
        self._at_work -= 1
        if self.down:
            if self.random.random() < 0.5:
                raise TransportError("reset")
            return self.random.choice(OUTAGES)
        token = f"tok{len(self.issued)}"
        if self.same_token:
            token = next((old for old, dies_s in self._alive.items() if now_s() < dies_s), token)
        if self.kills_old:
            self._alive.clear()
        self._alive.setdefault(token, now_s() + self.life_s)
        self.issued.append((now_s(), self.stated_life_s))
        data = {"orgAccessToken": token, "expire": self.stated_life_s}
        return Reply(200, json.dumps({"code": "200", "data": data}).encode())

    async def post(self, path: str, body: bytes, token: str) -> Reply:  # noqa: ARG002 - any
        """Deliver, or refuse the token."""
        await asyncio.sleep(self.random.expovariate(20))
        is_good = asyncio.get_running_loop().time() < self._alive.get(token, 0.0)
        is_refused = not is_good or path in self.forbidden or self.random.random() < self.mistakes
        counts = self.refused if is_refused else self.delivered
        await asyncio.sleep(self.random.expovariate(20))
        counts[path] = counts.get(path, 0) + 1
        return self.random.choice(REFUSALS) if is_refused else SUCCESS
