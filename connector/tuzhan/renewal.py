"""When to request a token, and what the token endpoint's reply means. Pure: no I/O, and time and randomness are given.

- A token lives 7,200 s (page 986242). The reply's `expire` counts only if it is more than zero: the documented example
  has 0. The token is renewed at 85 % of its life, and when refusals say that another is needed (`token_evidence.py`).
- While requests for a token fail, they are repeated with backoff and full jitter.
- Two tokens are at least half a second apart, whatever the platform says of their lives.
- A token that is refused within 60 s of its issue, and within its life, was probably invalidated by a newer one:
  another process fetches tokens for the same app. One such refusal may be chance; three within 5 minutes mean that the
  app is contested. Renewing at once would then make both processes invalidate each other's tokens endlessly, so
  renewals are 30 to 45 s apart: at random, so that neither process always comes a moment after the other.
- The refusals of a target that turns out to be at fault itself are no sign of a contest. They slow renewals down all
  the same: an endpoint that refuses every other request causes no storm of tokens.

Worked example of a contest (seconds; each token is refused 1 s after its issue):

    issued 0, refused 1     renewed at once            early refusals: 1
    issued 10, refused 11   renewed at once            early refusals: 1, 11
    issued 20, refused 21   renewed between 50 and 65  early refusals: 1, 11, 21: contested until 1 + 300
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.sink import VerdictKind
from connector.language.message import Message, message
from connector.tuzhan.replies import CREDENTIALS_REMEDY, Reply, classify, parse_envelope

if TYPE_CHECKING:
    from collections.abc import Sequence
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
CONTEST_JITTER_S = 15.0
MIN_INTERVAL_S = 0.5

_TOKEN = re.compile(r"[!-~]{1,4096}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and how long it lives, in seconds."""

    token: str = field(repr=False)
    life_s: float


@dataclass(frozen=True, slots=True)
class TokenFailure:
    """Why the token endpoint gave no token, and what the operator can do. Holds no secret."""

    detail: Message
    remedy: Message
    retry_after_s: float | None = None
    refused: bool = False
    """Whether the endpoint has answered that it gives no token for these credentials."""


def parse_token(value: object) -> str | None:
    """Return the token without surrounding blanks; None if it is empty or can't stand in an HTTP header."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _TOKEN.fullmatch(text) else None


def parse_token_reply(reply: Reply, now: datetime) -> IssuedToken | TokenFailure:
    """Parse a reply of the token endpoint (page 986242); `now` is that of `classify`."""
    verdict = classify(reply, now, CREDENTIALS_REMEDY)
    detail = message("the token endpoint answered {reply}", reply=verdict.detail)
    if verdict.kind is VerdictKind.AGAIN:
        remedy = message("none needed: it is asked again until it answers")
        return TokenFailure(detail, remedy, verdict.retry_after_s)
    if verdict.kind is not VerdictKind.DELIVERED:
        return TokenFailure(detail, verdict.remedy or CREDENTIALS_REMEDY, refused=True)
    data = parse_envelope(reply.body).data
    token = parse_token(data.get("orgAccessToken")) if isinstance(data, dict) else None
    if token is None or not isinstance(data, dict):
        told = message("{detail}, without a usable orgAccessToken", detail=detail)
        return TokenFailure(told, message("check base_url"))
    return IssuedToken(token, _life_s(data.get("expire")))


class RenewalSchedule:
    """Decides when the next token is requested; the first at once. Times are seconds of one monotonic clock."""

    def __init__(self, backoff: Backoff, random: Random) -> None:
        self._backoff = backoff
        self._random = random
        self._renew_s = -math.inf
        self._issued_s = -math.inf
        self._expires_s = -math.inf
        self._not_before_s = -math.inf
        self._failures = 0
        self._contest_interval_s = CONTEST_INTERVAL_S
        self._is_refused = False
        """Whether the current token was refused."""
        self._early_refusals: deque[tuple[float, object]] = deque(maxlen=CONTEST_COUNT)
        """Times and targets; at most one per token."""
        self._signs_of_contest: deque[tuple[float, object]] = deque(maxlen=CONTEST_COUNT)
        """The same without targets that are at fault."""

    def on_issued(self, now_s: float, life_s: float) -> None:
        """Called when a token was issued that lives `life_s` seconds."""
        self._issued_s = now_s
        self._renew_s = now_s + RENEW_AT * life_s
        self._expires_s = now_s + life_s
        self._failures = 0
        self._not_before_s = -math.inf
        self._contest_interval_s = CONTEST_INTERVAL_S + self._random.uniform(0.0, CONTEST_JITTER_S)
        self._is_refused = False

    def on_refused(self, target: object, now_s: float) -> None:
        """Called when the current token was refused at `target`, which is not at fault as far as is known."""
        is_early = now_s < min(self._issued_s + EARLY_S, self._expires_s)
        if is_early and not self._is_refused:
            self._early_refusals.append((now_s, target))
            self._signs_of_contest.append((now_s, target))
        self._is_refused = True

    def on_target_at_fault(self, target: object) -> None:
        """Called when `target` is at fault after all: its refusals say nothing about other processes."""
        kept = [refusal for refusal in self._signs_of_contest if refusal[1] is not target]
        self._signs_of_contest = deque(kept, maxlen=CONTEST_COUNT)

    def set_backoff(self, backoff: Backoff) -> None:
        """Space the requests after the next failure by another backoff."""
        self._backoff = backoff

    def on_failed(self, now_s: float, retry_after_s: float | None = None) -> None:
        """Called when a request for a token failed."""
        self._failures += 1
        self._not_before_s = now_s + self._backoff.delay(self._failures, self._random, retry_after_s)

    def is_contested(self, now_s: float) -> bool:
        """Whether another process seems to fetch tokens for the same app."""
        return now_s < _end_s(self._signs_of_contest)

    @property
    def contest_began_s(self) -> float:
        """The first of the refusals that are the sign of a contest; infinite if there is none."""
        return self._signs_of_contest[0][0] if self._signs_of_contest else math.inf

    def next_request_s(self, now_s: float, needed_s: float = math.inf) -> float:
        """Return when the next token is to be requested; `needed_s`: when refusals need another."""
        due_s = max(min(self._renew_s, needed_s), self._not_before_s, self._issued_s + MIN_INTERVAL_S)
        slow_until_s = _end_s(self._early_refusals)
        if now_s >= slow_until_s:
            return due_s
        return max(due_s, min(self._issued_s + self._contest_interval_s, slow_until_s))

    def next_change_s(self, now_s: float, needed_s: float = math.inf) -> float:
        """Return when a token is to be requested or a contest ends, whichever is first."""
        due_s = self.next_request_s(now_s, needed_s)
        return min(due_s, _end_s(self._signs_of_contest)) if self.is_contested(now_s) else due_s


def _end_s(early_refusals: Sequence[tuple[float, object]]) -> float:
    """Return until when these refusals count, if they are enough; else minus infinity."""
    return early_refusals[0][0] + CONTEST_WINDOW_S if len(early_refusals) == CONTEST_COUNT else -math.inf


def _life_s(expire: object) -> float:
    if isinstance(expire, str) and expire.isascii() and expire.isdigit():
        expire = float(expire)
    if isinstance(expire, bool) or not isinstance(expire, int | float) or not expire > 0:
        return LIFE_S
    return float(min(expire, MAX_LIFE_S))
