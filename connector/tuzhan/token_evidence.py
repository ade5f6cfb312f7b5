"""Whether a refusal is the token's fault or that of the target: pure, in seconds of one monotonic clock.

The platform answers HTTP 401 or code 100200 when a token is not valid. No page says what it answers when the app lacks
the permission of one endpoint: it may be the same. What other targets got for the same token tells the two apart.

When the current token is refused at a target, the first row that holds decides:

    the target ...                                                  at fault   another token is needed
    has delivered with this token                                   token      at once: the token has died
    is at fault already                                             target     after its patience, see below
    is refused, and another has delivered with it in the last 60 s  target     no
    has never delivered, but others have, and this is the second
      token in a row that is refused here                           target     no
    was not refused with the token before                           token      at once
    was refused with the token before                               token      GRACE_S after its issue

- A target that was refused waits for another token; all others go on with the current one. If none comes, it tries the
  same again after RETRY_S: the refusal may have been a mistake of the platform.
- A delivery by another target, of a request that was sent after the refusal, shows that the token is good. The targets
  that wait go on with it, none is fetched, and one that is refused again is at fault.
- A target at fault stays so, with any token, until it delivers. A token is fetched for it only if no other target has
  delivered with the current one for the target's patience: RECENT_S, doubled for each such token up to an hour. So a
  wrong judgement does no harm for long, and a right one costs a few tokens a day.

Example: A may not use its endpoint, B may.

    tok1 refused at A      nothing is known: another is needed at once; B goes on with tok1
    tok2 refused at A      the second in a row: A waits, because the replies to others may come any moment
    tok2 delivers for B    tok2 is good: A need not wait
    tok2 refused at A      A is at fault; from now on B keeps its tokens, and A probes with them
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

RECENT_S = 60.0
"""How long a delivery shows that a token is good."""
GRACE_S = 5.0
"""How long the other targets have to show that a new token is good."""
RETRY_S = 5.0
"""How long a target waits for another token before it tries the refused one again."""
MAX_PATIENCE_S = 3_600.0


class Fault(enum.Enum):
    """What is at fault when a token is refused."""

    TOKEN = enum.auto()
    TARGET = enum.auto()


@dataclass(slots=True)
class _Target:
    """What is known of one target."""

    has_delivered: bool = False
    """With any token."""
    last_refused: int = 0
    """The number of the last token that was refused here."""
    refused_in_a_row: int = 0
    """Tokens, not requests."""
    patience_s: float = 0.0
    """0: the target is not at fault."""


class TokenEvidence:
    """What the replies to all targets say about the current token. Targets are told apart by identity."""

    def __init__(self) -> None:
        self.renew_s = math.inf
        """When another token is needed because of refusals; infinite if it is not."""
        self._targets: dict[object, _Target] = {}
        self._number = 0
        """Of the current token, counted from 1."""
        self._issued_s = -math.inf
        self._delivered_s: dict[object, float] = {}
        """When each target last delivered with the current token."""
        self._refused_s: dict[object, float] = {}
        """The targets that need another token, with the time of the last refusal."""

    @property
    def in_doubt(self) -> bool:
        """Whether a target needs another token."""
        return bool(self._refused_s)

    @property
    def any_delivered(self) -> bool:
        """Whether a target has ever delivered, with any token."""
        return any(target.has_delivered for target in self._targets.values())

    def retry_s(self, target: object) -> float:
        """Return until when `target` waits for another token; minus infinity if it needs none."""
        return self._refused_s.get(target, -math.inf) + RETRY_S

    def on_token(self, now_s: float) -> None:
        """Called when there is another token, or the same is to be tried again."""
        self._number += 1
        self._issued_s = now_s
        self._delivered_s.clear()
        self._refused_s.clear()
        self.renew_s = math.inf

    def on_delivered(self, target: object, sent_s: float, now_s: float) -> None:
        """Called when `target` delivered with the current token a request that was sent at `sent_s`."""
        self._targets[target] = _Target(has_delivered=True)
        for other, refused_s in list(self._refused_s.items()):
            if refused_s < sent_s:
                del self._refused_s[other]
                self._delivered_s.pop(other, None)
        if not self._refused_s:
            self.renew_s = math.inf
        self._delivered_s[target] = now_s

    def on_refused(self, target: object, now_s: float) -> Fault:
        """Called when the current token was refused at `target`; return what is at fault."""
        known = self._targets.setdefault(target, _Target())
        if target in self._refused_s:
            self._refused_s[target] = now_s
            return Fault.TOKEN
        if known.last_refused != self._number:
            known.last_refused = self._number
            known.refused_in_a_row += 1
        died = target in self._delivered_s
        if not died and self._is_at_fault(target, known, now_s):
            return Fault.TARGET
        self._refused_s[target] = now_s
        at_once = died or known.refused_in_a_row == 1
        self.renew_s = min(self.renew_s, now_s if at_once else max(now_s, self._issued_s + GRACE_S))
        return Fault.TOKEN

    def _is_at_fault(self, target: object, known: _Target, now_s: float) -> bool:
        good_s = max((when for other, when in self._delivered_s.items() if other is not target), default=-math.inf)
        if not known.patience_s:
            alone = known.refused_in_a_row > 1 and not known.has_delivered and self.any_delivered
            if not alone and now_s - good_s >= RECENT_S:
                return False
            known.patience_s = RECENT_S
        if math.isinf(self.renew_s) and now_s - max(good_s, self._issued_s) >= known.patience_s:
            self.renew_s = now_s
            known.patience_s = min(2 * known.patience_s, MAX_PATIENCE_S)
        return True
