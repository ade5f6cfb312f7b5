"""The items that are sent together, and what is known against them, as a value.

A batch is ordinary until it is *suspect*: then its first `suspected` items are known to contain a *culprit*, an item
that makes every request fail. The search sends the first half of these, one request at a time:

    delivered    the culprit is in the other half, which need not be sent as a whole
    refused      it is in this half

So a culprit among 500 items is found by nine requests, and all items before it are delivered, in order. What is left
behind it is an ordinary batch again. The culprit *waits alone* for evidence: see `evidence.py`.

Example: a batch of eight items a to h, of which d and f are refused.

    a b c d e f g h    refused: there is a culprit in a to h
    a b c d            refused: in a to d
    a b                delivered: in c d
    c                  delivered: it is d, by elimination
    d                  refused, twice: dead-lettered
    e f g h            the rest, sent while d waits: refused
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from connector.core.evidence import NO_EVIDENCE, Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Items in order, at least one."""

    items: tuple[T, ...]
    suspected: int = 0
    """How many items, from the first on, contain a culprit; 0: it is not suspect; 1: its only item waits alone."""
    by_failure: bool = False
    """Whether failures (5xx, timeouts) made it suspect, or the batch that it is the rest of: one more is enough."""
    evidence: Evidence = NO_EVIDENCE
    is_sample: bool = False
    """Whether its next request has its first item only: see `next_sample`."""
    backoffs: int = 0
    """Failures in a row, for the next wait."""
    token_refusals: int = 0
    alone_since: float | None = None
    """When its one item was left alone."""

    @property
    def is_ordinary(self) -> bool:
        """Whether nothing is suspected: it is sent as a whole."""
        return not self.suspected

    @property
    def is_alone(self) -> bool:
        """Whether its one item waits alone."""
        return self.suspected == 1

    @property
    def next_request(self) -> tuple[T, ...]:
        """The items of its next request."""
        if self.is_sample:
            return self.items[:1]
        return self.items[: self.suspected // 2] if self.suspected > 1 else self.items

    def suspect(self, evidence: Evidence, now: float, *, by_failure: bool = False) -> Batch[T]:
        """Return it as a suspect, because its last request failed as a whole: all of it, or the part that was sent."""
        suspected = len(self.next_request)
        if self.is_alone:  # maybe because the others have left
            return replace(self, evidence=evidence, alone_since=now if self.alone_since is None else self.alone_since)
        if self.is_ordinary:
            evidence = evidence.batch_failed()
        return replace(
            self,
            is_sample=False,
            suspected=suspected,
            by_failure=by_failure,
            evidence=evidence,
            backoffs=0,
            token_refusals=0,
            alone_since=now if suspected == 1 else None,
        )

    def next_sample(self, *, ordered: bool) -> Batch[T]:
        """Return what probes a target that is down after this batch has failed: in turns all of it and one item.

        If an item in it always fails, or if the platform can't take requests of this size, a probe with all items would
        always fail. Each sample is another item, unless order forbids that. A search starts over.
        """
        items = self.items[1:] + self.items[:1] if self.is_sample and not ordered else self.items
        return replace(self, items=items, suspected=0, is_sample=not self.is_sample and len(items) > 1)

    def after_delivery(self) -> Batch[T] | None:
        """Return what is left after its next request was delivered; None: nothing."""
        sent = len(self.next_request)
        if sent == len(self.items):
            return None
        return replace(
            self,
            items=self.items[sent:],
            is_sample=False,
            suspected=max(0, self.suspected - sent),
            backoffs=0,
            token_refusals=0,
        )

    def keep(self, keeps: Callable[[T], bool]) -> Batch[T] | None:
        """Return it with those items only for which `keeps` is true; None: there are none.

        If the culprit may be among the items that are gone, the others are still under suspicion: only a request tells.
        """
        items = tuple(item for item in self.items if keeps(item))
        if len(items) == len(self.items):
            return self
        if not items:
            return None
        suspected = sum(map(keeps, self.items[: self.suspected]))
        return replace(self, items=items, suspected=suspected, evidence=self.evidence.refuted())

    def separate(self) -> tuple[Batch[T], Batch[T] | None]:
        """Return the culprit of a suspect whose search has ended, and the ordinary batch of what stands behind it.

        Nothing is known against the latter.
        """
        culprit = replace(self, items=self.items[:1])
        if len(self.items) == 1:
            return culprit, None
        evidence = Evidence(failed_at=self.evidence.failed_at, controls_before=self.evidence.controls_before)
        return culprit, Batch(self.items[1:], by_failure=self.by_failure, evidence=evidence)
