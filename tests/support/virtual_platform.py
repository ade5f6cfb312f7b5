"""A platform on virtual time: it takes a while to answer, has items that it refuses, and can be out of order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.sink import Subject, Verdict, VerdictKind
from connector.language.message import verbatim
from tests.support.builders import seeded
from tests.support.fake_sink import FakeSink, deliver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.record import Item

REFUSED = Verdict(VerdictKind.REFUSED, "HTTP 400", http_status=400, subject=Subject.ITEMS)
SERVER_ERROR = Verdict(VerdictKind.AGAIN, "HTTP 500", http_status=500)
UNAVAILABLE = Verdict(VerdictKind.AGAIN, "HTTP 503", http_status=503)
TOO_MANY = Verdict(VerdictKind.AGAIN, "HTTP 429", http_status=429, subject=Subject.TARGET)
FORBIDDEN = Verdict(VerdictKind.HELD, "HTTP 403", http_status=403, remedy=verbatim("grant it"), subject=Subject.TARGET)
TIMEOUT = Verdict(VerdictKind.AGAIN, "no reply within 10 s")
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    at: float
    offsets: tuple[int, ...]
    verdict: Verdict


class VirtualPlatform(FakeSink):
    """Answers after `latency_s`, give or take a half.

    `poison` has, by offset, the verdict on every request with that item. `outage` is the verdict on all requests, as
    long as it is set; TIMEOUT comes after TIMEOUT_S. `storm` is the share of the requests that get `storm_verdict`.
    """

    def __init__(self, poison: Mapping[int, Verdict] | None = None, *, latency_s: float = 0.04, seed: int = 1) -> None:
        super().__init__(self._answer)
        self.poison = poison or {}
        self.latency_s = latency_s
        self.outage: Verdict | None = None
        self.storm = 0.0
        self.storm_verdict = UNAVAILABLE
        self.sent: list[Sent] = []
        """In the order of the replies."""
        self._random = seeded(seed)

    async def _answer(self, items: Sequence[Item]) -> Verdict:
        loop = asyncio.get_running_loop()
        began = loop.time()
        hangs = self.outage is TIMEOUT
        await asyncio.sleep(TIMEOUT_S if hangs else self.latency_s * self._random.uniform(0.5, 1.5))
        verdict = TIMEOUT if hangs else self._judge(items)
        self.sent.append(Sent(began, tuple(one.record.offset for one in items), verdict))
        return verdict

    def _judge(self, items: Sequence[Item]) -> Verdict:
        if self.outage is not None:
            return self.outage
        if self._random.random() < self.storm:
            return self.storm_verdict
        verdicts = (self.poison.get(one.record.offset) for one in items)
        return next((verdict for verdict in verdicts if verdict is not None), deliver(items))

    def sent_after(self, time: float) -> list[Sent]:
        """Return the requests that were sent at this time or later, in the order in which they were sent."""
        return sorted((one for one in self.sent if one.at >= time), key=lambda one: one.at)
