"""When to ask for a token, and what the answer was worth. Pure: no I/O, no clock; the dice are given.

- A token lives 7,200 s (page 986242); the reply's `expire` counts only if it is more than zero: the
  documented example shows 0. It is renewed at 85 % of its life, and at once when it is refused.
- While the endpoint gives none, it is asked again with backoff and full jitter.
- A token that is refused within 60 s of its issue was killed by a younger one: another process fetches for the same
  app. One such refusal may be chance; three within 5 minutes are a contest, and asking at once each time would
  make both sides kill each other's tokens for ever. Then 30 s pass between two renewals.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.sink import VerdictKind
from connector.tuzhan.replies import CREDENTIALS_REMEDY, Reply, judge, read

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from connector.core.retry import Backoff

LIFE_S = 7_200.0
MAX_LIFE_S = 86_400.0
"""A longer `expire` is not believed: renewing early does no harm."""
RENEW_AT = 0.85
EARLY_S = 60.0
CONTEST_COUNT = 3
CONTEST_WINDOW_S = 300.0
CONTEST_PACE_S = 30.0

_USABLE = re.compile(r"[!-~]{1,4096}")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and how long it lives."""

    token: str
    life_s: float


@dataclass(frozen=True, slots=True)
class NoGrant:
    """Why there is no token, and what the operator can do. Holds no secret."""

    detail: str
    remedy: str
    retry_after_s: float | None = None


def usable(value: object) -> str | None:
    """Give the token, trimmed; None if it is empty or has characters that an HTTP header can't carry."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _USABLE.fullmatch(text) else None


def read_grant(reply: Reply, now: datetime) -> Grant | NoGrant:
    """Take the token out of a reply of the token endpoint; `now` is for `judge`."""
    verdict = judge(reply, now)
    detail = f"the token endpoint answered {verdict.detail}"
    if verdict.kind is VerdictKind.AGAIN:
        return NoGrant(detail, "none needed: it is asked again until it answers", verdict.retry_after_s)
    if verdict.kind is not VerdictKind.DELIVERED:
        return NoGrant(detail, verdict.remedy or CREDENTIALS_REMEDY)
    data = read(reply.body).data
    token = usable(data.get("orgAccessToken")) if isinstance(data, dict) else None
    if token is None or not isinstance(data, dict):
        return NoGrant(f"{detail}, without a usable orgAccessToken", "check base_url")
    return Grant(token, _life_s(data.get("expire")))


class Renewal:
    """Decides when the token endpoint is asked next. Times are seconds of one monotonic clock.

    Born without a token: the first request is due at once.
    """

    def __init__(self, backoff: Backoff, random: Random) -> None:
        self._backoff = backoff
        self._random = random
        self._renew_s = float("-inf")
        self._issued_s = float("-inf")
        self._not_before_s = float("-inf")
        self._failures = 0
        self._early: deque[float] = deque(maxlen=CONTEST_COUNT)

    def issued(self, now_s: float, life_s: float) -> None:
        """Note that a token was given, for `life_s`."""
        self._issued_s = now_s
        self._renew_s = now_s + RENEW_AT * life_s
        self._failures = 0
        self._not_before_s = float("-inf")

    def refused(self, now_s: float) -> None:
        """Note that the token at hand was refused: another is due, at once unless the app is contested."""
        self._renew_s = now_s
        if now_s - self._issued_s < EARLY_S:
            self._early.append(now_s)

    def failed(self, now_s: float, retry_after_s: float | None = None) -> None:
        """Note that no token was given."""
        self._failures += 1
        self._not_before_s = now_s + self._backoff.delay(self._failures, self._random, retry_after_s)

    def contested(self, now_s: float) -> bool:
        """Whether another process seems to fetch tokens for the same app."""
        return len(self._early) == CONTEST_COUNT and now_s < self._early[0] + CONTEST_WINDOW_S

    def due_s(self, now_s: float) -> float:
        """When the endpoint is to be asked next, as far as is known at `now_s`."""
        due_s = max(self._renew_s, self._not_before_s)
        if not self.contested(now_s):
            return due_s
        return max(due_s, min(self._issued_s + CONTEST_PACE_S, self._early[0] + CONTEST_WINDOW_S))

    def look_again_s(self, now_s: float) -> float:
        """When there may be something to do: a token is due, or a contest is over."""
        due_s = self.due_s(now_s)
        return min(due_s, self._early[0] + CONTEST_WINDOW_S) if self.contested(now_s) else due_s


def _life_s(expire: object) -> float:
    if isinstance(expire, str) and expire.isascii() and expire.isdigit():
        expire = float(expire)
    if isinstance(expire, bool) or not isinstance(expire, int | float) or not expire > 0:
        return LIFE_S
    return float(min(expire, MAX_LIFE_S))
