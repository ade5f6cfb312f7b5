"""Whether chance explains the bad replies to one item, as the control requests show. Pure.

Where requests fail by chance, each with the same unknown probability, an innocent item fails a few times in a row too.
*Control requests* tell how often: those whose items were all delivered in the end, so that none of their failures was
the fault of an item. Say that these were `delivered` s times and had failed f times before, while the requests with
the suspected item failed n times in a row. If all s + f + n are alike, every order of their results is equally likely,
and the n failures fall on the n requests with the item with the probability (Fisher's exact test, one-sided)

    P(n) = C(f + n, n) / C(s + f + n, n) = product over i = 1 … n of (f + i) / (s + f + i)

It needs no estimate of the failure rate, and no prior: it is the probability that a Bayesian predicts who has seen one
failure more than there was. Few controls make it large: with s = 0 it is 1. The item is to blame only if P(n) is at
most CHANCE. To test after each failure does not make a false alarm more likely: an innocent item is blamed after n
failures only if all its n requests have failed.

Example. A platform in good order: 27 requests were delivered since the item failed first, none failed by chance.

    n = 5    1 / C(32, 5) = 5.0e-6    not enough
    n = 6    1 / C(33, 6) = 9.0e-7    to blame

Half of all requests fail, 30 deliveries after 30 failures: P(25) is 1.4e-6 and P(26) 9.2e-7. Nine of ten fail, 60
deliveries after 540 failures: P(150) is 8.2e-7; that an innocent item fails so often has a probability of 0.9 ** 150,
which is 1.4e-7.

What is compared must be from the same time: a platform that began to fail a minute ago has a long history of controls
without failures. So each item is compared with the controls since its own first failure, and where chance has shown
itself before, with the recent ones too: both must rule chance out.

That an item is refused by chance, with a code that speaks of it, is rare: P counts for refusals only once chance has
shown itself, by an item that was refused and delivered later. As such items are few, their group starts with
`assumed` deliveries. So the first items of a platform that begins to refuse items by a coin may be blamed; where it
answers with failures (5xx, timeouts, 403), none is.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

CHANCE: Final = 1e-6
SUSPICION: Final = 0.01
_REMEMBERED: Final = 400.0


class Controls(NamedTuple):
    """Control requests: how many were delivered, and how often these had failed by chance before."""

    delivered: float = 0.0
    failed: float = 0.0
    failed_at_all: float = 0.0
    """With those failures that count for nothing, because the target was not up."""

    def since(self, earlier: Controls | None) -> Controls:
        """Return those that came after `earlier`; None: all."""
        if earlier is None:
            return self
        return Controls(*(now - before for now, before in zip(self, earlier, strict=True)))

    def explain(self, failures: int, chance: float) -> bool:
        """Return whether P(n), as above, is greater than `chance` for n `failures`."""
        s, f, _ = self
        log = math.lgamma(f + failures + 1) - math.lgamma(f + 1)
        log -= math.lgamma(s + f + failures + 1) - math.lgamma(s + f + 1)
        return log > math.log(chance)


NO_CONTROLS: Final = Controls()


class ControlGroup:
    """The control requests of one target, for one kind of bad replies."""

    def __init__(self, assumed: float = 0.0) -> None:
        self.all = NO_CONTROLS
        """Since the start."""
        self.recent = Controls(assumed)
        """What is older than a few hundred requests fades."""

    def add(self, failed: int, failed_at_all: int | None = None) -> None:
        """Count a request that was delivered after it had failed so often."""
        more = (1, failed, failed if failed_at_all is None else failed_at_all)
        self.all = Controls(*map(sum, zip(self.all, more, strict=True)))
        self.recent = Controls(*map(sum, zip(self.recent, more, strict=True)))
        if self.recent.delivered + self.recent.failed > _REMEMBERED:
            self.recent = Controls(*(count / 2 for count in self.recent))

    def rule_out(self, failures: int, chance: float) -> bool:
        """Whether the recent ones rule chance out; they do if none of them ever failed."""
        return not self.recent.failed or not self.recent.explain(failures, chance)
