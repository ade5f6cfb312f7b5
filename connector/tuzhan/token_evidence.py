"""Whether a refusal is the token's fault or that of the target: pure, in seconds of one monotonic clock.

The platform answers HTTP 401 or code 100200 when a token is not valid. No page says what it answers when the app lacks
the permission of one endpoint: it may be the same. What other targets got for the same token tells the two apart.

When the current token is refused at a target, the first row that holds decides. "Others" are other targets, "lately" is
in the last RECENT_S, "a moment ago" in the last GRACE_S; a token is "the second" if the one before was refused here
too, and nothing delivered in between.

    the target ...                                                at fault   another token is needed
    has delivered with this token                                 token      at once: it has died
    is at fault already                                           target     after its patience, see below
    was refused it before, and others have used it since          target     no
    is refused a token that has died at others                    token      that is known already
    has never delivered, and others have a moment ago with it     target     no
    has never delivered, this is the second, and others have      target     no
    is refused the second, and others have lately delivered       target     no
    is refused the first, and others have lately with this token  token      in GRACE_S, unless others deliver
    is refused the first                                          token      at once
    is refused the second                                         token      GRACE_S after its issue, unless they do

- A target that was refused waits for another token; all others go on with the current one. If none comes, it tries the
  same again after RETRY_S: the refusal may have been a mistake of the platform.
- A delivery by another target, of a request that was sent after the refusal, shows that the token is good. The targets
  that wait go on with it, and none is fetched.
- A target at fault stays so, with any token, until it delivers. A token is fetched for it only if no other target has
  delivered with the current one for the target's patience: PATIENCE_S, doubled for each such token up to 10 minutes.
  So a wrong judgement does no harm for long, and a right one costs few tokens.
- If all targets are at fault, of two and more, it is rather the token that has died: nobody can use it. The first token
  is fetched after GRACE_S then; this patience doubles with each one too, until a target delivers. An endpoint that
  always answers 401 can't bring this about as long as others deliver.

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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

RECENT_S = 60.0
"""How long a delivery shows that a token is good."""
GRACE_S = 5.0
"""How long the other targets have to show that a new token is good."""
RETRY_S = 5.0
"""How long a target waits for another token before it tries the refused one again."""
PATIENCE_S = 15.0
"""How long a target at fault waits for the first token that is fetched for it alone."""
MAX_PATIENCE_S = 600.0


class Fault(enum.Enum):
    """What is at fault when a token is refused."""

    TOKEN = enum.auto()
    TARGET = enum.auto()


@dataclass(slots=True)
class _Target:
    """What is known of one target."""

    delivered_s: float = -math.inf
    """When it last delivered, with any token."""
    refused_in_a_row: int = 0
    """Tokens, not requests; no longer counted once the target is at fault."""
    patience_s: float = 0.0
    """0: the target is not at fault."""


class TokenEvidence:
    """What the replies to all targets say about the current token. Targets are told apart by identity."""

    def __init__(self) -> None:
        self.renew_s = math.inf
        """When another token is needed because of refusals; infinite if it is not."""
        self._targets: dict[object, _Target] = {}
        self._issued_s = -math.inf
        self._all_at_fault_patience_s = GRACE_S
        self._has_died = False
        """Whether a target was refused that had delivered with the current token."""
        self._users: set[object] = set()
        """The targets that have delivered with the current token, and were not refused it since."""
        self._contradicted: set[object] = set()
        """The targets that were refused the current token before another target delivered with it."""
        self._refused_s: dict[object, float] = {}
        """The targets that need another token, with the time of the last refusal."""

    @property
    def in_doubt(self) -> bool:
        """Whether a target needs another token."""
        return bool(self._refused_s)

    @property
    def last_delivered_s(self) -> float:
        """When a target last delivered, with any token; minus infinity if none has."""
        return max((target.delivered_s for target in self._targets.values()), default=-math.inf)

    def retry_s(self, target: object) -> float:
        """Return until when `target` waits for another token; minus infinity if it needs none."""
        return self._refused_s.get(target, -math.inf) + RETRY_S

    def on_token(self, now_s: float) -> None:
        """Called when there is another token, or the same is to be tried again."""
        self._issued_s = now_s
        self._has_died = False
        self._users.clear()
        self._contradicted.clear()
        self._refused_s.clear()
        self.renew_s = math.inf

    def on_delivered_with_older(self, target: object, now_s: float) -> None:
        """Called when `target` delivered with a token that is no longer current."""
        self._targets[target] = _Target(delivered_s=now_s)

    def on_delivered(self, target: object, sent_s: float, now_s: float) -> None:
        """Called when `target` delivered with the current token a request that was sent at `sent_s`."""
        self._targets[target] = _Target(delivered_s=now_s)
        self._all_at_fault_patience_s = GRACE_S
        for other, refused_s in list(self._refused_s.items()):
            if refused_s < sent_s:
                del self._refused_s[other]
                self._users.discard(other)
                self._contradicted.add(other)
        self._users.add(target)
        self._contradicted.discard(target)
        if not self._refused_s:
            self._has_died = False
            self.renew_s = math.inf

    def on_refused(self, target: object, now_s: float) -> Fault:
        """Called when the current token was refused at `target`; return what is at fault."""
        known = self._targets.setdefault(target, _Target())
        if target in self._refused_s:
            self._refused_s[target] = now_s
            return Fault.TOKEN
        known.refused_in_a_row += 1
        used_s = self._used_by_others_s(target, self._users)
        if target in self._users:
            self._has_died = True
            needed_s = now_s
        elif known.patience_s or self._is_at_fault(target, known, used_s, now_s):
            self._on_target_at_fault(known, used_s, now_s)
            return Fault.TARGET
        elif known.refused_in_a_row > 1:
            needed_s = max(now_s, self._issued_s + GRACE_S)
        else:
            needed_s = now_s + GRACE_S if now_s - used_s < RECENT_S else now_s
        self._refused_s[target] = now_s
        self.renew_s = min(self.renew_s, needed_s)
        return Fault.TOKEN

    def _is_at_fault(self, target: object, known: _Target, used_s: float, now_s: float) -> bool:
        if target in self._contradicted:
            return True
        if self._has_died:
            return False
        has_delivered = known.delivered_s > -math.inf
        if known.refused_in_a_row == 1:  # a token that others used before that moment may have died since
            return not has_delivered and now_s - used_s < GRACE_S
        others_s = self._used_by_others_s(target, self._targets)
        return now_s - others_s < (RECENT_S if has_delivered else math.inf)

    def _on_target_at_fault(self, known: _Target, used_s: float, now_s: float) -> None:
        known.patience_s = known.patience_s or PATIENCE_S
        if math.isfinite(self.renew_s):
            return
        unused_s = now_s - max(used_s, self._issued_s)
        if unused_s >= known.patience_s:
            self.renew_s = now_s
            known.patience_s = min(2 * known.patience_s, MAX_PATIENCE_S)
        elif unused_s >= self._all_at_fault_patience_s and self._all_are_at_fault():
            self.renew_s = now_s
            self._all_at_fault_patience_s = min(2 * self._all_at_fault_patience_s, MAX_PATIENCE_S)

    def _all_are_at_fault(self) -> bool:
        return len(self._targets) > 1 and all(target.patience_s for target in self._targets.values())

    def _used_by_others_s(self, target: object, users: Collection[object]) -> float:
        """Return when one of `users` other than `target` last delivered; minus infinity if none has."""
        return max((self._targets[user].delivered_s for user in users if user is not target), default=-math.inf)
