"""What a test expects, held against what the mapping has made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.decode import decode_json
from connector.workbench.testing.models import DeadLetterExpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.record import Failure, Item
    from connector.mapping.json_values import Json
    from connector.settings.problems import Path
    from connector.workbench.testing.cases import Case
    from connector.workbench.testing.models import ItemExpected

ABSENT: Final = object()
"""Stands for a value that is not there."""
_LETTER: Final = ("route", "reason", "target", "field", "detail")


@dataclass(frozen=True, slots=True)
class Made:
    """What one item says: the item, or why it is a dead letter."""

    route: str
    target: str
    item: Json
    public_params: Json
    failure: Failure | None

    @classmethod
    def of(cls, item: Item) -> Made:
        """Return what an item says."""
        if item.failure is not None:
            return cls(item.route, item.failure.target, None, None, item.failure)
        return cls(item.route, item.target, decode_json(item.body), decode_json(item.params), None)

    def as_data(self) -> dict[str, Json]:
        """Return it as a test would expect it, with everything that it says."""
        if self.failure is None:
            data = {"route": self.route, "target": self.target, "item": self.item}
            return {**data, "public_params": self.public_params}
        return {"dead_letter": self.letter()}

    def letter(self) -> dict[str, Json]:
        """Return what the dead letter says, without what is empty."""
        assert self.failure is not None  # noqa: S101 - the caller has looked
        failure = self.failure
        said = (self.route, failure.reason, failure.target, failure.field, failure.detail)
        return {name: each for name, each in zip(_LETTER, said, strict=True) if each}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in the file whose expectation was not met."""

    path: Path
    expected: Json
    """ABSENT: nothing was expected here."""
    made: Json
    """ABSENT: nothing was made here."""


def differences(case: Case, made: Sequence[Made]) -> list[Difference]:
    """Return in which places the expectation of a case was not met; none: it was."""
    at: Path = ("tests", case.index)
    if case.dead_letter is not None:
        return list(_no_such_letter(case.dead_letter, made, (*at, "expect_dead_letter")))
    at = (*at, "expect")
    if case.expected is None:
        return [Difference(at, ABSENT, [each.as_data() for each in made])]
    if len(case.expected) != len(made):
        return [Difference(at, [as_data(each) for each in case.expected], [each.as_data() for each in made])]
    found: list[Difference] = []
    for index, (expected, each) in enumerate(zip(case.expected, made, strict=True)):
        found += _of_item(expected, each, (*at, index))
    return found


def as_data(expected: ItemExpected | DeadLetterExpected) -> dict[str, Json]:
    """Return an entry of `expect` as it stands in the file."""
    data = expected.model_dump(exclude_unset=True)
    return {"dead_letter": data} if isinstance(expected, DeadLetterExpected) else data


def _of_item(expected: ItemExpected | DeadLetterExpected, made: Made, at: Path) -> Iterator[Difference]:
    is_letter = isinstance(expected, DeadLetterExpected)
    if is_letter != (made.failure is not None):
        yield Difference(at, as_data(expected), made.as_data())
    elif isinstance(expected, DeadLetterExpected):
        yield from _of_letter(expected, made, (*at, "dead_letter"))
    else:
        given, whole = as_data(expected), made.as_data()
        for name in given:
            if given[name] is not None:
                yield from of_part(given[name], whole[name], (*at, name))


def _no_such_letter(expected: DeadLetterExpected, made: Sequence[Made], at: Path) -> Iterator[Difference]:
    """Yield how the most similar dead letter differs; nothing if one is as expected."""
    letters = [list(_of_letter(expected, each, at)) for each in made if each.failure is not None]
    if letters:
        yield from min(letters, key=len)
    else:
        yield Difference(at, expected.model_dump(exclude_unset=True), [each.as_data() for each in made])


def _of_letter(expected: DeadLetterExpected, made: Made, at: Path) -> Iterator[Difference]:
    said = made.letter()
    for name, text in expected.model_dump(exclude_unset=True).items():
        if text is not None and text != said.get(name, ""):
            yield Difference((*at, name), text, said.get(name, ABSENT))


def of_part(expected: Json, made: Json, at: Path) -> Iterator[Difference]:
    """Yield where a part of an item is not as expected: entries of tables on their own, anything else as a whole."""
    if isinstance(expected, dict) and isinstance(made, dict):
        for name, each in expected.items():
            got = made.get(name, ABSENT)
            if each is None and (got is ABSENT or got is None):
                continue
            yield from of_part(each, got, (*at, name))
    elif made is ABSENT or not equal(expected, made):
        yield Difference(at, expected, made)


def equal(one: Json, other: Json) -> bool:
    """Return whether two JSON values are the same, numbers by value: 1420 is 1420.0, and neither true nor text."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(each, other[name]) for name, each in one.items())
    return type(one) is type(other) and bool(one == other)
