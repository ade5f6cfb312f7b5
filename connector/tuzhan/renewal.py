"""When to request a token, and what the token endpoint's reply means. Pure: no I/O, and time and randomness are given.

- A token lives 7,200 s (page 986242). The reply's `expire` counts only if it is more than zero: the documented example
  has 0. The token is renewed at 85 % of its life, and at once when it is refused.
- While requests for a token fail, they are repeated with backoff and full jitter.
- A token that is refused within 60 s of its issue was probably invalidated by a newer one: another process fetches
  tokens for the same app. One such refusal may be chance; three within 5 minutes mean that the app is contested.
  Renewing at once would then make both processes invalidate each other's tokens endlessly, so renewals are 30 s apart.

Worked example of a contest (seconds; each token is refused 1 s after its issue):

    issued 0, refused 1     renewed at once       early refusals: 1
    issued 10, refused 11   renewed at once       early refusals: 1, 11
    issued 20, refused 21   renewed at 50         early refusals: 1, 11, 21: contested until 1 + 300
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.sink import VerdictKind
from connector.tuzhan.replies import CREDENTIALS_REMEDY, Reply, classify, parse_envelope

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from connector.core.retry import Backoff

LIFE_S = 7_200.0
MAX_LIFE_S = 86_400.0
"""The longest `expire` that is trusted: an early renewal does no harm."""
RENEW_AT = 0.85
EARLY_S = 60.0
CONTEST_COUNT = 3
CONTEST_WINDOW_S = 300.0
CONTEST_INTERVAL_S = 30.0

_TOKEN = re.compile(r"[!-~]{1,4096}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and how long it lives, in seconds."""

    token: str
    life_s: float


@dataclass(frozen=True, slots=True)
class TokenFailure:
    """Why the token endpoint gave no token, and what the operator can do. Holds no secret."""

    detail: str
    remedy: str
    retry_after_s: float | None = None


def parse_token(value: object) -> str | None:
    """Return the token without surrounding blanks; None if it is empty or can't stand in an HTTP header."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _TOKEN.fullmatch(text) else None


def parse_token_reply(reply: Reply, now: datetime) -> IssuedToken | TokenFailure:
    """Parse a reply of the token endpoint (page 986242); `now` is that of `classify`."""
    verdict = classify(reply, now)
    detail = f"the token endpoint answered {verdict.detail}"
    if verdict.kind is VerdictKind.AGAIN:
        return TokenFailure(detail, "none needed: it is asked again until it answers", verdict.retry_after_s)
    if verdict.kind is not VerdictKind.DELIVERED:
        return TokenFailure(detail, verdict.remedy or CREDENTIALS_REMEDY)
    data = parse_envelope(reply.body).data
    token = parse_token(data.get("orgAccessToken")) if isinstance(data, dict) else None
    if token is None or not isinstance(data, dict):
        return TokenFailure(f"{detail}, without a usable orgAccessToken", "check base_url")
    return IssuedToken(token, _life_s(data.get("expire")))


class RenewalSchedule:
    """Decides when the next token is requested; the first at once. Times are seconds of one monotonic clock."""

    def __init__(self, backoff: Backoff, random: Random) -> None:
        self._backoff = backoff
        self._random = random
        self._renew_s = float("-inf")
        self._issued_s = float("-inf")
        self._not_before_s = float("-inf")
        self._failures = 0
        self._early_refusals: deque[float] = deque(maxlen=CONTEST_COUNT)

    def on_issued(self, now_s: float, life_s: float) -> None:
        """Called when a token was issued that lives `life_s` seconds."""
        self._issued_s = now_s
        self._renew_s = now_s + RENEW_AT * life_s
        self._failures = 0
        self._not_before_s = float("-inf")

    def on_refused(self, now_s: float) -> None:
        """Called when the current token was refused: the next is due at once, unless the app is contested."""
        self._renew_s = now_s
        if now_s - self._issued_s < EARLY_S:
            self._early_refusals.append(now_s)

    def on_failed(self, now_s: float, retry_after_s: float | None = None) -> None:
        """Called when a request for a token failed."""
        self._failures += 1
        self._not_before_s = now_s + self._backoff.delay(self._failures, self._random, retry_after_s)

    def is_contested(self, now_s: float) -> bool:
        """Whether another process seems to fetch tokens for the same app."""
        return len(self._early_refusals) == CONTEST_COUNT and now_s < self._early_refusals[0] + CONTEST_WINDOW_S

    def next_request_s(self, now_s: float) -> float:
        """Return when the next token is to be requested."""
        due_s = max(self._renew_s, self._not_before_s)
        if not self.is_contested(now_s):
            return due_s
        return max(due_s, min(self._issued_s + CONTEST_INTERVAL_S, self._early_refusals[0] + CONTEST_WINDOW_S))

    def next_change_s(self, now_s: float) -> float:
        """Return when a token is to be requested or a contest ends, whichever is first."""
        due_s = self.next_request_s(now_s)
        return min(due_s, self._early_refusals[0] + CONTEST_WINDOW_S) if self.is_contested(now_s) else due_s


def _life_s(expire: object) -> float:
    if isinstance(expire, str) and expire.isascii() and expire.isdigit():
        expire = float(expire)
    if isinstance(expire, bool) or not isinstance(expire, int | float) or not expire > 0:
        return LIFE_S
    return float(min(expire, MAX_LIFE_S))
