"""What must become of an odd record, and whether it did: each route, or each of its elements, has exactly one outcome.

The rules are written down here once more, apart from the mapping: how many outcomes there are follows from the record.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from connector.config.loading import load
from connector.core.errors import DecodeError
from connector.core.letters import REASONS
from connector.core.record import DEAD_LETTERS, Item
from connector.decode import decode_json
from connector.mapping.conditions import compile_where
from connector.mapping.location import Location
from connector.settings.problems import Problems
from tests.support.odd_records import CONFIG, OddRecord, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.core.record import Record
    from connector.mapping.mapper import Mapper

_DEEPEST_COPY = 300
"""Deeper values of odd_records.py can't be copied for a transform."""
_LONGEST_NUMBER = 400
"""Longer text is no number, whatever is in it."""
_SHORTEST_TEXT = 6
"""Shorter texts of a record may be words of a message by chance."""


class OddOutcomes:
    """Maps odd records both ways, and asserts what must be so."""

    def __init__(self) -> None:
        loaded = load(CONFIG, {})
        self.routes = loaded.config.routes
        self._ways = [load(CONFIG, {}).mapping.mapper("cluster", projected=projected) for projected in (True, False)]
        self._wanted = {route.name: _wanted(route.where) for route in self.routes}
        self.seen: Counter[tuple[str, str]] = Counter()
        """By route and outcome: what happened at all."""

    def map(self, odd: OddRecord) -> Sequence[Item]:
        """Return the items of a record."""
        fast, general = self._ways
        record, clean = odd
        made, skipped = _counted(fast, record)
        if clean is not None and record.topic == "shop.orders":
            expected, also = _counted(general, record.replace(value=clean))
            expected = [item.replace(record=_as(item.record, record)) for item in expected]
        else:
            expected, also = _counted(general, record)
            clean = record.value
        assert (list(made), skipped) == (list(expected), also), record.offset
        assert (fast.identity_invalid, fast.omitted) == (general.identity_invalid, general.omitted), record.offset
        self._check(record.replace(value=clean), made, skipped)
        return made

    def _check(self, record: Record, items: Sequence[Item], skipped: Counter[tuple[str, str]]) -> None:
        texts = _texts(record.value) if any(item.failure for item in items) else set()
        for item in items:
            _check_item(item, record, texts)
        routes = [route for route in self.routes if record.topic in route.topics]
        if record.value is None or not routes:
            assert (len(items), skipped.total()) == (0, 0)
            return
        try:
            value = decode_json(record.value)
        except DecodeError:
            [letter] = items
            assert (letter.route, letter.failure and letter.failure.reason) == ("", "decode_failed")
            self.seen["", "decode_failed"] += 1
            return
        by_route: Counter[str] = Counter(item.route for item in items)
        for route in routes:
            outcomes = by_route.pop(route.name, 0) + skipped[route.name, route.to]
            assert outcomes == self._expected(route, value, record), (route.name, record.offset)
            self.seen[route.name, "skipped"] += skipped[route.name, route.to]
        assert not by_route
        for item in items:
            self.seen[item.route, item.failure.reason if item.failure else "item"] += 1

    def _expected(self, route: Any, value: Any, record: Record) -> int:  # noqa: ANN401 - a route of the config; JSON
        """Return how many outcomes a record must have by one route."""
        if route.name == "python":
            return _expected_of_transform(value)
        if route.for_each is not None:
            return _expected_of_elements(route, value)
        return self._wanted[route.name](value, record)


def _wanted(where: Any) -> Callable[[Any, Record], int]:  # noqa: ANN401 - a piece of the config
    """Return 1 for a record that a route wants; one dead letter is 1 as well: headers that can't be read may decide."""
    if where is None:
        return lambda _value, _record: 1
    if any("$item" in key for key in where):
        return lambda _value, _record: 1
    holds = compile_where(where, Location(Problems(), ())).get
    return lambda value, record: 1 if holds(value, record) else 0


def _expected_of_transform(value: Any) -> int:  # noqa: ANN401 - JSON
    if _depth(value) > _DEEPEST_COPY:
        return 1  # transform_failed
    try:
        made = parts(value)
    except (KeyError, TypeError):
        return 1  # transform_failed
    return len(made) if isinstance(made, list) else 1  # None is counted as skipped


def _depth(value: Any) -> int:  # noqa: ANN401 - JSON
    depth, level = 0, [value]
    while level := [inner for each in level if isinstance(each, (list, dict)) for inner in _inside(each)]:
        depth += 1
    return depth


def _inside(value: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _expected_of_elements(route: Any, value: Any) -> int:  # noqa: ANN401 - a route of the config; JSON
    value = _parsed(value)
    lines = value.get("lines") if isinstance(value, dict) else None
    if route.name == "some-lines":
        if not isinstance(value, dict) or value.get("status") != "PAID":
            return 0
        if lines is None or (isinstance(lines, str) and not lines.strip()):
            return 0
        lines = lines if isinstance(lines, list) else [lines]
        return sum(_is_positive(_entry(line, "qty")) for line in lines if line is not None)
    lines = _parsed(lines)
    if lines is None or (isinstance(lines, str) and not lines.strip()):
        return 0
    return sum(line is not None for line in lines) if isinstance(lines, list) else 1


def _entry(value: Any, name: str) -> Any:  # noqa: ANN401 - JSON
    value = _parsed(value)
    return value.get(name) if isinstance(value, dict) else None


def _is_positive(value: Any) -> bool:  # noqa: ANN401 - JSON
    try:
        scalar = not isinstance(value, (bool, list, dict)) and value is not None
        return scalar and len(str(value)) <= _LONGEST_NUMBER and float(value) > 0
    except ValueError:
        return False


def _parsed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what text holds as JSON, if that is an object or a list; the value itself otherwise."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["} and value.strip()[-1:] in {"}", "]"}:
        try:
            return decode_json(value.encode())
        except (DecodeError, UnicodeEncodeError):
            return value
    return value


def _counted(mapper: Mapper, record: Record) -> tuple[Sequence[Item], Counter[tuple[str, str]]]:
    before = mapper.skipped.copy()
    items = mapper.items(record)
    return items, mapper.skipped - before


def _as(made: Record, record: Record) -> Record:
    """Return the record of an item, elements included, with the value of another record."""
    return made.replace(value=record.value) if type(made) is type(record) else made


def _check_item(item: Item, record: Record, texts: set[str]) -> None:
    assert item.record.replace(value=None) == record.replace(value=None)
    if item.failure is None:
        assert item.target != DEAD_LETTERS
        body = decode_json(item.body)
        assert isinstance(orjson.loads(item.params), dict)
        assert {"identities", "thirdId", "phone", "openid", "unionid", "audienceUserId"} & body.keys()
        return
    failure = item.failure
    assert (item.target, item.body, item.params) == (DEAD_LETTERS, b"", b"")
    assert failure.reason in REASONS
    assert "mapping raised" not in failure.detail, (failure, record.offset)
    told = failure.field + failure.detail
    assert not [text for text in texts if text in told], (failure, record.offset)


def _texts(data: bytes | None) -> set[str]:
    """Return the longer texts of a record: none of them may be in what is said of it."""
    try:
        value = orjson.loads(data or b"null")
    except orjson.JSONDecodeError:
        return set()
    found, todo = set(), [value]
    while todo:
        each = todo.pop()
        if isinstance(each, str) and len(each.strip()) >= _SHORTEST_TEXT:
            found.add(each)
        elif isinstance(each, (list, dict)):
            todo += _inside(each)
    return found
