"""What a config makes of records, held against what an older one made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.mapping.json_values import Json
    from connector.workbench.preview.outcomes import Outcome
    from connector.workbench.testing.comparing import Made

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One record of which something else becomes."""

    before: Outcome
    after: Outcome
    texts: tuple[str, ...]
    """What is different, without a value of the record."""


def changes(before: Sequence[Outcome], after: Sequence[Outcome]) -> list[Change]:
    """Return the records of which something else becomes; both lists are about the same records."""
    pairs = zip(before, after, strict=True)
    found = [Change(old, new, tuple(dict.fromkeys(_differences(old, new)))) for old, new in pairs]
    return [change for change in found if change.texts]


def by_texts(found: Sequence[Change]) -> list[list[Change]]:
    """Return the changes by what is different, the most frequent difference first."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in found:
        groups.setdefault(change.texts, []).append(change)
    return sorted(groups.values(), key=len, reverse=True)


def _differences(old: Outcome, new: Outcome) -> Iterator[str]:
    if len(old.made) != len(new.made):
        yield f"{_words(old)} before, {_words(new)} now"
        return
    for one, other in zip(old.made, new.made, strict=True):
        yield from _between(one, other)


def _words(outcome: Outcome) -> str:
    letters = sum(made.failure is not None for made in outcome.made)
    items = len(outcome.made) - letters
    parts = [counted(items, "item")] if items else []
    parts += [counted(letters, "dead letter")] if letters else []
    return " and ".join(parts) or "skipped"


def _between(old: Made, new: Made) -> Iterator[str]:
    if (old.failure is None) != (new.failure is None) or old.failure is not None:
        one, other = _letter(old), _letter(new)
        if one != other:
            yield f"{one} before, {other} now"
        return
    if (old.route, old.target) != (new.route, new.target):
        yield f"{_letter(old)} before, {_letter(new)} now"
    where = f"{new.route} → {new.target}"
    for path in _differing(old.item, new.item, ""):
        yield f"{where}: {path}"
    for path in _differing(old.public_params, new.public_params, "public_params."):
        yield f"{where}: {path}"


def _letter(made: Made) -> str:
    if made.failure is None:
        return f"an item by {made.route} → {made.target}"
    failure = made.failure
    return "a dead letter " + ": ".join(filter(None, (made.route, failure.reason, failure.field, failure.detail)))


def _differing(old: Json, new: Json, prefix: str) -> Iterator[str]:
    """Yield the paths of tables at which two values differ; lists are compared as a whole."""
    for name in dict.fromkeys((*old, *new)):
        one, other = old.get(name, _ABSENT), new.get(name, _ABSENT)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differing(one, other, f"{prefix}{name}.")
        elif one is _ABSENT:
            yield f"{prefix}{name} is new"
        elif other is _ABSENT:
            yield f"{prefix}{name} is gone"
        elif one != other or type(one) is not type(other):
            yield f"{prefix}{name}"
